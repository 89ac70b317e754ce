"""Views of a console: when there are drawings, and what is asked of frozen screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.guest import frames
from termhub.host.hub_link import QUEUE_BYTES
from termhub.host.viewport import Changes, Viewport
from termhub.host.views import (
    FRAME_SECONDS,
    HURRIED_FRAME_SECONDS,
    HURRY_SECONDS,
    MOST_FROZEN,
    MOST_VIEWS,
    SYNCHRONIZED_SECONDS,
    TURN_SECONDS,
)
from termhub.screen import Screen, engines, open_screen
from termhub.screen.drawing import Drawing, encode_ready, parse_drawing
from tests.support.console_core import ConsoleCore, LinkCore
from tests.support.drawn import Grid


class ScreenCore(ConsoleCore):
    """A console whose screens are real."""

    engine = "auto"

    def open_screen(self, cols: int, rows: int) -> Screen:
        return open_screen(cols, rows, scrollback=1000, engine=self.engine)

    def print(self, data: bytes, window: int = 0) -> None:
        """The program writes, and the screen catches up."""
        self.output(self.windows[window].stream.end, data, window)
        self.work()


class DrawnLink(LinkCore):
    """A link that shows what it is sent."""

    def __init__(self, core: ConsoleCore) -> None:
        super().__init__(core, subscribe=False)
        self.grids: dict[int, Grid] = {}

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """The reply to a request of window 0."""
        self.request(op, **{"window": 0, **arguments})
        return self.replies()[-1]

    def view(self, view: int = 1, cols: int = 80, rows: int = 24, **arguments: Any) -> dict[str, Any]:
        """Open a view and ask for its first drawing."""
        reply = self.ask("view", view=view, cols=cols, rows=rows, **arguments)
        assert reply["ok"], reply
        return reply

    def ready(self, view: int = 1, window: int = 0) -> None:
        """Ask for a view's next drawing."""
        self.send(frames.encode(frames.ROWS, window, encode_ready(view)))

    def drawings(self) -> list[Drawing]:
        """What came since the last call, shown."""
        found = [parse_drawing(frame.payload) for frame in self._take(frames.ROWS)]
        for drawing in found:
            self.grids.setdefault(drawing.view, Grid()).apply(drawing)
        return found

    def text(self, view: int = 1) -> list[str]:
        """What a view shows, without empty lines at the end."""
        self.drawings()
        return "\n".join(self.grids[view].text).rstrip("\n").split("\n")


@pytest.fixture(params=["ghostty", "pyte"])
def core(request: pytest.FixtureRequest, tmp_path: Path) -> ScreenCore:
    if request.param not in engines():
        pytest.skip("pyghostty has no wheel for this machine")
    ScreenCore.engine = request.param
    return ScreenCore(tmp_path)


@pytest.fixture
def link(core: ScreenCore) -> DrawnLink:
    link = DrawnLink(core)
    link.view()
    return link


def test_a_view_is_drawn_when_it_is_asked_for(core: ScreenCore, link: DrawnLink):
    core.print(b"hello")
    assert link.drawings() == []
    link.ready()
    (drawing,) = link.drawings()
    assert (drawing.view, drawing.whole, drawing.offset) == (1, True, 5)
    assert link.text() == ["hello"]


def test_the_first_change_after_quiet_is_drawn_at_once(core: ScreenCore, link: DrawnLink):
    link.ready()
    link.drawings()
    link.ready()
    core.clock.advance(1)
    assert link.drawings() == []
    core.print(b"x")
    (drawing,) = link.drawings()
    assert not drawing.whole
    assert link.text() == ["x"]


def test_one_drawing_is_under_way_and_at_most_sixty_a_second_come(core: ScreenCore, link: DrawnLink):
    link.ready()
    drawn = []
    for number in range(600):
        core.print(b"line %d\r\n" % number)
        new = link.drawings()
        drawn += new
        if new:
            link.ready()
        core.clock.advance(0.001)
    assert 20 <= len(drawn) <= 0.6 / FRAME_SECONDS + 2
    core.clock.advance(1)
    assert link.text()[-1] == "line 599"
    core.print(b"more")
    assert len(link.drawings()) <= 1
    core.print(b"and more")
    core.clock.advance(1)
    assert link.drawings() == [], "no credit, no drawing"


