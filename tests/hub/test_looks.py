"""Where viewers look: the latest of each, to all others, not too often."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.looks import LOOK_SECONDS, MOST_TOLD, MOST_WAITING, ROUND_VIEWERS
from termhub.hub.viewers import MAX_PENDING, Viewer
from tests.support.hub_fakes import FakeClient, FakeHost, ask, attach, make_console


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def look(viewer: Viewer, back: int = 0, **fields: Any) -> None:
    ask(viewer, 1, "look", **{"window": 0, "back": back, **fields})


def told(client: FakeClient) -> list[dict[str, Any]]:
    return [event for event in client.events() if event["type"] == "looks"]


def test_others_hear_of_it_and_who_looks_does_not(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, viewer="1", user=2, role="observer")
    other, _ = attach(console, viewer="2", user=3)
    look(viewer, 4, **{"from": [-3, 0], "to": [-1, 12]})
    assert told(other) == [
        {
            "type": "looks",
            "id": viewer.id,
            "person": viewer.person,
            "name": "user2",
            "window": 0,
            "back": 4,
            "from": [-3, 0],
            "to": [-1, 12],
        }
    ]
    assert told(client) == []


def test_ten_times_a_second_and_the_latest(console: Console, host: FakeHost, clock: Clock) -> None:
    _, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2", user=3)
    for step in range(100):
        look(viewer, step)
        clock.advance(0.01)
    clock.advance(1)
    backs = [event["back"] for event in told(other)]
    assert backs[-1] == 99
    assert backs == sorted(backs)
    assert len(backs) <= 1 / LOOK_SECONDS + 2


def test_it_is_gone_with_the_viewer(console: Console, host: FakeHost, clock: Clock) -> None:
    _, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2", user=3)
    look(viewer, 3, **{"from": [0, 0], "to": [0, 5]})
    clock.advance(1)
    other.take()
    viewer.detach("gone")
    (event,) = told(other)
    assert (event["id"], event["from"], event["to"]) == (viewer.id, None, None)
    late, _ = attach(console, viewer="3", user=4)
    assert told(late) == []


def test_it_stays_when_the_viewer_comes_again_at_once(console: Console, host: FakeHost, clock: Clock) -> None:
    _, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2", user=3)
    look(viewer, 3)
    clock.advance(1)
    other.take()
    attach(console, viewer="1")
    clock.advance(1)
    assert told(other) == []


def test_who_comes_is_told_where_the_others_look(console: Console, host: FakeHost, clock: Clock) -> None:
    for number in range(2, 102):
        _, viewer = attach(console, viewer=f"{number:x}", user=number)
        look(viewer, number)
    late, _ = attach(console, viewer="aaa", user=200)
    assert [event["back"] for event in told(late)] == list(range(102 - MOST_TOLD, 102))


@pytest.mark.parametrize(
    "fields",
    [
        {"from": [0, 0]},
        {"to": [0, 0]},
        {"from": [0, -1], "to": [0, 1]},
        {"from": [1 << 40, 0], "to": [0, 1]},
        {"from": "ab", "to": [0, 1]},
        {"back": -1},
    ],
)
def test_what_is_no_look_is_refused(console: Console, host: FakeHost, fields: dict[str, Any]) -> None:
    client, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2", user=3)
    client.take()
    look(viewer, **fields)
    (reply,) = [json.loads(frame.payload) for frame in client.take() if frame.type == frames.REPLY]
    assert not reply["ok"]
    assert told(other) == []


def test_many_who_point_cost_little(console: Console, host: FakeHost, clock: Clock) -> None:
    attached = [attach(console, viewer=f"{number:x}", user=number) for number in range(2, 202)]
    clock.advance(10)
    sent = sum(len(client.objects) for client, _ in attached)
    for step in range(20):
        for _, viewer in attached:
            look(viewer, step)
        clock.advance(0.05)
    events = sum(len(client.objects) for client, _ in attached) - sent - 20 * 200  # less the replies
    assert events <= 3 * ROUND_VIEWERS * 200
    assert len(console.together.looks._changed) <= MOST_WAITING
    clock.pump([1] * 60)
    assert console.together.looks._changed == {}
    last = {event["id"]: event["back"] for event in told(attached[0][0])}
    assert set(last.values()) == {19}
    assert len(last) == 199


def test_what_waits_for_a_client_that_is_behind_is_bounded(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, viewer = attach(console, viewer="1")
    host.serve()
    host.output(0, b"x" * 1_000_000)
    client.take()
    for number in range(2, 2 + 2 * MAX_PENDING):
        _, other = attach(console, viewer=f"{number:x}", user=number)
        look(other, 1)
        clock.advance(1)
        other.detach("gone")
        clock.advance(1)
    assert told(client) == []
    assert len(viewer._pending) <= MAX_PENDING


def test_no_timer_is_left_when_all_have_gone(console: Console, host: FakeHost, clock: Clock) -> None:
    viewers = [attach(console, viewer=f"{number:x}", user=number)[1] for number in range(2, 9)]
    for viewer in viewers:
        look(viewer, 1)
    for viewer in viewers:
        viewer.detach("gone")
    assert [call for call in clock.getDelayedCalls() if call.getTime() < clock.seconds() + 5] == []
