"""Many viewers of one window: who is served first, and that all are served."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from termhub.hub import audience
from termhub.hub.console import Console
from termhub.hub.windows import AT_ONCE, LITTLE_BYTES
from tests.support.hub_fakes import FakeClient, FakeHost, attach, make_console, type_in

MANY = 3 * AT_ONCE


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


@pytest.fixture
def clients(console: Console, host: FakeHost) -> list[FakeClient]:
    """All of them have seen what there is."""
    found = [attach(console, {"0": 0}, viewer=f"{number:x}")[0] for number in range(1, MANY + 1)]
    host.serve()
    for client in found:
        client.take()
    return found


def due(clock: Clock) -> list[Any]:
    """The calls that a reactor would make in its next turn."""
    calls: Any = clock.getDelayedCalls()
    return [call for call in calls if call.getTime() <= clock.seconds()]


def turn(clock: Clock) -> None:
    """One turn of a reactor: what is put off meanwhile waits for the next one."""
    for call in due(clock):
        function = call.func
        call.cancel()
        function()


def served(clients: list[FakeClient]) -> dict[int, bytes]:
    """What has come since the last call, by the places of those to whom something came."""
    return {place: data for place, client in enumerate(clients) if (data := client.output())}


def test_a_little_output_goes_to_some_at_a_time_and_to_all(
    host: FakeHost, clients: list[FakeClient], clock: Clock
) -> None:
    host.output(0, b"a")
    assert served(clients) == dict.fromkeys(range(AT_ONCE), b"a")
    turn(clock)
    assert served(clients) == dict.fromkeys(range(AT_ONCE, 2 * AT_ONCE), b"a")
    host.output(1, b"b")
    assert served(clients) == dict.fromkeys(range(AT_ONCE), b"b")
    turn(clock)
    assert served(clients) == dict.fromkeys(range(2 * AT_ONCE, MANY), b"ab")
    turn(clock)
    assert served(clients) == dict.fromkeys(range(AT_ONCE, 2 * AT_ONCE), b"b")
    turn(clock)
    assert served(clients) == {}


def test_who_typed_last_is_served_first(console: Console, host: FakeHost, clients: list[FakeClient]) -> None:
    for viewer in list(console.viewers.values())[-2:]:
        type_in(viewer, 0, b"x")
    host.output(0, b"xx")
    assert {MANY - 1, MANY - 2} < served(clients).keys()


def test_much_output_goes_to_all_at_once(host: FakeHost, clients: list[FakeClient]) -> None:
    host.output(0, b"a")
    host.output(1, bytes(LITTLE_BYTES + 1))
    assert all(len(data) == LITTLE_BYTES + 2 for data in served(clients).values())


def test_those_who_leave_before_their_turn_are_forgotten(
    console: Console, host: FakeHost, clients: list[FakeClient], clock: Clock
) -> None:
    host.output(0, b"a")
    for viewer in list(console.viewers.values()):
        viewer.detach()
    assert served(clients) == dict.fromkeys(range(AT_ONCE), b"a")
    turn(clock)
    assert served(clients) == {}
    assert not due(clock)


def test_what_all_are_told_goes_to_some_at_a_time_and_to_all_in_order(
    console: Console, clients: list[FakeClient], clock: Clock
) -> None:
    clock.advance(60)  # all have heard who is here
    for client in clients:
        client.take()
    console.renamed("two")
    console.renamed("three")
    console.set_policy("largest")
    told = [client.events() for client in clients]
    assert [bool(events) for events in told] == [True] * audience.AT_ONCE + [False] * (
        MANY - audience.AT_ONCE
    )
    turn(clock)
    assert sum(bool(client.objects[client._read :]) for client in clients) == audience.AT_ONCE
    clock.advance(0.01)
    last = [client.events() for client in clients]
    for events in (before + after for before, after in zip(told, last, strict=True)):
        # Of a kind the last is enough.
        assert [event["type"] for event in events][-2:] == ["renamed", "policy"]
        assert [event["name"] for event in events if event["type"] == "renamed"][-1] == "three"


def test_who_leaves_before_their_turn_is_told_nothing_and_keeps_nobody_waiting(
    console: Console, clients: list[FakeClient], clock: Clock
) -> None:
    clock.advance(60)
    for client in clients:
        client.take()
    console.renamed("two")
    for viewer in list(console.viewers.values())[audience.AT_ONCE :]:
        viewer.close(4001, "sent away")
    clock.advance(0.01)
    assert [bool(client.events()) for client in clients] == [True] * audience.AT_ONCE + [False] * (
        MANY - audience.AT_ONCE
    )
