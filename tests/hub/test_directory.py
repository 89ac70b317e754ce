"""Who gets which console, by which name, and what follows when that changes."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from termhub.errors import NoSuchConsole, NotAllowed
from termhub.hub.directory import Directory
from termhub.hub.invitations import invitation
from termhub.store import ConsoleRecord, Database, Role, User
from tests.support.hub_fakes import make_console
from tests.support.stores import AccountsOfTest, InlineStore

T = TypeVar("T")


def result(call: Coroutine[Any, Any, T]) -> T:
    values: list[Any] = []
    Deferred.fromCoroutine(call).addBoth(values.append)
    assert len(values) == 1
    return values[0]  # type: ignore[no-any-return]


class Here:
    """A directory with two consoles of alice, one of them hidden, and one of bob."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.database = Database(folder / "test.db")
        store = InlineStore(self.database)
        self.shares = AccountsOfTest(store, self.clock).shares
        self.directory = Directory(self.shares)
        self.alice, self.bob, self.carol = (
            self.database.add_user(name, 0.0, "default") for name in ("alice", "bob", "carol")
        )
        for user in (self.alice, self.bob, self.carol):
            self.directory.owner_names[user.number] = user.name
        self.main = self.add(self.alice, "c-aaaaaaaaaa", "main")
        self.hidden = self.add(self.alice, "c-bbbbbbbbbb", "c-bbbbbbbbbb", prepared=True)
        self.bobs = self.add(self.bob, "c-cccccccccc", "main")

    def add(self, owner: User, id: str, name: str, prepared: bool = False) -> Any:
        record = ConsoleRecord(id, owner.number, name, "python", "3.11", 1.0, prepared=prepared)
        self.database.add_console(record)
        console = make_console(self.clock)
        console.id, console.name, console.owner, console.is_prepared = id, name, owner.number, prepared
        self.directory.consoles[id] = console
        return console

    def share(self, role: Role, user: User | None = None, console: Any = None) -> User:
        """Share a console of alice's with an account, or with a new guest."""
        console = console or self.main
        name = None if user is None else user.name
        _, token = result(self.shares.create(console.id, self.alice, role, user=name))
        if user is not None:
            return user
        taking = self.shares.take(token or "", user=None, name="Ann", passphrase=None, address="127.0.0.1")
        return result(taking).user


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def found(here: Here, user: User, key: str, role: Role = "observer") -> Any:
    return here.directory.get(user, key, role)


def test_an_owner_finds_consoles_by_id_and_name(here: Here) -> None:
    for key in ("c-aaaaaaaaaa", "main", "alice/main"):
        assert found(here, here.alice, key, "owner") is here.main
    assert found(here, here.bob, "main", "owner") is here.bobs
    assert here.directory.of(here.alice) == [here.main]
    assert here.directory.shared(here.alice) == []


@pytest.mark.parametrize(
    "key", ["c-bbbbbbbbbb", "alice/c-bbbbbbbbbb", "other", "", "/", "alice/", "/main", "bob/main"]
)
def test_what_is_not_there(here: Here, key: str) -> None:
    with pytest.raises(NoSuchConsole):
        found(here, here.alice, key)


def test_a_shared_console_is_found_by_id_and_owner(here: Here) -> None:
    here.share("writer", here.bob)
    for key in ("c-aaaaaaaaaa", "alice/main"):
        assert found(here, here.bob, key, "writer") is here.main
    assert found(here, here.bob, "main") is here.bobs
    assert here.directory.shared(here.bob) == [here.main]
    assert here.directory.of(here.bob) == [here.bobs]
    here.main.renamed("new")
    assert found(here, here.bob, "alice/new") is here.main
    with pytest.raises(NoSuchConsole):
        found(here, here.bob, "alice/main")


def test_a_lesser_role_is_refused_and_none_is_not_there(here: Here) -> None:
    here.share("observer", here.bob)
    guest = here.share("writer")
    allowed: list[tuple[User, Role, bool]] = [
        (here.bob, "observer", True),
        (here.bob, "writer", False),
        (here.bob, "owner", False),
        (guest, "observer", True),
        (guest, "writer", True),
        (guest, "owner", False),
    ]
    for user, role, may in allowed:
        if may:
            assert found(here, user, "alice/main", role) is here.main
        else:
            with pytest.raises(NotAllowed):
                found(here, user, "alice/main", role)
    messages = set()
    for user, key in ((here.carol, "c-aaaaaaaaaa"), (here.carol, "c-zzzzzzzzzz"), (guest, "c-cccccccccc")):
        with pytest.raises(NoSuchConsole) as refused:
            found(here, user, key)
        messages.add(refused.value.message.replace(key, "KEY"))
    assert len(messages) == 1


def test_a_guest_who_is_called_as_an_owner_is_none(here: Here) -> None:
    _, token = result(here.shares.create(here.bobs.id, here.bob, "observer"))
    taken = here.shares.take(token or "", user=None, name="alice", passphrase=None, address="127.0.0.1")
    impostor = result(taken).user
    assert impostor.name == "alice"
    with pytest.raises(NoSuchConsole):
        found(here, impostor, "alice/main")
    assert found(here, impostor, "bob/main") is here.bobs
    assert here.directory.of(impostor) == []


def test_nothing_hidden_is_shared(here: Here) -> None:
    here.share("owner", here.bob, here.hidden)
    assert here.directory.shared(here.bob) == []
    assert here.directory.role_of(here.bob, here.hidden) is None
    with pytest.raises(NoSuchConsole):
        found(here, here.bob, "c-bbbbbbbbbb")


def test_a_console_that_is_no_more_gives_no_role(here: Here) -> None:
    here.share("owner", here.bob)
    del here.directory.consoles[here.main.id]
    assert here.directory.role_of(here.bob, here.main) is None
    assert here.directory.role_of(here.alice, here.main) is None
    assert here.directory.shared(here.bob) == []


def test_an_invitation_says_how_to_come() -> None:
    addresses = {"web": "https://hub.example/", "ssh": "ssh -p 2222 console@hub.example"}
    told = invitation("thsh_x", addresses)
    assert (told.url, told.ssh) == ("https://hub.example/s/thsh_x", "ssh -p 2222 thsh_x@hub.example")
    assert "thsh_x" not in repr(told)
    told = invitation("thsh_x", {})
    assert (told.url, told.ssh) == (None, None)
