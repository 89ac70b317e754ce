"""How a debugged program and the window that asks talk: JSON, a line each, on a Unix socket.

The window listens in the console's private folder (mode 0700) on a socket of mode 0600, so
that only programs of this console's user reach it.  Those may debug each other anyway;
no other door is opened, and nothing listens on the network.

From the program: ``{"text"}`` to show, ``{"prompt"}`` wants a line, ``{"running": true}``, and
last ``{"end"}``, which says why.  From the window: ``{"line"}``, or ``{"leave": true}``.
"""

import json
import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

_MOST_BYTES = 1 << 18  # of a line; whoever sends more speaks something else
_PIECE = 1 << 14  # characters of text sent in one message


class Link:
    """One end of the socket.  What cannot be sent is dropped: the other end has gone."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = b""

    def send(self, **message: "Any") -> None:
        """Send a message."""
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass  # the next receive() finds the end

    def send_text(self, text: str) -> None:
        """Send text to show, of any length."""
        for start in range(0, len(text), _PIECE):
            self.send(text=text[start : start + _PIECE])

    def receive(self) -> "Optional[Dict[str, Any]]":
        """Wait for a message; None when the other end has gone or speaks something else."""
        while True:
            line, newline, rest = self._received.partition(b"\n")
            if newline:
                self._received = rest
                return parse(line)
            if len(self._received) > _MOST_BYTES:
                return None
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                return None
            if not data:
                return None
            self._received += data

    def has_message(self, seconds: float) -> bool:
        """Whether something comes within some seconds, if only the end."""
        return bool(self._received or select.select([self._socket], [], [], seconds)[0])

    def has_ended(self) -> bool:
        """Whether the other end has gone, without waiting."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def leave(self) -> None:
        """End it for both: whoever waits for a message has waited long enough."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other end was faster

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def parse(line: bytes) -> "Optional[Dict[str, Any]]":
    """The message in a line, None when it holds none."""
    try:
        message = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def connect(path: str) -> "Optional[Link]":
    """A link to whoever listens at ``path``, or None."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(path)
    except OSError:
        sock.close()
        return None
    return Link(sock)
