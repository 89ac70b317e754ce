"""The login dialogue of a terminal: a name, a password, and again when they are wrong.

Pure: keys in, prompts and echo out.  Invariant: a line is bounded, and nothing of a password is
ever echoed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from wcwidth import wcswidth

NAME_PROMPT = "termhub login: "
PASSWORD_PROMPT = "Password: "

MAX_LINE_BYTES = 512
"""More is not taken."""

MAX_ATTEMPTS = 3
"""So many wrong passwords, or names left out, and it is over."""

_RETURN, _NEWLINE, _ESCAPE = 13, 10, 27
_ERASE = (8, 127)
_KILL = (21, 23)  # C-u, C-w
_LEAVE = (3, 4, 29)  # C-c, C-d, C-]


class Asker(Protocol):
    """Who wants to know."""

    def write(self, data: bytes) -> None:
        """Show bytes on the terminal."""

    def entered(self, name: str, password: str) -> None:
        """Both were typed; :meth:`Login.failed` says that they are wrong."""

    def left(self) -> None:
        """The person gave up, or has tried often enough."""


class Login:
    """One dialogue.

    :param echoes: whether we, and not the client, show what is typed.
    """

    def __init__(self, asker: Asker, echoes: Callable[[], bool]) -> None:
        self._asker = asker
        self._echoes = echoes
        self._line = bytearray()
        self._name: str | None = None
        self._attempts = 0
        self._is_open = False
        self._follows_return = False
        self._escape = b""
        self._shown: list[bytes] = []

    def begin(self) -> None:
        """Ask for the name."""
        self._begin()
        self._show()

    def _begin(self) -> None:
        self._name = None
        self._is_open = True
        self._ask(NAME_PROMPT)

    def failed(self, words: str) -> None:
        """They were wrong: ask again, or no more."""
        self._shown.append(f"{words}\r\n".encode())
        if self._is_enough():
            self._leave()
        else:
            self._begin()
        self._show()

    def receive(self, data: bytes) -> bytes:
        """Take keys; returns those that came after a complete answer."""
        position = 0
        while position < len(data) and self._is_open:
            self._key(data[position])
            position += 1
        self._show()
        return data[position:]

    def _is_enough(self) -> bool:
        self._attempts += 1
        return self._attempts >= MAX_ATTEMPTS

    def _leave(self) -> None:
        self._is_open = False
        self._show()
        self._asker.left()

    def _ask(self, prompt: str) -> None:
        self._line.clear()
        self._shown.append(prompt.encode())

    def _show(self) -> None:
        shown, self._shown = b"".join(self._shown), []
        if shown:
            self._asker.write(shown)

    def _key(self, key: int) -> None:
        follows_return, self._follows_return = self._follows_return, key == _RETURN
        if self._escape or key == _ESCAPE:
            self._skip(key)
        elif key == _RETURN or (key == _NEWLINE and not follows_return):
            self._enter()
        elif key in _ERASE:
            self._erase(1)
        elif key in _KILL:
            self._erase(len(self._line))
        elif key in _LEAVE:
            self._leave()
        elif key >= 0x20:
            self._add(key)

    def _skip(self, key: int) -> None:
        """A key that sends a sequence, such as an arrow, means nothing here (ECMA-48, 5.4)."""
        self._escape += bytes((key,))
        introducer = self._escape[1:2]
        if introducer in (b"[", b"O"):
            is_over = len(self._escape) > 2 and 0x40 <= key <= 0x7E
        else:
            is_over = len(self._escape) > 1
        if is_over or len(self._escape) > 32:
            self._escape = b""

    def _add(self, key: int) -> None:
        if len(self._line) >= MAX_LINE_BYTES:
            return
        self._line.append(key)
        if self._name is None and self._echoes():
            self._shown.append(bytes((key,)))

    def _erase(self, count: int) -> None:
        text = self._line.decode("utf-8", "replace")
        kept, erased = text[: max(0, len(text) - count)], text[max(0, len(text) - count) :]
        self._line[:] = kept.encode()
        if erased and self._name is None and self._echoes():
            self._shown.append(b"\b \b" * max(1, wcswidth(erased)))

    def _enter(self) -> None:
        line = self._line.decode("utf-8", "replace")
        if self._echoes():
            self._shown.append(b"\r\n")
        if self._name is not None:
            self._is_open = False
            self._line.clear()
            self._show()
            self._asker.entered(self._name, line)
        elif line.strip():
            self._name = line.strip()
            self._ask(PASSWORD_PROMPT)
        elif self._is_enough():
            self._leave()
        else:
            self._ask(NAME_PROMPT)