def test_what_follows_input_does_not_wait_for_its_turn(core: ScreenCore, link: DrawnLink):
    link.ready()
    core.print(b"a")
    link.drawings()
    link.ready()
    core.clock.advance(HURRIED_FRAME_SECONDS)
    core.print(b"b")
    assert link.drawings() == []
    link.send(frames.input_(0, 7, 0, b"x"))
    assert len(link.drawings()) == 1
    link.ready()
    link.send(frames.input_(0, 7, 1, b"y"))
    core.print(b"y")
    assert len(link.drawings()) == 1, "each key's first change is drawn at once"
    link.ready()
    core.print(b"z")
    assert link.drawings() == []
    drawn = 0
    for _step in range(100):
        link.ready()
        core.print(b"c")
        core.clock.advance(0.001)
        drawn += len(link.drawings())
    assert 15 <= drawn <= HURRY_SECONDS / HURRIED_FRAME_SECONDS + 1
    core.clock.advance(HURRY_SECONDS)
    link.ready()
    core.print(b"d")
    link.drawings()
    link.ready()
    core.clock.advance(HURRIED_FRAME_SECONDS)
    core.print(b"e")
    assert link.drawings() == [], "the hurry is over"


def test_a_slow_client_gets_the_latest_state(core: ScreenCore, link: DrawnLink):
    link.ready()
    link.drawings()
    for number in range(1000):
        core.print(b"%d\r\n" % number)
        core.clock.advance(0.1)
    assert link.drawings() == []
    link.ready()
    assert len(link.drawings()) == 1
    link.grids[1].assert_shows(core.windows[0].screen)


def test_a_program_that_draws_in_one_piece_is_shown_so(core: ScreenCore, link: DrawnLink):
    link.ready()
    link.drawings()
    link.ready()
    core.clock.advance(1)
    core.print(b"\x1b[?2026h half")
    core.clock.advance(SYNCHRONIZED_SECONDS / 2)
    assert link.drawings() == []
    core.print(b" whole\x1b[?2026l")
    assert link.text() == [" half whole"]
    link.ready()
    core.clock.advance(1)
    core.print(b"\x1b[?2026h for ever")
    core.clock.advance(SYNCHRONIZED_SECONDS * 2)
    assert link.text() == [" half whole for ever"]


def test_several_views_of_one_window_are_all_drawn(core: ScreenCore, link: DrawnLink):
    link.view(2, 10, 5)
    other = DrawnLink(core)
    other.view(1, 100, 30)
    core.print(b"\r\n".join(b"line %d" % n for n in range(50)))
    for number in range(3):
        for which, view in ((link, 1), (link, 2), (other, 1)):
            which.ready(view)
        core.clock.advance(1)
        link.drawings()
        other.drawings()
        for grid in (link.grids[1], link.grids[2], other.grids[1]):
            grid.assert_shows(core.windows[0].screen)
        core.print(b"\r\nmore %d" % number)


def test_a_view_may_change_its_size(core: ScreenCore, link: DrawnLink):
    core.print(b"0123456789abcdef")
    link.ready()
    link.drawings()
    link.view(1, 5, 2)
    assert link.drawings() == [], "the last drawing was not returned"
    link.ready()
    core.clock.advance(1)
    (drawing,) = link.drawings()
    assert (drawing.whole, drawing.view_cols, drawing.view_rows, drawing.left) == (True, 5, 2, 12)


def test_the_window_may_change_its_size(core: ScreenCore, link: DrawnLink):
    core.print(b"hello")
    link.ready()
    link.drawings()
    link.ready()
    core.clock.advance(1)
    core.console.receive(frames.resize(0, 40, 10))
    core.work()
    (drawing,) = link.drawings()
    assert (drawing.cols, drawing.rows) == (40, 10)
    link.grids[1].assert_shows(core.windows[0].screen)


LINES = b"\r\n".join(b"Line %d" % n for n in range(200))


