"""Accounts for administrators: listed by pages, never without one who looks after the hub; removals."""

from pathlib import Path

import pytest

from termhub.errors import BadRequest, NotAllowed
from termhub.store import ConsoleRecord, Database, Removal, Share, User


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "a.db")


@pytest.fixture
def alice(database: Database) -> User:
    return database.add_user("alice", 1.0, "pro", "hash", is_admin=True)


@pytest.fixture
def bob(database: Database) -> User:
    return database.add_user("bob", 2.0, "free")


def test_pages_by_name_with_the_time_of_last_use(database: Database, alice: User, bob: User) -> None:
    database.add_user("carol", 3.0, "free")
    database.add_session(bob.number, "s", 5.0, 100.0, "", "")
    token = database.add_token(bob.number, "", "t", 5.0)
    database.touch_token(token.number, 9.0)
    first = database.people.after("", 2)
    assert [(each.user.name, each.last_seen) for each in first] == [("alice", None), ("bob", 9.0)]
    assert [each.user.name for each in database.people.after("bob", 2)] == ["carol"]
    assert database.people.after("carol", 2) == []
    assert database.people.named("bob").user == database.user(bob.number)
    with pytest.raises(BadRequest):
        database.people.named("nobody")


def test_changes_leave_the_rest_as_it_is(database: Database, alice: User, bob: User) -> None:
    changed = database.people.change(bob.number, 7.0, plan="plus")
    assert (changed.plan, changed.is_admin, changed.suspended) == ("plus", False, None)
    assert database.people.change(bob.number, 8.0, suspended=True).suspended == 8.0
    assert database.people.change(bob.number, 9.0, suspended=True, is_admin=True).suspended == 8.0
    changed = database.people.change(bob.number, 10.0, suspended=False)
    assert (changed.plan, changed.is_admin, changed.suspended) == ("plus", True, None)
    with pytest.raises(BadRequest):
        database.people.change(99, 1.0, plan="plus")


def test_somebody_always_looks_after_the_hub(database: Database, alice: User, bob: User) -> None:
    with pytest.raises(NotAllowed) as refused:
        database.people.change(alice.number, 1.0, is_admin=False)
    assert refused.value.code == "last_admin"
    with pytest.raises(NotAllowed):
        database.people.change(alice.number, 1.0, suspended=True)
    with pytest.raises(NotAllowed):
        database.people.begin_removal(alice.number, 1.0, "")
    assert database.user(alice.number) == alice
    database.people.change(bob.number, 1.0, is_admin=True)
    database.people.change(bob.number, 1.0, suspended=True)
    with pytest.raises(NotAllowed):  # who is suspended does not count
        database.people.change(alice.number, 1.0, is_admin=False)
    database.people.change(bob.number, 1.0, suspended=False)
    database.people.change(alice.number, 1.0, is_admin=False)
    database.people.begin_removal(bob.number, 1.0, "", whoever=True)


def test_an_account_that_is_being_removed_is_closed_for_good(
    database: Database, alice: User, bob: User
) -> None:
    for id, owner in (("c-bobsbobsbo", bob), ("c-alicealice", alice)):
        database.add_console(ConsoleRecord(id, owner.number, "main", "python", "3.11", created=1.0))
    links = [
        Share("s-1", "c-bobsbobsbo", "writer", bob.number, 1.0, 99.0, hash="1"),
        Share("s-2", "c-alicealice", "owner", alice.number, 1.0, 99.0, hash="2"),
        Share("s-3", "c-alicealice", "writer", bob.number, 1.0, 99.0, hash="3"),
    ]
    with_bob = Share("s-4", "c-alicealice", "owner", alice.number, 1.0, 99.0, label="bob")
    database.shares.add(with_bob, bob.number, 10)
    for each in links:
        database.shares.add(each, None, 10)
    database.set_password(bob.number, "hash")
    database.add_token(bob.number, "", "t", 1.0)
    database.add_session(bob.number, "s", 1.0, 99.0, "", "")
    database.add_link(bob.number, "l", 1.0, 99.0)
    database.add_key(bob.number, "ssh-ed25519", b"blob", "SHA256:x", "", 1.0)

    assert database.people.begin_removal(bob.number, 3.0, "alice")
    assert not database.people.begin_removal(bob.number, 4.0, "somebody else")

    closed = database.user(bob.number)
    assert closed is not None
    assert (closed.suspended, closed.password_hash) == (3.0, None)
    for kind in (database.tokens, database.sessions, database.keys):
        assert not kind(bob.number)
    assert database.take_link("l") is None
    (left,) = database.shares.all(2.0)
    assert ([share.id for share in left.shares], left.members) == (["s-2"], ())
    assert database.people.removals() == [Removal(bob.number, "bob", "alice")]
    with pytest.raises(NotAllowed):
        database.people.change(bob.number, 5.0, suspended=False)
    database.people.end_removal(bob.number)
    assert database.people.removals() == []
    assert database.user(bob.number) is None
    assert database.consoles(bob.number) == []
