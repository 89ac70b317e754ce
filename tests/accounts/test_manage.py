from collections.abc import Iterator
from pathlib import Path

import pytest

from termhub.accounts import manage
from termhub.accounts.passwords import verify_password
from termhub.errors import BadRequest, NameTaken, NotAllowed
from termhub.store import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "a.db")
    yield database
    database.close()


def test_a_user_is_added_with_a_hashed_password(database: Database) -> None:
    user = manage.add_user(database, "alice", plan="default", password="correct horse")
    assert verify_password(user.password_hash, "correct horse")
    assert user.plan == "default"
    with pytest.raises(NameTaken):
        manage.add_user(database, "alice", plan="default")


@pytest.mark.parametrize(
    "name", ["", "Alice", "a b", "a/b", "-a", ".a", "a" * 33, "alice\n", "ä", "thsh_abc"]
)
def test_names_that_cannot_be_used(database: Database, name: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a user name"):
        manage.add_user(database, name, plan="default")


def test_a_bad_password_adds_nobody(database: Database) -> None:
    with pytest.raises(BadRequest, match="8 to 1000"):
        manage.add_user(database, "alice", plan="default", password="short")
    assert database.users() == []


def test_an_unknown_user_is_said_everywhere(database: Database) -> None:
    for call in (
        lambda: manage.remove_user(database, "nobody"),
        lambda: manage.set_password(database, "nobody", None),
        lambda: manage.create_token(database, "nobody"),
        lambda: manage.revoke_token(database, "nobody", 1),
        lambda: manage.create_link(database, "nobody"),
    ):
        with pytest.raises(BadRequest, match="no user nobody"):
            call()


def test_a_user_who_is_removed_is_closed_at_once_and_gone_when_the_hub_has_cleaned_up(
    database: Database,
) -> None:
    alice = manage.add_user(database, "alice", plan="default", password="correct horse")
    manage.create_token(database, "alice")
    manage.remove_user(database, "alice")
    (closed,) = database.users()
    assert (closed.suspended is None, closed.password_hash) == (False, None)
    assert database.tokens(alice.number) == []
    (removal,) = database.people.removals()
    assert (removal.user, removal.by.partition(":")[0]) == (alice.number, "local")
    with pytest.raises(NotAllowed, match="being removed"):
        manage.change_user(database, "alice", suspended=False)


def test_what_is_done_here_is_noted(database: Database) -> None:
    manage.add_user(database, "alice", plan="default", is_admin=True)
    manage.change_user(database, "alice", plan="plus")
    manage.change_user(database, "alice", plan="plus")
    manage.set_password(database, "alice", "correct horse")
    token, secret = manage.create_token(database, "alice", "laptop", ["read"], 60)
    manage.revoke_token(database, "alice", token.number)
    link = manage.create_link(database, "alice")
    entries = database.audit.entries()
    assert [entry.action for entry in entries] == [
        "user.add",
        "user.plan",
        "password.reset",
        "token.add",
        "token.revoke",
        "user.link",
    ]
    assert {entry.actor for entry in entries} == {manage.local_name()}
    assert {entry.subject for entry in entries} == {"alice"}
    told = "".join(entry.detail for entry in entries)
    for hidden in (secret, link, "correct horse"):
        assert hidden not in told


def test_tokens_are_bounded_and_revoked_by_number(database: Database) -> None:
    manage.add_user(database, "alice", plan="default")
    numbers = [manage.create_token(database, "alice", str(n))[0].number for n in range(manage.MAX_TOKENS)]
    with pytest.raises(BadRequest, match="Revoke some"):
        manage.create_token(database, "alice")
    manage.revoke_token(database, "alice", numbers[0])
    with pytest.raises(BadRequest, match="no token"):
        manage.revoke_token(database, "alice", numbers[0])
    with pytest.raises(BadRequest, match="100 characters"):
        manage.create_token(database, "alice", "x" * 101)


def test_the_first_link_is_made_once(database: Database) -> None:
    link = manage.first_link(database, "admin")
    assert link is not None
    assert [user.name for user in database.users()] == ["admin"]
    assert manage.first_link(database, "admin") is None
