from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from termhub.errors import NoSuchConsole, NotAllowed, TooMany
from termhub.store import ConsoleRecord, Database, Role, Share, Sharing, User, threaded
from termhub.store.chats import MAX_MESSAGES

MAIN = "c-aaaaaaaaaa"
OTHER = "c-bbbbbbbbbb"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "a.db")
    for number, name in enumerate(("alice", "bob", "carol"), start=1):
        assert database.add_user(name, 1.0, "default", "secret hash").number == number
    for id, name in ((MAIN, "main"), (OTHER, "other")):
        database.add_console(ConsoleRecord(id, 1, name, "python", "3.11", created=1.0))
    yield database
    database.close()


def link(id: str = "s-1", role: Role = "writer", console: str = MAIN, **fields: object) -> Share:
    values = {"created_by": 1, "created": 10.0, "expires": 100.0, "hash": f"hash of {id}", **fields}
    return Share(id, console, role, **values)  # type: ignore[arg-type]


def counts(database: Database, table: str) -> int:
    (count,) = database._connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def test_a_share_is_kept_as_it_is(database: Database) -> None:
    share = link(uses_left=3, passphrase_hash="p")
    assert database.shares.add(share, None, 50) == Sharing(MAIN, (share,))
    assert database.shares.all(20.0) == [Sharing(MAIN, (share,))]
    assert (share.is_link, share.has_passphrase) == (True, True)
    named = link("s-2", hash=None, label="bob")
    sharing = database.shares.add(named, 2, 50)
    assert sharing.shares == (share, named)
    (member,) = sharing.members
    assert (member.share, member.console, member.role, member.joined) == ("s-2", MAIN, "writer", 10.0)
    # Whom a share let in is known by number and name; their password's hash is nobody's business.
    assert member.user == User(2, "bob", 1.0, "default")


def test_a_use_is_taken_with_the_membership_or_not_at_all(database: Database) -> None:
    database.shares.add(link(uses_left=1), None, 50)
    with pytest.raises(TooMany, match="0 members"):
        database.shares.take("s-1", 20.0, None, "Ann", "g", 0)
    assert counts(database, "guests") == 0
    guest, sharing = database.shares.take("s-1", 20.0, None, "Ann", "g", 1000)
    assert (guest.number, guest.is_guest, guest.created) == (-1, True, 20.0)
    assert sharing.shares[0].uses_left == 0
    again, sharing = database.shares.take("s-1", 21.0, guest.number, "", "", 1000)
    assert (again, len(sharing.members)) == (guest, 1)
    with pytest.raises(NotAllowed, match="used up"):
        database.shares.take("s-1", 21.0, 2, "", "", 1000)
    with pytest.raises(NotAllowed, match="used up"):
        database.shares.take("s-1", 21.0, None, "Bea", "h", 1000)
    assert counts(database, "guests") == 1


def test_nobody_comes_by_what_is_over_or_without_being_somebody(database: Database) -> None:
    database.shares.add(link(), None, 50)
    for id, now, user in (("s-1", 100.0, 2), ("s-9", 20.0, 2), ("s-1", 20.0, 99), ("s-1", 20.0, -99)):
        with pytest.raises(NotAllowed) as refused:
            database.shares.take(id, now, user, "", "", 1000)
        assert refused.value.code == "no_such_share"


def test_guests_are_known_by_hash_as_long_as_a_share_knows_them(database: Database) -> None:
    database.shares.add(link(), None, 50)
    user, _ = database.shares.take("s-1", 20.0, None, "Ann", "g", 1000)
    guest = database.shares.guest("g")
    assert guest is not None
    assert (guest.user, guest.last_seen) == (user, 20.0)
    database.shares.touch_guest(guest.number, 30.0)
    assert database.shares.guest("g") == attrs.evolve(guest, last_seen=30.0)
    assert database.shares.guest("h") is None
    assert database.shares.remove(MAIN, "s-1", 40.0) == Sharing(MAIN)
    assert database.shares.guest("g") is None
    database.shares.add(link("s-2"), None, 50)
    later, _ = database.shares.take("s-2", 50.0, None, "Bea", "h", 1000)
    assert later.number != user.number


def test_a_member_who_was_removed_stays_removed(database: Database) -> None:
    database.shares.add(link(), None, 50)
    database.shares.take("s-1", 20.0, 2, "", "", 1000)
    (member,) = database.shares.all(20.0)[0].members
    assert database.shares.remove_member(OTHER, member.number, 20.0) is None
    sharing = database.shares.remove_member(MAIN, member.number, 20.0)
    assert sharing is not None
    assert sharing.members == ()
    assert database.shares.remove_member(MAIN, member.number, 20.0) is None
    assert database.shares.set_role(MAIN, member.number, "owner", 20.0) is None
    with pytest.raises(NotAllowed, match="sent away"):
        database.shares.take("s-1", 20.0, 2, "", "", 1000)


