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
from termhub.gateways.tui.painter import Painter
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
@given(drawn=frames)
@settings(max_examples=60, deadline=None)
def test_the_terminal_shows_what_was_drawn(
    engine: str, term: str, drawn: list[tuple[list[tuple[Any, ...]], CanvasCursor | None]]
) -> None:
    canvas = Canvas(COLS, ROWS)
    with opened(term, COLS, ROWS, engine=engine) as terminal:
        for operations, cursor in drawn:
            for name, *arguments in operations:
                getattr(canvas, name)(*arguments)
            canvas.cursor = cursor
            terminal.paint(canvas)
