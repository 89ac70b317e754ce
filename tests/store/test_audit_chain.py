"""The chain of the audit log: each kind of tampering is found, at the first entry that it touches."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from termhub.store import AuditEntry
from termhub.store.audit import START, chained
from termhub.store.audit_chain import Chain


def log(count: int) -> list[AuditEntry]:
    entries, head = [], START
    for number in range(1, count + 1):
        entry = AuditEntry(number, number + 0.5, "alice", "user.plan", f"u{number}", "{}", "192.0.2.1", "")
        head = chained(head, entry)
        entries.append(attrs.evolve(entry, hash=head))
    return entries


def followed(entries: list[AuditEntry], noted: str | None = None) -> Chain:
    chain = Chain(noted)
    half = len(entries) // 2
    chain.follow(entries[:half])
    chain.follow(entries[half:])
    return chain


def test_a_log_as_it_was_written() -> None:
    entries = log(10)
    chain = followed(entries)
    assert (chain.is_whole, chain.count, chain.head) == (True, 10, entries[-1].hash)
    assert followed([]).is_whole
    assert followed([], START).is_whole


def test_every_field_counts() -> None:
    changes = {
        "time": 0.0,
        "actor": "bob",
        "action": "x",
        "subject": "y",
        "detail": '{"a":1}',
        "address": "",
        "hash": "0" * 64,
    }
    for name, value in changes.items():
        entries = log(6)
        entries[3] = attrs.evolve(entries[3], **{name: value})
        chain = followed(entries)
        assert chain.broken is not None, name
        assert (chain.broken.number, chain.count) == (4, 3)


def test_an_entry_whose_hash_was_made_anew_breaks_the_next() -> None:
    entries = log(6)
    forged = attrs.evolve(entries[2], subject="somebody else")
    entries[2] = attrs.evolve(forged, hash=chained(entries[1].hash, forged))
    broken = followed(entries).broken
    assert broken is not None
    assert broken.number == 4


def test_removed_and_reordered_entries() -> None:
    entries = log(6)
    broken = followed(entries[:2] + entries[3:]).broken
    assert broken is not None
    assert (broken.number, "behind 2 and before it" in broken.why) == (4, True)
    assert followed(entries[1:]).broken is not None
    entries[2], entries[3] = attrs.evolve(entries[3], number=3), attrs.evolve(entries[2], number=4)
    broken = followed(entries).broken
    assert broken is not None
    assert broken.number == 3


def test_what_was_cut_off_shows_against_a_hash_noted_before() -> None:
    entries = log(6)
    noted = entries[4].hash
    assert followed(entries, noted).is_whole  # it has grown since
    cut = followed(entries[:4], noted)
    assert (cut.broken, cut.has_noted, cut.is_whole) == (None, False, False)


@given(st.data())
def test_no_other_sequence_of_the_entries_is_whole(data: st.DataObject) -> None:
    entries = log(5)
    chosen = data.draw(st.lists(st.sampled_from(entries), max_size=7))
    chain = followed(chosen, entries[-1].hash)
    assert chain.is_whole == (chosen == entries)
