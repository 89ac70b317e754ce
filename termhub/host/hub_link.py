"""One connection to a host's socket, without the socket.

Frames in become calls of the console; what is to be sent waits here, output not at
all: a link is a cursor into each stream it has subscribed to, and takes the bytes when
it can send them.

Invariant: at most :data:`WINDOW_BYTES` of output are unacknowledged and only what was
asked for is queued, so a link that does not read costs nothing and slows nobody; when
it has fallen too far behind, its cursor jumps to the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define

from sandbox.guest import frames

if TYPE_CHECKING:
    from termhub.host.asks import Asks
    from termhub.host.streams import Streams
    from termhub.host.views import Views
    from termhub.host.window import Window

WINDOW_BYTES = 1 << 20
"""Most output in flight on a link."""

CATCH_UP_BYTES = 8 << 20
"""How far back a subscription may start."""

CHUNK_BYTES = 1 << 16
MOST_ANSWERS = 64
QUEUE_BYTES = 4 << 20
"""Queued answers from which a link's requests are no longer read."""


@define(eq=False)
class Cursor:
    """How far a link is in a window.

    :param base: since where it has had every byte.
    :param sent: the next offset to send.
    :param acked: what it has acknowledged.
    :param lag: how far behind it may be until it has caught up.
    """

    base: int
    sent: int
    acked: int
    lag: int = WINDOW_BYTES


class LinkOwner(Protocol):
    """What a link needs of its console."""

    windows: dict[int, Window]
    streams: Streams
    views: Views
    asks: Asks

    def hello(self) -> dict[str, Any]:
        """The host's HELLO."""

    def link_input(self, link: HubLink, window: int, viewer: int, sequence: int, data: bytes) -> None:
        """Input for a program."""

    def link_resize(self, window: int, cols: int, rows: int) -> None:
        """A size is wanted."""

    def link_request(self, link: HubLink, window: int, request: dict[str, Any]) -> None:
        """A request that is not about the link itself."""


