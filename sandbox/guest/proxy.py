"""The way out of a sandbox whose network is an allow-list: an HTTP proxy on its own loopback.

Programs find it by the usual variables (``https_proxy`` and the like).  It understands one
thing, ``CONNECT host:port``; whom it may reach is not decided here: the agent asks its peer by an
event, and relays the bytes as a stream beside the others once it hears that there is a
connection.

Invariant: whatever programs do, at most :data:`MOST_CONNECTIONS` are served, the others wait for
their turn in the kernel, and the peer is asked at most so often.
"""

from __future__ import annotations

import _socket
import os

from . import frames
from .streams import Ends

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

    from .loop import Loop, Timer
    from .streams import Streams

MOST_CONNECTIONS = 32
"""Most connections of a console at a time."""

HEAD_BYTES = 8192
"""Longest head of a request."""

_HEAD_SECONDS = 20.0
_ANSWER_SECONDS = 90.0  # the peer has looked the name up and connected, or given up, by then
_FAREWELL_SECONDS = 2.0  # to read why it was refused
_AT_ONCE = 100
_EACH_SECONDS = 0.02  # the peer ends a console that asks much faster
_BACKLOG = 512
_NO_LINGER = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 seconds
_STATUS = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_OF_CODE = {"not_allowed": 403, "busy": 503, "timeout": 504}  # of a refusal; any other is 502
_ONLY_CONNECT = (
    "this console reaches the network by a list of hosts, through a proxy that knows CONNECT alone: "
    "use https:// instead of http://"
)
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


class ProxyError(Exception):
    """A request that is answered with an error at once."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Proxy:
    """The connections of programs, each of them a stream once it is made.

    :param port: where to listen on the loopback address.
    :param tell: takes the event of each connection that is wanted.
    :param changed: called when there may be something to send.
    :raises OSError: when nobody can listen there.
    """

    def __init__(
        self,
        loop: Loop,
        port: int,
        streams: Streams,
        tell: Callable[[Dict[str, Any]], None],
        changed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self.streams = streams
        self.tell = tell
        self.changed = changed
        self._last = 0
        self._clients: Dict[int, Client] = {}  # by descriptor
        self._asking: Dict[int, Client] = {}  # by the number of the stream
        self._allowance = float(_AT_ONCE)
        self._counted = loop.now()
        self._is_open = False
        self._pause: Optional[Timer] = None
        self._listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
        self._listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(_BACKLOG)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def open(self) -> None:
        """There is a peer to ask: serve those who wait."""
        self._is_open = True
        self._set_accepting()

    def connected(self, number: object) -> None:
        """The peer has made a connection."""
        client = self._asking.pop(number, None) if isinstance(number, int) else None
        if client is not None:
            client.connected()

    def refused(self, number: object, code: str, message: str) -> None:
        """The peer makes no connection; ``message`` is what the program is told."""
        client = self._asking.pop(number, None) if isinstance(number, int) else None
        if client is not None:
            self.streams.remove(client)
            client.answer(_OF_CODE.get(code, 502), message)

    def ask(self, client: Client, host: str, port: int) -> None:
        """Ask the peer for a connection."""
        self._last += 1
        client.number = frames.CONNECTIONS + self._last % frames.CONNECTIONS
        self._asking[client.number] = client
        self.streams.add(client)
        self.tell({"type": "connect", "stream": client.number, "host": host, "port": port})

    def gone(self, fd: int, number: int) -> None:
        """A client is gone, and its descriptor closed."""
        self._clients.pop(fd, None)
        self.given_up(number)
        self._set_accepting()

    def given_up(self, number: int) -> None:
        """Nobody waits for the peer's answer any more."""
        self._asking.pop(number, None)

    def _set_accepting(self) -> None:
        wanted = self._is_open and self._pause is None and len(self._clients) < MOST_CONNECTIONS
        self._loop.reader(self._listener.fileno(), self._accept if wanted else None)

    def _accept(self) -> None:
        now = self._loop.now()
        self._allowance = min(self._allowance + (now - self._counted) / _EACH_SECONDS, _AT_ONCE)
        self._counted = now
        if self._allowance < 1:
            self._pause = self._loop.call_later(_EACH_SECONDS, self._resume)
            self._set_accepting()
            return
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return
        except OSError:  # no descriptors are left
            self._allowance = 0.0
            return
        self._allowance -= 1
        self._clients[fd] = Client(self._loop, self, fd)
        self._set_accepting()

    def _resume(self) -> None:
        self._pause = None
        self._set_accepting()


