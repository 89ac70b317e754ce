"""A canvas holds whole characters only, and nothing beyond its edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui.canvas import Canvas
from termhub.screen.runs import DEFAULT_STYLE, PALETTE, Run, Style, count_cells

RED = Style(fg=PALETTE | 1)


def lines(canvas: Canvas) -> list[str]:
    return ["".join(row) for row in canvas.texts]


def test_text_is_cut_at_the_width_given() -> None:
    canvas = Canvas(10, 2)
    assert canvas.put(1, 0, "hello", RED, 3) == 3
    assert canvas.put(7, 1, "hello") == 3
    assert canvas.put(0, 5, "nowhere") == 7
    assert lines(canvas) == [" hel      ", "       hel"]
    assert canvas.styles[0] == [DEFAULT_STYLE, RED, RED, RED, *[DEFAULT_STYLE] * 6]


@pytest.mark.parametrize(
    ("x", "width", "shown"),
    [(0, 4, "漢字  "), (0, 3, "漢   "), (-1, 4, " 字 "), (3, 2, "    "), (2, None, "  漢")],
)
def test_wide_characters_that_are_cut_become_blanks(x: int, width: int | None, shown: str) -> None:
    canvas = Canvas(4, 1)
    canvas.put(x, 0, "漢字", width=width)
    assert lines(canvas)[0].rstrip() == shown.rstrip()


def test_the_other_half_of_an_overwritten_wide_character_becomes_a_blank() -> None:
    canvas = Canvas(6, 1)
    canvas.put(0, 0, "漢字漢")
    canvas.put(1, 0, "ab")
    assert canvas.texts[0] == [" ", "a", "b", " ", "漢", ""]


def test_control_characters_do_not_get_in() -> None:
    canvas = Canvas(6, 1)
    canvas.put(0, 0, "a\x1b\x9b\nb")
    assert lines(canvas) == ["a\ufffd\ufffd\ufffdb "]


def test_a_row_of_a_drawing_replaces_what_was_there_and_only_within_its_width() -> None:
    canvas = Canvas(10, 1)
    canvas.put(0, 0, "##########")
    canvas.draw(2, 0, [Run(1, 2, RED, "漢"), Run(4, 3, RED, ""), Run(5, 1, RED, "x")], 5)
    assert lines(canvas) == ["## 漢  ###"]
    assert canvas.styles[0][3:7] == [RED, RED, DEFAULT_STYLE, RED]


def test_part_of_the_rows_can_be_scrolled() -> None:
    canvas = Canvas(6, 3)
    for y in range(3):
        canvas.put(0, y, f"{y}漢漢{y}")
    canvas.scroll(2, 0, 3, 3, 1)
    assert lines(canvas) == ["0  漢0", "1  漢1", "2    2"]
    canvas.scroll(0, 0, 6, 3, -2)
    assert lines(canvas) == ["      ", "      ", "0  漢0"]


places = st.integers(-3, 9)
steps = st.one_of(
    st.tuples(st.just("put"), places, places, st.text("a漢é😀\u0301 \x07", max_size=9)),
    st.tuples(st.just("fill"), places, places, places, places, st.just(RED)),
    st.tuples(st.just("scroll"), places, places, places, places, st.integers(-4, 4)),
)


@given(steps=st.lists(steps, max_size=10))
def test_whatever_is_drawn_rows_are_whole(steps: list[tuple[Any, ...]]) -> None:
    canvas = Canvas(7, 4)
    for name, *arguments in steps:
        getattr(canvas, name)(*arguments)
    assert len(canvas.texts) == len(canvas.styles) == 4
    for texts, styles in zip(canvas.texts, canvas.styles, strict=True):
        assert len(texts) == len(styles) == 7
        assert count_cells("".join(texts)) == 7
        for x, characters in enumerate(texts):
            assert (characters == "") == (x > 0 and count_cells(texts[x - 1]) == 2)
            assert characters or styles[x] == styles[x - 1]


def test_a_row_that_somebody_keeps_is_never_changed() -> None:
    canvas = Canvas(6, 3)
    canvas.put(0, 0, "漢b", RED)
    kept = [(row, list(row)) for row in (*canvas.texts, *canvas.styles)]
    canvas.put(1, 0, "x")
    canvas.fill(0, 1, 6, 1, RED)
    canvas.scroll(0, 0, 6, 3, 1)
    canvas.scroll(1, 0, 3, 3, -1)
    canvas.draw(0, 2, [], 6)
    assert all(row == before for row, before in kept)
