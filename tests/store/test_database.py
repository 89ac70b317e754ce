from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from termhub.errors import NameTaken, StoreError
from termhub.store import ConsoleRecord, Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "a.db")
    yield database
    database.close()


def console(owner: int, id: str = "c-aaaaaaaaaa", name: str = "main") -> ConsoleRecord:
    return ConsoleRecord(id, owner, name, "python", "3.11", created=10.0)


def test_users_are_found_by_name_and_number(database: Database) -> None:
    alice = database.add_user("alice", 1.5, "default", "hash")
    bob = database.add_user("bob", 2.5, "big")
    assert database.user_named("alice") == alice == database.user(alice.number)
    assert (alice.created, alice.plan, alice.password_hash) == (1.5, "default", "hash")
    assert database.users() == [alice, bob]
    assert database.user_named("carol") is None
    database.set_password(bob.number, "other")
    assert database.user(bob.number) == attrs.evolve(bob, password_hash="other")


def test_a_user_name_is_given_once(database: Database) -> None:
    database.add_user("alice", 1.0, "default")
    with pytest.raises(NameTaken, match="already a user alice"):
        database.add_user("alice", 2.0, "default")


def test_a_removed_users_number_is_never_given_again(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    database.remove_user(alice.number)
    again = database.add_user("alice", 2.0, "default")
    assert again.number > alice.number


def test_removing_a_user_removes_what_is_theirs(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    database.add_token(alice.number, "laptop", "t", 1.0)
    database.add_session(alice.number, "s", 1.0, 9.0, "127.0.0.1", "browser")
    database.add_link(alice.number, "l", 1.0, 9.0)
    database.add_console(console(alice.number))
    with pytest.raises(StoreError, match="running consoles: main"):
        database.remove_user(alice.number)
    assert database.token("t") is not None
    database.end_console("c-aaaaaaaaaa", 20.0, "exit")
    database.remove_user(alice.number)
    assert database.token("t") is None
    assert database.session("s") is None
    assert database.take_link("l") is None
    assert database.consoles() == []


def test_tokens_belong_to_their_user(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    bob = database.add_user("bob", 1.0, "default")
    token = database.add_token(alice.number, "laptop", "hash", 3.0)
    assert database.token("hash") == (token, alice)
    database.touch_token(token.number, 7.0)
    assert database.tokens(alice.number) == [attrs.evolve(token, last_used=7.0)]
    assert database.tokens(bob.number) == []
    assert not database.remove_token(bob.number, token.number)
    assert database.remove_token(alice.number, token.number)
    assert database.token("hash") is None


def test_sessions_slide_and_expired_ones_go_with_the_next_login(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    first = database.add_session(alice.number, "first", 1.0, 10.0, "::1", "a")
    database.touch_session(first.number, 5.0, 15.0)
    found = database.session("first")
    assert found == (attrs.evolve(first, last_seen=5.0, expires=15.0), alice)
    second = database.add_session(alice.number, "second", 14.0, 24.0, "::1", "b")
    assert [s.number for s in database.sessions(alice.number)] == [second.number, first.number]
    database.add_session(alice.number, "third", 15.0, 25.0, "::1", "c")
    assert database.session("first") is None
    assert database.remove_session(alice.number, second.number)
    assert not database.remove_session(alice.number, second.number)


def test_a_link_is_taken_once(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    link = database.add_link(alice.number, "hash", 1.0, 10.0)
    assert database.take_link("hash") == (link, alice)
    assert database.take_link("hash") is None


def test_console_records(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    bob = database.add_user("bob", 1.0, "default")
    record = attrs.evolve(console(alice.number), prepared=True)
    assert database.add_console(record) == record
    other = database.add_console(console(bob.number, "c-bbbbbbbbbb"))
    assert database.consoles() == [record, other]
    assert database.consoles(bob.number) == [other]
    with pytest.raises(NameTaken, match="already have a console named main"):
        database.add_console(console(alice.number, "c-cccccccccc"))
    database.rename_console(record.id, "work")
    assert database.console(record.id) == attrs.evolve(record, name="work", prepared=False)
    database.end_console(record.id, 20.0, "exit")
    database.end_console(record.id, 30.0, "later")
    assert database.console(record.id) == attrs.evolve(
        record, name="work", prepared=False, ended=20.0, reason="exit"
    )
    database.add_console(console(alice.number, "c-cccccccccc"))
    with pytest.raises(NameTaken):
        database.rename_console("c-cccccccccc", "work")
    database.remove_console(record.id)
    assert database.console(record.id) is None


def test_two_processes_share_the_file(tmp_path: Path, database: Database) -> None:
    second = Database(tmp_path / "a.db")
    alice = second.add_user("alice", 1.0, "default")
    assert database.user_named("alice") == alice
    second.close()


def test_secrets_do_not_show_in_logs(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default", "argon-hash")
    token = database.add_token(alice.number, "x", "token-hash", 1.0)
    assert "argon-hash" not in repr(alice)
    assert "token-hash" not in repr(token)
