"""What terminals can do, by name, and what is sent to those that can do less."""

from __future__ import annotations

import pytest

from termhub.gateways.tui.charset import Charset
from termhub.gateways.tui.palette import nearest
from termhub.gateways.tui.pens import Pens
from termhub.gateways.tui.terminal import TRUE_COLOUR, Terminal
from termhub.screen.runs import (
    BOLD,
    DEFAULT_STYLE,
    FAINT,
    HIDDEN,
    ITALIC,
    PALETTE,
    REVERSE,
    RGB,
    UNDERLINE_SHIFT,
    Style,
)


@pytest.mark.parametrize(
    ("term", "colours", "utf8"),
    [
        ("xterm-256color", 256, True),
        ("xterm", 16, True),
        ("XTERM", 16, True),
        ("xterm-kitty", TRUE_COLOUR, True),
        ("xterm-direct", TRUE_COLOUR, True),
        ("foot", TRUE_COLOUR, True),
        ("alacritty", TRUE_COLOUR, True),
        ("screen", 8, True),
        ("screen-256color", 256, True),
        ("tmux-256color", 256, True),
        ("putty-256color", 256, True),
        ("rxvt-unicode-256color", 256, True),
        ("linux", 8, True),
        ("ansi", 8, False),
        ("vt100", 0, False),
        ("vt220", 0, False),
        ("new-256color", 256, True),
        ("something-new", 0, False),
    ],
)
def test_names(term: str, colours: int, utf8: bool) -> None:
    terminal = Terminal.of(term)
    assert (terminal.colours, terminal.utf8, terminal.dumb) == (colours, utf8, False)


@pytest.mark.parametrize("term", ["dumb", "", "unknown", "network"])
def test_terminals_that_nothing_can_be_drawn_on(term: str) -> None:
    assert Terminal.of(term).dumb


def test_the_environment_tells_more_than_the_name() -> None:
    assert Terminal.of("xterm-256color", colorterm="truecolor").colours == TRUE_COLOUR
    assert Terminal.of("vt100", colorterm="truecolor").colours == 0
    assert not Terminal.of("xterm", lang="de_DE.ISO-8859-1").utf8
    assert not Terminal.of("xterm", lang="C").utf8
    assert Terminal.of("vt220", lang="en_US.utf8").utf8


def test_the_terminals_own_word_is_the_best() -> None:
    plain = Terminal.of("xterm-256color")
    assert plain.identified("foot(1.16.2)").colours == TRUE_COLOUR
    assert plain.identified("tmux 3.3a").colours == 256
    assert plain.identified("never heard of") == plain


def test_colours_become_the_nearest_there_is() -> None:
    orange = RGB | 0xFF8700
    assert nearest(orange, TRUE_COLOUR) == orange
    assert nearest(orange, 256) == PALETTE | 208
    assert nearest(PALETTE | 208, 256) == PALETTE | 208
    assert nearest(RGB | 0x080808, 256) == PALETTE | 232
    assert nearest(RGB | 0xF00000, 16) == PALETTE | 9
    assert nearest(PALETTE | 196, 16) == PALETTE | 9
    assert nearest(orange, 0) == nearest(0, 256) == 0


def test_looks_on_terminals_that_can_do_less() -> None:
    bright = Style(fg=PALETTE | 12, bg=PALETTE | 9)
    assert Pens(Terminal.of("linux")).look(bright) == Style(PALETTE | 4, PALETTE | 1, 0, BOLD)
    curly = Style(underline=RGB | 0xFF0000, attrs=3 << UNDERLINE_SHIFT | ITALIC)
    assert Pens(Terminal.of("xterm-kitty")).look(curly) == curly
    assert Pens(Terminal.of("xterm")).look(curly) == Style(attrs=1 << UNDERLINE_SHIFT | ITALIC)
    assert Pens(Terminal.of("linux")).look(curly) == Style(attrs=1 << UNDERLINE_SHIFT)
    # What only its colours show must still be seen.
    assert Pens(Terminal.of("vt100")).look(Style(fg=PALETTE, bg=PALETTE | 2 | 4)) == Style(attrs=REVERSE)
    assert Pens(Terminal.of("vt100")).look(Style(bg=RGB | 0x101010)) == DEFAULT_STYLE


def test_pens_change_with_the_fewest_bytes() -> None:
    pens, old = Pens(Terminal.of("xterm-kitty")), Pens(Terminal.of("vt100"))
    red, bold_red = Style(fg=PALETTE | 1), Style(fg=PALETTE | 1, attrs=BOLD)
    many = Style(PALETTE | 100, RGB | 0x010203, PALETTE | 1, BOLD | ITALIC | 3 << UNDERLINE_SHIFT)
    assert pens.change(red, red) == b""
    assert pens.change(red, bold_red) == b"\x1b[1m"
    assert pens.change(bold_red, red) == b"\x1b[22m"
    assert pens.change(Style(fg=7, attrs=BOLD), Style(fg=7, attrs=FAINT)) == b"\x1b[22;2m"
    assert pens.change(many, DEFAULT_STYLE) == b"\x1b[m"
    assert pens.change(None, red) == b"\x1b[;31m"
    assert pens.change(DEFAULT_STYLE, many) == b"\x1b[1;3;4:3;38;5;100;48;2;1;2;3;58:5:1m"
    # A VT100 cannot end one attribute.
    assert old.change(Style(attrs=BOLD | REVERSE), Style(attrs=REVERSE)) == b"\x1b[;7m"


def test_blanks_look_alike_whatever_colour_their_text_would_have() -> None:
    pens = Pens(Terminal.of("xterm-256color"))
    assert pens.ground(Style(fg=PALETTE | 1, attrs=BOLD | HIDDEN)) == DEFAULT_STYLE
    reverse = Style(fg=PALETTE | 1, attrs=REVERSE)
    assert pens.ground(reverse) == reverse


def test_characters_a_terminal_does_not_have() -> None:
    vt100, ansi = Charset(Terminal.of("vt100")), Charset(Terminal.of("ansi"))
    assert vt100.encode("a┌─┐b") == b"a\x0elqk\x0fb"
    assert vt100.encode("╭━╮") == b"\x0elqk"
    assert vt100.encode("é漢e\u0301…") == b"\x0fe??e."
    assert ansi.encode("┌─│█→“é”Ａ") == b'+-|#>"e"A '
    linux = Charset(Terminal.of("linux"))
    assert linux.encode("─é漢e\u0301") == "─é漢e".encode()
