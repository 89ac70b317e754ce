from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from termhub.errors import BadRequest, KeyTaken, NameTaken, StoreError
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
    database.people.end_removal(alice.number)
    again = database.add_user("alice", 2.0, "default")
    assert again.number > alice.number


def test_removing_a_user_removes_what_is_theirs(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    database.add_token(alice.number, "laptop", "t", 1.0)
    database.add_session(alice.number, "s", 1.0, 9.0, "127.0.0.1", "browser")
    database.add_link(alice.number, "l", 1.0, 9.0)
    database.add_key(alice.number, "ssh-ed25519", b"key", "SHA256:k", "laptop", 1.0)
    database.set_settings(alice.number, {"prefix": "C-a"})
    database.add_console(console(alice.number))
    database.end_console("c-aaaaaaaaaa", 20.0, "exit")
    hidden = attrs.evolve(console(alice.number), id="c-bbbbbbbbbb", name="c-bbbbbbbbbb", prepared=True)
    database.add_console(hidden)
    database.people.end_removal(alice.number)
    assert database.token("t") is None
    assert database.session("s") is None
    assert database.take_link("l") is None
    assert database.key(b"key") is None
    assert database.settings(alice.number) == {}
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


def test_a_key_opens_one_account(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    bob = database.add_user("bob", 1.0, "default")
    key = database.add_key(alice.number, "ssh-ed25519", b"one", "SHA256:1", "laptop", 3.0)
    other = database.add_key(alice.number, "ssh-rsa", b"two", "SHA256:2", "", 4.0)
    assert database.key(b"one") == (key, alice)
    assert database.key(b"three") is None
    assert database.keys(alice.number) == [key, other]
    assert database.keys(bob.number) == []
    with pytest.raises(KeyTaken, match="opens another account here") as refused:
        database.add_key(bob.number, "ssh-ed25519", b"one", "SHA256:1", "", 5.0)
    assert "alice" not in refused.value.message
    assert "laptop" not in refused.value.message
    with pytest.raises(KeyTaken, match=r"opens your account already\. It is called 'laptop'"):
        database.add_key(alice.number, "ssh-ed25519", b"one", "SHA256:1", "", 5.0)
    database.touch_key(key.number, 7.0)
    assert database.keys(alice.number)[0] == attrs.evolve(key, last_used=7.0)
    assert not database.remove_key(bob.number, key.number)
    assert database.remove_key(alice.number, key.number)
    assert not database.remove_key(alice.number, key.number)
    assert database.key(b"one") is None
    assert database.add_key(bob.number, "ssh-ed25519", b"one", "SHA256:1", "", 6.0).user == bob.number


def test_a_user_has_a_bounded_number_of_keys(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    for number in range(100):
        database.add_key(alice.number, "ssh-ed25519", b"%d" % number, "SHA256:x", "", 1.0)
    with pytest.raises(BadRequest, match="100 keys already"):
        database.add_key(alice.number, "ssh-ed25519", b"one more", "SHA256:x", "", 1.0)
    assert len(database.keys(alice.number)) == 100


def test_settings_are_each_users_own(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    bob = database.add_user("bob", 1.0, "default")
    assert database.settings(alice.number) == {}
    first = {"prefix": "C-a", "status": False, "panes": [1, {"size": 0.5}], "name": "caf\u00e9"}
    database.set_settings(alice.number, first)
    assert database.settings(alice.number) == first
    database.set_settings(alice.number, {"prefix": "C-b"})
    assert database.settings(alice.number) == {"prefix": "C-b"}
    assert database.settings(bob.number) == {}


def test_settings_are_bounded_json(database: Database) -> None:
    alice = database.add_user("alice", 1.0, "default")
    database.set_settings(alice.number, {"x": "a" * 16_000})
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for wrong in ({"x": "a" * 16_400}, {"x": object()}, {"x": float("nan")}, {"x": deep}):
        with pytest.raises(BadRequest) as refused:
            database.set_settings(alice.number, wrong)
        assert refused.value.code == "bad_settings"
    assert database.settings(alice.number) == {"x": "a" * 16_000}
    with pytest.raises(StoreError, match="no more"):
        database.set_settings(alice.number + 1, {})


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
    database.set_control(record.id, "owner")
    database.end_console(record.id, 20.0, "exit")
    database.end_console(record.id, 30.0, "later")
    assert database.console(record.id) == attrs.evolve(
        record, name="work", prepared=False, ended=20.0, reason="exit", control="owner"
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
