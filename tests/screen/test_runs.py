"""Rows as runs, and screens frozen with their history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.screen import Screen, open_screen
from termhub.screen.runs import BOLD, HIDDEN, PALETTE, REVERSE, RGB, UNDERLINE_SHIFT, Run, Style, split_cells
from tests.screen.conftest import Open
from tests.screen.recording import load, names
from tests.screen.test_fuzz import SETTINGS, outputs, sizes

PLAIN = Style()


def cells_of(runs: list[Run], cols: int) -> list[tuple[str, Style]]:
    """A row of runs cell by cell."""
    cells = [(" ", PLAIN)] * cols
    for x, count, style, text in runs:
        cells[x : x + count] = [(cell, style) for cell in (split_cells(text) or [" "] * count)]
    assert len(cells) == cols
    return cells


def text_of(runs: list[Run], cols: int) -> str:
    return "".join(cell for cell, _ in cells_of(runs, cols)).rstrip()


def test_runs_have_text_colours_and_attributes(opened: Open):
    screen = opened(
        30, 2, "ab\x1b[31mcd\x1b[0;44m  \x1b[m  e\x1b[1;7;38;2;1;2;3m你好\x1b[m".encode(), b"\x1b[2;5H!"
    )
    assert screen.runs([0, 1]) == [
        [
            Run(0, 2, PLAIN, "ab"),
            Run(2, 2, Style(fg=PALETTE | 1), "cd"),
            Run(4, 2, Style(bg=PALETTE | 4), ""),
            Run(8, 1, PLAIN, "e"),
            Run(9, 4, Style(fg=RGB | 0x010203, attrs=BOLD | REVERSE), "你好"),
        ],
        [Run(4, 1, PLAIN, "!")],
    ]


def test_underlines_keep_their_kind_and_colour(opened: Open):
    screen = opened(30, 1, b"\x1b[4:3;58:5:9ma\x1b[58:2::1:2:3;4:5mb\x1b[m\x1b[8;48;5;200m \x1b[m")
    assert screen.runs([0]) == [
        [
            Run(0, 1, Style(underline=PALETTE | 9, attrs=3 << UNDERLINE_SHIFT), "a"),
            Run(1, 1, Style(underline=RGB | 0x010203, attrs=5 << UNDERLINE_SHIFT), "b"),
            Run(2, 1, Style(bg=PALETTE | 200, attrs=HIDDEN), ""),
        ]
    ]


def test_cells_erased_in_a_colour_have_it(opened: Open):
    screen = opened(10, 3, b"\x1b[42m\x1b[2J\x1b[48;2;9;8;7m\x1b[2;1Hx\x1b[K")
    assert screen.runs([0, 1]) == [
        [Run(0, 10, Style(bg=PALETTE | 2), "")],
        [Run(0, 10, Style(bg=RGB | 0x090807), "x" + " " * 9)],
    ]


def test_combining_characters_stay_with_their_cell(opened: Open):
    screen = opened(10, 1, "e\u0301\u0302x".encode())
    assert screen.runs([0]) == [[Run(0, 2, PLAIN, "e\u0301\u0302x")]]
    crowd = opened(10, 1, ("e" + "\u0301" * 500 + "x").encode())
    assert split_cells(crowd.runs([0])[0][0].text)[1] == "x"
    assert len(crowd.runs([0])[0][0].text) == 10


def test_parts_of_rows_count_from_where_they_begin(opened: Open):
    screen = opened(20, 1, "a你b\x1b[31m好c".encode())
    red = Style(fg=PALETTE | 1)
    for x, width, runs in (
        (0, 2, [Run(0, 1, PLAIN, "a")]),
        (2, 2, [Run(1, 1, PLAIN, "b")]),
        (2, 3, [Run(1, 1, PLAIN, "b"), Run(2, 1, red, "")]),
        (5, 9, [Run(0, 2, red, " c")]),
        (6, 1, [Run(0, 1, red, "c")]),
        (20, 5, []),
    ):
        assert screen.runs([0], x, width) == [runs], (x, width)


def test_links_are_left_out(opened: Open):
    screen = opened(20, 1, b"\x1b]8;;https://a.example\x07link\x1b]8;;\x07!")
    assert screen.runs([0]) == [[Run(0, 5, PLAIN, "link!")]]


def test_rows_that_there_are_not_have_no_runs(opened: Open):
    assert opened(5, 2, b"a\r\nb").runs([-1, 1, 2, 9]) == [[], [Run(0, 1, PLAIN, "b")], [], []]


@pytest.mark.parametrize("name", names())
def test_runs_are_what_rows_draw(opened: Open, name: str):
    recording = load(name)
    screen = opened(recording.cols, recording.rows)
    for part in (1, 2, 3):
        screen = opened(recording.cols, recording.rows)
        for step in recording.cut(recording.length * part // 3)[0]:
            if isinstance(step, bytes):
                screen.feed(step)
            else:
                screen.resize(*step)
        check_rows(screen)


def check_rows(screen: Screen) -> None:
    """The runs of each row are those of a row drawn by its bytes."""
    blank = open_screen(screen.cols, screen.rows, scrollback=0, engine="pyte")
    for y in range(screen.rows):
        blank.feed(b"\x1b[?7l\x1b[%dH" % (y + 1) + screen.row(y))
    rows = range(screen.rows)
    found, expected = screen.runs(rows), blank.runs(rows)
    for y in rows:
        assert cells_of(found[y], screen.cols) == cells_of(expected[y], screen.cols)
        assert found[y] == expected[y]


def test_runs_of_any_output_have_their_cells(engine: str):
    @SETTINGS
    @given(sizes, outputs, st.integers(0, 30), st.integers(1, 40))
    def run(size: tuple[int, int], data: bytes, x: int, width: int) -> None:
        screen = open_screen(*size, scrollback=20, engine=engine)
        screen.feed(data)
        for runs in screen.runs(range(screen.rows)):
            cells_of(runs, screen.cols)
            assert [run.x for run in runs] == sorted(run.x for run in runs)
        part = max(0, min(width, screen.cols - x))
        for runs in screen.runs(range(screen.rows), x, width):
            cells_of(runs, part)
        history = screen.freeze(10)
        lines = history.history_lines + history.rows
        assert history.runs(range(history.history_lines, lines)) == screen.runs(range(screen.rows))
        assert len(history.text()) == lines
        history.copy((0, 0), (lines - 1, history.cols - 1))
        history.close()
        screen.close()

    run()


LINES = b"".join(b"\x1b[3%dmline\x1b[m %d\r\n" % (n % 8, n) for n in range(200))


def test_a_frozen_screen_has_its_history(opened: Open):
    screen = opened(20, 5, LINES)
    history = screen.freeze(1000)
    assert (history.cols, history.rows, history.history_lines) == (20, 5, 196)
    assert history.text() == [f"line {n}" for n in range(200)] + [""]
    for n, runs in enumerate(history.runs(range(200))):
        assert text_of(runs, 20) == f"line {n}"
        assert runs[0].style == (Style(fg=PALETTE | n % 8))
    assert [text_of(runs, 4) for runs in history.runs(range(98, 101), 5, 4)] == ["98", "99", "100"]
    assert history.runs(range(199, 205))[1:] == [[]] * 5
    history.close()


def test_a_frozen_screen_has_no_more_lines_than_wanted(opened: Open):
    history = opened(20, 5, LINES).freeze(7)
    assert history.history_lines == 7
    assert history.text() == [f"line {n}" for n in range(189, 200)] + [""]
    assert text_of(history.runs(range(1))[0], 20) == "line 189"
    history.close()


def test_a_frozen_screen_does_not_change(opened: Open):
    screen = opened(20, 5, LINES, b"abc")
    history = screen.freeze(1000)
    before = history.text(), history.runs(range(201))
    screen.feed(b"\x1b[Hxxxxxxxx" + LINES)
    screen.resize(10, 50)
    screen.feed(b"\x1b[H" + b"yyyy" * 100)
    screen.feed(b"\x1bc")
    assert (history.text(), history.runs(range(201))) == before
    history.close()


def test_copied_text_joins_what_wrapped(opened: Open):
    screen = opened(10, 4, b"one  \r\nabcdefghijklmno\r\n\r\n  two   \r\nlast line")
    history = screen.freeze(100)
    assert history.text() == ["one", "abcdefghij", "klmno", "", "  two", "last line"]
    assert history.copy((0, 0), (5, 9)) == "one\nabcdefghijklmno\n\n  two\nlast line"
    assert history.copy((1, 8), (2, 1)) == "ijkl"
    assert history.copy((2, 1), (4, 3)) == "lmno\n\n  tw"
    assert history.copy((4, 2), (4, 2)) == "t"
    history.close()


def test_the_alternate_screen_has_no_history(opened: Open):
    history = opened(20, 5, LINES + b"\x1b[?1049h\x1b[Heditor").freeze(100)
    assert history.text() == ["editor", "", "", "", ""]
    history.close()


def test_a_terminal_that_cannot_be_copied_is_frozen_by_its_keyframe(
    opened: Open, engine: str, monkeypatch: pytest.MonkeyPatch
):
    if engine != "ghostty":
        pytest.skip("only ghostty copies terminals")
    from termhub.screen.ghostty_terminal import GhosttyError, Terminal

    def refuse(terminal: Terminal, history_rows: int = 0) -> Terminal:
        raise GhosttyError("encode failed")

    screen = opened(20, 5, LINES)
    expected = screen.freeze(100)
    monkeypatch.setattr(Terminal, "copy", refuse)
    history = screen.freeze(100)
    assert history.text() == expected.text()
    assert history.runs(range(105)) == expected.runs(range(105))
    history.close()
    expected.close()
