"""What the person's terminal can do, from its name.

A table of kinds instead of terminfo: a server's terminfo does not know every name that clients send, and
says nothing of mice, pastes or synchronized output.  Where a name leaves it open, the careful answer
stands here, and what the terminal itself says later (XTVERSION, DECRPM) improves it.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import attrs

from termhub.screen.runs import BLINK, BOLD, FAINT, HIDDEN, ITALIC, OVERLINE, REVERSE, STRIKE

Colours = Literal[0, 8, 16, 256, 16777216]
TRUE_COLOUR: Colours = 16777216

_VT100_ATTRIBUTES = BOLD | BLINK | REVERSE
_VT220_ATTRIBUTES = _VT100_ATTRIBUTES | HIDDEN
_XTERM_ATTRIBUTES = _VT220_ATTRIBUTES | FAINT | ITALIC | STRIKE


@attrs.frozen
class Terminal:
    """The abilities of one terminal.

    :param term: its name, as ``TERM`` has it, in small letters.
    :param colours: how many it shows.
    :param utf8: it takes UTF-8; else ASCII, and the line drawing characters of ``line_drawing``.
    :param dumb: it cannot place its cursor, so nothing can be drawn on it.
    :param attributes: the bits of :class:`~termhub.screen.runs.Style` it shows.
    :param underline_kinds: it has curly and other underlines and their colours.
    :param attribute_ends: it can end single attributes (SGR 22 to 29), not only all of them.
    :param erase_colour: what it erases takes the background in force.
    :param erase_characters: it has ECH.
    :param repeat: it has REP.
    :param to_column: it has CHA and VPA.
    :param scroll_region: it has DECSTBM, IND and RI.
    :param line_feed: LF moves straight down; a network virtual terminal may make it a new line.
    :param wraps_late: the last column can be written without the cursor going on to the next row.
    :param line_drawing: it has the DEC special graphics set.
    :param combining: characters of several code points are one to it.
    :param queries: it is safe to ask it what it is.
    :param synchronized: it shows what is between mode 2026 set and reset at once.
    """

    term: str
    colours: Colours = 256
    utf8: bool = True
    dumb: bool = False
    attributes: int = _XTERM_ATTRIBUTES
    underline_kinds: bool = False
    attribute_ends: bool = True
    alternate_screen: bool = True
    erase_colour: bool = True
    erase_characters: bool = True
    repeat: bool = False
    to_column: bool = True
    scroll_region: bool = True
    line_feed: bool = True
    wraps_late: bool = True
    line_drawing: bool = True
    combining: bool = True
    cursor_hiding: bool = True
    cursor_shapes: bool = True
    title: bool = True
    clipboard: bool = True
    mouse: bool = True
    bracketed_paste: bool = True
    focus: bool = True
    queries: bool = True
    synchronized: bool = False

    @classmethod
    def of(cls, term: str, colorterm: str = "", lang: str = "") -> Terminal:
        """The terminal of this name.

        :param term: ``TERM``, or what a telnet client answers (TERMINAL-TYPE).
        :param colorterm: ``COLORTERM``.
        :param lang: the first of ``LC_ALL``, ``LC_CTYPE`` and ``LANG`` that is set; where nothing is
            known, a terminal that is not an old one takes UTF-8.
        """
        name = term.strip().lower()
        abilities: dict[str, Any] = next(kind for pattern, kind in _KINDS if re.match(pattern, name))
        terminal = cls(name, **abilities)
        if terminal.colours:
            if colorterm.lower() in ("truecolor", "24bit") or re.search(r"-(direct|truecolor)", name):
                terminal = attrs.evolve(terminal, colours=TRUE_COLOUR)
            elif "256color" in name and terminal.colours < 256:
                terminal = attrs.evolve(terminal, colours=256)
        if lang:
            terminal = attrs.evolve(terminal, utf8=bool(re.search("utf-?8", lang, re.IGNORECASE)))
        return terminal

    def identified(self, version: str) -> Terminal:
        """What else it can do when it answers XTVERSION with this text, such as ``kitty(0.35.2)``."""
        if not re.match(_MODERN, version, re.IGNORECASE):
            return self
        better = attrs.evolve(self, repeat=True)
        if re.match("tmux|XTerm", version):
            # What stands behind tmux is unknown; xterm itself shows the nearest of its colours.
            return better
        return attrs.evolve(
            better,
            colours=TRUE_COLOUR,
            underline_kinds=True,
            attributes=better.attributes | OVERLINE,
        )


_MODERN = r"kitty|foot|wezterm|iterm2|ghostty|vte|contour|konsole|mintty|tmux|xterm\("

_VT100: dict[str, Any] = {
    "colours": 0,
    "utf8": False,
    "attributes": _VT100_ATTRIBUTES,
    "attribute_ends": False,
    "alternate_screen": False,
    "erase_colour": False,
    "erase_characters": False,
    "to_column": False,
    "combining": False,
    "cursor_hiding": False,
    "cursor_shapes": False,
    "title": False,
    "clipboard": False,
    "mouse": False,
    "bracketed_paste": False,
    "focus": False,
    "queries": False,
}
_BEST: dict[str, Any] = {
    "colours": TRUE_COLOUR,
    "underline_kinds": True,
    "attributes": _XTERM_ATTRIBUTES | OVERLINE,
    "repeat": True,
}
_QUIET: dict[str, Any] = {"queries": False, "clipboard": False}

# The first pattern that the name begins with.
_KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"(dumb|unknown|network|teletype|tty|lpr|printer|\Z)", {**_VT100, "dumb": True}),
    (r"(xterm-)?(kitty|ghostty)|foot|wezterm|contour", _BEST),
    (r"alacritty", {**_BEST, "repeat": False}),
    (r"iterm", {"colours": TRUE_COLOUR, "repeat": True}),
    (r"xterm-(color|8color)|xterms|xterm-r", {"colours": 8, "attributes": _VT220_ATTRIBUTES}),
    (r"xterm-(256|direct|true)", {}),
    # What PuTTY and many others call themselves, whatever they can do.
    (r"xterm", {"colours": 16}),
    (r"tmux", {"repeat": True}),
    # GNU screen, or an old tmux: erases in the default colour, shows italics as reverse.
    (r"screen", {**_QUIET, "colours": 8, "erase_colour": False, "attributes": _VT220_ATTRIBUTES | FAINT}),
    (r"rxvt", {**_QUIET, "colours": 8, "attributes": _VT220_ATTRIBUTES | ITALIC, "focus": False}),
    (r"putty", {**_QUIET, "colours": 16, "attributes": _VT100_ATTRIBUTES | FAINT, "focus": False}),
    (r"(gnome|vte|konsole|mintty|mlterm|terminology|eterm|st\b|nsterm|apple|hterm|ms-|cygwin)", {}),
    (r".*(256color|truecolor|direct|xterm)", {}),
    (
        r"linux",
        {
            "colours": 8,
            "attributes": _VT100_ATTRIBUTES | FAINT,
            "alternate_screen": False,
            "combining": False,
            "cursor_shapes": False,
            "title": False,
            "clipboard": False,
            "mouse": False,
            "focus": False,
            "queries": False,
        },
    ),
    (
        r"(ansi|pcansi|scoansi|syncterm|cons25|vtnt)",
        {
            **_VT100,
            "colours": 8,
            "scroll_region": False,
            "wraps_late": False,
            "line_drawing": False,
        },
    ),
    (r"vt[2-5]\d\d", {**_VT100, "attributes": _VT220_ATTRIBUTES, "cursor_hiding": True}),
    # vt100, vt102 and whatever else: nearly everything understands a VT100.
    (r"", _VT100),
)
