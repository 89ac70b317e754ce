"""What viewers hear of limits: those who are here, and those who come later."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.console import Console
from tests.support.hub_fakes import FakeClient, FakeHost, attach, make_console

SLOWED = "The CPU time of today is used up: this console is slowed"


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def limits(client: FakeClient) -> list[dict[str, Any]]:
    return [event for event in client.events() if event["type"] == "limit"]


def over(until: float | None = 5000.0) -> dict[str, Any]:
    return {"type": "limit", "name": "cpu", "state": "over", "message": SLOWED, "until": until}


def test_viewers_are_told_and_those_who_come_later(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    console.tell_limit("cpu", "over", SLOWED, 5000.0)
    assert limits(client) == [over()]
    later, _ = attach(console, viewer="9")
    assert limits(later) == [over()]


def test_the_same_again_is_not_told(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    for _ in range(3):
        console.tell_limit("cpu", "over", SLOWED, 5000.0)
    assert limits(client) == [over()]


def test_only_the_last_of_a_limit_is_kept(console: Console, host: FakeHost) -> None:
    console.tell_limit("cpu", "near", "Little CPU time is left today.")
    console.tell_limit("home", "near", "The home is nearly full.")
    console.tell_limit("cpu", "over", SLOWED, 5000.0)
    client, _ = attach(console)
    assert sorted(event["name"] for event in limits(client)) == ["cpu", "home"]
    other, _ = attach(console, viewer="9")
    assert over() in limits(other)


def test_ok_clears_it(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    console.tell_limit("cpu", "over", SLOWED, 5000.0)
    console.tell_limit("cpu", "ok", "The CPU runs at full speed again.")
    console.tell_limit("cpu", "ok", "The CPU runs at full speed again.")
    assert [event["state"] for event in limits(client)] == ["over", "ok"]
    later, _ = attach(console, viewer="9")
    assert limits(later) == []


def test_before_the_host_is_reached_it_waits_for_the_greeting(console: Console, clock: Clock) -> None:
    client, _ = attach(console)
    console.tell_limit("cpu", "over", SLOWED, 5000.0)
    assert client.take() == []
    FakeHost(console, clock).hello()
    assert limits(client) == [over()]


def test_what_the_host_says_of_memory_is_told_once(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "memory", "limit": 512 << 20}))
    assert limits(client) == [
        {
            "type": "limit",
            "name": "memory",
            "state": "over",
            "message": "A program was ended: out of memory, limit 512 MB.",
            "until": None,
        }
    ]
    later, _ = attach(console, viewer="9")
    assert limits(later) == []


@pytest.mark.parametrize("limit", ["much", None, -1, 1 << 70])
def test_a_host_that_says_nonsense_of_memory_is_not_believed(
    console: Console, host: FakeHost, limit: object
) -> None:
    client, _ = attach(console)
    host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "memory", "limit": limit}))
    assert limits(client) == []


def test_an_exit_says_that_memory_ran_out(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    exit_ = {"type": "exit", "signal": "SIGKILL", "out_of_memory": 64 << 20}
    host.send(frames.encode_json(frames.EVENT, 0, exit_))
    assert exit_ in client.events()
    assert console.window(0).describe()["exit"] == {"signal": "SIGKILL", "out_of_memory": 64 << 20}
