"""Viewports: drawings applied one after the other show what the screen shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from termhub.host.viewport import Changes, Viewport, find_scroll, scrolled
from termhub.screen import Screen, engines, open_screen
from termhub.screen.drawing import Drawing, encode_drawing, parse_drawing
from termhub.screen.runs import Run, Style
from tests.support.drawn import Grid

SETTINGS = settings(
    deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
PLAIN = Style()


@pytest.fixture(params=["ghostty", "pyte"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name not in engines():
        pytest.skip("pyghostty has no wheel for this machine")
    return name


class Viewer:
    """A viewport of a real screen, and a client of its drawings."""

    def __init__(self, screen: Screen, cols: int, rows: int, changes: Changes | None = None) -> None:
        self.screen = screen
        self.changes = changes or Changes(screen)
        self.viewport = Viewport(1, cols, rows)
        self.grid = Grid()

    def draw(self) -> list[Drawing]:
        """Bring the client up to date."""
        drawings = []
        while drawing := self.viewport.draw(self.changes, 0):
            self.grid.apply(drawing)
            drawings.append(drawing)
            if not self.viewport.is_unfinished:
                break
        self.grid.assert_shows(self.screen)
        return drawings

    def feed(self, data: bytes) -> Drawing | None:
        """Feed the screen and draw; what was drawn."""
        self.screen.feed(data)
        drawings = self.draw()
        return drawings[0] if drawings else None


@pytest.fixture
def viewer(engine: str) -> Iterator[Viewer]:
    screen = open_screen(20, 8, engine=engine)
    yield Viewer(screen, 20, 8)
    screen.close()


texts = st.text(alphabet="ab 你e\u0301─", max_size=30).map(str.encode)
colours = st.sampled_from([b"\x1b[31m", b"\x1b[44m", b"\x1b[m", b"\x1b[1;4:3m", b"\x1b[38;2;1;2;3m"])
moves = st.one_of(
    st.sampled_from(
        [b"\r\n"] * 6
        + [b"\n", b"\r", b"\x1bM", b"\x1b[L", b"\x1b[2M", b"\x1b[3S", b"\x1b[2T", b"\x1b[K", b"\x1b[J"]
        + [b"\x1b[2J", b"\x1b[H", b"\x1b[2;6r", b"\x1b[r", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[4P"]
        + [b"\x1b[?25l", b"\x1b[?25h", b"\x1b[3 q", b"\x1b[?2004h", b"\x1b[?1000h", b"\x1bc", b"\x1b[9999b"]
    ),
    st.tuples(st.integers(1, 9), st.integers(1, 21)).map(lambda place: b"\x1b[%d;%dH" % place),
)
outputs = st.lists(st.one_of(texts, colours, moves, moves), max_size=12).map(b"".join)
steps = st.one_of(outputs, outputs, outputs, st.tuples(st.integers(2, 30), st.integers(1, 12)))


def test_drawings_show_every_cell_of_the_screen(engine: str):
    @SETTINGS
    @given(
        st.lists(st.one_of(steps, st.just("draw"), st.just("again")), max_size=25),
        st.integers(1, 25),
        st.integers(1, 12),
    )
    def run(story: list[object], cols: int, rows: int) -> None:
        screen = open_screen(20, 8, scrollback=50, engine=engine)
        changes = Changes(screen)
        viewers = [Viewer(screen, cols, rows, changes), Viewer(screen, 20, 8, changes)]
        for step in story:
            if isinstance(step, bytes):
                screen.feed(step)
            elif isinstance(step, tuple):
                screen.resize(*step)
            elif step == "draw":
                viewers[0].draw()
            else:
                viewers[1].viewport.reset(20, 8)
                viewers[1].draw()
        for viewer in viewers:
            viewer.draw()
            assert viewer.draw() == []
        screen.close()

    run()


def test_a_key_draws_one_row(viewer: Viewer):
    first = viewer.feed(b"one\r\ntwo\r\n>>> ")
    assert first is not None
    assert first.whole
    assert [y for y, _ in first.rows_drawn] == [0, 1, 2]
    second = viewer.feed(b"x")
    assert second is not None
    assert not second.whole
    assert second.rows_drawn == [(2, [Run(0, 5, PLAIN, ">>> x")])]
    assert second.cursor.x == 5


def test_nothing_is_drawn_when_nothing_has_changed(viewer: Viewer):
    viewer.feed(b"hello")
    assert viewer.feed(b"\x1b[H" + b"hello") is None
    assert viewer.feed(b"") is None


def test_a_cursor_or_a_mode_alone_is_told(viewer: Viewer):
    viewer.feed(b"hello")
    moved = viewer.feed(b"\x1b[H")
    assert moved is not None
    assert (moved.cursor.x, list(moved.rows_drawn)) == (0, [])
    asked = viewer.feed(b"\x1b[?2004h")
    assert asked is not None
    assert asked.modes.bracketed_paste


def test_a_line_at_the_bottom_scrolls_and_draws_one_row(viewer: Viewer):
    viewer.feed(b"\r\n".join(b"line %d" % n for n in range(8)))
    drawing = viewer.feed(b"\r\nline 8")
    assert drawing is not None
    assert drawing.scroll == (0, 8, 1)
    assert drawing.rows_drawn == [(7, [Run(0, 6, PLAIN, "line 8")])]
    assert drawing.history == 1


def test_a_line_put_in_the_middle_moves_the_rest_down(viewer: Viewer):
    viewer.feed(b"\r\n".join(b"line %d" % n for n in range(8)))
    drawing = viewer.feed(b"\x1b[3;7r\x1b[3H\x1b[Lnew\x1b[r")
    assert drawing is not None
    assert drawing.scroll == (2, 7, -1)
    assert [y for y, _ in drawing.rows_drawn] == [2]


def test_the_viewport_follows_the_cursor_as_little_as_it_can(engine: str):
    screen = open_screen(40, 20, engine=engine)
    viewer = Viewer(screen, 10, 5)
    places = []
    for y, x in ((1, 1), (5, 10), (6, 11), (4, 9), (2, 2), (1, 40), (20, 1)):
        screen.feed(b"\x1b[%d;%dH" % (y, x))
        viewer.draw()
        assert viewer.grid.last is not None
        places.append((viewer.grid.last.top, viewer.grid.last.left))
    assert places == [(0, 0), (0, 0), (1, 1), (1, 1), (1, 1), (0, 30), (15, 0)]
    screen.feed(b"\x1b[?25l\x1b[1;40H")
    viewer.draw()
    assert (viewer.grid.last.top, viewer.grid.last.left) == (15, 0)
    screen.close()


def test_a_viewport_larger_than_the_window_is_blank_beyond_it(engine: str):
    screen = open_screen(10, 3, engine=engine)
    viewer = Viewer(screen, 30, 10)
    screen.feed(b"0123456789abc\r\nx")
    viewer.draw()
    screen.resize(5, 2)
    viewer.draw()
    screen.close()


def test_a_huge_screen_is_drawn_in_pieces(engine: str):
    screen = open_screen(500, 80, engine=engine)
    viewer = Viewer(screen, 500, 80)
    for colour in (1, 2):
        screen.feed(b"\x1b[H" + b"".join(b"\x1b[4%dmx\x1b[m " % (n % 7 + colour) for n in range(20_000)))
        before = viewer.grid.bytes
        drawings = viewer.draw()
        assert len(drawings) >= 3
        assert [drawing.whole for drawing in drawings] == [colour == 1] + [False] * (len(drawings) - 1)
        assert (viewer.grid.bytes - before) / len(drawings) < 512 * 1024
        assert viewer.draw() == []
    screen.close()


def test_a_colourful_screen_is_drawn_in_pieces_that_clients_take(engine: str):
    screen = open_screen(300, 60, engine=engine)
    viewer = Viewer(screen, 300, 60)
    screen.feed(b"".join(b"\x1b[48;2;%d;%d;1mx" % (n % 251, n % 241) for n in range(18_000)))
    drawings = viewer.draw()
    for drawing in drawings:
        assert parse_drawing(encode_drawing(drawing)).rows_drawn
    assert len(drawings) >= 6
    screen.close()


def test_rows_that_wait_are_not_passed_over(engine: str):
    screen = open_screen(500, 80, engine=engine)
    viewer = Viewer(screen, 500, 80)
    screen.feed(b"\x1b[80Hbottom\x1b[H")
    for n in range(5):
        screen.feed(b"\x1b[H" + b"\r\n".join(b"busy %d" % (n + y) for y in range(79)))
        drawing = viewer.viewport.draw(viewer.changes, 0)
        assert drawing is not None
        viewer.grid.apply(drawing)
    assert viewer.grid.text[79] == "bottom"
    screen.close()


def test_going_back_in_the_history(engine: str):
    screen = open_screen(20, 5, engine=engine)
    screen.feed(b"\r\n".join(b"line %d" % n for n in range(100)))
    viewer = Viewer(screen, 20, 4)
    viewer.draw()
    live = viewer.grid.last
    assert live is not None
    assert (live.top, live.history) == (1, 95)
    history = screen.freeze(1000)
    screen.feed(b"\r\nmore" * 10)
    for back in (3, 4, 96, 50):
        drawing = viewer.viewport.draw_history(history, back, screen.modes, 0)
        assert drawing is not None
        viewer.grid.apply(drawing)
        first = drawing.history + drawing.top - back
        assert viewer.grid.text == [f"line {n}" for n in range(first, first + 4)]
        assert (drawing.back, drawing.cursor.visible) == (back, False)
        assert viewer.viewport.draw_history(history, back, screen.modes, 0) is None
    close_by = viewer.viewport.draw_history(history, 51, screen.modes, 0)
    assert close_by is not None
    assert close_by.scroll == (0, 4, -1)
    viewer.grid.apply(close_by)
    viewer.draw()
    assert viewer.grid.text[-1] == "more"
    history.close()
    screen.close()


rows = st.lists(st.sampled_from(["", "a", "b", "c", "d", "e"]), min_size=1, max_size=12)


@given(st.data())
@settings(deadline=None)
def test_a_scroll_that_is_found_saves_rows(data: st.DataObject):
    old_texts = data.draw(rows)
    new_texts = data.draw(st.permutations(old_texts))
    old, new = ([[Run(0, 1, PLAIN, text)] if text else [] for text in t] for t in (old_texts, new_texts))
    scroll = find_scroll(old, new)
    if scroll is None:
        return
    after = scrolled(old, scroll)
    assert len(after) == len(old)
    top, bottom, lines = scroll
    assert 0 <= top < bottom <= len(old)
    assert 0 < abs(lines) < bottom - top
    assert sum(a != b for a, b in zip(after, new, strict=True)) + 2 <= sum(
        a != b for a, b in zip(old, new, strict=True)
    )


@given(st.integers(2, 30), st.integers(1, 29), st.booleans())
def test_a_plain_scroll_is_always_found(count: int, lines: int, down: bool):
    lines = min(lines, count - 1)
    texts = [f"line {n}" for n in range(count + lines)]
    before, after = texts[:count], texts[lines:]
    if down:
        before, after = after, before
    old, new = ([[Run(0, len(text), PLAIN, text)] for text in some] for some in (before, after))
    scroll = find_scroll(old, new)
    if count - lines >= 2:
        assert scroll == (0, count, -lines if down else lines)
