"""Requests to the launcher: answered, refused or failed in time, over connections that break."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError, NoSandbox, NoSuchConsole
from termhub.hub.launcher import CONNECT_SECONDS, REQUEST_SECONDS, Launcher
from tests.support.hub_fakes import FakeTransport


class Far:
    """The launcher's end of the connections."""

    def __init__(self) -> None:
        self.is_away = False
        self.connections: list[Any] = []

    def __call__(self, made: protocol.Protocol) -> None:
        if self.is_away:
            raise ConnectionRefusedError("nobody there")
        made.transport = FakeTransport()
        self.connections.append(made)

    def asked(self) -> dict[str, Any]:
        (frame,) = frames.Decoder().feed(self.connections[-1].transport.written)
        self.connections[-1].transport.written = b""
        return dict(json.loads(frame.payload))

    def answer(self, number: int, **fields: Any) -> None:
        body = {"id": number, "ok": True, **fields}
        self.connections[-1].dataReceived(frames.encode_json(frames.REPLY, frames.CONSOLE, body))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def launcher(far: Far, clock: Clock) -> Launcher:
    return Launcher(far, clock)


def asking(launcher: Launcher, op: str = "list", **arguments: Any) -> list[Any]:
    results: list[Any] = []
    asked = Deferred.fromCoroutine(launcher.request(op, **arguments))
    asked.addBoth(lambda result: results.append(getattr(result, "value", result)))
    return results


def test_request_and_reply(launcher: Launcher, far: Far) -> None:
    results = asking(launcher, "host", console="c-1")
    request = far.asked()
    assert request == {"id": 1, "op": "host", "console": "c-1"}
    far.answer(1, x=5)
    assert results == [{"id": 1, "ok": True, "x": 5}]
    asking(launcher)
    assert len(far.connections) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("no_sandbox", NoSandbox),
        ("no_such_console", NoSuchConsole),
        ("bad_program", BadRequest),
        ("surprise", ConsoleError),
    ],
)
def test_errors_keep_their_code_and_words(launcher: Launcher, far: Far, code: str, kind: type) -> None:
    results = asking(launcher)
    far.answer(1, ok=False, code=code, error="Because.")
    assert isinstance(results[0], kind)
    assert (results[0].code, results[0].message) == (code, "Because.")


def test_launcher_that_is_away_is_waited_for(launcher: Launcher, far: Far, clock: Clock) -> None:
    far.is_away = True
    results = asking(launcher)
    clock.pump([0.1] * 20)
    assert results == []
    far.is_away = False
    clock.pump([0.1] * 2)
    far.answer(far.asked()["id"])
    assert results[0]["ok"]


def test_launcher_that_stays_away_fails_the_request(launcher: Launcher, far: Far, clock: Clock) -> None:
    far.is_away = True
    results = asking(launcher)
    clock.pump([0.1] * int(CONNECT_SECONDS * 10 + 5))
    assert results[0].code == "no_launcher"


def test_broken_connection_fails_what_was_asked_and_the_next_is_new(launcher: Launcher, far: Far) -> None:
    results = asking(launcher)
    far.connections[-1].connectionLost()
    assert results[0].code == "no_launcher"
    again = asking(launcher)
    far.answer(far.asked()["id"])
    assert again[0]["ok"]
    assert len(far.connections) == 2


def test_request_that_is_not_answered_times_out(launcher: Launcher, far: Far, clock: Clock) -> None:
    results = asking(launcher)
    clock.advance(REQUEST_SECONDS)
    assert results[0].code == "timeout"
    far.answer(1)


@pytest.mark.parametrize("noise", [b"\xff" * 20, frames.encode(frames.REPLY, 0, b"no json")])
def test_nonsense_breaks_the_connection(launcher: Launcher, far: Far, noise: bytes) -> None:
    asking(launcher)
    far.connections[-1].dataReceived(noise)
    assert far.connections[-1].transport.aborted
