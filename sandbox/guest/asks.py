"""What programs of the sandbox ask of termhub, over a Unix socket.

A program connects, writes one line of JSON, ``{"op": "share", "role", "seconds", "uses"}``,
and gets one back: ``{"ok": true, "url", "ssh"}`` or ``{"ok": false, "error"}``.  The agent
passes the question on as an event and the answer back; who decides is the hub.  The socket
lies in a private folder, so only programs of the sandbox's user ask.

Invariant: whatever programs send, a bounded number of questions, each of bounded size,
waits here or leaves the sandbox.
"""

from __future__ import annotations

import _socket
import os

from . import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional

    from .loop import Loop, Timer

_MOST_CONNECTIONS = 8
_MOST_BYTES = 4096  # of a line
_LINE_SECONDS = 10.0  # to send the line
_ANSWER_SECONDS = 90.0  # an owner has 60 to say yes
_AT_ONCE = 10
_SECONDS_EACH = 1.0
_MOST_SECONDS = 10 * 365 * 86400
_MOST_USES = 1_000_000
_ROLES = ("observer", "writer", "owner")


class AskError(Exception):
    """A question that is answered at once, with why it is none."""


class Asks:
    """The questions that wait.

    :param path: where to listen; its folder is made when it is missing.
    :param tell: takes the event of each question, and again after :meth:`repeat`.
    :raises OSError: when nobody can listen there.
    """

    def __init__(self, loop: Loop, path: str, tell: Callable[[Dict[str, Any]], None]) -> None:
        self._loop = loop
        self._path = path
        self._tell = tell
        self._number = 0
        self._connections: Dict[int, _Connection] = {}  # by descriptor
        self._allowance = float(_AT_ONCE)
        self._counted = loop.now()
        self._made_folder = _private_folder(os.path.dirname(path))
        self._listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
        self._listener.bind(path)
        os.chmod(path, 0o600)
        self._listener.listen(_MOST_CONNECTIONS)
        self._set_accepting()

    def repeat(self) -> None:
        """Tell all questions again: another host has come."""
        for connection in self._connections.values():
            if connection.event is not None:
                self._tell(connection.event)

    def answer(self, number: object, answer: Dict[str, Any]) -> bool:
        """Answer a question; False when it does not wait any more."""
        for connection in list(self._connections.values()):
            if connection.event is not None and connection.event["ask"] == number:
                self._finish(connection, answer)
                return True
        return False

    def close(self) -> None:
        """Answer nobody any more and leave nothing behind."""
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._loop.forget(self._listener.fileno())
        self._listener.close()
        try:
            os.unlink(self._path)
            if self._made_folder:
                os.rmdir(os.path.dirname(self._path))
        except OSError:
            pass  # a program has removed it, or put something there

    def _set_accepting(self) -> None:
        has_room = len(self._connections) < _MOST_CONNECTIONS
        self._loop.reader(self._listener.fileno(), self._accept if has_room else None)

    def _accept(self) -> None:
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]
        except OSError:
            return
        connection = _Connection(fd)
        connection.timer = self._loop.call_later(_LINE_SECONDS, self._drop, connection)
        self._connections[fd] = connection
        self._loop.reader(fd, lambda: self._read(connection))
        self._set_accepting()

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        if connection.event is not None:
            return  # it has said all there is to say
        connection.line += data
        line, newline, _ = connection.line.partition(b"\n")
        if not newline and len(line) <= _MOST_BYTES:
            return
        try:
            question = parse(line)
            self._count()
        except AskError as error:
            self._finish(connection, {"ok": False, "error": str(error)})
            return
        self._number += 1
        connection.event = dict(question, type="ask", ask=self._number)
        if connection.timer is not None:
            connection.timer.cancel()
        refusal = {"ok": False, "error": "nobody has answered"}
        connection.timer = self._loop.call_later(_ANSWER_SECONDS, self._finish, connection, refusal)
        self._tell(connection.event)

    def _count(self) -> None:
        """Take one question from what a console may ask; :raises AskError: too many."""
        now = self._loop.now()
        self._allowance = min(self._allowance + (now - self._counted) / _SECONDS_EACH, _AT_ONCE)
        self._counted = now
        if self._allowance < 1:
            raise AskError("this console has asked too often; wait a few seconds")
        self._allowance -= 1

    def _finish(self, connection: _Connection, answer: Dict[str, Any]) -> None:
        try:
            connection.socket.send(compact.dumps(answer).encode() + b"\n")
        except OSError:
            pass  # it has gone, or does not read a line of answer
        self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        fd = connection.socket.fileno()
        if self._connections.pop(fd, None) is None:
            return
        if connection.timer is not None:
            connection.timer.cancel()
        self._loop.forget(fd)
        connection.socket.close()
        self._set_accepting()


class _Connection:
    """A program that asks: its question so far, then the event it became."""

    def __init__(self, fd: int) -> None:
        self.socket = _socket.socket(fileno=fd)
        self.socket.setblocking(False)
        self.line = b""
        self.event: Optional[Dict[str, Any]] = None
        self.timer: Optional[Timer] = None


def parse(line: bytes) -> Dict[str, Any]:
    """The question in a line, checked: ``{"op", "role", "seconds", "uses"}``.

    :raises AskError: saying what is wrong with it.
    """
    if len(line) > _MOST_BYTES:
        raise AskError("a question has at most %d bytes" % _MOST_BYTES)
    try:
        question = compact.loads(line.decode())
    except (ValueError, RecursionError):
        raise AskError("a question is a line of JSON") from None
    if not isinstance(question, dict) or question.get("op") != "share":
        raise AskError("termhub can be asked to share")
    role, seconds, uses = question.get("role"), question.get("seconds"), question.get("uses")
    if role not in _ROLES:
        raise AskError("a role is one of %s" % ", ".join(_ROLES))
    if not _is_count(seconds, _MOST_SECONDS):
        raise AskError("seconds is a number of at least 1")
    if uses is not None and not _is_count(uses, _MOST_USES):
        raise AskError("uses is a number of at least 1, or null")
    return {"op": "share", "role": role, "seconds": seconds, "uses": uses}


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _private_folder(path: str) -> bool:
    """Make a folder for us alone; False when it is there already.

    :raises OSError: when it is there, but somebody else's or open to others.
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        status = os.lstat(path)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise OSError("%s is not private" % path) from None
        return False
    return True
