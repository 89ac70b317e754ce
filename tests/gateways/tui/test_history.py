"""Copy mode: moving, searching and marking, without a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui.history import _MOVES, History
from termhub.gateways.tui.motions import JUMPS
from termhub.gateways.tui.outcomes import AskWords, Copy, Find, Leave

LINES = 100
ROWS, COLS = 10, 20
WORDS = list("one two  three_4 +x")


def history(x: int = 0, y: int = 9) -> History:
    """Of a window as large as its pane, with 100 lines above, and the cursor in a row."""
    return History(LINES, ROWS, LINES, 0, COLS, ROWS, x, y)


def row(line: int) -> list[str]:
    return WORDS if line % 2 else list(f"line {line}")


def press(shown: History, *names: str) -> object:
    outcome = None
    for name in names:
        outcome = shown.key(name, row)
    return outcome


def test_it_begins_where_the_cursor_is() -> None:
    shown = history(3, 5)
    assert (shown.line, shown.x, shown.back, shown.position) == (105, 3, 0, "[0/100]")


@pytest.mark.parametrize(
    ("names", "line", "back"),
    [
        (("Up",), 108, 0),
        (("k",) * 12, 97, 3),
        (("PageUp",), 100, 9),
        (("g",), 0, 100),
        (("g", "G"), 109, 0),
        (("g", "PageDown", "j"), 10, 91),
        (("H",), 100, 0),
        (("M",), 105, 0),
        (("C-u", "C-u"), 99, 10),
        (("PageUp", "PageUp", "PageDown", "PageDown"), 109, 0),
        (("Down",), 109, 0),
        (("C-Up", "C-Up"), 107, 2),
    ],
)
def test_keys_move_the_cursor_and_the_place_shown_follows(
    names: tuple[str, ...], line: int, back: int
) -> None:
    shown = history()
    press(shown, *names)
    assert (shown.line, shown.back) == (line, back)


@pytest.mark.parametrize(
    ("names", "x"),
    [
        (("w",), 4),
        (("w", "w"), 9),
        (("w", "w", "w", "w"), 18),
        (("e",), 2),
        (("$",), 18),
        (("$", "b", "b"), 9),
        (("l", "l", "h"), 1),
        (("$", "0"), 0),
        (("$", "^"), 0),
    ],
)
def test_keys_move_within_the_line(names: tuple[str, ...], x: int) -> None:
    shown = history()
    press(shown, *names)
    assert shown.x == x


def test_marking_and_copying_include_both_ends() -> None:
    shown = history()
    assert press(shown, "w", "Space", "k", "$", "Enter") == Copy((108, 7), (109, 4))
    assert shown.marked(108, COLS) == (7, 20, shown.marked(108, COLS)[2])  # type: ignore[index]
    assert shown.marked(109, COLS)[:2] == (0, 5)  # type: ignore[index]
    assert shown.marked(107, COLS) is None


def test_whole_lines_are_marked_by_v() -> None:
    shown = history()
    assert press(shown, "V", "k", "y") == Copy((108, 0), (109, 1 << 15))


def test_escape_takes_the_marks_away_then_leaves() -> None:
    shown = history()
    assert press(shown, "v", "Escape") is None
    assert isinstance(press(shown, "Escape"), Leave)
    assert isinstance(press(history(), "Enter"), Leave)
    assert isinstance(press(history(), "q"), Leave)


def test_a_search_goes_on_in_the_line_then_asks_the_host() -> None:
    shown = history()
    assert press(shown, "/") == AskWords(forward=True)
    assert press(shown, "?") == AskWords(forward=False)
    assert shown.search("O", False, row) == Find("O", 108, False)
    shown.found(99, 4, 1)
    assert (shown.line, shown.x, shown.back) == (99, 4, 1)
    assert shown.marked(99, COLS)[:2] == (4, 5)  # type: ignore[index]
    shown.search("o", True, row)
    assert (shown.line, shown.x) == (99, 6)
    assert press(shown, "n") == Find("o", 100, True)
    assert press(shown, "N") is None
    assert shown.x == 0
    assert press(shown, "n") is None
    assert press(shown, "n") == Find("o", 100, True)


def test_a_search_goes_on_once_from_the_other_end() -> None:
    shown = history()
    assert shown.search("O", False, row) == Find("O", 108, False)
    assert shown.found(None, 0, 0) == Find("O", 109, False)
    assert shown.found(None, 0, 0) is None
    assert "not found" in shown.position
    assert shown.search("O", True, row) == Find("O", 0, True), "the cursor is in the last line"
    assert shown.found(7, 0, 1) is None
    assert "wrapped" in shown.position


def test_the_wheel_leaves_at_the_bottom_when_it_came_by_the_wheel() -> None:
    shown = history()
    shown.leaves_at_bottom = True
    assert shown.scroll(3) is None
    assert shown.back == 3
    assert shown.scroll(-2) is None
    assert isinstance(shown.scroll(-2), Leave)


def test_less_history_than_thought_brings_it_to_the_live_screen() -> None:
    shown = history()
    press(shown, "PageUp")
    shown.arrived(50, ROWS, 50, 0)
    assert (shown.back, shown.line) == (0, 59)


def test_a_picture_of_where_it_was_before_does_not_bring_it_back() -> None:
    shown = history()
    shown.scroll(9)
    shown.arrived(LINES, ROWS, LINES - 3, 3)
    assert (shown.back, shown.first) == (9, LINES - 9)
    # What was printed before the present stood still is below.
    shown.arrived(LINES + 50, ROWS, LINES + 50, 0)
    assert (shown.back, shown.first) == (9, LINES + 41)


def test_it_goes_no_further_back_than_there_is() -> None:
    shown = history()
    shown.scroll(LINES)
    shown.arrived(20, ROWS, 0, 20)
    assert (shown.back, shown.first) == (20, 0)


@given(
    st.lists(
        st.one_of(st.sampled_from([*_MOVES, *JUMPS, "v", "V", "n", "N", "Escape"]), st.integers(-30, 30))
    ),
    st.integers(0, 50),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_the_cursor_stays_within_what_there_is(
    keys: list[str | int], lines: int, window_rows: int, rows: int
) -> None:
    shown = History(lines, window_rows, lines, 0, COLS, rows, 30, 30)
    shown.text = "o"
    for key in keys:
        if isinstance(key, int):
            shown.scroll(key)
        else:
            shown.key(key, row)
        assert 0 <= shown.line < lines + window_rows
        assert shown.first <= shown.line < shown.first + rows
        assert 0 <= shown.x < COLS
        assert 0 <= shown.back <= lines
        shown.marked(shown.line, COLS)