def test_a_share_with_an_account_goes_with_its_member(database: Database) -> None:
    database.shares.add(link(hash=None, label="bob"), 2, 50)
    (member,) = database.shares.all(20.0)[0].members
    assert database.shares.remove_member(MAIN, member.number, 20.0) == Sharing(MAIN)
    database.shares.add(link(hash=None, label="bob"), 2, 50)
    database.people.end_removal(2)
    assert database.shares.all(20.0) == []


def test_only_owners_make_shares_that_count(database: Database) -> None:
    with pytest.raises(NotAllowed):
        database.shares.add(link(created_by=2), None, 50)
    database.shares.add(link("s-2", "writer", hash=None, label="bob"), 2, 50)
    with pytest.raises(NotAllowed):
        database.shares.add(link("s-3", created_by=2), None, 50)
    (member,) = database.shares.all(20.0)[0].members
    database.shares.set_role(MAIN, member.number, "owner", 20.0)
    database.shares.add(link("s-3", created_by=2), None, 50)
    with pytest.raises(NotAllowed):
        database.shares.add(link("s-4", console=OTHER, created_by=2), None, 50)
    sharing = database.shares.remove(MAIN, "s-2", 20.0)
    assert sharing == Sharing(MAIN)
    assert counts(database, "shares") == 0


def test_accounts_that_are_no_more_neither_share_nor_come(database: Database) -> None:
    for share, user in ((link(created_by=99), None), (link(hash=None, label="dave"), 99)):
        with pytest.raises(NotAllowed):
            database.shares.add(share, user, 50)
    assert database.shares.all(20.0) == []


def test_what_is_over_is_forgotten(database: Database) -> None:
    database.shares.add(link("s-1", expires=50.0), None, 50)
    database.shares.add(link("s-2", console=OTHER), None, 50)
    database.shares.take("s-1", 20.0, None, "Ann", "g", 1000)
    database.shares.all(49.0)
    assert counts(database, "shares") == 2
    database.shares.all(50.0)
    assert (counts(database, "shares"), counts(database, "members"), counts(database, "guests")) == (1, 0, 0)


def test_all_goes_with_the_console(database: Database) -> None:
    database.shares.add(link(), None, 50)
    database.shares.take("s-1", 20.0, None, "Ann", "g", 1000)
    database.chats.add(MAIN, 20.0, "Ann", "hello")
    database.remove_console(MAIN)
    assert [counts(database, table) for table in ("shares", "members", "guests", "chat")] == [0, 0, 0, 0]
    with pytest.raises(NoSuchConsole):
        database.shares.add(link(), None, 50)


def test_a_console_has_so_many_shares(database: Database) -> None:
    database.shares.add(link("s-1", expires=50.0), None, 2)
    database.shares.add(link("s-2"), None, 2)
    with pytest.raises(TooMany):
        database.shares.add(link("s-3"), None, 2)
    # What is over does not count.
    database.shares.add(link("s-3", created=50.0), None, 2)


def test_changes_of_others_are_noticed(database: Database) -> None:
    before = database.changes()
    database.shares.add(link(), None, 50)
    assert database.changes() == before
    other = Database(database.path)
    other.add_user("dave", 1.0, "default")
    other.close()
    assert database.changes() != before


def test_chat_is_kept_in_order(database: Database) -> None:
    said = [database.chats.add(MAIN, float(n), "alice", f"message {n}") for n in range(1, 6)]
    assert [message.number for message in said] == [1, 2, 3, 4, 5]
    assert database.chats.before(MAIN) == said
    assert database.chats.before(MAIN, limit=2) == said[3:]
    assert database.chats.before(MAIN, 4, limit=2) == said[1:3]
    assert database.chats.before(OTHER) == []
    assert database.chats.add(OTHER, 9.0, "bob", "first").number == 1
    with pytest.raises(NoSuchConsole):
        database.chats.add("c-cccccccccc", 9.0, "bob", "nowhere")


def test_chat_is_kept_up_to_a_number(database: Database) -> None:
    database._connection.execute("BEGIN")
    database._connection.executemany(
        "INSERT INTO chat VALUES (?, ?, 1.0, 'alice', 'x')", [(MAIN, n) for n in range(1, MAX_MESSAGES + 1)]
    )
    database._connection.execute("COMMIT")
    assert database.chats.add(MAIN, 2.0, "alice", "last").number == MAX_MESSAGES + 1
    kept = database.chats.before(MAIN, limit=MAX_MESSAGES + 10)
    assert (len(kept), kept[0].number, kept[-1].text) == (MAX_MESSAGES, 2, "last")


def test_the_store_of_the_hub_has_all_of_it() -> None:
    for name in ("sharing", "take_share", "add_chat", "chat", "guest"):
        assert getattr(threaded.AsyncStore, name).__doc__
