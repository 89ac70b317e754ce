"""What comes from the person's terminal, as values."""

from __future__ import annotations

from typing import Literal

import attrs

MouseKind = Literal["press", "release", "drag", "move", "wheel"]
ReportKind = Literal[
    "attributes", "version", "mode", "cursor", "keyboard", "colour", "clipboard", "window", "other"
]


@attrs.frozen
class Key:
    """A key.

    :param name: the character it is for (``a``, ``A``, ``é``, also with ``ctrl``), or ``Enter``, ``Tab``,
        ``Backspace``, ``Escape``, ``Space``, ``Up``, ``Down``, ``Left``, ``Right``, ``Home``, ``End``,
        ``PageUp``, ``PageDown``, ``Insert``, ``Delete``, ``Begin``, ``F1`` … ``F35``, ``KP0`` … ``KP9``,
        ``KPEnter`` and other keys of the keypad in application mode; an empty string for bytes that
        mean nothing to us.
    :param text: what it writes, if it writes something.
    :param raw: the bytes that a program gets when the key has no form of its own in a mode; none when
        the terminal sent what programs in a console do not expect.
    """

    name: str
    text: str = ""
    ctrl: bool = False
    alt: bool = False
    shift: bool = False
    raw: bytes = attrs.field(default=b"", eq=False)


@attrs.frozen
class Paste:
    """A piece of a bracketed paste, without the brackets.

    :param begins: it is the first piece, ``ends`` the last; data may be empty then.
    """

    data: bytes
    begins: bool = False
    ends: bool = False


@attrs.frozen
class Mouse:
    """A movement of the mouse.

    :param button: 1 left, 2 middle, 3 right, 8 to 11 others; 4 to 7 the wheel up, down, left and right;
        0 when none is known.
    :param x: column from 0, ``y`` the row.
    """

    kind: MouseKind
    button: int
    x: int
    y: int
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


@attrs.frozen
class Focus:
    """The terminal's window got the keyboard, or lost it."""

    gained: bool


@attrs.frozen
class Report:
    """The terminal's answer to a question, never for a program.

    :param kind: ``attributes`` (DA), ``version`` (XTVERSION, text), ``mode`` (DECRPM: mode, state),
        ``cursor`` (CPR: row, column from 1), ``keyboard`` (kitty flags), ``colour`` (OSC 4, 10, 11 …: the
        number, text), ``clipboard`` (OSC 52, text is base64), ``window`` (XTWINOPS), ``other``.
    """

    kind: ReportKind
    numbers: tuple[int, ...] = ()
    text: str = ""


Event = Key | Paste | Mouse | Focus | Report
