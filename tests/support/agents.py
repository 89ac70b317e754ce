"""A host's side of an agent's FIFOs, for tests: says HELLO, collects, acknowledges."""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.guest import frames

PATIENCE_SECONDS = 60.0


class Peer:
    """Talks to the agent behind the FIFOs ``in`` and ``out`` of a folder.

    :param acknowledges: whether output is acknowledged as it arrives.
    """

    def __init__(self, folder: str, *, acknowledges: bool = True) -> None:
        self.acknowledges = acknowledges
        self.streams: dict[int, bytearray] = {}
        self.starts: dict[int, int] = {}
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.sizes: list[tuple[int, int, int, int]] = []  # window, offset, cols, rows
        self.accepted: list[tuple[int, int, int]] = []
        self.piped: dict[int, bytearray] = {}  # what programs on pipes wrote
        self.piped_ends: list[int] = []
        self.credits: dict[int, int] = {}
        self.gives_credit = True
        self.replies: dict[int, dict[str, Any]] = {}
        self.hello: dict[str, Any] = {}
        self.log: list[str] = []
        self.ended = False
        self._decoder = frames.Decoder()
        self._arrived: deque[frames.Frame] = deque()
        self._is_taking = False
        self._nonce = ""
        self._request = 0
        self._sequences: dict[tuple[int, int], int] = {}
        self._in = os.open(f"{folder}/in", os.O_WRONLY | os.O_NONBLOCK)
        self._out = os.open(f"{folder}/out", os.O_RDONLY | os.O_NONBLOCK)

    def close(self) -> None:
        os.close(self._in)
        os.close(self._out)

    # -- sending -------------------------------------------------------------

    def send(self, raw: bytes) -> None:
        """Write whole frames, waiting for room in the FIFO."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                assert os.write(self._in, raw) == len(raw)
                return
            except BlockingIOError:
                assert time.monotonic() < deadline, "the agent does not read"
                self.turn(0.05)

    def greet(self, offsets: Mapping[int, int] | None = None, also: bytes = b"") -> dict[str, Any]:
        """Say HELLO as a new host that has ``offsets``; the agent's answer.

        :param also: further frames in the same write.
        """
        self._nonce = os.urandom(8).hex()
        for window, offset in (offsets or {}).items():
            self.starts[window] = offset
        asked = {str(window): offset for window, offset in (offsets or {}).items()}
        self.hello = {}
        self.send(
            frames.encode_json(
                frames.HELLO, frames.CONSOLE, {"version": 1, "nonce": self._nonce, "offsets": asked}
            )
            + also
        )
        self.wait(lambda: bool(self.hello), "no HELLO")
        return self.hello

    def type(self, data: bytes, window: int = 0, viewer: int = 7) -> None:
        """Input, numbered in order and cut into frames."""
        for start in range(0, len(data), frames.MAX_AGENT_INPUT):
            piece = data[start : start + frames.MAX_AGENT_INPUT]
            sequence = self._sequences.get((window, viewer), 0)
            self.send(frames.input_(window, viewer, sequence, piece))
            self._sequences[window, viewer] = sequence + len(piece)

    def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Ask and wait for the reply."""
        self._request += 1
        number = self._request
        self.send(frames.encode_json(frames.REQUEST, 0, {"id": number, "op": op, **arguments}))
        self.wait(lambda: number in self.replies, f"no reply to {op}")
        return self.replies[number]

    def acknowledge(self, window: int = 0) -> None:
        """Acknowledge everything received so far."""
        end = self.starts.get(window, 0) + len(self.streams.get(window, b""))
        try:
            self.send(frames.ack(window, end))
        except BrokenPipeError:
            pass  # the agent has ended; what it wrote before is still to be read

    # -- receiving -----------------------------------------------------------

    def text(self, window: int = 0) -> str:
        return bytes(self.streams.get(window, b"")).decode(errors="replace")

    def exits(self, window: int = 0) -> list[dict[str, Any]]:
        return [event for of, event in self.events if of == window and event["type"] == "exit"]

    def wait_for(self, text: str, window: int = 0) -> None:
        """Until ``text`` has come out of the window."""
        wanted = text.encode()
        self.wait(lambda: wanted in self.streams.get(window, b""), f"no {text!r}")

    def wait(self, condition: Callable[[], bool], complaint: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"{complaint}; the windows show {self.streams}, events {self.events}"
            assert not self.ended, f"{complaint}; the agent ended; the windows show {self.streams}"
            self.turn(left)

    def quiet(self, seconds: float = 0.3) -> None:
        """Take what comes until nothing has come for a while."""
        while select.select([self._out], [], [], seconds)[0] and not self.ended:
            self.turn(0)

    def turn(self, seconds: float) -> None:
        """Wait for bytes once and take them."""
        if not select.select([self._out], [], [], seconds)[0]:
            return
        try:
            data = os.read(self._out, 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self.ended = True
        if not self.hello and self._nonce:
            data = self._after_junk(data)
        # Taking a frame may send, which waits for room in a turn of its own: what that brings comes later.
        self._arrived.extend(self._decoder.feed(data))
        if not self._is_taking:
            self._is_taking = True
            try:
                while self._arrived:
                    self._take(self._arrived.popleft())
            finally:
                self._is_taking = False

    def _after_junk(self, data: bytes) -> bytes:
        """What follows from the agent's HELLO on; before it lie a dead host's frames."""
        self._junk = getattr(self, "_junk", b"") + data
        start = self._junk.find(b'{"version":1,"nonce":"%s"' % self._nonce.encode())
        if start < 0:
            return b""
        data, self._junk = self._junk[start - frames.HEADER.size :], b""
        self._decoder = frames.Decoder()
        return data

    def _take(self, frame: frames.Frame) -> None:
        window, payload = frame.window, frame.payload
        self.log.append(frames.NAMES[frame.type])
        if frame.type == frames.OUTPUT:
            offset, data = frames.parse_output(payload)
            stream = self.streams.setdefault(window, bytearray())
            start = self.starts.setdefault(window, offset)
            assert offset == start + len(stream), "a gap or a repetition in the output"
            stream += data
            if self.acknowledges:
                self.acknowledge(window)
        elif frame.type == frames.EVENT:
            event = frames.parse_json(payload)
            self.events.append((window, event))
            if event["type"] == "exit" and self.acknowledges:
                self.acknowledge(window)
        elif frame.type == frames.RESIZE:
            offset = self.starts.get(window, 0) + len(self.streams.get(window, b""))
            self.sizes.append((window, offset, *frames.parse_resize(payload)))
        elif frame.type == frames.ACCEPTED:
            self.accepted.append((window, *frames.parse_accepted(payload)))
        elif frame.type == frames.STREAM:
            self._take_stream(*frames.parse_stream(payload))
        elif frame.type == frames.CREDIT:
            number, count = frames.parse_credit(payload)
            self.credits[number] = self.credits.get(number, 0) + count
        elif frame.type == frames.REPLY:
            reply = frames.parse_json(payload)
            self.replies[reply["id"]] = reply
        elif frame.type == frames.HELLO:
            hello = frames.parse_json(payload)
            if hello["nonce"] == self._nonce:
                self.hello = hello

    # -- streams -------------------------------------------------------------

    def _take_stream(self, number: int, data: bytes) -> None:
        assert number not in self.piped_ends
        self.piped.setdefault(number, bytearray()).extend(data)
        if not data:
            self.piped_ends.append(number)
        elif self.gives_credit:
            self.send(frames.credit(frames.CONSOLE, number, len(data)))

    def run(self, number: int, *argv: str, **arguments: Any) -> dict[str, Any]:
        """Start a program on pipes."""
        return self.request("run", stream=number, argv=list(argv), **arguments)

    def feed(self, number: int, data: bytes) -> None:
        """Input for a program on pipes, cut into frames."""
        for start in range(0, max(len(data), 1), frames.MAX_AGENT_STREAM):
            piece = data[start : start + frames.MAX_AGENT_STREAM]
            self.send(frames.stream(frames.CONSOLE, number, piece))

    def stream_end(self, number: int) -> dict[str, Any]:
        """How a stream ended, once it has."""

        def ends() -> list[dict[str, Any]]:
            return [e for _, e in self.events if e["type"] == "stream" and e["stream"] == number]

        self.wait(lambda: bool(ends()), f"stream {number} does not end")
        (end,) = ends()
        return end