def test_scrolling_back_shows_what_was_there_then(core: ScreenCore, link: DrawnLink):
    core.print(LINES)
    link.ready()
    link.drawings()
    assert link.view(1, 80, 10, back=50)["history"] == 176
    link.ready()
    core.clock.advance(1)
    assert link.text() == [f"Line {n}" for n in range(176 + 14 - 50, 176 + 14 - 40)]
    core.print(b"\r\nnew" * 500)
    link.ready()
    core.clock.advance(1)
    assert link.drawings() == []
    assert link.view(1, 80, 10, back=10_000)["history"] == 176
    core.clock.advance(1)
    assert link.text()[0] == "Line 0"
    assert link.drawings() == []
    assert link.view(1, 80, 24)["history"] > 176
    link.ready()
    core.clock.advance(1)
    link.drawings()
    link.grids[1].assert_shows(core.windows[0].screen)


def test_so_many_screens_are_frozen_at_most(core: ScreenCore, link: DrawnLink):
    core.print(LINES)
    for view in range(2, MOST_FROZEN + 3):
        link.view(view, back=5)
        link.ready(view)
    core.clock.advance(1)
    link.drawings()
    backs = [link.grids[view].last.back for view in range(2, MOST_FROZEN + 3)]
    assert backs[-MOST_FROZEN + 1 :] == [5] * (MOST_FROZEN - 1)
    link.ready(2)
    core.clock.advance(1)
    link.drawings()
    assert link.grids[2].last.back == 0, "the one that was used longest ago is live again"
    assert core.console.views.frozen_count == MOST_FROZEN


def test_finding_and_copying(core: ScreenCore, link: DrawnLink):
    core.print(LINES)
    found = link.ask("find", view=1, text="line 77", line=0)
    assert (found["line"], found["x"], found["cells"]) == (77, 0, 7)
    assert link.ask("find", view=1, text="line 77", line=78)["line"] is None
    older = link.ask("find", view=1, text="Line 7", line=76, forward=False)
    assert older["line"] == 76
    copied = link.ask("copy", view=1, **{"from": [77, 5], "to": [79, 3]})
    assert copied["text"] == "77\nLine 78\nLine"
    assert link.ask("copy", view=1, **{"from": [79, 3], "to": [77, 5]})["text"] == copied["text"]
    assert link.ask("copy", view=1, **{"from": [199, 0], "to": [9999, 9999]})["text"] == "Line 199"
    assert link.ask("copy", view=1, **{"from": [5000, 0], "to": [9999, 9999]})["text"] == ""
    link.view(back=10)
    core.print(b"\x1bcgone")
    assert link.ask("find", view=1, text="line 77", line=0)["line"] == 77
    assert core.console.views.frozen_count == 1


def test_a_copy_is_bounded(core: ScreenCore, link: DrawnLink):
    core.print(b"".join(("你" * 40 + "\r\n").encode() for _ in range(900)))
    text = link.ask("copy", view=1, **{"from": [0, 0], "to": [9999, 0]})["text"]
    assert 99_000 < len(text.encode()) <= 100_000


@pytest.mark.parametrize(
    ("op", "arguments", "code"),
    [
        ("view", {"view": 2, "cols": 0, "rows": 5}, "bad_request"),
        ("view", {"view": 2, "cols": 80}, "bad_request"),
        ("view", {"view": 2, "cols": 1001, "rows": 5}, "bad_request"),
        ("view", {"view": 1 << 32, "cols": 80, "rows": 24}, "bad_request"),
        ("view", {"view": "1", "cols": 80, "rows": 24}, "bad_request"),
        ("view", {"view": 2, "cols": 80, "rows": 24, "back": -1}, "bad_request"),
        ("view", {"view": 2, "cols": 80, "rows": 24, "window": 7}, "no_such_window"),
        ("unview", {"view": 9}, "no_such_view"),
        ("find", {"view": 9, "text": "x", "line": 0}, "no_such_view"),
        ("find", {"view": 1, "text": 5, "line": 0}, "bad_request"),
        ("find", {"view": 1, "text": "x" * 1001, "line": 0}, "bad_request"),
        ("find", {"view": 1, "text": "x"}, "bad_request"),
        ("copy", {"view": 1, "from": [0, 0]}, "bad_request"),
        ("copy", {"view": 1, "from": [0, -1], "to": [1, 1]}, "bad_request"),
        ("copy", {"view": 1, "from": [0], "to": [1, 1]}, "bad_request"),
    ],
)
def test_requests_that_make_no_sense(
    core: ScreenCore, link: DrawnLink, op: str, arguments: dict[str, Any], code: str
):
    reply = link.ask(op, **arguments)
    assert (reply["ok"], reply["code"]) == (False, code)


