"""The client side of the stream protocol: pure, frames in, frames and things to show out.

A viewer is a cursor into a window's output and the input that is not accepted yet.  Both
outlive a connection: after a break :meth:`Viewer.connected` says where to go on, and the
input goes back to the last accepted byte.  ``docs/protocol.md``, "Hub and client".

Invariant: every byte given to :meth:`Viewer.type` reaches the program once and in order.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Protocol

from sandbox.guest import frames

from ..hub.input import InputStream

MOST_TYPED_BYTES = 64 << 10
"""With this much typed and not accepted, :attr:`Viewer.wants_input` asks for patience."""


class Shown(Protocol):
    """What a viewer tells about its window."""

    def keyframe(self, cols: int, rows: int, data: bytes, skips: bool, done: Callable[[], None]) -> None:
        """Begin anew; call ``done`` when the terminal has taken it.

        :param skips: whether output was left out before it.
        """

    def output(self, data: bytes, done: Callable[[], None]) -> None:
        """The program wrote this; call ``done`` when the terminal has taken it."""

    def event(self, window: int, event: dict[str, Any]) -> None:
        """An EVENT of the console, or of one of its windows."""


class Viewer:
    """One attached client.

    :param shown: told what to show.
    :param send: takes whole frames for the hub; called only while connected.
    :param cols: width of the terminal.
    :param window: the window to show.
    :param observes: only look: the console does not take this terminal's size.
    """

    def __init__(
        self,
        shown: Shown,
        send: Callable[[bytes], None],
        cols: int,
        rows: int,
        window: int = 0,
        observes: bool = False,
    ) -> None:
        self._shown, self._send, self._observes = shown, send, observes
        self.cols, self.rows, self.window = cols, rows, window
        self.windows: list[int] = [window]
        self.offset: int | None = None
        self.console: dict[str, Any] = {}
        self.role = ""
        self.is_connected = False
        self._end = 0
        self._viewer = secrets.randbits(64)
        self._decoder = frames.Decoder()
        self._parts: list[bytes] = []
        self._requests = 0
        self._replies: dict[Any, Callable[[dict[str, Any]], None]] = {}
        self._inputs: dict[int, InputStream] = {}

    # -- connection ----------------------------------------------------------

    def connected(self) -> None:
        """A new connection stands: say hello. Input waits for the hub's answer."""
        self._decoder = frames.Decoder()
        self._parts.clear()
        hello: dict[str, Any] = {
            "version": frames.VERSION,
            "viewer": f"{self._viewer:016x}",
            "via": "terminal",
            "windows": {str(self.window): self.offset},
        }
        if not self._observes:
            hello.update(cols=self.cols, rows=self.rows)
        self._send(frames.encode_json(frames.HELLO, frames.CONSOLE, hello))

    def disconnected(self) -> None:
        """The connection is gone."""
        self.is_connected = False
        self._replies.clear()
        for stream in self._inputs.values():
            stream.link_lost()

    def receive(self, data: bytes) -> None:
        """Bytes of the hub's frames, in any pieces.

        :raises FrameError: when they are not frames.
        """
        for frame in self._decoder.feed(data):
            self._take(frame)

    def _take(self, frame: frames.Frame) -> None:
        kind, window, payload = frame
        if kind == frames.HELLO:
            self._greeted(frames.parse_json(payload))
        elif kind == frames.ACCEPTED and window in self._inputs:
            self._inputs[window].on_accepted(frames.parse_accepted(payload)[1])
        elif kind == frames.REPLY:
            self._take_reply(frames.parse_json(payload))
        elif kind == frames.EVENT:
            event = frames.parse_json(payload)
            self._note(window, event)
            self._shown.event(window, event)
        elif window == self.window and kind == frames.OUTPUT:
            self._take_output(*frames.parse_output(payload))
        elif window == self.window and kind == frames.KEYFRAME:
            self._take_keyframe(payload)

    def _greeted(self, hello: dict[str, Any]) -> None:
        self.is_connected = True
        self.console = hello.get("console") or {}
        self.role = str(hello.get("role") or "")
        windows = hello.get("windows") or []
        self.windows = [int(each["window"]) for each in windows]
        self._end = next((int(each["offset"]) for each in windows if each["window"] == self.window), 0)
        for stream in self._inputs.values():
            stream.link_made()

    def _take_reply(self, reply: dict[str, Any]) -> None:
        answered = self._replies.pop(reply.get("id"), None)
        if answered is not None:
            answered(reply)

    def _note(self, window: int, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "role":
            self.role = str(event.get("role"))
        elif kind == "refused":
            self._stream(window).refused(int(event["sequence"]), event.get("refusal"))
        elif kind == "opened" and window not in self.windows:
            self.windows = sorted([*self.windows, window])
        elif kind == "closed" and window in self.windows:
            self.windows.remove(window)

    # -- output --------------------------------------------------------------

    def _take_output(self, offset: int, data: bytes) -> None:
        if self.offset is None or offset > self.offset:
            return  # a skip: the keyframe that follows has it all
        fresh = data[self.offset - offset :]
        if fresh:
            self.offset += len(fresh)
            self._shown.output(fresh, self._acknowledger())

    @property
    def is_caught_up(self) -> bool:
        """Whether all output from before the connection was made is shown."""
        return self.offset is not None and self.offset >= self._end

    def _take_keyframe(self, payload: bytes) -> None:
        offset, cols, rows, part = frames.parse_keyframe(payload)
        self._parts.append(part)
        if frames.keyframe_continues(payload):
            return
        data = b"".join(self._parts)
        self._parts.clear()
        skips, self.offset = offset != self.offset, offset
        self._shown.keyframe(cols, rows, data, skips, self._acknowledger())

    def _acknowledger(self) -> Callable[[], None]:
        window, offset = self.window, self.offset

        def acknowledge() -> None:
            if self.is_connected and window == self.window and offset is not None:
                self._send(frames.ack(window, offset))

        return acknowledge

    # -- input ---------------------------------------------------------------

    @property
    def wants_input(self) -> bool:
        """Whether there is room for more typing."""
        return self._input().held_bytes < MOST_TYPED_BYTES

    def type(self, data: bytes) -> None:
        """Send ``data`` to the program, now or after the next connection; an observer types nothing."""
        if self._observes or self.role == "observer":
            return
        stream = self._input()
        stream.receive(stream.end, data)

    def _input(self) -> InputStream:
        return self._stream(self.window)

    def _stream(self, window: int) -> InputStream:
        if window not in self._inputs:

            def send(sequence: int, data: bytes) -> None:
                self._send(frames.input_(window, self._viewer, sequence, data))

            self._inputs[window] = InputStream(send, self.is_connected)
        return self._inputs[window]

    # -- requests ------------------------------------------------------------

    def resize(self, cols: int, rows: int) -> None:
        """The terminal has a new size."""
        self.cols, self.rows = cols, rows
        if self.is_connected and not self._observes:
            self._send(frames.resize(self.window, cols, rows))

    def request(
        self, op: str, answered: Callable[[dict[str, Any]], None] | None = None, **arguments: Any
    ) -> None:
        """Ask the hub for something; nothing is asked while there is no connection.

        :param answered: called with the REPLY.
        """
        if self.is_connected:
            self._requests += 1
            if answered is not None:
                self._replies[self._requests] = answered
            value = {"id": self._requests, "op": op, **arguments}
            self._send(frames.encode_json(frames.REQUEST, frames.CONSOLE, value))

    def redraw(self) -> None:
        """Ask for a keyframe of the window."""
        self.request("keyframe", window=self.window, scrollback=0)

    def show(self, window: int) -> None:
        """Show another window; a keyframe of it follows."""
        self.request("unsubscribe", window=self.window)
        self.window, self.offset = window, None
        self._parts.clear()
        self.request("subscribe", window=window)
        self.resize(self.cols, self.rows)
