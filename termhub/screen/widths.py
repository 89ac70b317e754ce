"""How many cells a character takes: one table for both engines and for the browser.

``widths.json`` holds ``[first, last, width]`` runs of every code point from U+0020 on whose width is
not 1, as libghostty-vt has them.  ``python -m termhub.screen.widths`` writes it anew; do that when
pyghostty changes (a test compares).  The browser client imports the same file.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("widths.json")
FIRST, LAST = 0x20, 0x10FFFF


@cache
def width_table() -> bytes:
    """One byte a code point: its width, 0, 1 or 2."""
    table = bytearray(b"\x01" * (LAST + 1))
    table[:FIRST] = bytes(FIRST)
    for first, last, width in json.loads(TABLE.read_text(encoding="ascii")):
        table[first : last + 1] = bytes([width]) * (last - first + 1)
    return bytes(table)


def widths_of_ghostty() -> list[tuple[int, int, int]]:
    """The runs as the installed pyghostty gives them.

    :raises ImportError: when pyghostty is not installed.
    """
    from pyghostty import lib

    runs: list[tuple[int, int, int]] = []
    for code in range(FIRST, LAST + 1):
        surrogate = 0xD800 <= code <= 0xDFFF
        width = 1 if surrogate else int(lib.ghostty_unicode_codepoint_width(code))
        if width == 1:
            continue
        if runs and runs[-1][1] == code - 1 and runs[-1][2] == width:
            runs[-1] = (runs[-1][0], code, width)
        else:
            runs.append((code, code, width))
    return runs


def main() -> None:
    """Write the table beside this module."""
    runs = widths_of_ghostty()
    TABLE.write_text(json.dumps(runs, separators=(",", ":")), encoding="ascii")
    sys.stdout.write(f"{len(runs)} runs, {TABLE.stat().st_size} bytes: {TABLE}\n")


if __name__ == "__main__":
    main()
