"""One session channel: bytes both ways, each way only as fast as its end takes them.

Outward: what is written waits here until the client's window and the connection have room.
Whoever writes looks at :attr:`Channel.is_writable` before, so what waits is bounded by what one
writer writes at once.  Inward: the client may send as much as the window says, and the window is
opened again only for what the session has taken.

Invariant: what a client that stops reading, or a session that stops taking, can make this hold is
bounded by one write and one window.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from .packets import PacketError, boolean, string, u32

WINDOW_BYTES = 64 * 1024
"""What a client may send before the session has taken it; enough for what people type and paste."""

MOST_PACKET = 32 * 1024
"""Bytes of data in one packet, either way; RFC 4253, section 6.1, asks for 32768."""

LEAST_PACKET = 256
"""A client that takes less in a packet would make every packet's overhead the main thing."""

MOST_WINDOW = 0xFFFFFFFF

CHANNEL_OPEN_CONFIRMATION = 91
CHANNEL_WINDOW_ADJUST = 93
CHANNEL_DATA = 94
CHANNEL_EXTENDED_DATA = 95
CHANNEL_EOF = 96
CHANNEL_CLOSE = 97
CHANNEL_REQUEST = 98
CHANNEL_SUCCESS, CHANNEL_FAILURE = 99, 100

_STDERR = 1


class Connection(Protocol):
    """What a channel needs of its connection."""

    @property
    def is_writable(self) -> bool:
        """Whether output may be handed over now."""

    @property
    def is_clear(self) -> bool:
        """Whether everything handed over has left this process."""

    def send(self, kind: int, payload: bytes) -> None:
        """Send a packet."""

    def closed(self, channel: Channel) -> None:
        """Both sides have closed it."""


class Receiver(Protocol):
    """The session behind a channel."""

    def receive(self, data: bytes) -> None:
        """What the client sent."""

    def ended_input(self) -> None:
        """The client will send nothing more."""

    def drained(self) -> None:
        """Look again whether the channel is writable or clear."""

    def lost(self) -> None:
        """The channel is gone, or the client has closed it; said once."""


