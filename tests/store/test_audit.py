"""The audit log: append-only and chained."""

import sqlite3
from pathlib import Path

import pytest

from termhub.store import Database
from termhub.store.audit import START, chained


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "a.db")


def test_entries_are_chained(database: Database) -> None:
    first = database.audit.append(1.5, "alice", "user.suspend", "bob", {"why": "unpaid"}, "192.0.2.1")
    second = database.audit.append(2.5, "", "hub.start", "", {})
    assert (first.number, first.hash) == (1, chained(START, first))
    assert (second.number, second.hash) == (2, chained(first.hash, second))
    assert database.audit.entries() == [first, second]
    assert database.audit.entries(after=1) == [second]
    assert database.audit.newest(None, 1) == [second]
    assert database.audit.newest(2, 5) == [first]


@pytest.mark.parametrize("sql", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
def test_entries_stay(database: Database, tmp_path: Path, sql: str) -> None:
    entry = database.audit.append(1.5, "alice", "user.suspend", "bob", {})
    with (
        sqlite3.connect(tmp_path / "a.db") as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(sql)
    assert database.audit.entries() == [entry]


def test_every_field_is_covered(database: Database) -> None:
    import attrs

    entry = database.audit.append(1.5, "alice", "user.suspend", "bob", {"a": 1}, "192.0.2.1")
    for name, other in {
        "number": 2,
        "time": 1.25,
        "actor": "eve",
        "action": "user.resume",
        "subject": "carol",
        "detail": "{}",
        "address": "",
    }.items():
        assert chained(START, attrs.evolve(entry, **{name: other})) != entry.hash  # type: ignore[arg-type]
    assert chained("1" * 64, entry) != entry.hash
