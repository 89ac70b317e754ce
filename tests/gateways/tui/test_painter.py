"""Whatever is drawn on a canvas, a terminal of any kind shows it; and it costs few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termhub.gateways.tui.canvas import Canvas, CanvasCursor
from termhub.gateways.tui.events import Report
from termhub.gateways.tui.painter import SYNCHRONIZED, Painter
from termhub.gateways.tui.pens import Pens
from termhub.gateways.tui.terminal import TRUE_COLOUR, Terminal
from termhub.screen import Screen, engines, open_screen
from termhub.screen.runs import (
    BOLD,
    DEFAULT_STYLE,
    HIDDEN,
    ITALIC,
    PALETTE,
    REVERSE,
    RGB,
    UNDERLINE_SHIFT,
    Style,
)
from tests.screen.oracle import XTerm, text

COLS, ROWS = 12, 6
RED = Style(fg=PALETTE | 1)
ON_BLUE = Style(bg=PALETTE | 4)
BAR = Style(fg=PALETTE | 15, bg=RGB | 0x303030, attrs=BOLD)
STYLES = (
    DEFAULT_STYLE,
    RED,
    ON_BLUE,
    BAR,
    Style(fg=PALETTE | 11, attrs=ITALIC),
    Style(bg=PALETTE | 200, attrs=REVERSE | 1 << UNDERLINE_SHIFT),
    Style(fg=RGB | 0x8020F0, underline=PALETTE | 3, attrs=3 << UNDERLINE_SHIFT),
    Style(attrs=HIDDEN),
)
TEXTS = ("x", "ab", "the end", " ", "      ", "─" * 7, "漢", "é漢字e\u0301", "😀", "│└┘ aaaaaaaa", "")
# What a terminal without UTF-8 shows instead.
ASCII = {"é": "e", "e\u0301": "e", "漢": "?", "字": "?", "😀": "?"}


class Emulated:
    """A painter and the terminal it paints."""

    def __init__(self, terminal: Terminal, screen: Screen) -> None:
        self.painter = Painter(terminal)
        self.screen = screen
        self.sent = b""
        self.take(self.painter.begin())

    def take(self, data: bytes) -> bytes:
        """Let the terminal have ``data``."""
        self.sent += data
        self.screen.feed(data)
        return data

    def paint(self, canvas: Canvas) -> bytes:
        """Paint, and check that the terminal shows the canvas."""
        data = self.take(self.painter.paint(canvas))
        self.check(canvas)
        return data

    def paint_in_parts(self, canvas: Canvas, most_bytes: int) -> list[bytes]:
        """Paint piece by piece, and check that the terminal shows the canvas then."""
        parts = [self.take(self.painter.paint(canvas, most_bytes))]
        while self.painter.is_unfinished:
            parts.append(self.take(self.painter.paint(canvas, most_bytes)))
        self.check(canvas)
        return parts

    def check(self, canvas: Canvas) -> None:
        """Compare every cell and the cursor."""
        terminal = self.painter.terminal
        shown = Canvas(canvas.cols, canvas.rows)
        for y, runs in enumerate(self.screen.runs(range(canvas.rows))):
            shown.draw(0, y, runs, canvas.cols)
        for y in range(canvas.rows):
            expected = _seen(terminal, canvas.texts[y], canvas.styles[y])
            # The emulator shows everything, so that only what was sent has been brought down.
            assert _seen(ALL, shown.texts[y], shown.styles[y]) == expected, f"row {y} after {self.sent!r}"
        cursor = canvas.cursor
        if terminal.cursor_hiding:
            assert self.screen.cursor.visible == (cursor is not None and cursor.visible)
        if cursor is not None and cursor.visible:
            assert (self.screen.cursor.x, self.screen.cursor.y) == cursor[:2]


ALL = Terminal.of("xterm-kitty")


def _seen(terminal: Terminal, texts: list[str], styles: list[Style]) -> list[tuple[str, Style]]:
    """What is to be seen of a row on such a terminal."""
    pens = Pens(terminal)
    cells = []
    for x, (characters, style) in enumerate(zip(texts, styles, strict=True)):
        look = pens.look(style)
        if not terminal.utf8:
            characters = ASCII.get(characters or texts[x - 1], characters)
        elif not terminal.combining:
            characters = characters[:1]
        if look.attrs & HIDDEN and not terminal.attributes & HIDDEN:
            characters = " "
            look = look._replace(attrs=look.attrs & ~HIDDEN)
        cells.append((characters, pens.ground(look) if characters == " " else look))
    return cells


@contextmanager
def opened(
    term: str, cols: int = 80, rows: int = 24, lang: str = "", engine: str = "auto"
) -> Iterator[Emulated]:
    """A terminal of this name."""
    screen = open_screen(cols, rows, scrollback=10, engine=engine)
    try:
        yield Emulated(Terminal.of(term, lang=lang), screen)
    finally:
        screen.close()


x_places, y_places = st.integers(-2, COLS), st.integers(-1, ROWS)
steps = st.one_of(
    st.tuples(st.just("put"), x_places, y_places, st.sampled_from(TEXTS), st.sampled_from(STYLES)),
    st.tuples(
        st.just("fill"),
        x_places,
        y_places,
        st.integers(0, COLS),
        st.integers(0, ROWS),
        st.sampled_from(STYLES),
    ),
    st.tuples(
        st.just("scroll"), x_places, y_places, st.integers(1, COLS), st.integers(1, ROWS), st.integers(-3, 3)
    ),
    st.tuples(
        st.just("scroll"), st.just(0), y_places, st.just(COLS), st.integers(2, ROWS), st.integers(-3, 3)
    ),
    st.tuples(st.just("clear")),
)
cursors = st.one_of(
    st.none(), st.builds(CanvasCursor, st.integers(0, COLS - 1), st.integers(0, ROWS - 1), st.booleans())
)
frames = st.lists(st.tuples(st.lists(steps, max_size=8), cursors), min_size=1, max_size=5)


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize(
    "term", ["xterm-256color", "xterm-kitty", "xterm", "screen", "linux", "putty", "vt100", "vt220"]
)
@given(drawn=frames, most_bytes=st.sampled_from([0, 50, 1 << 20]))
@settings(max_examples=40, deadline=None)
def test_the_terminal_shows_what_was_drawn(
    engine: str, term: str, drawn: list[tuple[list[tuple[Any, ...]], CanvasCursor | None]], most_bytes: int
) -> None:
    canvas = Canvas(COLS, ROWS)
    with opened(term, COLS, ROWS, engine=engine) as terminal:
        for operations, cursor in drawn:
            for name, *arguments in operations:
                getattr(canvas, name)(*arguments)
            canvas.cursor = cursor
            terminal.paint_in_parts(canvas, most_bytes)


@pytest.mark.parametrize("term", ["xterm-256color", "xterm-kitty"])
@given(drawn=frames)
@settings(max_examples=25, deadline=None)
def test_xterm_js_shows_it_too(
    xterm: XTerm, term: str, drawn: list[tuple[list[tuple[Any, ...]], CanvasCursor | None]]
) -> None:
    painter, canvas = Painter(Terminal.of(term)), Canvas(COLS, ROWS)
    sent = [painter.begin()]
    for operations, cursor in drawn:
        for name, *arguments in operations:
            getattr(canvas, name)(*arguments)
        canvas.cursor = cursor
        sent.append(painter.paint(canvas))
    shown = text(xterm.state(COLS, ROWS, sent))
    assert shown == ["".join(row).rstrip() for row in canvas.texts], sent


@pytest.fixture(scope="module")
def xterm() -> Iterator[XTerm]:
    terminal = XTerm()
    yield terminal
    terminal.close()


@pytest.fixture
def emulated() -> Iterator[Emulated]:
    with opened("xterm-256color") as terminal:
        yield terminal


def test_a_character_typed_is_one_byte(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 5, ">>> ")
    canvas.cursor = CanvasCursor(4, 5)
    emulated.paint(canvas)
    canvas.put(4, 5, "x")
    canvas.cursor = CanvasCursor(5, 5)
    assert emulated.paint(canvas) == b"x"
    canvas.put(4, 5, " ")
    canvas.cursor = CanvasCursor(4, 5)
    assert emulated.paint(canvas) == b"\b \b"
    assert emulated.paint(canvas) == b""


def test_a_changed_cell_anywhere_is_a_few_bytes(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.cursor = CanvasCursor(40, 12)
    emulated.paint(canvas)
    canvas.put(20, 3, "x", RED)
    assert emulated.paint(canvas) == b"\x1b[4;21H\x1b[31mx\x1b[13;41H"
    # The pen stays as it is, and a blank is shorter than going past it.
    canvas.put(41, 12, "y", RED)
    assert emulated.paint(canvas) == b" y\b\b"


def test_scrolling_line_by_line_costs_the_lines(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 23, "status".ljust(80), BAR)
    canvas.cursor = CanvasCursor(0, 22)
    for number in range(200):
        canvas.put(0, 22, f"line {number}")
        canvas.scroll(0, 0, 80, 23, 1)
        data = emulated.paint(canvas)
        if number > 30:
            assert data == f"line {number}\n\r".encode()
    assert emulated.screen.text()[23].startswith("status")


def test_lines_that_differ_in_a_few_places_are_scrolled_too(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 23, "status".ljust(80), BAR)
    for number in range(0, 400, 4):
        canvas.scroll(0, 0, 80, 23, 4)
        lines = [
            f"{at:06d} a line of ordinary text {at * 7919 % 90000 + 10000}"
            for at in range(number, number + 4)
        ]
        for y, line in enumerate(lines, 19):
            canvas.put(0, y, line)
        data = emulated.paint(canvas)
        if number > 100:
            assert len(data) < sum(map(len, lines)) + 40, data


def test_scrolling_back_inserts_lines_above(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    for y in range(23):
        canvas.put(0, y, f"this is the line {y}")
    canvas.put(0, 23, "status".ljust(80), BAR)
    emulated.paint(canvas)
    for number in range(10):
        canvas.scroll(0, 0, 80, 23, -1)
        canvas.put(0, 0, f"and an earlier line {number}")
        data = emulated.paint(canvas)
        assert len(data) < 40, data


@pytest.mark.parametrize("synchronized", [True, False])
def test_a_picture_of_a_thousand_colours_comes_in_parts(emulated: Emulated, synchronized: bool) -> None:
    report = Report("mode", (SYNCHRONIZED, 2 if synchronized else 0))
    emulated.painter.report(report)
    canvas = Canvas(80, 24)
    for y in range(24):
        for x in range(80):
            fg, bg = PALETTE | (x * 7 + y) % 256, PALETTE | (x * 5 + y * 3) % 256
            canvas.put(x, y, "x", Style(fg, bg, attrs=BOLD if x % 2 else 0))
    canvas.cursor = CanvasCursor(3, 4)
    parts = emulated.paint_in_parts(canvas, 8192)
    assert len(parts) >= 4
    assert max(map(len, parts)) < 12_000
    together = b"".join(parts)
    begins, ends = (b"\x1b[?2026h", b"\x1b[?2026l") if synchronized else (b"\x1b[?25l", b"\x1b[?25h")
    assert (together.count(begins), together.count(ends)) == (1, 1)
    assert parts[0].startswith(begins)
    assert parts[-1].endswith(ends)


def test_a_picture_that_was_cut_off_goes_on_with_what_is_there_by_then(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    for y in range(24):
        canvas.put(0, y, f"line {y} " * 9)
    emulated.take(emulated.painter.paint(canvas, 300))
    assert emulated.painter.is_unfinished
    canvas.put(0, 0, "other")
    canvas.put(0, 23, "words")
    emulated.paint_in_parts(canvas, 300)
    assert emulated.painter.paint(canvas) == b""


def test_a_terminal_is_given_back_in_the_middle_of_a_picture(emulated: Emulated) -> None:
    emulated.painter.report(Report("mode", (SYNCHRONIZED, 2)))
    canvas = Canvas(80, 24)
    for y in range(24):
        canvas.put(0, y, f"line {y} " * 9)
    emulated.take(emulated.painter.paint(canvas, 300))
    assert emulated.take(emulated.painter.end()).startswith(b"\x1b[?2026l")


def test_a_large_picture_comes_at_once_where_the_terminal_can(emulated: Emulated) -> None:
    def repainted(letter: str) -> bytes:
        canvas = Canvas(80, 24)
        for y in range(24):
            canvas.put(0, y, letter * 79)
        canvas.cursor = CanvasCursor(0, 0)
        return emulated.paint(canvas)

    data = repainted("a")
    assert data.startswith(b"\x1b[?25l")
    assert data.endswith(b"\x1b[?25h")
    assert not emulated.painter.report(Report("mode", (2026, 2)))
    data = repainted("b")
    assert data.startswith(b"\x1b[?2026h")
    assert data.endswith(b"\x1b[?2026l")
    emulated.painter.report(Report("mode", (2026, 0)))
    assert b"2026" not in repainted("c")


@pytest.mark.parametrize("term", ["xterm-256color", "linux", "vt100"])
def test_the_last_cell_can_be_written_without_scrolling(term: str) -> None:
    with opened(term, COLS, ROWS) as terminal:
        canvas = Canvas(COLS, ROWS)
        for y in range(ROWS):
            canvas.put(0, y, chr(ord("a") + y) * COLS)
        canvas.cursor = CanvasCursor(COLS - 1, ROWS - 1)
        terminal.paint(canvas)
        canvas.put(COLS - 1, ROWS - 1, "!")
        terminal.paint(canvas)
        canvas.put(0, 0, "x")
        terminal.paint(canvas)
        assert terminal.screen.history_lines == 0


def test_a_terminal_that_wraps_at_once_never_gets_its_last_cell() -> None:
    painter, canvas = Painter(Terminal.of("ansi")), Canvas(COLS, 2)
    canvas.put(0, 0, "a" * COLS)
    canvas.put(0, 1, "b" * (COLS - 2) + "漢")
    canvas.cursor = CanvasCursor(COLS - 2, 1)
    data = painter.paint(canvas)
    assert data.endswith(b"a\x1b[2H" + b"b" * (COLS - 2))
    canvas.put(0, 1, "c" * COLS)
    canvas.cursor = CanvasCursor(COLS - 1, 1)
    assert painter.paint(canvas).endswith(b"\r" + b"c" * (COLS - 1))


def test_erasing_keeps_to_the_background_the_terminal_erases_with() -> None:
    canvas = Canvas(80, 24)
    canvas.fill(0, 0, 80, 1, ON_BLUE)
    assert b"\x1b[44m\x1b[K" in Painter(Terminal.of("xterm-256color")).paint(canvas)
    # GNU screen erases in the default colour.
    assert b"\x1b[44m" + b" " * 80 in Painter(Terminal.of("screen")).paint(canvas)


def test_the_terminal_is_given_back_as_it_was() -> None:
    for term in ("xterm-256color", "linux", "vt100"):
        with opened(term) as terminal:
            before = open_screen(80, 24)
            terminal.take(terminal.painter.set_modes(mouse="any", bracketed_paste=True, focus=True))
            canvas = Canvas(80, 24)
            canvas.put(0, 0, "─" * 80, BAR)
            canvas.cursor = CanvasCursor(3, 3, shape="bar")
            terminal.paint(canvas)
            terminal.take(terminal.painter.end())
            terminal.screen.feed(b"x")
            assert terminal.screen.modes == before.modes
            assert terminal.screen.cursor.visible
            assert terminal.screen.cursor.shape == "default"
            ((run,),) = (runs for runs in terminal.screen.runs(range(24)) if runs and runs[-1].text == "x")
            assert run.style == DEFAULT_STYLE
            before.close()


def test_modes_are_sent_only_when_they_change() -> None:
    painter = Painter(Terminal.of("xterm-256color"))
    assert painter.set_modes(mouse="button", focus=True) == b"\x1b[?1002;1006h\x1b[?1004h"
    assert painter.set_modes(mouse="button") == b""
    assert painter.set_modes(mouse="any", focus=False) == b"\x1b[?1002l\x1b[?1003;1006h\x1b[?1004l"
    assert painter.set_modes(mouse="off") == b"\x1b[?1003l\x1b[?1006l"
    assert Painter(Terminal.of("vt100")).set_modes(mouse="any", bracketed_paste=True, focus=True) == b""


def test_after_a_resize_everything_is_drawn_anew(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 0, "old")
    emulated.paint(canvas)
    emulated.screen.resize(100, 30)
    canvas = Canvas(100, 30)
    canvas.put(90, 29, "new")
    emulated.paint(canvas)
    emulated.take(b"\x1b[5;1Hdirt")
    emulated.painter.resized()
    emulated.paint(canvas)


def test_a_terminal_that_says_what_it_is_gets_its_true_colours(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 0, "x", Style(fg=RGB | 0x123456))
    assert b"\x1b[38;5;" in emulated.paint(canvas)
    assert emulated.painter.report(Report("version", text="WezTerm 20240203"))
    assert b"\x1b[38;2;18;52;86mx" in emulated.paint(canvas)
    assert not emulated.painter.report(Report("version", text="something else"))
    assert emulated.painter.terminal.colours == TRUE_COLOUR


def test_a_cell_whose_width_is_in_doubt_moves_nothing_else(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 0, "a😀b")
    assert b"\x1b[4Gb" in emulated.paint(canvas)


def test_where_a_wide_character_may_be_narrow_nothing_old_stays_beside_it(emulated: Emulated) -> None:
    canvas = Canvas(80, 24)
    canvas.put(0, 0, "old text", DEFAULT_STYLE)
    emulated.paint(canvas)
    canvas.put(0, 0, "😀d", DEFAULT_STYLE)
    before = emulated.paint(canvas).partition("😀".encode())[0]
    assert before.endswith((b"  \r", b"  \b\b", b"  \x1b[H"))


def test_only_ascii_is_repeated_by_the_terminal() -> None:
    with opened("tmux-256color") as emulated:
        canvas = Canvas(80, 24)
        canvas.put(0, 0, "─" * 40 + "=" * 40, DEFAULT_STYLE)
        assert emulated.paint(canvas).count("─".encode()) == 40, "tmux repeats the last ASCII character"
        assert emulated.sent.count(b"=") == 1


def test_titles_and_clipboards_cannot_smuggle_controls() -> None:
    painter = Painter(Terminal.of("xterm"))
    assert painter.title("a\x1b\x07b\x9cc") == b"\x1b]2;a  b c\x07"
    assert painter.clipboard("h\x1bi") == b"\x1b]52;c;aBtp\x07"
    assert painter.bell() == b"\x07"
    vt100 = Painter(Terminal.of("vt100"))
    assert vt100.title("a") + vt100.clipboard("a") == b""