class Client:
    """A program's connection: first the head of its request, then a stream, or a refusal."""

    def __init__(self, loop: Loop, proxy: Proxy, fd: int) -> None:
        self.number = -1
        self.is_over = False
        self._loop = loop
        self._proxy = proxy
        self._fd = fd
        self._socket = _socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._head = b""
        self._ends: Optional[Ends] = None
        self._is_late = False
        self._timer: Optional[Timer] = loop.call_later(_HEAD_SECONDS, self.answer, 408, "no request came")
        loop.reader(fd, self._read_head)

    # -- the head ------------------------------------------------------------

    def _read_head(self) -> None:
        """Take the head alone: what follows it is the stream's."""
        try:
            seen = self._socket.recv(HEAD_BYTES, _socket.MSG_PEEK)
            head = self._head + seen
            end = head.find(b"\r\n\r\n") + 4
            count = end - len(self._head) if end >= 4 else len(seen)
            self._head += self._socket.recv(count) if seen else b""
        except BlockingIOError:
            return
        except OSError:
            seen = b""
        if not seen:
            self._leave()
            return
        if end < 4 and len(self._head) <= HEAD_BYTES:
            return
        try:
            host, port = parse(self._head)
        except ProxyError as error:
            self.answer(error.status, str(error))
            return
        self._loop.reader(self._fd, None)
        self._set_timer(_ANSWER_SECONDS, self._late)
        self._proxy.ask(self, host, port)

    def answer(self, status: int, message: str) -> None:
        """Refuse with words, which clients show as the reason or as the body, and part."""
        reason = "".join(sign if " " <= sign <= "~" else "?" for sign in message) or _STATUS[status]
        body = "%s\n" % reason
        lines = [
            "HTTP/1.1 %d %s" % (status, reason),
            "Content-Type: text/plain; charset=utf-8",
            "Content-Length: %d" % len(body),
            "Connection: close",
        ]
        if status == 405:
            lines.append("Allow: CONNECT")
        try:
            self._socket.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            self._socket.shutdown(_socket.SHUT_WR)
        except OSError:
            self._leave()
            return
        # Closed with something unread it would be reset, and the answer perhaps lost.
        self._loop.reader(self._fd, self._read_rest)
        self._set_timer(_FAREWELL_SECONDS, self._leave)

    def _read_rest(self) -> None:
        try:
            data = self._socket.recv(HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave()

    def _late(self) -> None:
        """The peer does not answer: it is told that nobody wants the connection any more."""
        self._is_late = True
        self._proxy.given_up(self.number)
        self._proxy.changed()

    def _set_timer(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, callback)

    # -- the stream ----------------------------------------------------------

    def connected(self) -> None:
        """There is a connection: relay."""
        if self._timer is not None:
            self._timer.cancel()
        ends = self._ends = Ends(self.number, self._loop, self._proxy.changed, _hang_up)
        try:
            self._socket.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends.open(os.dup(self._fd), os.dup(self._fd))
        except OSError:  # it has gone, or no descriptors are left
            ends.is_broken = True
            self._proxy.changed()

    def credit(self, count: int) -> None:
        """The peer has room for ``count`` more bytes."""
        if self._ends is not None:
            self._ends.credit(count)

    def receive(self, data: bytes) -> None:
        """Queue what the other end sends; empty: it sends no more."""
        if self._ends is None:
            raise frames.FrameError("bytes of stream %d, which is not connected" % self.number)
        self._ends.receive(data)

    def take(self) -> Optional[bytes]:
        """The next frame to send, or None."""
        ends = self._ends
        if ends is None:
            if not self._is_late:
                return None
        elif not ends.is_broken:
            frame = ends.take()
            if frame is not None or not (ends.is_broken or (ends.has_told_end and ends.has_finished)):
                return frame
        self.is_over = True
        event = {"type": "stream", "stream": self.number, "code": 0, "said": ""}
        return frames.encode_json(frames.EVENT, frames.CONSOLE, event)

    def close(self) -> None:
        """It is over; one that is given up before is reset, so that nobody takes it for whole."""
        if self.is_over and self._ends is None:
            self.answer(504, "termhub has not answered in time")
            return
        if not self.is_over:
            self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _NO_LINGER)
        self._leave()

    def _leave(self) -> None:
        """Give everything back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ends is not None:
            self._ends.close()
        self._loop.forget(self._fd)
        self._socket.close()
        self._proxy.gone(self._fd, self.number)


def _hang_up(fd: int) -> None:
    """Say that no more will come, on a connection that is still read."""
    connection = _socket.socket(fileno=fd)
    try:
        connection.shutdown(_socket.SHUT_WR)
    except OSError:
        pass  # it is gone already
    connection.close()


def parse(head: bytes) -> Tuple[str, int]:
    """Host, in lower case, and port that a request's head asks for.

    :raises ProxyError: with the status and the words of the answer.
    """
    if len(head) > HEAD_BYTES:
        raise ProxyError(431, "a request's head has at most %d bytes" % HEAD_BYTES)
    line, _, _ = head.partition(b"\r\n")
    parts = line.split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
        raise ProxyError(400, "this is an HTTP proxy: it takes CONNECT host:port HTTP/1.1")
    if parts[0] != b"CONNECT":
        raise ProxyError(405, _ONLY_CONNECT)
    try:
        target = parts[1].decode("ascii").lower()
    except UnicodeDecodeError:
        raise ProxyError(400, "a host's name has ASCII characters; others are written as xn--") from None
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdigit() or len(port) > 5 or not 1 <= int(port) <= 65535:
        raise ProxyError(400, "CONNECT takes host:port, the port from 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        allowed = ":." if ":" in host else ""
    else:
        allowed = "-._"
        host = host[:-1] if host.endswith(".") else host
    if not host or len(host) > 253 or not all(sign in _ALNUM or sign in allowed for sign in host):
        raise ProxyError(400, "that is no host's name or address")
    return host, int(port)
