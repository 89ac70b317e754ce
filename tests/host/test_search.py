"""Finding text in lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from termhub.host.search import Found, Lines, find
from termhub.screen.runs import count_cells

LINES = Lines(["alpha Beta", "", "你好 beta beta", "Gamma", "BETA"])


def test_the_first_match_from_a_line_on():
    assert find(LINES, "beta", 0) == Found(0, 6, 4)
    assert find(LINES, "beta", 1) == Found(2, 5, 4)
    assert find(LINES, "beta", 3) == Found(4, 0, 4)
    assert find(LINES, "beta", 5) is None
    assert find(LINES, "delta", 0) is None


def test_the_last_line_with_a_match_up_to_a_line():
    assert find(LINES, "beta", 3, forward=False) == Found(2, 5, 4)
    assert find(LINES, "beta", 2, forward=False) == Found(2, 5, 4)
    assert find(LINES, "beta", 99, forward=False) == Found(4, 0, 4)
    assert find(LINES, "gamma", 2, forward=False) is None


def test_a_capital_letter_makes_the_search_exact():
    assert find(LINES, "Beta", 0) == Found(0, 6, 4)
    assert find(LINES, "BETA", 0) == Found(4, 0, 4)


def test_places_are_cells():
    assert find(LINES, "好", 0) == Found(2, 2, 2)


def test_nothing_is_found_over_lines_or_in_nothing():
    assert find(LINES, "Gamma\nBETA", 0) is None
    assert find(LINES, "", 0) is None
    assert find(Lines([]), "a", 0) is None


def test_a_pattern_is_plain_text():
    lines = Lines(["a.c", "abc", "a*", "(", "\\d"])
    assert find(lines, "a.", 1) is None
    for number, text in enumerate(("a.", "abc", "a*", "(", "\\")):
        assert find(lines, text, 0) == Found(number, 0, len(text))


def test_letters_that_change_their_length_keep_their_place():
    assert find(Lines(["İİİ x", "y"]), "x", 0) == Found(0, 4, 1)


words = st.text(alphabet="abAB İß你", max_size=8)


@given(st.lists(words, max_size=6), words, st.integers(0, 7), st.booleans())
def test_what_is_found_stands_there(lines: list[str], text: str, line: int, forward: bool):
    found = find(Lines(lines), text, line, forward=forward)
    reach = range(line, len(lines)) if forward else range(min(line, len(lines) - 1), -1, -1)
    exact = [number for number in reach if text and text in lines[number]]
    if found is None:
        assert not exact
        return
    assert found.line in reach
    assert not exact or list(reach).index(found.line) <= list(reach).index(exact[0])
    place = next(
        n for n in range(len(lines[found.line]) + 1) if count_cells(lines[found.line][:n]) == found.x
    )
    there = lines[found.line][place : place + len(text)]
    assert there == text or there.lower() == text or "İ" in there
    assert found.cells == count_cells(there)
