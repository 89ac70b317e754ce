"""Styles as a terminal can show them, and the shortest SGR from one to another."""

from __future__ import annotations

from termhub.gateways.tui.palette import is_light, nearest
from termhub.gateways.tui.terminal import Terminal
from termhub.screen.runs import (
    BLINK,
    BOLD,
    DEFAULT_STYLE,
    FAINT,
    HIDDEN,
    ITALIC,
    OVERLINE,
    PALETTE,
    REVERSE,
    RGB,
    STRIKE,
    UNDERLINE_SHIFT,
    Style,
)

_KEPT = 4096
_ON = {BOLD: 1, FAINT: 2, ITALIC: 3, BLINK: 5, REVERSE: 7, HIDDEN: 8, STRIKE: 9, OVERLINE: 53}
_OFF = {ITALIC: 23, BLINK: 25, REVERSE: 27, HIDDEN: 28, STRIKE: 29, OVERLINE: 55}
_WEIGHT = BOLD | FAINT
_UNDERLINE = 7 << UNDERLINE_SHIFT
# What is seen of a cell without a character.
_SEEN_ON_BLANKS = REVERSE | STRIKE | OVERLINE | _UNDERLINE


class Pens:
    """The looks of one terminal.

    A look is a style brought down to what the terminal can show: two styles of one look are drawn alike.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._looks: dict[Style, Style] = {}
        self._grounds: dict[Style, Style] = {}
        self._changes: dict[tuple[Style, Style], bytes] = {}

    def look(self, style: Style) -> Style:
        """How this terminal shows ``style``."""
        look = self._looks.get(style)
        if look is None:
            if len(self._looks) >= _KEPT:
                self._looks.clear()
            look = self._looks[style] = self._downgraded(style)
        return look

    def ground(self, look: Style) -> Style:
        """The simplest look in which a blank looks the same."""
        ground = self._grounds.get(look)
        if ground is None:
            if len(self._grounds) >= _KEPT:
                self._grounds.clear()
            ground = self._grounds[look] = _ground(look)
        return ground

    def can_erase(self, ground: Style) -> bool:
        """Whether erasing with this pen leaves blanks of this look."""
        return not ground.attrs and (not ground.bg or self._terminal.erase_colour)

    def change(self, old: Style | None, new: Style) -> bytes:
        """The shortest SGR sequence to get from one look to another.

        :param old: None when it is not known.
        """
        if old == new:
            return b""
        if old is None:
            return self._sequence(self._full(new))
        change = self._changes.get((old, new))
        if change is None:
            if len(self._changes) >= _KEPT:
                self._changes.clear()
            full = self._sequence(self._full(new))
            change = self._sequence(self._difference(old, new)) if self._terminal.attribute_ends else full
            if len(change) > len(full):
                change = full
            self._changes[old, new] = change
        return change

    def _downgraded(self, style: Style) -> Style:
        terminal = self._terminal
        fg, bg = nearest(style.fg, terminal.colours), nearest(style.bg, terminal.colours)
        underline = nearest(style.underline, terminal.colours) if terminal.underline_kinds else 0
        attrs = style.attrs & (terminal.attributes | _UNDERLINE)
        if terminal.colours == 8:
            if fg & 0xFF > 7:
                fg, attrs = fg - 8, attrs | BOLD
            if bg & 0xFF > 7:
                bg -= 8
        if not terminal.colours and style.bg and is_light(style.bg):
            # Highlighted by colour alone: a bar, a selection.
            attrs ^= REVERSE
        if attrs & _UNDERLINE and not terminal.underline_kinds:
            attrs = attrs & ~_UNDERLINE | 1 << UNDERLINE_SHIFT
        if not attrs & _UNDERLINE:
            underline = 0
        return Style(fg, bg, underline, attrs)

    def _full(self, look: Style) -> list[str]:
        # Nothing means 0: everything off.
        return ["", *self._difference(DEFAULT_STYLE, look)] if look != DEFAULT_STYLE else []

    def _difference(self, old: Style, new: Style) -> list[str]:
        codes: list[str] = []
        gone, come = old.attrs & ~new.attrs, new.attrs & ~old.attrs
        if gone & _WEIGHT:
            codes.append("22")
            come |= new.attrs & _WEIGHT
        codes += [str(code) for bit, code in _OFF.items() if gone & bit]
        codes += [str(code) for bit, code in _ON.items() if come & bit]
        kind = (new.attrs & _UNDERLINE) >> UNDERLINE_SHIFT
        if (old.attrs & _UNDERLINE) >> UNDERLINE_SHIFT != kind:
            codes.append("24" if not kind else "4" if kind == 1 else f"4:{kind}")
        if old.fg != new.fg:
            codes.append(_colour(new.fg, 30))
        if old.bg != new.bg:
            codes.append(_colour(new.bg, 40))
        if old.underline != new.underline:
            codes.append(_underline_colour(new.underline))
        return codes

    def _sequence(self, codes: list[str]) -> bytes:
        return b"\x1b[%sm" % ";".join(codes).encode("ascii")


def _ground(look: Style) -> Style:
    attrs = look.attrs & _SEEN_ON_BLANKS
    return Style(
        # The colour of lines, and of the cell itself when it is reversed.
        look.fg if attrs else 0,
        look.bg,
        look.underline if attrs & _UNDERLINE else 0,
        # Weight changes the shade of either.
        attrs | look.attrs & _WEIGHT if attrs else 0,
    )


def _colour(colour: int, base: int) -> str:
    index = colour & 0xFFFFFF
    if colour & RGB:
        return f"{base + 8};2;{index >> 16};{index >> 8 & 0xFF};{index & 0xFF}"
    if not colour & PALETTE:
        return str(base + 9)
    if index < 8:
        return str(base + index)
    return str(base + 52 + index) if index < 16 else f"{base + 8};5;{index}"


def _underline_colour(colour: int) -> str:
    index = colour & 0xFFFFFF
    if colour & RGB:
        return f"58:2::{index >> 16}:{index >> 8 & 0xFF}:{index & 0xFF}"
    return f"58:5:{index}" if colour & PALETTE else "59"