def test_views_are_bounded(core: ScreenCore, link: DrawnLink):
    for view in range(2, MOST_VIEWS + 1):
        link.view(view, 2, 1)
    reply = link.ask("view", view=MOST_VIEWS + 1, cols=2, rows=1)
    assert reply["code"] == "busy"


def test_a_credit_of_another_length_breaks_the_link(core: ScreenCore, link: DrawnLink):
    with pytest.raises(frames.FrameError):
        link.send(frames.encode(frames.ROWS, 0, b"\0\0\1"))


def test_a_view_that_is_gone_is_not_drawn(core: ScreenCore, link: DrawnLink):
    link.ready()
    link.drawings()
    link.ready()
    assert link.ask("unview", view=1)["ok"]
    core.print(b"hello")
    core.clock.advance(1)
    link.ready()
    assert link.drawings() == []


def test_what_goes_away_takes_its_views_along(core: ScreenCore, link: DrawnLink):
    core.event({"type": "opened", "argv": ["x"]}, window=1)
    core.work()
    link.ask("view", view=5, window=1, cols=80, rows=24, back=1)
    link.ready(5, 1)
    link.drawings()
    core.event({"type": "exit", "code": 0}, window=1)
    core.event({"type": "closed"}, window=1)
    core.work()
    assert core.console.views.frozen_count == 0
    assert link.ask("find", view=5, text="x", line=0)["code"] == "no_such_view"
    link.view(back=1)
    core.print(b"x")
    core.console.remove_link(link.link)
    assert core.console.views.frozen_count == 0
    core.print(b"y")
    core.clock.advance(1)


def test_the_end_draws_the_last_state(core: ScreenCore, link: DrawnLink):
    link.ready()
    link.drawings()
    link.ready()
    core.print(b"last words")
    core.console.end("it is over")
    *_, drawn, ended = link.frames()
    assert (drawn.type, ended.type) == (frames.ROWS, frames.EVENT)
    assert parse_drawing(drawn.payload).offset == 10


def test_a_link_that_is_not_read_is_not_filled(core: ScreenCore, link: DrawnLink):
    link.ready()
    link.drawings()
    link.ready()
    link.link.send(bytes(QUEUE_BYTES + 1))
    core.print(b"\r\n".join(b"%d" % n for n in range(24)))
    core.clock.advance(1)
    assert link.link.queued_bytes < QUEUE_BYTES + 100
    while data := link.link.to_send():
        link.link.sent(len(data))
        if link.link.queued_bytes == 0:
            break
    core.clock.advance(1)
    assert link.text() == [str(n) for n in range(24)]


def test_where_many_views_change_some_are_drawn_at_a_time(
    core: ScreenCore, link: DrawnLink, monkeypatch: pytest.MonkeyPatch
):
    views = range(1, 8)
    for view in views:
        link.view(view)
        link.ready(view)
    core.clock.advance(1)
    link.drawings()
    for view in views:
        link.ready(view)
    draw = Viewport.draw

    def slow(viewport: Viewport, changes: Changes, offset: int) -> Drawing | None:
        core.clock.seconds += TURN_SECONDS * 0.4
        return draw(viewport, changes, offset)

    monkeypatch.setattr(Viewport, "draw", slow)
    core.print(b"x")
    assert [drawing.view for drawing in link.drawings()] == [1, 2, 3]
    link.ask("unview", view=5)
    core.clock.advance(0)
    assert [drawing.view for drawing in link.drawings()] == [4, 6, 7]
    core.clock.advance(1)
    assert link.drawings() == []
    for view in (1, 2, 3, 4):
        link.ready(view)
    core.print(b"y")
    assert [drawing.view for drawing in link.drawings()] == [1, 2, 3]
    core.console.views.link_closed(link.link)
    core.clock.advance(1)
    assert link.drawings() == []
