"""Real programs through the whole terminal UI: cell by cell what the console's screen holds."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from termhub.screen import Screen
from termhub.screen.runs import (
    BLINK,
    BOLD,
    DEFAULT_STYLE,
    FAINT,
    HIDDEN,
    ITALIC,
    UNDERLINE_SHIFT,
    Style,
    split_cells,
)
from tests.screen.recording import load, names
from tests.support.terminal_ui import PlayedConsole, PlayedTerminal, World

PIECE_BYTES = 1500


def cells(screen: Screen, rows: int) -> list[list[tuple[str, Style]]]:
    """Every cell of the first rows as it looks: what does not show on a blank is left out."""
    found = []
    for runs in screen.runs(range(rows)):
        row = [(" ", DEFAULT_STYLE)] * screen.cols
        for x, count, style, text in runs:
            for place, character in enumerate(split_cells(text) if text else [" "] * count, x):
                row[place] = (character, style if character != " " else _of_blank(style))
        found.append(row)
    return found


def _of_blank(style: Style) -> Style:
    attrs = style.attrs & ~(BOLD | FAINT | ITALIC | BLINK | HIDDEN)
    if not attrs:
        return Style(bg=style.bg)
    return style._replace(attrs=attrs, underline=style.underline if attrs >> UNDERLINE_SHIFT else 0)


def check(played: PlayedConsole, terminal: PlayedTerminal) -> None:
    """Compare every cell and the cursor."""
    screen: Screen = played.host.windows[0].screen
    assert cells(terminal.screen, screen.rows) == cells(screen, screen.rows)
    shown, wanted = terminal.screen.cursor, screen.cursor
    assert shown.visible == wanted.visible
    if wanted.visible:
        assert (shown.x, shown.y, shown.shape) == (wanted.x, wanted.y, wanted.shape)


@pytest.mark.parametrize("name", names())
def test_programs_look_the_same(world: World, name: str) -> None:
    recording = load(name)
    cols, rows = recording.cols, recording.rows
    played = world.add(cols=cols, rows=rows)
    terminal = world.sit_down(cols=cols, rows=rows + 1, term="xterm-kitty")
    for step in recording.steps:
        if isinstance(step, tuple):
            assert terminal.ui is not None
            terminal.screen.resize(step[0], step[1] + 1)
            terminal.ui.resized(step[0], step[1] + 1)
            world.advance(0.1)
            continue
        for start in range(0, len(step), PIECE_BYTES):
            played.print(step[start : start + PIECE_BYTES])
            world.advance(0.02)
    # Programs may keep their screen from being drawn for a moment (mode 2026).
    world.advance(0.5)
    check(played, terminal)


pieces = st.one_of(
    st.binary(max_size=20),
    st.text(
        st.characters(min_codepoint=32, max_codepoint=0x1FFFF, exclude_categories=["Cs", "Co", "Cn"])
    ).map(str.encode),
    st.builds(
        lambda final, numbers: b"\x1b[" + b";".join(b"%d" % n for n in numbers) + final,
        st.sampled_from([bytes([byte]) for byte in b"ABCDEFGHJKLMPSTXZ@dfmrs"]),
        st.lists(st.integers(0, 40), max_size=3),
    ),
    st.sampled_from(
        [b"\r\n", b"\n" * 5, b"\x1bM", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25l", b"\x1b[?25h"]
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pieces, max_size=25))
@example([b" " * 23 + b"!", b"\x1b[A", "⺀".encode()])  # a wide character pushes the last one out
@example(["♈".encode(), b"\r", "⺀".encode()])  # a wide character follows another in its place
def test_anything_written_looks_the_same(
    tmp_path_factory: pytest.TempPathFactory, written: list[bytes]
) -> None:
    world = World(tmp_path_factory.mktemp("world"))
    try:
        played = world.add(cols=24, rows=6)
        terminal = world.sit_down(cols=24, rows=7, term="xterm-kitty")
        for piece in written:
            played.print(piece)
            world.advance(0.02)
        world.advance(0.5)
        check(played, terminal)
    finally:
        world.close()
