"""A viewer for tests: the client side of the stream protocol over a real WebSocket.

It keeps a byte stream per window as a client's terminal would see it, and sends its
input again after a reconnect as `docs/protocol.md` asks, so a test can count what was
executed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from sandbox.guest import frames
from tests.support.hub_process import HubProcess

IN_FLIGHT = 64 << 10


class ViewerClient:
    """One attached client of window 0 of a console.

    :param hub: the running hub, whose login is used.
    :param acknowledge: False for a viewer that never reads.
    """

    def __init__(self, hub: HubProcess, console: str, *, cols: int = 80, rows: int = 24) -> None:
        self.hub, self.console, self.cols, self.rows = hub, console, cols, rows
        self.viewer = secrets.randbits(53)
        self.offset: int | None = None
        self.text = bytearray()  # what arrived since the last keyframe, keyframe included
        self.keyframes = 0
        self.size = (cols, rows)  # of the last keyframe
        self.sent = 0  # bytes of input handed to the connection
        self.accepted = 0
        self.pending = bytearray()  # input from `accepted` on
        self.hello: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.replies: dict[int, dict[str, Any]] = {}
        self.decoder = frames.Decoder()
        self.socket: ClientConnection | None = None
        self.requests = 0
        self.connections = 0
        self._continued = False
        self._sockets = ExitStack()

    # -- connection -------------------------------------------------------

    def connect(self, seconds: float = 60.0) -> None:
        """Attach, trying again while the hub is away."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._connect_once()
                return
            except (OSError, InvalidHandshake, ConnectionClosed, EOFError):
                if time.monotonic() > deadline:
                    raise

    def _connect_once(self) -> None:
        self._sockets.close()
        self.socket = self._sockets.enter_context(
            connect(
                f"ws://127.0.0.1:{self.hub.port}/api/v1/consoles/{self.console}/attach",
                subprotocols=["termhub.v1"],  # type: ignore[list-item]
                additional_headers={"Cookie": self.hub.cookie or ""},
                origin=self.hub.url,  # type: ignore[arg-type]
                max_size=2 << 20,
                compression=None,
                open_timeout=60,
                close_timeout=1,
            )
        )
        self.decoder = frames.Decoder()
        self.connections += 1
        self._continued = False
        self.socket.send(
            frames.encode_json(
                frames.HELLO,
                frames.CONSOLE,
                {
                    "version": frames.VERSION,
                    "viewer": f"{self.viewer:016x}",
                    "cols": self.cols,
                    "rows": self.rows,
                    "windows": {"0": self.offset},
                },
            )
        )
        self.hello = {}
        while not self.hello:
            self._receive(60.0)
        self.sent = self.accepted
        self._send_input()

    def close(self) -> None:
        """Detach."""
        self._sockets.close()
        self.socket = None

    # -- input ------------------------------------------------------------

    def type(self, data: bytes | str) -> None:
        """Queue input and send as much as may be in flight."""
        self.pending += data.encode() if isinstance(data, str) else data
        self._send_input()

    def _send_input(self) -> None:
        while self.sent < self.accepted + min(len(self.pending), IN_FLIGHT):
            start = self.sent - self.accepted
            chunk = bytes(self.pending[start : min(start + 16384, IN_FLIGHT)])
            self._send(frames.input_(0, self.viewer, self.sent, chunk))
            self.sent += len(chunk)

    # -- requests ---------------------------------------------------------

    def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its reply; a broken connection takes it along, so it is asked again."""
        self.requests += 1
        number = self.requests
        asked = frames.encode_json(frames.REQUEST, frames.CONSOLE, {"id": number, "op": op, **arguments})
        while number not in self.replies:
            made = self.connections
            self._send(asked)
            self.until(lambda made=made: number in self.replies or self.connections != made)
        return self.replies.pop(number)

    def resize(self, cols: int, rows: int) -> None:
        """Say how large this viewer's window is."""
        self.cols, self.rows = cols, rows
        self._send(frames.resize(0, cols, rows))

    def _send(self, data: bytes) -> None:
        """Send what a new connection makes needless.

        That this one is broken is found by receiving, behind what the hub said before.
        """
        assert self.socket is not None
        try:
            self.socket.send(data)
        except (ConnectionClosed, OSError):
            pass

    # -- receiving --------------------------------------------------------

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Receive, and come back after broken connections, until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"not within {seconds} s; the end of the stream is {bytes(self.text[-600:])!r}"
            try:
                self._receive(left)
            except (ConnectionClosed, OSError, EOFError):
                self.connect(left)

    def until_text(self, text: bytes | str, seconds: float = 60.0) -> None:
        """Receive until the stream since the last keyframe contains `text`."""
        wanted = text.encode() if isinstance(text, str) else text
        self.until(lambda: wanted in self.text, seconds)

    def _receive(self, seconds: float) -> None:
        assert self.socket is not None
        try:
            message = self.socket.recv(timeout=seconds)
        except TimeoutError:
            return
        assert isinstance(message, bytes), f"a text message: {message!r}"
        for frame in self.decoder.feed(message):
            self._take(frame)

    def _take(self, frame: frames.Frame) -> None:
        kind, window, payload = frame
        if kind == frames.HELLO:
            self.hello = frames.parse_json(payload)
        elif kind == frames.OUTPUT and window == 0:
            offset, data = frames.parse_output(payload)
            have = self.offset or 0
            assert offset <= have, f"a skip from {have} to {offset} without a keyframe"
            self.text += data[have - offset :]
            self.offset = max(have, offset + len(data))
            self._send(frames.ack(0, self.offset))
        elif kind == frames.KEYFRAME and window == 0:
            offset, width, height, data = frames.parse_keyframe(payload)
            if not self._continued:
                self.size = (width, height)
                self.text.clear()
                self.keyframes += 1
            self.text += data
            self._continued = frames.keyframe_continues(payload)
            self.offset = offset
            if not self._continued:
                self._send(frames.ack(0, offset))
        elif kind == frames.ACCEPTED:
            _, sequence = frames.parse_accepted(payload)
            if sequence > self.accepted:
                del self.pending[: sequence - self.accepted]
                self.accepted = sequence
                self.sent = max(self.sent, sequence)
            elif sequence == self.accepted and self.sent > sequence:
                self.sent = sequence
            self._send_input()
        elif kind == frames.EVENT:
            self.events.append({"window": window, **frames.parse_json(payload)})
        elif kind == frames.REPLY:
            reply = frames.parse_json(payload)
            self.replies[reply["id"]] = reply
