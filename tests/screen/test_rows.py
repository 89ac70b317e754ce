"""Parts of rows as bytes for another terminal."""

from __future__ import annotations

from tests.screen.conftest import Open
from tests.screen.oracle import XTerm


def test_a_row_writes_every_cell_and_nothing_else(opened: Open, xterm: XTerm):
    screen = opened(20, 2, "ab\x1b[31mcd\x1b[44m  \x1b[0m  e\x1b[7m你好\x1b[0m".encode())
    part = screen.row(0)
    junk = b"\x1b[1;45m" + b"#" * 40
    drawn = xterm.state(24, 2, [junk, b"\x1b[1;3H" + part])["screen"][0]
    assert drawn == [
        ["##", "/5/1"],
        ["ab", "//0"],
        ["cd", "1//0"],
        ["  ", "/4/0"],
        ["  e", "//0"],
        ["你好", "//32"],
        ["       ", "//0"],
        ["##", "/5/1"],
    ]


def test_wide_characters_cut_by_an_edge_become_spaces(opened: Open, xterm: XTerm):
    screen = opened(20, 2, "a你b好c".encode())
    for x, width, text in (
        (0, 2, "a "),
        (2, 2, " b"),
        (2, 3, " b "),
        (1, 3, "你b"),
        (5, 9, " c"),
        (6, 1, "c"),
    ):
        part = screen.row(0, x, width)
        state = xterm.state(20, 1, [part])
        assert "".join(run[0] for run in state["screen"][0]).rstrip() == text.rstrip(), (x, width)
        assert state["x"] == width


def test_links_are_closed(opened: Open):
    screen = opened(20, 2, b"\x1b]8;;https://a.example\x07link\x1b]8;;\x07!")
    row = screen.row(0, 0, 5)
    assert row.count(b"https://a.example") == 1
    assert row.index(b"\x1b]8;;\x1b\\") < row.index(b"!")
    assert screen.row(0, 0, 2).endswith(b"\x1b]8;;\x1b\\")


def test_places_outside_the_screen_are_empty(opened: Open):
    screen = opened(5, 2, b"abc")
    assert [screen.row(9), screen.row(-1), screen.row(0, 5), screen.row(0, 2, 0)] == [b""] * 4
    assert screen.row(0, 0, 99) == screen.row(0)