class Channel:
    """A channel between a client and a session.

    :param number: ours.
    :param peer: the client's number for it.
    :param window: bytes that the client takes now.
    :param most_packet: bytes that it takes in one packet.
    """

    receiver: Receiver

    def __init__(self, connection: Connection, number: int, peer: int, window: int, most_packet: int) -> None:
        self.number = number
        self._connection = connection
        self._peer = u32(peer)
        self._out_window = window
        self._most_packet = min(most_packet, MOST_PACKET)
        self._out: deque[tuple[bool, memoryview]] = deque()
        self._in_window = WINDOW_BYTES
        self._in_size = WINDOW_BYTES
        self._untaken = bytearray()
        self._is_paused = False
        self._has_input_ended = False
        self._is_input_end_told = False
        self._farewell: tuple[bytes, ...] | None = None  # requests before the close
        self._is_close_sent = False
        self._is_close_received = False
        self._is_lost = False

    # -- outward -----------------------------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Whether what is written now would go to the connection at once."""
        return not self._out and self._out_window > 0 and self._connection.is_writable

    @property
    def is_clear(self) -> bool:
        """Whether everything written has left this process."""
        return not self._out and self._connection.is_clear

    @property
    def is_open(self) -> bool:
        """Whether anything that is written can still reach the client."""
        return not (self._is_lost or self._farewell is not None or self._is_close_received)

    def write(self, data: bytes, to_stderr: bool = False) -> None:
        """Send, or hold until the client takes it."""
        if self.is_open and data:
            self._out.append((to_stderr, memoryview(data)))
            self._flush()

    def exit(self, code: int) -> None:
        """Close with an exit status, behind all that was written."""
        self._end(string("exit-status") + boolean(False) + u32(code & 0xFFFFFFFF))

    def exit_signal(self, name: str) -> None:
        """Close, and say which signal it was (without ``SIG``)."""
        request = string("exit-signal") + boolean(False) + string(name) + boolean(False)
        self._end(request + string("") + string(""))

    def drained(self) -> None:
        """The connection takes output again, or has passed all on."""
        self._flush()
        if not self._is_lost:
            self.receiver.drained()

    def answer(self, is_done: bool) -> None:
        """Answer a request of the client."""
        if not self._is_close_sent:
            self._connection.send(CHANNEL_SUCCESS if is_done else CHANNEL_FAILURE, self._peer)

    def window_adjusted(self, count: int) -> None:
        """The client takes so much more."""
        if self._out_window + count > MOST_WINDOW:
            raise PacketError("a window that is too large")
        was_writable = self.is_writable
        self._out_window += count
        self._flush()
        if not was_writable and not self._is_lost:
            self.receiver.drained()

    def _end(self, request: bytes) -> None:
        if self._farewell is None:
            self._farewell = (request,)
            self._flush()

    def _flush(self) -> None:
        while self._out and self._out_window > 0 and self._connection.is_writable:
            to_stderr, data = self._out.popleft()
            count = min(len(data), self._out_window, self._most_packet)
            if count < len(data):
                self._out.appendleft((to_stderr, data[count:]))
            self._out_window -= count
            if to_stderr:
                head = self._peer + u32(_STDERR) + u32(count)
                self._connection.send(CHANNEL_EXTENDED_DATA, head + data[:count])
            else:
                self._connection.send(CHANNEL_DATA, self._peer + u32(count) + data[:count])
        if self._farewell is not None and not self._out and not self._is_close_sent:
            self._is_close_sent = True
            self._connection.send(CHANNEL_EOF, self._peer)
            for request in self._farewell:
                self._connection.send(CHANNEL_REQUEST, self._peer + request)
            self._connection.send(CHANNEL_CLOSE, self._peer)
            self._lose()
            self._finish()

    # -- inward ------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """The client has sent data."""
        if len(data) > self._in_window:
            raise PacketError("more data than the window allows")
        if self._has_input_ended or self._is_close_received:
            raise PacketError("data after its end")
        self._in_window -= len(data)
        if self._is_lost:
            return
        if self._is_paused:
            self._untaken += data
        elif data:
            self._give(data)

    def discard(self, data: bytes) -> None:
        """The client has sent data of a kind that no session takes."""
        if len(data) > self._in_window:
            raise PacketError("more data than the window allows")
        self._in_window -= len(data)
        self._widen()

    def ended_input(self) -> None:
        """The client will send nothing more."""
        self._has_input_ended = True
        self._tell_input_end()

    def enlarge_window(self, size: int) -> None:
        """Let the client have so much under way, for files."""
        if size > self._in_size:
            self._in_size = size
            self._widen()

    def pause(self) -> None:
        """Give the session nothing until :meth:`resume`."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on giving the session what comes."""
        self._is_paused = False
        if self._untaken:
            data = bytes(self._untaken)
            self._untaken.clear()
            self._give(data)
        self._tell_input_end()

    def _give(self, data: bytes) -> None:
        self.receiver.receive(data)
        self._widen()

    def _widen(self) -> None:
        taken = self._in_size - self._in_window - len(self._untaken)
        if taken >= self._in_size // 2 and not self._is_close_sent:
            self._in_window += taken
            self._connection.send(CHANNEL_WINDOW_ADJUST, self._peer + u32(taken))

    def _tell_input_end(self) -> None:
        is_over = self._has_input_ended and not self._untaken and not self._is_paused
        if is_over and not self._is_input_end_told and not self._is_lost:
            self._is_input_end_told = True
            self.receiver.ended_input()

    # -- the end -----------------------------------------------------------------------

    def close_received(self) -> None:
        """The client wants no more."""
        self._is_close_received = True
        self._out.clear()
        self._lose()
        if not self._is_close_sent:
            self._is_close_sent = True
            self._connection.send(CHANNEL_CLOSE, self._peer)
        self._finish()

    def connection_lost(self) -> None:
        """The connection is gone."""
        self._out.clear()
        self._lose()

    def _lose(self) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._untaken.clear()
            self.receiver.lost()

    def _finish(self) -> None:
        if self._is_close_sent and self._is_close_received:
            self._connection.closed(self)
