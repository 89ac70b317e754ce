"""The sandboxes for files: made when needed, shared, and ended when nobody transfers any more."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from termhub.errors import ConsoleError, NoSandbox, TermhubError, TooMany
from termhub.hub.console import Console
from termhub.hub.files import IDLE_SECONDS, SFTP_SERVER, Files
from termhub.hub.streams import Stream
from termhub.store import User
from tests.support.hub_fakes import FakeHost, SilentOwner, make_console


class Transfer:
    """A run, and what comes of it."""

    def __init__(self, started: Deferred[Stream]) -> None:
        self.stream: Stream | None = None
        self.error: TermhubError | None = None
        started.addCallbacks(self._started, self._failed)

    def _started(self, stream: Stream) -> None:
        self.stream = stream

    def _failed(self, failure: Any) -> None:
        assert isinstance(failure.value, TermhubError)
        self.error = failure.value


class Here:
    """The sandboxes of a hub, with hosts that the test plays."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.making: list[tuple[User, Deferred[Console]]] = []
        self.hosts: dict[Console, FakeHost] = {}
        self.ended: list[Console] = []
        self.files = self.new_files()

    def new_files(self) -> Files:
        return Files(self._make, self._end, self.clock, 2)

    def _make(self, user: User) -> Awaitable[Console]:
        made: Deferred[Console] = Deferred()
        self.making.append((user, made))
        return made

    async def _end(self, console: Console) -> None:
        self.ended.append(console)

    def console(self, user: User) -> Console:
        """A sandbox that runs."""
        console = make_console(self.clock, prepared=True)
        console.owner = user.number
        self.hosts[console] = FakeHost(console, self.clock)
        self.hosts[console].hello()
        self.hosts[console].take()
        return console

    def made(self) -> Console:
        """The sandbox asked for is there now."""
        user, made = self.making.pop()
        console = self.console(user)
        made.callback(console)
        return console

    def run(self, user: User, *argv: str) -> Transfer:
        return Transfer(Deferred.fromCoroutine(self.files.run(user, SilentOwner(), argv or SFTP_SERVER)))

    def answer(self, console: Console) -> list[dict[str, Any]]:
        """The host starts what it was asked to start."""
        asked = self.hosts[console].requests()
        for request in asked:
            self.hosts[console].reply(request["id"])
        return asked


ALICE = User(1, "alice", 0.0, "free")
BOB = User(2, "bob", 0.0, "free")
CAROL = User(3, "carol", 0.0, "free")


@pytest.fixture
def here() -> Here:
    return Here()


def test_first_transfer_makes_the_sandbox_and_the_next_shares_it(here):
    first, second = here.run(ALICE), here.run(ALICE)
    assert len(here.making) == 1
    console = here.made()
    assert [request["argv"] for request in here.answer(console)] == [list(SFTP_SERVER)] * 2
    third = here.run(ALICE)
    here.answer(console)
    assert all(transfer.stream for transfer in (first, second, third))
    assert here.making == []


def test_servers_are_looked_for_where_openssh_has_them(here):
    here.run(ALICE)
    (request,) = here.answer(here.made())
    assert "/usr/lib/openssh" in request["env"]["PATH"].split(":")


def test_users_have_sandboxes_of_their_own(here):
    here.run(ALICE)
    one = here.made()
    here.run(BOB)
    two = here.made()
    assert one is not two
    assert len(here.answer(one)) == len(here.answer(two)) == 1


def test_is_ended_when_it_was_idle_for_long_enough(here):
    first, second = here.run(ALICE), here.run(ALICE)
    console = here.made()
    here.answer(console)
    here.clock.advance(IDLE_SECONDS * 3)
    first.stream.close()
    here.clock.advance(IDLE_SECONDS * 3)
    assert here.ended == []
    second.stream.close()
    here.clock.advance(IDLE_SECONDS - 1)
    third = here.run(ALICE)
    here.answer(console)
    here.clock.advance(IDLE_SECONDS * 3)
    assert here.ended == []
    third.stream.close()
    here.clock.advance(IDLE_SECONDS)
    assert here.ended == [console]
    here.run(ALICE)
    assert here.made() is not console


def test_is_idle_after_a_program_that_cannot_start(here):
    transfer = here.run(ALICE, "nothing")
    console = here.made()
    (request,) = here.hosts[console].requests()
    here.hosts[console].refuse(request["id"], "cannot_start", "nothing: command not found")
    assert isinstance(transfer.error, ConsoleError)
    assert transfer.error.code == "cannot_start"
    here.clock.advance(IDLE_SECONDS)
    assert here.ended == [console]


def test_server_that_is_not_installed_is_said_with_what_to_do(here):
    transfer = here.run(ALICE)
    console = here.made()
    (request,) = here.hosts[console].requests()
    here.hosts[console].refuse(request["id"], "cannot_start", "sftp-server: command not found")
    assert transfer.error is not None
    assert transfer.error.code == "not_installed"
    assert "apt-get install openssh-sftp-server" in transfer.error.message


def test_failure_to_make_one_reaches_all_who_wait_and_the_next_tries_again(here):
    transfers = [here.run(ALICE), here.run(ALICE)]
    here.making.pop()[1].errback(NoSandbox("No."))
    assert [type(transfer.error) for transfer in transfers] == [NoSandbox] * 2
    transfer = here.run(ALICE)
    here.answer(here.made())
    assert transfer.stream


def test_who_waits_no_longer_does_not_take_it_from_others(here):
    started = Deferred.fromCoroutine(here.files.run(ALICE, SilentOwner(), SFTP_SERVER))
    started.addErrback(lambda failure: None)
    transfer = here.run(ALICE)
    started.cancel()
    here.answer(here.made())
    assert transfer.stream


def test_there_is_a_most_of_them(here):
    here.run(ALICE)
    here.made()
    here.run(BOB)
    refused = here.run(CAROL)
    assert isinstance(refused.error, TooMany)
    assert refused.error.code == "too_many_transfers"
    here.clock.advance(0)


def test_one_that_ended_is_made_again(here):
    here.run(ALICE)
    console = here.made()
    here.answer(console)
    console.has_gone("killed")
    here.files.gone(console)
    here.run(ALICE)
    assert here.made() is not console
    here.clock.advance(IDLE_SECONDS * 2)
    assert console not in here.ended


def test_next_hub_takes_over_one_and_ends_it_when_idle(here):
    console, another = here.console(ALICE), here.console(ALICE)
    assert here.files.adopt(console)
    assert not here.files.adopt(another)
    transfer = here.run(ALICE)
    here.answer(console)
    transfer.stream.close()
    here.clock.advance(IDLE_SECONDS)
    assert here.ended == [console]


def test_hub_that_stops_leaves_them_for_the_next(here):
    here.run(ALICE)
    console = here.made()
    here.files.stop()
    here.clock.advance(IDLE_SECONDS * 2)
    assert here.ended == []
    console.close(1012, "the hub restarts")
    assert here.clock.getDelayedCalls() == []
