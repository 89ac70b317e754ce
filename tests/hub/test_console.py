"""A console over its life: starting, running, recovering, ended."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError, TooMany
from termhub.hub.console import Console
from termhub.hub.ended import Ended, EndedWindow
from termhub.hub.requests import LINK_SECONDS
from tests.support.hub_fakes import FakeHost, acknowledge, ask, attach, make_console, somebody, type_in


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def started(coroutine: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run it; the list gets its result, or its exception."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(lambda result: results.append(getattr(result, "value", result)))
    return results


LAST = Ended(
    reason="the program ended",
    time=2000.0,
    windows=[EndedWindow(0, 90, 30, 77, ["python"], "title", b"PICTURE", ["last", "words"])],
)


def test_viewers_hear_of_every_state(console: Console, host: FakeHost, clock: Clock) -> None:
    client, _ = attach(console)
    host.die()
    successor = FakeHost(console, clock)
    successor.hello()
    successor.send(frames.encode_json(frames.EVENT, 0xFFFF, {"type": "ended", "reason": "killed"}))
    states = [event for event in client.events() if event["type"] == "state"]
    assert [event["state"] for event in states] == ["recovering", "running", "ended"]
    assert states[-1]["reason"] == "killed"
    assert (console.state, console.reason, console.ended) == ("ended", "killed", 1000)
    assert client.closed is None


def test_viewer_of_a_starting_console_is_greeted_when_it_runs(console: Console, clock: Clock) -> None:
    client, viewer = attach(console, {"0": 5})
    type_in(viewer, 3, b"early")
    assert client.take() == []
    host = FakeHost(console, clock)
    host.hello({"offset": 9})
    assert client.kinds() == ["HELLO"]
    sent = host.take()
    person, subscribe = [json.loads(f.payload) for f in sent if f.type == frames.REQUEST]
    assert subscribe["since"] == 5
    assert (person["op"], person["name"]) == ("person", "user1")
    assert [frames.parse_input(f.payload)[1:] for f in sent if f.type == frames.INPUT] == [(3, b"early")]


def test_viewer_that_leaves_a_starting_console_is_forgotten(console: Console, clock: Clock) -> None:
    client, viewer = attach(console)
    viewer.detach("gone")
    FakeHost(console, clock).hello()
    assert client.take() == []


def test_ended_console_shows_its_last_screens(clock: Clock) -> None:
    console = make_console(clock, LAST, ended=2000.0, reason="the program ended")
    client, viewer = attach(console)
    hello, keyframe, event = client.take()
    assert json.loads(hello.payload)["windows"][0]["title"] == "title"
    assert json.loads(hello.payload)["console"]["state"] == "ended"
    assert frames.parse_keyframe(keyframe.payload) == (77, 90, 30, b"PICTURE")
    assert json.loads(event.payload)["reason"] == "the program ended"
    type_in(viewer, 0, b"anybody there?")
    ask(viewer, 1, "open")
    assert json.loads(client.take()[-1].payload)["code"] == "ended"


def test_ended_console_still_has_its_text(clock: Clock) -> None:
    console = make_console(clock, LAST, ended=2000.0)
    (shown,) = started(console.text(0))
    assert (shown.lines, shown.cols, shown.offset) == (["last", "words"], 90, 77)
    (error,) = started(console.text(1))
    assert isinstance(error, BadRequest)


def test_viewer_waiting_for_the_start_sees_the_end(clock: Clock) -> None:
    console = make_console(clock, LAST)
    client, _ = attach(console)
    console.has_gone("the program ended")
    assert "HELLO" in client.kinds()


def test_nothing_is_asked_of_an_ended_console(console: Console, host: FakeHost) -> None:
    waiting = started(console.text(0))
    console.has_gone("killed")
    for results in (
        waiting,
        started(console.input(somebody(), "owner", 0, b"x")),
        started(console.open_window()),
        started(console.signal("SIGINT")),
        started(console.output(0, 0)),
    ):
        assert isinstance(results[0], ConsoleError)
    assert host.transport.aborted


def test_requests_wait_for_a_recovering_console(console: Console, host: FakeHost, clock: Clock) -> None:
    host.die()
    results = started(console.signal("SIGINT"))
    successor = FakeHost(console, clock)
    successor.hello()
    (request,) = successor.requests()
    assert request["op"] == "signal"
    successor.reply(request["id"])
    assert results == [None]


def test_requests_do_not_wait_for_ever(console: Console, host: FakeHost, clock: Clock) -> None:
    host.die()
    results = started(console.signal("SIGINT"))
    clock.advance(LINK_SECONDS)
    assert results[0].code == "recovering"


def test_text_of_a_window(console: Console, host: FakeHost) -> None:
    results = started(console.text(0, 5))
    (request,) = host.requests()
    assert request["scrollback"] == 5
    host.reply(request["id"], lines=["a"], cursor={"x": 1, "y": 0}, cols=80, rows=24, offset=3, title="t")
    (text,) = results
    assert (text.lines, text.cursor.x, text.title) == (["a"], 1, "t")
    assert isinstance(started(console.text(9))[0], BadRequest)


def test_output_is_read_from_the_host(console: Console, host: FakeHost) -> None:
    results = started(console.output(0, 10, limit=5))
    (request,) = host.requests()
    assert (request["since"], request["limit"]) == (10, 5)
    host.reply(request["id"], offset=12, data="YWJj", start=12)
    assert results == [(12, b"abc")]


def test_output_waits_until_there_is_some(console: Console, host: FakeHost, clock: Clock) -> None:
    results = started(console.output(0, 10, wait_seconds=5))
    (request,) = host.requests()
    host.reply(request["id"], offset=10, data="")
    clock.advance(2)
    assert results == []
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "activity"}))
    (request,) = host.requests()
    host.reply(request["id"], offset=10, data="eA==")
    assert results == [(10, b"x")]


def test_output_that_does_not_come_is_empty(console: Console, host: FakeHost, clock: Clock) -> None:
    results = started(console.output(0, 10, wait_seconds=5))
    for _ in range(2):
        (request,) = host.requests()
        host.reply(request["id"], offset=10, data="")
        clock.advance(5)
    assert results == [(10, b"")]


def test_input_resolves_when_all_of_it_is_written(console: Console, host: FakeHost) -> None:
    results = started(console.input(somebody(), "owner", 0, b"x" * 100_000))
    received = b""
    while len(received) < 100_000:
        assert results == []
        (*_, (_, key, _, _)) = pieces = list(host.inputs())
        for _, _, sequence, data in pieces:
            assert sequence == len(received)
            received += data
        host.send(frames.accepted(0, key, len(received)))
    assert results == [None]
    assert host.take() == []


def test_input_survives_the_host(console: Console, host: FakeHost, clock: Clock) -> None:
    results = started(console.input(somebody(), "owner", 0, b"abc"))
    host.die()
    successor = FakeHost(console, clock)
    successor.hello()
    ((_, key, sequence, data),) = successor.inputs()
    assert (sequence, data) == (0, b"abc")
    successor.send(frames.accepted(0, key, 3))
    assert results == [None]


def test_input_fails_when_its_window_closes(console: Console, host: FakeHost) -> None:
    results = started(console.input(somebody(), "owner", 0, b"abc"))
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "closed"}))
    assert results[0].code == "no_such_window"


def test_windows_come_and_go(console: Console, host: FakeHost, clock: Clock) -> None:
    client, _ = attach(console)
    host.send(frames.encode_json(frames.EVENT, 3, {"type": "opened", "argv": ["sh"]}))
    assert console.windows[3].argv == ["sh"]
    host.send(frames.encode_json(frames.EVENT, 3, {"type": "exit", "signal": "SIGKILL"}))
    assert console.windows[3].exit == {"signal": "SIGKILL"}
    host.send(frames.encode_json(frames.EVENT, 3, {"type": "opened", "argv": ["sh"]}))
    assert console.windows[3].exit is None
    host.send(frames.encode_json(frames.EVENT, 3, {"type": "closed"}))
    assert 3 not in console.windows
    kinds = [event["type"] for event in client.events()]
    assert kinds == ["opened", "exit", "opened", "closed"]


def test_window_that_closed_while_nobody_listened_is_gone(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    host.send(frames.encode_json(frames.EVENT, 3, {"type": "opened", "argv": ["sh"]}))
    client, _ = attach(console, {"0": None, "3": None})
    host.serve()
    host.die()
    successor = FakeHost(console, clock)
    successor.hello()
    assert list(console.windows) == [0]
    assert successor.serve() == ["subscribe"]
    assert client.closed is None


def test_size_that_changed_while_nobody_listened_redraws(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, viewer = attach(console)
    host.serve()
    host.die()
    clock.advance(1)
    client.take()
    acknowledge(viewer, 0)
    successor = FakeHost(console, clock)
    successor.hello({"cols": 132})
    assert successor.serve() == ["subscribe", "keyframe"]
    assert "KEYFRAME" in client.kinds()


def test_number_of_windows_is_bounded(console: Console, host: FakeHost) -> None:
    for number in range(1, 500):
        host.send(frames.encode_json(frames.EVENT, number, {"type": "opened", "argv": ["sh"]}))
    assert len(console.windows) == 64


def test_events_are_passed_on_without_what_does_not_belong(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    host.serve()
    client.take()
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "prompt", "mark": "A", "evil": [1]}))
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "unheard-of", "title": "x"}))
    assert client.events() == [{"type": "prompt", "mark": "A", "seconds": None}]


@pytest.mark.parametrize("name", ["", "INT", "SIGSEGV", "SIGKILL; rm", 9])
def test_only_known_signals(console: Console, host: FakeHost, name: Any) -> None:
    assert isinstance(started(console.signal(name))[0], BadRequest)
    assert host.requests() == []


def test_last_activity_follows_input_and_output(console: Console, host: FakeHost, clock: Clock) -> None:
    _, viewer = attach(console)
    clock.advance(50)
    host.output(0, b"x")
    assert console.last_activity == 1050
    clock.advance(50)
    assert console.last_activity == 1050
    type_in(viewer, 0, b"x")
    assert console.last_activity == 1100


def test_closing_sends_viewers_away_and_lets_the_console_live(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    console.close(1012, "the hub restarts")
    assert client.closed == (1012, "the hub restarts")
    assert host.transport.aborted
    assert console.state != "ended"
    assert "end" not in [request["op"] for request in host.requests()]


def test_every_viewer_hears_of_a_new_size_policy(console: Console, host: FakeHost) -> None:
    asking, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2")
    ask(viewer, 1, "policy", policy="smallest")
    for client in (asking, other):
        assert {"type": "policy", "policy": "smallest"} in client.events()


def test_console_that_ended_leaves_no_timer(console: Console, host: FakeHost, clock: Clock) -> None:
    attach(console)
    assert clock.getDelayedCalls() != []
    console.has_gone("killed")
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("wanted", [None, 7])
def test_windows_that_are_being_opened_count(console: Console, host: FakeHost, wanted: int | None) -> None:
    def at_most_two(count: int) -> None:
        if count >= 2:
            raise TooMany("This console has 2 windows.", "too_many_windows")

    console.check_windows = at_most_two
    first, second = (started(console.open_window("bash", window=wanted)) for _ in range(2))
    opening = host.requests()
    assert [request["op"] for request in opening] == ["open"]
    assert isinstance(second[0], TooMany)
    host.refuse(opening[0]["id"])
    assert isinstance(first[0], ConsoleError)
    third = started(console.open_window("bash", window=wanted))
    host.reply(host.requests()[0]["id"], window=7)
    assert third == [7]
    assert isinstance(started(console.open_window("bash", window=8))[0], TooMany)
    again = started(console.open_window("bash", window=7))
    host.reply(host.requests()[0]["id"], window=7)
    assert again == [7]
