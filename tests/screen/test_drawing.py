"""Drawings: values, their bytes, and what happens to bytes that are none."""

from __future__ import annotations

import struct

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termhub.screen import Cursor, Modes
from termhub.screen.drawing import (
    MOST_RUNS,
    Drawing,
    DrawingError,
    DrawnRow,
    drawing_head,
    encode_drawing,
    encode_ready,
    parse_drawing,
    parse_ready,
)
from termhub.screen.runs import (
    BOLD,
    PALETTE,
    RGB,
    UNDERLINE_SHIFT,
    Run,
    Style,
    cell_text,
    count_cells,
    make_runs,
    split_cells,
)

RED = Style(fg=PALETTE | 1)
COLOURS = st.one_of(
    st.just(0),
    st.integers(0, 255).map(lambda index: PALETTE | index),
    st.integers(0, 0xFFFFFF).map(lambda rgb: RGB | rgb),
)
ATTRS = st.tuples(st.integers(0, 255), st.integers(0, 5)).map(lambda p: p[0] | p[1] << UNDERLINE_SHIFT)
STYLES = st.builds(Style, COLOURS, COLOURS, COLOURS, ATTRS)
CELLS = st.sampled_from(["a", "Z", " ", "é", "e\u0301", "你", "👍", "─", "\ufffd"])
TEXTS = st.lists(CELLS, min_size=1, max_size=8).map("".join)


@st.composite
def rows(draw: st.DrawFn, y: int) -> DrawnRow:
    runs: list[Run] = []
    x = 0
    for _ in range(draw(st.integers(0, 4))):
        x += draw(st.integers(0, 5))
        text = draw(st.one_of(st.just(""), TEXTS))
        cells = count_cells(text) or draw(st.integers(1, 9))
        runs.append(Run(x, cells, draw(STYLES), text))
        x += cells
    return y, runs


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    view_cols, view_rows = 200, draw(st.integers(1, 500))
    modes = Modes(
        application_cursor_keys=draw(st.booleans()),
        autowrap=draw(st.booleans()),
        synchronized_output=draw(st.booleans()),
        mouse=draw(st.sampled_from(["off", "x10", "normal", "button", "any"])),
        mouse_encoding=draw(st.sampled_from(["default", "sgr", "sgr-pixels"])),
        kitty_keyboard=draw(st.integers(0, 255)),
    )
    cursor = Cursor(
        draw(st.integers(0, view_cols - 1)),
        draw(st.integers(0, view_rows - 1)),
        visible=draw(st.booleans()),
        shape=draw(st.sampled_from(["default", "block", "underline", "bar"])),
        blinking=draw(st.booleans()),
        pending_wrap=draw(st.booleans()),
    )
    scroll = None
    if view_rows > 1 and draw(st.booleans()):
        top = draw(st.integers(0, view_rows - 1))
        bottom = draw(st.integers(top + 1, view_rows))
        lines = draw(st.integers(1, bottom - top)) * draw(st.sampled_from([1, -1]))
        scroll = (top, bottom, lines)
    numbers = sorted(draw(st.sets(st.integers(0, view_rows - 1), max_size=4)))
    return Drawing(
        view=draw(st.integers(0, (1 << 32) - 1)),
        offset=draw(st.integers(0, (1 << 62) - 1)),
        whole=draw(st.booleans()),
        cols=draw(st.integers(2, 1000)),
        rows=draw(st.integers(1, 500)),
        left=0,
        top=0,
        view_cols=view_cols,
        view_rows=view_rows,
        cursor=cursor,
        modes=modes,
        scroll=scroll,
        history=draw(st.integers(0, 10_000)),
        back=draw(st.integers(0, 10_000)),
        rows_drawn=[draw(rows(y)) for y in numbers],
    )


PLAIN = Drawing(
    view=7,
    offset=1000,
    whole=True,
    cols=80,
    rows=24,
    left=0,
    top=0,
    view_cols=80,
    view_rows=24,
    cursor=Cursor(2, 0),
    modes=Modes(),
    rows_drawn=[(0, [Run(0, 2, RED, "hi")])],
)


