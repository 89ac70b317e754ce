"""The one table of widths."""

from __future__ import annotations

import json

import pytest

from termhub.screen.pyte_cells import PIECES, width
from termhub.screen.widths import TABLE, widths_of_ghostty


def test_the_committed_table_is_the_installed_engines():
    pytest.importorskip("pyghostty")
    committed = [tuple(run) for run in json.loads(TABLE.read_text())]
    assert committed == widths_of_ghostty(), "run: python -m termhub.screen.widths"


def test_runs_are_drawn_as_narrow_only_where_they_are():
    text = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0xD800), *range(0xE000, 0x11000)]))
    for piece in PIECES.finditer(text):
        if piece[1]:
            assert {width(character) for character in piece[1]} == {1}


@pytest.mark.parametrize(
    ("character", "cells"), [("a", 1), ("你", 2), ("\u0301", 0), ("👍", 2), ("─", 1), ("한", 2)]
)
def test_widths(character: str, cells: int):
    assert width(character) == cells
