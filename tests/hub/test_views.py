"""Drawn windows in the hub: drawings pass through, one at a time, over breaks and to the end."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.ended import Ended, EndedWindow
from termhub.hub.host_messages import Cursor as TextCursor
from termhub.hub.last_screen import copy_last_screen, draw_last_screen, last_lines
from termhub.hub.viewers import Viewer
from termhub.hub.views import Views
from termhub.screen import Cursor, Modes
from termhub.screen.drawing import Drawing, encode_drawing, encode_ready, parse_drawing
from termhub.screen.runs import Run, Style
from termhub.store import Role
from tests.support.drawn import Grid
from tests.support.hub_fakes import FakeClient, FakeHost, ask, attach, frame_of, make_console

PLAIN = Style()
DRAWING = Drawing(
    view=1,
    offset=100,
    whole=True,
    cols=80,
    rows=24,
    left=0,
    top=0,
    view_cols=80,
    view_rows=24,
    cursor=Cursor(2, 0),
    modes=Modes(),
    rows_drawn=[(0, [Run(0, 2, PLAIN, "hi")])],
)
LAST = Ended(
    windows=[
        EndedWindow(
            window=0,
            cols=20,
            rows=3,
            offset=100,
            lines=["one", "你好 two", "three"],
            cursor=TextCursor(5, 2),
        )
    ]
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock, LAST)


class Drawn:
    """A client that is shown window 0 drawn."""

    def __init__(self, console: Console, role: Role = "owner", viewer: str = "ab") -> None:
        self.client, self.viewer = attach(console, role=role, viewer=viewer)
        self.viewer.unwatch(0)
        self.client.take()

    def ask(self, op: str, **arguments: Any) -> None:
        ask(self.viewer, 9, op, **{"window": 0, **arguments})

    def reply(self) -> dict[str, Any]:
        """The last reply; other frames are dropped."""
        replies = [json.loads(f.payload) for f in self.client.take() if f.type == frames.REPLY]
        return dict(replies[-1])

    def drawings(self) -> list[Drawing]:
        """The drawings since the last call; other frames are dropped."""
        return [parse_drawing(f.payload) for f in self.client.take() if f.type == frames.ROWS]

    def ready(self, view: int = 1) -> None:
        self.viewer.receive(frame_of(frames.encode(frames.ROWS, 0, encode_ready(view))))


def send(host: FakeHost, **changes: Any) -> None:
    """A drawing from the host."""
    host.send(frames.encode(frames.ROWS, 0, encode_drawing(attrs.evolve(DRAWING, **changes))))


def credits(host: FakeHost) -> list[bytes]:
    return [frame.payload for frame in host.take() if frame.type == frames.ROWS]


@pytest.fixture
def drawn(console: Console, host: FakeHost) -> Drawn:
    """A client whose view the host has confirmed."""
    drawn = Drawn(console)
    host.take()
    drawn.ask("view", cols=80, rows=24)
    (request, ready) = host.take()
    body = json.loads(request.payload)
    assert {**body, "id": 0} == {
        "id": 0,
        "op": "view",
        "window": 0,
        "view": 1,
        "cols": 80,
        "rows": 24,
        "back": 0,
    }
    assert (ready.type, ready.window, ready.payload) == (frames.ROWS, 0, encode_ready(1))
    host.reply(body["id"], history=7)
    assert drawn.reply()["history"] == 7
    return drawn


def test_drawings_pass_through_as_they_are(host: FakeHost, drawn: Drawn):
    send(host)
    (frame,) = drawn.client.take()
    assert frame == (frames.ROWS, 0, encode_drawing(DRAWING))
    assert credits(host) == []
    drawn.ready()
    assert credits(host) == [encode_ready(1)]
    drawn.ready()
    assert credits(host) == [], "nothing was under way"


def test_what_is_in_a_drawing_is_not_looked_at(host: FakeHost, drawn: Drawn):
    payload = encode_drawing(DRAWING)[:40] + b"\xff" * 20
    host.send(frames.encode(frames.ROWS, 0, payload))
    assert drawn.client.take()[0].payload == payload
    assert not host.transport.aborted


def test_a_host_that_sends_more_than_was_asked_for_is_broken_with(host: FakeHost, drawn: Drawn):
    send(host)
    send(host)
    assert host.transport.aborted
    assert len(drawn.drawings()) == 1


@pytest.mark.parametrize("payload", [b"", b"\0\0\0\1", encode_drawing(DRAWING)[:46]])
def test_a_host_that_sends_no_drawing_is_broken_with(host: FakeHost, drawn: Drawn, payload: bytes):
    host.send(frames.encode(frames.ROWS, 0, payload))
    assert host.transport.aborted
    assert drawn.drawings() == []


@pytest.mark.parametrize(("view", "window"), [(2, 0), (0xFFFFFFFF, 0), (1, 1)])
def test_a_drawing_of_a_view_that_never_was(host: FakeHost, drawn: Drawn, view: int, window: int):
    host.send(frames.encode(frames.ROWS, window, encode_drawing(attrs.evolve(DRAWING, view=view))))
    assert host.transport.aborted
    assert drawn.drawings() == []


def test_a_drawing_that_was_under_way_to_a_view_that_is_gone(host: FakeHost, drawn: Drawn):
    drawn.ask("unview")
    assert drawn.reply()["ok"]
    assert [request["op"] for request in host.requests()] == ["unview"]
    send(host)
    assert drawn.drawings() == []
    assert not host.transport.aborted


def test_a_view_of_another_size_keeps_its_credit(host: FakeHost, drawn: Drawn):
    send(host)
    drawn.ask("view", cols=40, rows=10, back=3)
    (frame,) = host.take()
    body = json.loads(frame.payload)
    assert (body["view"], body["cols"], body["rows"], body["back"]) == (1, 40, 10, 3)
    drawn.ready()
    assert credits(host) == [encode_ready(1)]


def test_all_views_are_asked_for_again_on_a_new_link(
    console: Console, clock: Clock, host: FakeHost, drawn: Drawn
):
    other = Drawn(console, "observer", "cd")
    host.take()
    other.ask("view", cols=10, rows=5)
    send(host)
    host.die()
    assert other.reply()["history"] == 0
    again = FakeHost(console, clock)
    again.hello()
    found = [f for f in again.take() if f.type in (frames.REQUEST, frames.ROWS)]
    views = {
        (body["view"], body["cols"])
        for f in found
        if f.type == frames.REQUEST and (body := json.loads(f.payload))["op"] == "view"
    }
    assert views == {(1, 80), (2, 10)}
    assert [f.payload for f in found if f.type == frames.ROWS] == [encode_ready(2)]
    send(again, view=2, view_cols=10, view_rows=5)
    assert len(other.drawings()) == 1
    drawn.ready()
    assert credits(again) == [encode_ready(1)]


def test_a_view_that_the_host_refuses(console: Console, host: FakeHost):
    drawn = Drawn(console)
    host.take()
    drawn.ask("view", cols=80, rows=24)
    (request,) = host.requests()
    host.refuse(request["id"], "busy")
    assert drawn.reply()["code"] == "busy"
    drawn.ask("find", text="x", line=0)
    assert drawn.reply()["code"] == "no_such_view"


def test_finding_and_copying_are_passed_on(host: FakeHost, drawn: Drawn):
    drawn.ask("find", text="x", line=5, forward=False)
    (request,) = host.requests()
    assert {**request, "id": 0} == {
        "id": 0,
        "op": "find",
        "window": 0,
        "view": 1,
        "text": "x",
        "line": 5,
        "forward": False,
    }
    host.reply(request["id"], line=4, x=2, cells=1)
    assert {**drawn.reply(), "id": 0} == {"id": 0, "ok": True, "line": 4, "x": 2, "cells": 1}
    drawn.ask("find", text="y", line=5)
    host.reply(host.requests()[0]["id"], line=None)
    assert drawn.reply()["line"] is None
    drawn.ask("copy", **{"from": [1, 2], "to": [3, 4]})
    (request,) = host.requests()
    assert (request["view"], request["from"], request["to"]) == (1, [1, 2], [3, 4])
    host.reply(request["id"], text="abc")
    assert drawn.reply()["text"] == "abc"


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("view", {"cols": 80}),
        ("view", {"cols": 80, "rows": 0}),
        ("view", {"cols": 80, "rows": 24, "back": -1}),
        ("view", {"cols": 80, "rows": 24, "window": 5}),
        ("find", {"text": "x" * 1001, "line": 0}),
        ("copy", {"from": [0, 0]}),
        ("copy", {"from": [0, 0], "to": [0, -1]}),
        ("find", {"text": "x", "line": 0, "window": 5}),
    ],
)
def test_requests_that_make_no_sense(host: FakeHost, drawn: Drawn, op: str, arguments: dict[str, Any]):
    drawn.ask(op, **arguments)
    assert drawn.reply()["ok"] is False
    assert drawn.client.closed is None
    assert host.requests() == []


def test_a_credit_that_is_none_closes_the_client(host: FakeHost, drawn: Drawn):
    drawn.viewer.receive(frame_of(frames.encode(frames.ROWS, 0, b"\0\1")))
    assert drawn.client.closed is not None
    assert drawn.client.closed[0] == 1002


def test_nobody_gives_anothers_credit(console: Console, host: FakeHost, drawn: Drawn):
    other = Drawn(console, viewer="cd")
    send(host)
    host.take()
    other.ready(1)
    assert credits(host) == []


def test_an_observer_may_look_search_and_copy(console: Console, host: FakeHost):
    observer = Drawn(console, "observer")
    host.take()
    for op, arguments in (
        ("view", {"cols": 80, "rows": 24}),
        ("find", {"text": "x", "line": 0}),
        ("copy", {"from": [0, 0], "to": [0, 1]}),
    ):
        observer.ask(op, **arguments)
        (request,) = host.requests()
        host.reply(request["id"])
        assert observer.reply()["ok"]


def test_the_area_is_what_the_client_says(console: Console, host: FakeHost, drawn: Drawn):
    assert console.windows[0].sizes.wanted() is None
    drawn.viewer.receive(frame_of(frames.resize(frames.CONSOLE, 60, 20)))
    (resize,) = [f for f in host.take() if f.type == frames.RESIZE]
    assert frames.parse_resize(resize.payload) == (60, 20)
    drawn.ask("unview")
    assert console.windows[0].sizes.wanted() is None


def test_events_wait_for_a_client_that_is_behind(host: FakeHost, drawn: Drawn):
    send(host)
    for title in ("a", "b", "c"):
        host.send(frames.encode_json(frames.EVENT, 0, {"type": "title", "title": title}))
    assert [frame.type for frame in drawn.client.take()] == [frames.ROWS]
    drawn.ready()
    assert [event["title"] for event in drawn.client.events()] == ["c"]


def test_a_view_that_a_new_host_refuses_is_told_to_its_client(
    console: Console, clock: Clock, host: FakeHost, drawn: Drawn
):
    drawn.viewer.receive(frame_of(frames.resize(0, 60, 20)))
    host.die()
    drawn.client.take()
    successor = FakeHost(console, clock)
    successor.hello()
    (request,) = (request for request in successor.requests() if request["op"] == "view")
    successor.refuse(request["id"], "too_many_views", "There are too many views.")
    assert [event for event in drawn.client.events() if event["type"] == "unviewed"] == [
        {"type": "unviewed", "code": "too_many_views", "error": "There are too many views."}
    ]
    assert console.views.windows_of(drawn.viewer) == []
    assert console.windows[0].sizes.wanted() is None
    drawn.ask("view", cols=80, rows=24)
    assert [request["op"] for request in successor.requests()] == ["view"]


def test_a_view_whose_host_goes_again_is_asked_for_again(
    console: Console, clock: Clock, host: FakeHost, drawn: Drawn
):
    for _ in range(2):
        host.die()
        host = FakeHost(console, clock)
        host.hello()
        assert "view" in [request["op"] for request in host.requests()]
    assert [event for event in drawn.client.events() if event["type"] == "unviewed"] == []


def test_events_come_in_their_order_when_a_view_goes(host: FakeHost, drawn: Drawn):
    send(host)
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "title", "title": "a"}))
    drawn.client.take()
    drawn.ask("unview")
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "title", "title": "b"}))
    assert [event["title"] for event in drawn.client.events()] == ["a", "b"]


def test_a_client_that_leaves_takes_its_views_along(host: FakeHost, drawn: Drawn):
    drawn.viewer.detach()
    assert [request["op"] for request in host.requests() if request["op"] != "unsubscribe"] == ["unview"]
    send(host)
    assert not host.transport.aborted


def test_a_window_that_closes_takes_its_views_along(console: Console, host: FakeHost, drawn: Drawn):
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "closed"}))
    drawn.client.take()
    drawn.ask("copy", **{"from": [0, 0], "to": [1, 1]})
    assert drawn.reply()["code"] == "no_such_view"
    assert console.views.windows_of(drawn.viewer) == []


# -- detaching others -------------------------------------------------------------------


def test_others_are_detached(console: Console, host: FakeHost, drawn: Drawn):
    other, _ = attach(console, viewer="cd")
    third, _ = attach(console, viewer="ef", role="observer")
    drawn.ask("detach_others")
    assert drawn.reply()["ok"]
    assert other.closed == third.closed == (4001, "detached by another viewer")
    assert list(console.viewers.values()) == [drawn.viewer]


def test_an_observer_detaches_nobody(console: Console, host: FakeHost, drawn: Drawn):
    observer = Drawn(console, "observer", "cd")
    observer.ask("detach_others")
    assert observer.reply()["ok"] is False
    assert drawn.client.closed is None


# -- consoles that have ended -----------------------------------------------------------


def ended(viewer: Viewer, client: FakeClient) -> Drawing:
    (frame,) = [f for f in client.take() if f.type == frames.ROWS]
    return parse_drawing(frame.payload)


def test_who_has_not_seen_the_last_screen_is_shown_it(console: Console, host: FakeHost, drawn: Drawn):
    send(host, offset=50)
    drawn.drawings()
    host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "ended", "reason": "over"}))
    assert drawn.drawings() == []
    drawn.ready()
    (last,) = drawn.drawings()
    assert (last.whole, last.offset) == (True, 100)
    drawn.ready()
    assert drawn.drawings() == []


def test_who_has_seen_the_last_screen_keeps_it(console: Console, host: FakeHost, drawn: Drawn):
    send(host, offset=100)
    drawn.drawings()
    host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "ended", "reason": "over"}))
    drawn.ready()
    assert drawn.drawings() == []


def test_who_comes_later_sees_the_last_screen(clock: Clock):
    console = make_console(clock, LAST, ended=5.0, reason="over")
    client, viewer = attach(console)
    client.take()
    ask(viewer, 1, "view", window=0, cols=80, rows=24)
    reply, rows = client.take()
    assert json.loads(reply.payload)["history"] == 0
    grid = Grid()
    grid.apply(parse_drawing(rows.payload))
    assert grid.text[:4] == ["one", "你好 two", "three", ""]
    ask(viewer, 2, "find", window=0, text="TWO".lower(), line=0)
    assert json.loads(client.take()[0].payload)["x"] == 5
    ask(viewer, 3, "copy", window=0, **{"from": [1, 2], "to": [2, 1]})
    assert json.loads(client.take()[0].payload)["text"] == "好 two\nth"
    ask(viewer, 4, "view", window=3, cols=80, rows=24)
    assert json.loads(client.take()[0].payload)["code"] == "no_such_window"


def test_who_leaves_while_the_last_screen_is_read_leaves_nothing(clock: Clock):
    reading: Deferred[Ended] = Deferred()

    async def read_ended() -> Ended:
        return await reading

    console = make_console(clock, LAST, ended=5.0, reason="over")
    _, viewer = attach(console)
    console.views = Views(read_ended)
    console.views.ended()
    ask(viewer, 1, "view", window=0, cols=80, rows=24)
    viewer.detach()
    reading.callback(LAST)
    assert console.views.windows_of(viewer) == []


def test_the_last_screen_in_a_small_viewport():
    (window,) = LAST.windows
    drawing = parse_drawing(draw_last_screen(window, 1, 3, 2, 0))
    assert (drawing.left, drawing.top, drawing.view_cols, drawing.view_rows) == (3, 1, 3, 2)
    grid = Grid()
    grid.apply(drawing)
    assert grid.text == ["  t", "ee"]
    back = parse_drawing(draw_last_screen(window, 1, 3, 2, 9))
    assert (back.top, back.back) == (1, 1)


@given(
    st.lists(st.text(max_size=30), max_size=5),
    st.integers(-5, 50),
    st.integers(-5, 10),
    st.integers(1, 30),
    st.integers(1, 10),
    st.integers(0, 9),
)
def test_a_last_screen_of_any_text_is_a_drawing(
    lines: list[str], x: int, y: int, cols: int, rows: int, back: int
):
    window = EndedWindow(window=0, cols=20, rows=4, offset=1, lines=lines, cursor=TextCursor(x, y))
    parse_drawing(draw_last_screen(window, 1, cols, rows, back))
    text = copy_last_screen(window, (0, 0), (9, 99))
    assert len(last_lines(window)) == 4
    assert not any(ord(c) < 32 and c != "\n" for c in text)