@given(drawings())
@settings(max_examples=100, deadline=None)
def test_a_drawing_is_the_same_behind_its_bytes(drawing: Drawing):
    assert parse_drawing(encode_drawing(drawing)) == drawing
    assert drawing_head(encode_drawing(drawing)) == (drawing.view, drawing.offset)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_bytes_that_are_no_drawing_are_refused(data: bytes):
    with pytest.raises(DrawingError):
        parse_drawing(data[:46])
    head = encode_drawing(attrs.evolve(PLAIN, rows_drawn=()))[:-4]
    try:
        drawing = parse_drawing(head + data)
    except DrawingError:
        return
    for _, runs in drawing.rows_drawn:
        check_runs(runs, drawing.view_cols)


@given(drawings(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_broken_drawing_is_refused_or_keeps_its_promises(drawing: Drawing, data: st.DataObject):
    payload = bytearray(encode_drawing(drawing))
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse_drawing(bytes(payload))
    except DrawingError:
        return
    assert found.cursor.x < found.view_cols
    assert found.cursor.y < found.view_rows
    for y, runs in found.rows_drawn:
        assert 0 <= y < found.view_rows
        check_runs(runs, found.view_cols)


def check_runs(runs: list[Run], cols: int) -> None:
    """What a painter relies on."""
    end = 0
    for x, cells, _, text in runs:
        assert end <= x
        assert cells > 0
        end = x + cells
        if text:
            assert len(split_cells(text)) == cells
            assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)
    assert end <= cols


def test_every_cut_of_a_drawing_is_refused():
    payload = encode_drawing(PLAIN)
    for length in range(len(payload)):
        with pytest.raises(DrawingError):
            parse_drawing(payload[:length])
    with pytest.raises(DrawingError, match="behind its end"):
        parse_drawing(payload + b"\0")


def test_asking_for_the_next_drawing():
    assert encode_ready(258) == b"\0\0\1\2"
    assert parse_ready(b"\0\0\1\2") == 258
    for payload in (b"", b"\0\0\1", b"\0\0\0\0\1"):
        with pytest.raises(DrawingError):
            parse_ready(payload)
    with pytest.raises(DrawingError):
        drawing_head(b"\0\0\1\2" * 11)


@pytest.mark.parametrize("control", ["\x1b", "\x07", "\n", "\x7f", "\x9b", "\0"])
def test_control_characters_never_come_out(control: str):
    drawing = attrs.evolve(PLAIN, rows_drawn=[(0, [Run(0, 3, RED, f"a{control}b")])])
    ((_, runs),) = parse_drawing(encode_drawing(drawing)).rows_drawn
    assert runs == [Run(0, 3, RED, "a\ufffdb")]


@pytest.mark.parametrize(
    "changes",
    [
        {"cols": 1},
        {"rows": 501},
        {"view_cols": 0},
        {"view_rows": 0},
        {"left": 80},
        {"top": 24},
        {"cursor": Cursor(80, 0)},
        {"cursor": Cursor(0, 24)},
        {"scroll": (3, 3, 1)},
        {"scroll": (0, 25, 1)},
        {"scroll": (0, 5, 6)},
        {"scroll": (0, 5, 0)},
        {"rows_drawn": [(24, [])]},
        {"rows_drawn": [(3, []), (3, [])]},
        {"rows_drawn": [(0, [Run(79, 2, RED, "")])]},
        {"rows_drawn": [(0, [Run(5, 1, RED, ""), Run(5, 1, RED, "")])]},
        {"rows_drawn": [(0, [Run(0, 0, RED, "")])]},
        {"rows_drawn": [(0, [Run(0, 3, RED, "ab")])]},
        {"rows_drawn": [(0, [Run(0, 1, RED, "你")])]},
        {"rows_drawn": [(0, [Run(0, 1, RED, "e" + 1000 * "\u0301")])]},
        {"rows_drawn": [(0, [Run(0, 1, Style(fg=PALETTE | 256), "a")])]},
        {"rows_drawn": [(0, [Run(0, 1, Style(fg=3 << 24), "a")])]},
        {"rows_drawn": [(0, [Run(0, 1, Style(attrs=6 << UNDERLINE_SHIFT), "a")])]},
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object]):
    with pytest.raises(DrawingError):
        parse_drawing(encode_drawing(attrs.evolve(PLAIN, **changes)))


def test_more_runs_than_anybody_has_time_for_are_refused():
    def colourful(runs: int) -> Drawing:
        colours = [Style(fg=RGB | number) for number in range(1, runs + 1)]
        cells = [Run(x % 1000, 1, colour, "a") for x, colour in enumerate(colours)]
        drawn = [(y, cells[start : start + 1000]) for y, start in enumerate(range(0, runs, 1000))]
        return attrs.evolve(PLAIN, cols=1000, view_cols=1000, rows_drawn=drawn)

    assert parse_drawing(encode_drawing(colourful(MOST_RUNS))) == colourful(MOST_RUNS)
    with pytest.raises(DrawingError, match="too many runs"):
        parse_drawing(
            encode_drawing(
                attrs.evolve(
                    colourful(MOST_RUNS),
                    rows_drawn=[*colourful(MOST_RUNS).rows_drawn, (20, [Run(0, 1, Style(fg=RGB | 1), "")])],
                )
            )
        )


def test_the_layout_is_the_documented_one():
    payload = encode_drawing(attrs.evolve(PLAIN, scroll=(1, 9, -2), history=3))
    head = struct.pack(">IQBHBBBB8HII", 7, 1000, 7, 1 << 9, 0, 0, 0, 0, 80, 24, 0, 0, 80, 24, 2, 0, 3, 0)
    scroll = struct.pack(">HHh", 1, 9, -2)
    styles = struct.pack(">HIIIH", 1, PALETTE | 1, 0, 0, 0)
    row = struct.pack(">HHHHHHI", 1, 0, 1, 0, 2, 1, 2) + b"hi"
    assert payload == head + scroll + styles + row


def test_text_is_split_into_cells():
    assert split_cells("ab") == ["a", "b"]
    assert split_cells("a你e\u0301👍") == ["a", "你", "", "e\u0301", "👍", ""]
    assert split_cells("\u0301a") == ["a"]
    assert split_cells("") == []


@given(st.text(max_size=40))
def test_a_text_has_as_many_cells_as_counted(text: str):
    assert len(split_cells(text)) == count_cells(text)


@given(st.text(min_size=1, max_size=30), st.integers(1, 2))
def test_the_characters_of_a_cell_always_take_its_width(characters: str, width: int):
    text = cell_text(characters, width)
    assert count_cells(text) == width == len(split_cells(text))
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)
    assert len(text) <= 10


def test_characters_that_a_program_made_wider_keep_their_cells():
    assert cell_text("\u2764\ufe0f", 2) == "\u2764\ufe0f "
    assert cell_text("👨\u200d👩", 2) == "👨\u200d"
    assert cell_text("e" + "\u0301" * 1000, 1) == "e" + "\u0301" * 8


def test_runs_have_one_form():
    bold = Style(attrs=BOLD)
    pieces = [(0, 2, Style(), ""), (2, 1, Style(), "a"), (3, 1, Style(), " "), (4, 2, Style(), "bc")]
    pieces += [
        (6, 1, Style(), ""),
        (7, 1, bold, " "),
        (8, 1, bold, ""),
        (9, 1, RED, "x"),
        (10, 5, Style(), ""),
    ]
    assert make_runs(pieces) == [
        Run(2, 4, Style(), "a bc"),
        Run(7, 2, bold, ""),
        Run(9, 1, RED, "x"),
    ]
    assert make_runs([(0, 80, Style(), "")]) == []
    assert make_runs([(0, 2, Style(), ""), (2, 1, Style(), " \u0301")]) == [Run(2, 1, Style(), " \u0301")]
