"""Characters as a terminal's character set has them, each as wide as it was.

A terminal without UTF-8 gets lines and corners from the DEC special graphics set where it has that,
letters without their accents, and ``?`` for the rest.
"""

from __future__ import annotations

import unicodedata

from termhub.gateways.tui.terminal import Terminal
from termhub.screen.runs import count_cells

_KEPT = 4096
_SHIFT_OUT, _SHIFT_IN = b"\x0e", b"\x0f"

# DEC special graphics (VT100 user guide, table 3-9): what the bytes from ` to ~ show.
_GRAPHICS = dict(zip("◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", range(0x60, 0x7F), strict=True))
# What stands in for others, by what it resembles.
_LIKE = (
    ("─", "━╌╍┄┅┈┉╴╶╸╺"),
    ("│", "┃╎╏┆┇┊┋╵╷╹╻"),
    ("┌", "┏┍┎╭╔╒╓"),
    ("┐", "┓┑┒╮╗╕╖"),
    ("└", "┗┕┖╰╚╘╙"),
    ("┘", "┛┙┚╯╝╛╜"),
    ("├", "┣┝┞┟┠┡┢╠╞╟"),
    ("┤", "┫┥┦┧┨┩┪╣╡╢"),
    ("┬", "┳┭┮┯┰┱┲╦╤╥"),
    ("┴", "┻┵┶┷┸┹┺╩╧╨"),
    ("┼", "╋┽┾┿╀╁╂╃╄╅╆╇╈╉╊╬╪╫"),
    ("▒", "░▓"),
    ("◆", "◇♦"),
    ("·", "∙"),
)
_PLAIN = {
    **dict.fromkeys("┌┐└┘├┤┬┴┼", "+"),
    **dict.fromkeys("█▇▆▅▄▃▂▁▌▐▊▋▉▍▎▏▀", "#"),
    **dict.fromkeys("‘’‚′`", "'"),
    **dict.fromkeys("“”„″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−⎯", "-"),
    **dict.fromkeys("•●○◦∙◉■□▪▫★☆✶✻✳◆", "*"),
    **dict.fromkeys("←◀◂‹⟵", "<"),
    **dict.fromkeys("→▶▸›❯⟶➜", ">"),
    **dict.fromkeys("↑▲▴", "^"),
    **dict.fromkeys("↓▼▾", "v"),
    **dict.fromkeys("✓✔", "v"),
    **dict.fromkeys("✗✘×", "x"),
    **dict.fromkeys("─═", "-"),
    **dict.fromkeys("│║", "|"),
    "═": "=",
    "▒": ":",
    "░": ".",
    "▓": "#",
    "·": ".",
    "°": "o",
    "…": ".",
    "≤": "<",
    "≥": ">",
    "≠": "#",
    "π": "p",
    "£": "L",
    "±": "+",
    "╱": "/",
    "╲": "\\",
    "╳": "X",
    "ß": "s",
    "æ": "a",
    "Æ": "A",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "ł": "l",
    "Ł": "L",
    "©": "c",
    "®": "r",
    "\xa0": " ",
}
_RESEMBLES = {character: like for like, characters in _LIKE for character in characters}


class Charset:
    """Encodes cells for one terminal; remembers which set it has switched to.

    :ivar is_graphic: the special graphics set is in force.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self.is_graphic = False
        self._known: dict[str, tuple[bytes, bool]] = {}

    def begin(self) -> bytes:
        """Put the sets in place: ASCII in G0, the special graphics in G1."""
        self.is_graphic = False
        if self._terminal.utf8 or not self._terminal.line_drawing:
            return b""
        return b"\x1b(B\x1b)0" + _SHIFT_IN

    def end(self) -> bytes:
        """Back to ASCII."""
        return b"" if self._terminal.utf8 or not self._terminal.line_drawing else b"\x1b(B\x1b)B" + _SHIFT_IN

    def encode(self, text: str) -> bytes:
        """Bytes that print ``text``, which is one or more whole cells."""
        if text.isascii():
            data = text.encode("ascii")
            if self.is_graphic:
                self.is_graphic = False
                return _SHIFT_IN + data
            return data
        if self._terminal.utf8 and self._terminal.combining:
            return text.encode("utf-8", "replace")
        out: list[bytes] = []
        for character in text:
            data, is_graphic = self._encoded(character)
            if data and is_graphic != self.is_graphic:
                self.is_graphic = is_graphic
                out.append(_SHIFT_OUT if is_graphic else _SHIFT_IN)
            out.append(data)
        return b"".join(out)

    def _encoded(self, character: str) -> tuple[bytes, bool]:
        found = self._known.get(character)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[character] = self._substitute(character)
        return found

    def _substitute(self, character: str) -> tuple[bytes, bool]:
        cells = count_cells(character)
        if not cells:
            return b"", self.is_graphic
        if character.isascii() or self._terminal.utf8:
            return character.encode("utf-8", "replace"), False
        like = _RESEMBLES.get(character, character)
        if self._terminal.line_drawing and like in _GRAPHICS:
            return bytes([_GRAPHICS[like]]), True
        plain = _PLAIN.get(character) or _PLAIN.get(like)
        if plain is None:
            # Letters without accents, full width forms as plain ones, or nothing known.
            plain = unicodedata.normalize("NFKD", character)[0]
            if not plain.isascii() or not plain.isprintable():
                plain = "?" * cells
        return plain.ljust(cells).encode("ascii"), False
