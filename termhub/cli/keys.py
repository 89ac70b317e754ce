"""What the keys typed into an attached terminal mean: input for the console, or a command for us.

After the prefix key (``C-b``): ``d`` detaches, ``r`` redraws, ``?`` helps, ``c`` opens a window,
a digit, ``n`` or ``p`` shows another, the prefix once more is sent as itself, and anything else is
sent together with the prefix, so that nobody who does not know the prefix loses a key.  As in ssh,
``~.`` at the start of a line detaches and ``~~`` is a ``~``.  Nothing in a paste is a command.

Invariant: whatever is typed is either sent once, in order, or part of a command.
"""

from __future__ import annotations

import re
from enum import Enum

import attrs

PASTE_START = b"\x1b[200~"
PASTE_END = b"\x1b[201~"


class Command(Enum):
    """A command to this end, not input."""

    DETACH = "detach"
    REDRAW = "redraw"
    HELP = "help"
    NEW_WINDOW = "new window"
    NEXT_WINDOW = "next window"
    PREVIOUS_WINDOW = "previous window"


@attrs.frozen
class ShowWindow:
    """Show the window of this number."""

    window: int


Key = bytes | Command | ShowWindow

_AFTER_PREFIX = {
    b"d": Command.DETACH,
    b"\x04": Command.DETACH,
    b"r": Command.REDRAW,
    b"?": Command.HELP,
    b"c": Command.NEW_WINDOW,
    b"n": Command.NEXT_WINDOW,
    b"p": Command.PREVIOUS_WINDOW,
}


def parse_prefix(text: str) -> bytes | None:
    """The byte of a key like ``C-b`` or ``^b``; None for ``none``.

    :raises ValueError: when it is neither.
    """
    if text.lower() == "none":
        return None
    found = re.fullmatch(r"(?:[Cc]-|\^)([A-Za-z\\\]^_])", text)
    if found is None:
        raise ValueError(f"{text!r} is no prefix key; write C- and a letter, such as C-a, or none")
    return bytes([ord(found[1].upper()) & 0x1F])


def _encodings(prefix: bytes) -> tuple[bytes, ...]:
    """How terminals may send the key: plain, or as the kitty protocol and modifyOtherKeys have it."""
    letter = prefix[0] | 0x60
    return prefix, b"\x1b[%d;5u" % letter, b"\x1b[27;5;%d~" % letter


class Keys:
    """Cuts typed bytes into input and commands.

    :param prefix: the prefix key, one byte; None for no prefix commands.
    """

    def __init__(self, prefix: bytes | None = b"\x02") -> None:
        self._prefixes = _encodings(prefix) if prefix else ()
        self._plain_prefix = prefix or b""
        words = [re.escape(word) for word in (*self._prefixes[1:], *self._prefixes[:1])]
        self._special = re.compile(b"|".join([*words, re.escape(PASTE_START), rb"[\r\n]", rb"~"]))
        self._held = b""  # the beginning of something special, cut off at the end of what was typed
        self._after_prefix: bytes | None = None  # the prefix as it was typed
        self._is_after_tilde = False
        self._is_pasting = False
        self._is_line_start = True
        self._is_escape_sent = False  # the last byte was ESC: a key of its own, or a cut sequence

    def feed(self, data: bytes) -> list[Key]:
        """What ``data`` means; neighbouring input comes joined."""
        found: list[Key] = []
        if not self._held:
            self._is_escape_sent = self._is_escape_sent and data.startswith(b"[")
            if self._is_escape_sent:
                data = b"\x1b" + data  # to recognise what it may begin; taken off again below
        data, self._held = self._held + data, b""
        position = 0
        while position < len(data):
            if self._after_prefix is not None:
                position = self._command(data, position, found)
            elif self._is_after_tilde:
                position = self._tilde(data, position, found)
            elif self._is_pasting:
                position = self._paste(data, position, found)
            else:
                position = self._plain(data, position, found)
        found = _joined(found)
        if self._is_escape_sent and found:
            first = found.pop(0)
            rest = first[1:] if isinstance(first, bytes) else first
            found[:0] = [rest] if rest else []
            self._is_escape_sent = False
        if found and isinstance(found[-1], bytes) and found[-1].endswith(b"\x1b") and not self._is_pasting:
            self._is_escape_sent = True
        return found

    def _plain(self, data: bytes, position: int, found: list[Key]) -> int:
        match = self._special.search(data, position)
        # A sequence that the terminal sends comes in one read; only a cut one is held back.
        end = match.start() if match else len(data) - self._cut_off(data, position)
        if end > position:
            found.append(data[position:end])
            self._is_line_start = False
        if match is None:
            self._held = data[end:]
            return len(data)
        word = match[0]
        if word in self._prefixes:
            self._after_prefix = word
        elif word == b"~" and self._is_line_start:
            self._is_after_tilde = True
        else:
            found.append(word)
            self._is_pasting = word == PASTE_START
            self._is_line_start = word in b"\r\n"
        return match.end()

    def _cut_off(self, data: bytes, position: int) -> int:
        """How many bytes at the end begin a special sequence; a lone ESC is the Escape key."""
        tail = data[max(position, len(data) - 12) :]
        start = tail.rfind(b"\x1b[")
        if start < 0:
            return 0
        tail = tail[start:]
        words = (*self._prefixes[1:], PASTE_START)
        return len(tail) if any(word.startswith(tail) for word in words) else 0

    def _command(self, data: bytes, position: int, found: list[Key]) -> int:
        prefix, self._after_prefix = self._after_prefix or b"", None
        for again in self._prefixes:
            if data.startswith(again, position):
                found.append(again)
                self._is_line_start = False
                return position + len(again)
        key = data[position : position + 1]
        if key in _AFTER_PREFIX:
            found.append(_AFTER_PREFIX[key])
        elif key.isdigit():
            found.append(ShowWindow(int(key)))
        else:
            found.append(prefix + key)
            self._is_line_start = key in (b"\r", b"\n")
        return position + 1

    def _tilde(self, data: bytes, position: int, found: list[Key]) -> int:
        self._is_after_tilde = False
        key = data[position : position + 1]
        if key == b".":
            found.append(Command.DETACH)
            return position + 1
        if key == b"?":
            found.append(Command.HELP)
            return position + 1
        self._is_line_start = False
        found.append(b"~")
        return position + 1 if key == b"~" else position

    def _paste(self, data: bytes, position: int, found: list[Key]) -> int:
        end = data.find(PASTE_END, position)
        if end >= 0:
            end += len(PASTE_END)
            found.append(data[position:end])
            self._is_pasting = False
            self._is_line_start = False
            return end
        # Keep a cut-off end mark for the next bytes.
        cut = len(data)
        for length in range(min(len(PASTE_END) - 1, cut - position), 0, -1):
            if data.endswith(PASTE_END[:length]):
                cut -= length
                break
        if cut > position:
            found.append(data[position:cut])
        self._held = data[cut:]
        return len(data)


def _joined(keys: list[Key]) -> list[Key]:
    joined: list[Key] = []
    for key in keys:
        if isinstance(key, bytes) and joined and isinstance(joined[-1], bytes):
            joined[-1] += key
        else:
            joined.append(key)
    return joined