class HubLink:
    """The state of one connection.

    :param owner: the console.
    """

    def __init__(self, owner: LinkOwner) -> None:
        self._owner = owner
        self._decoder = frames.Decoder()
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._position = 0
        self._turn: deque[int] = deque()
        self._is_streams_turn = False
        self._answers: list[bytes] = []
        self._said_hello = False
        self.cursors: dict[int, Cursor] = {}
        self._farewell: bytes | None = None
        self.is_done = False

    # -- in ------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take bytes from the peer.

        :raises FrameError: when they are not this protocol; close the connection.
        """
        for kind, window, payload in self._decoder.feed(data):
            if not self._said_hello and kind != frames.HELLO:
                raise frames.FrameError(f"{frames.NAMES[kind]} before HELLO")
            if kind == frames.INPUT:
                self._owner.link_input(self, window, *frames.parse_input(payload))
            elif kind == frames.ACK:
                self._ack(window, frames.parse_ack(payload))
            elif kind == frames.REQUEST:
                self._request(window, frames.parse_json(payload))
            elif kind == frames.RESIZE:
                self._owner.link_resize(window, *frames.parse_resize(payload))
            elif kind == frames.HELLO:
                self._hello(frames.parse_json(payload))
            elif kind == frames.ROWS:
                self._owner.views.ready(self, payload)
            elif kind in (frames.STREAM, frames.CREDIT):
                self._owner.streams.link_receive(self, kind, payload)
            else:
                raise frames.FrameError(f"a {frames.NAMES[kind]} frame, which a host does not take")

    def _hello(self, hello: dict[str, Any]) -> None:
        if hello.get("version") != frames.VERSION:
            raise frames.FrameError(f"version {hello.get('version')!r}; this host speaks {frames.VERSION}")
        if not self._said_hello:
            self._said_hello = True
            self.send(frames.encode_json(frames.HELLO, frames.CONSOLE, self._owner.hello()))
            self._owner.asks.greeted(self)

    def _ack(self, window: int, offset: int) -> None:
        cursor = self.cursors.get(window)
        if cursor is not None and cursor.acked < offset <= cursor.sent:
            cursor.acked = offset

    def _request(self, number: int, request: dict[str, Any]) -> None:
        op = request.get("op")
        if op not in ("subscribe", "unsubscribe"):
            self._owner.link_request(self, number, request)
            return
        number = window_number(request, number)
        window = self._owner.windows.get(number)
        if window is None:
            self.refuse(request, number, "no_such_window", f"there is no window {number}")
        elif op == "subscribe":
            self._subscribe(window, request)
        else:
            self.cursors.pop(number, None)
            self.reply(request, number)

    def _subscribe(self, window: Window, request: dict[str, Any]) -> None:
        since = request.get("since")
        end = window.visible_end
        offset = end
        if isinstance(since, int) and max(window.start, end - CATCH_UP_BYTES) <= since <= end:
            offset = since
        lag = max(WINDOW_BYTES, end - offset + WINDOW_BYTES)
        self.cursors[window.number] = Cursor(offset, offset, offset, lag)
        if window.number not in self._turn:
            self._turn.append(window.number)
        self.reply(request, window.number, offset=offset)

    # -- out -----------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether the peer has said HELLO."""
        return self._said_hello

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait to be sent, without output."""
        return self._queued_bytes

    @property
    def is_full(self) -> bool:
        """Whether the peer takes its answers too slowly to be read any further."""
        return self._queued_bytes > QUEUE_BYTES

    def send(self, frame: bytes) -> None:
        """Queue a frame."""
        self._queue.append(frame)
        self._queued_bytes += len(frame)

    def tell(self, frame: bytes) -> None:
        """Queue a frame the peer did not ask for, once the link has begun."""
        if self._said_hello:
            self.send(frame)

    def accepted(self, window: int, viewer: int, sequence: int) -> None:
        """Say that input was written; with the output that follows from it, where there is some."""
        if self._said_hello:
            self._answers.append(frames.accepted(window, viewer, sequence))
            if len(self._answers) > MOST_ANSWERS:
                self._send_answers()

    def _send_answers(self) -> None:
        answers, self._answers = self._answers, []
        if len(self._queue) == 1 and not self._position:
            output = self._queue.popleft()
            self._queued_bytes -= len(output)
            answers.insert(0, output)
        self.send(b"".join(answers))

    def reply(self, request: dict[str, Any], number: int = frames.CONSOLE, /, **results: Any) -> None:
        """Answer a request."""
        answer = {"id": request.get("id"), "ok": True, **results}
        self.send(frames.encode_json(frames.REPLY, number, answer))

    def refuse(self, request: dict[str, Any], window: int, code: str, message: str) -> None:
        """Answer a request with an error."""
        answer = {"id": request.get("id"), "ok": False, "code": code, "error": message}
        self.send(frames.encode_json(frames.REPLY, window, answer))

    def keyframe(self, window: Window, pieces: Iterable[bytes]) -> None:
        """Queue a keyframe of the window's ``parsed`` offset; output goes on so that it fits."""
        for piece in pieces:
            self.send(piece)
        cursor = self.cursors.get(window.number)
        if cursor is not None and cursor.base > window.parsed:
            cursor.base = cursor.sent = cursor.acked = window.parsed

    def close_after(self, farewell: bytes) -> None:
        """Send ``farewell`` behind all output there is, then be done."""
        self._farewell = farewell

    def forget(self, window: int) -> None:
        """A window is gone."""
        self.cursors.pop(window, None)
        if window in self._turn:
            self._turn.remove(window)

    def to_send(self) -> bytes | memoryview:
        """The next bytes for the socket; empty: nothing to send now."""
        queue = self._queue
        if not queue:
            self._output()
            if self._answers:
                self._send_answers()
            if not queue:
                return self._say_farewell()
        if self._position:
            return memoryview(queue[0])[self._position :]
        return queue[0]

    def sent(self, count: int) -> None:
        """The socket took ``count`` of the bytes :meth:`to_send` gave."""
        self._queued_bytes -= count
        self._position += count
        if self._position >= len(self._queue[0]):
            self._queue.popleft()
            self._position = 0

    def _say_farewell(self) -> bytes:
        if self._farewell is None or self.is_done:
            return b""
        for number, cursor in self.cursors.items():
            window = self._owner.windows.get(number)
            if window is not None and cursor.sent < window.visible_end:
                return b""
        self.is_done = True
        self.send(self._farewell)
        return self._farewell

    def _output(self) -> bytes:
        """The next frame of a window or stream that has some, queued as it may be sent in part."""
        self._is_streams_turn = not self._is_streams_turn
        if self._is_streams_turn and (frame := self._owner.streams.to_link(self)):
            self.send(frame)
            return frame
        turn = self._turn
        windows = self._owner.windows
        for _ in range(len(turn)):
            number = turn.popleft()
            cursor = self.cursors.get(number)
            window = windows.get(number)
            if cursor is None or window is None:
                continue
            turn.append(number)
            frame = self._window_output(window, cursor)
            if frame:
                self.send(frame)
                return frame
        if frame := self._owner.streams.to_link(self):
            self.send(frame)
        return frame

    def _window_output(self, window: Window, cursor: Cursor) -> bytes:
        end = window.visible_end
        behind = end - cursor.sent
        if behind <= 0:
            return b""
        room = WINDOW_BYTES - (cursor.sent - cursor.acked)
        if room <= 0:
            return b""
        if behind > cursor.lag:
            cursor.base = cursor.sent = cursor.acked = end
            return frames.output(window.number, end, b"")  # says that there was a jump
        if behind <= WINDOW_BYTES:
            cursor.lag = WINDOW_BYTES
        offset, data = window.read(cursor.sent, min(CHUNK_BYTES, room))
        if not data:
            return b""
        if offset != cursor.sent:
            cursor.base = cursor.acked = offset
        cursor.sent = offset + len(data)
        return frames.output(window.number, offset, data)


def window_number(request: dict[str, Any], fallback: int) -> int:
    """The window a request names, in its JSON or else in its frame."""
    number = request.get("window", fallback)
    return number if isinstance(number, int) and 0 <= number <= frames.CONSOLE else frames.CONSOLE
