"""Programs on pipes in a console: what sftp and the like are relayed to.

A stream is the standard input and output of one program that runs in the console's sandbox
without a terminal.  Whoever started it writes as far as there is room, and gives room back for
what it has passed on, so neither end can fill the memory of those between.

Invariant: a stream belongs to the link it was started on; when that is lost the stream has ended,
and its owner hears of it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import ConsoleError
from termhub.hub.host_messages import HostEvent
from termhub.hub.link import Link

FRAME_BYTES = 64 * 1024
"""Most bytes of a stream in one frame, so that others get their turn."""

CREDIT_BYTES = 64 * 1024
"""Room is given back in steps of this many bytes."""


class StreamOwner(Protocol):
    """Who started a program and hears of it."""

    def stream_data(self, data: bytes) -> None:
        """What the program wrote, to be given back with :meth:`Stream.consumed`.

        Empty: it will write nothing more.
        """

    def stream_drained(self) -> None:
        """There is more room to write."""

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        """It is over; the stream hears and says nothing any more.

        :param status: ``code`` or ``signal``, and ``said``, the last 4 KiB of the standard error
            output; None when the program was given up because its console or host went away.
        """


class Stream:
    """One program, for whoever started it.  :meth:`Streams.run` makes it."""

    def __init__(self, streams: Streams, link: Link, number: int, owner: StreamOwner) -> None:
        self.number = number
        self.owner = owner
        self.is_open = False
        self.room = frames.STREAM_WINDOW
        """Bytes that may be written now."""
        self.granted = frames.STREAM_WINDOW
        """Bytes that the program may still send."""
        self._streams = streams
        self._link = link
        self._unreturned = 0
        self._has_ended_input = False

    def write(self, data: bytes) -> None:
        """Give the program input; nothing happens when the stream is over.

        :raises ValueError: for more than ``room`` bytes, or after :meth:`end`.
        """
        if not self.is_open or not data:
            return
        if len(data) > self.room:
            raise ValueError(f"{len(data)} bytes to a stream that has room for {self.room}")
        if self._has_ended_input:
            raise ValueError("input to a stream after its end")
        self.room -= len(data)
        for start in range(0, len(data), FRAME_BYTES):
            self._send(data[start : start + FRAME_BYTES])

    def end(self) -> None:
        """Close the program's input: it reads the end of the file behind what was written."""
        if self.is_open and not self._has_ended_input:
            self._has_ended_input = True
            self._send(b"")

    def consumed(self, count: int) -> None:
        """``count`` bytes of :meth:`StreamOwner.stream_data` are dealt with: there may come more."""
        self._unreturned += count
        if self.is_open and self._unreturned >= CREDIT_BYTES:
            self.granted += self._unreturned
            self._link.send(frames.credit(frames.CONSOLE, self.number, self._unreturned))
            self._unreturned = 0

    def close(self) -> None:
        """Give the program up: it is hung up and soon killed; its owner hears nothing more."""
        if self.is_open:
            self.is_open = False
            self._streams.give_up(self._link, self.number)

    def _send(self, data: bytes) -> None:
        self._link.send(frames.stream(frames.CONSOLE, self.number, data))


class Streams:
    """The streams of one console."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._last = 0
        self.on_idle: Callable[[], None] = lambda: None
        """Called when the last stream is over."""

    def __len__(self) -> int:
        return len(self._streams)

    async def run(
        self,
        link: Link,
        owner: StreamOwner,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Stream:
        """Start a program; see :meth:`termhub.hub.console.Console.run`."""
        self._last += 1
        number = self._last
        stream = self._streams[number] = Stream(self, link, number, owner)
        arguments: dict[str, Any] = {"stream": number, "argv": list(argv), "env": dict(env or {})}
        if cwd is not None:
            arguments["cwd"] = cwd
        try:
            await link.request("run", frames.CONSOLE, arguments)
        except ConsoleError as error:
            if error.code == "timeout":
                self.give_up(link, number)
            else:
                self._remove(number)
            raise
        except BaseException:  # nobody waits for it any more
            self.give_up(link, number)
            raise
        stream.is_open = True
        return stream

    def give_up(self, link: Link, number: int) -> None:
        """Have a program ended that nobody wants any more."""
        self._remove(number)
        stopped = link.request("stop", frames.CONSOLE, {"stream": number})
        stopped.addErrback(_ignore_refusal)

    def lost(self) -> None:
        """The link is lost, and every stream with it."""
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._finish(stream, None)
        if streams:
            self.on_idle()

    def receive(self, kind: int, payload: bytes) -> None:
        """Take a STREAM or CREDIT frame of the host.

        :raises FrameError: when it is malformed or says more than it may.
        """
        if kind == frames.CREDIT:
            number, count = frames.parse_credit(payload)
            stream = self._find(number)
            if stream is not None and stream.is_open:
                if stream.room + count > frames.STREAM_WINDOW:
                    raise frames.FrameError(f"credit for {count} bytes that stream {number} did not use")
                stream.room += count
                stream.owner.stream_drained()
            return
        number, data = frames.parse_stream(payload)
        stream = self._find(number)
        if stream is not None and stream.is_open:
            if len(data) > stream.granted:
                raise frames.FrameError(f"{len(data)} bytes of stream {number} beyond its credit")
            stream.granted -= len(data)
            stream.owner.stream_data(data)

    def _find(self, number: int) -> Stream | None:
        """The stream of this number; None when it was given up."""
        if not 1 <= number <= self._last:
            raise frames.FrameError(f"stream {number}, which nobody has started")
        return self._streams.get(number)

    def ended(self, event: HostEvent) -> None:
        """A program has ended."""
        stream = self._remove(event.stream)
        if stream is not None:
            status: dict[str, Any] = {"said": event.said}
            if event.signal is not None:
                status["signal"] = event.signal
            else:
                status["code"] = event.code or 0
            self._finish(stream, status)

    def _remove(self, number: int) -> Stream | None:
        stream = self._streams.pop(number, None)
        if stream is not None and not self._streams:
            self.on_idle()
        return stream

    def _finish(self, stream: Stream, status: dict[str, Any] | None) -> None:
        if stream.is_open:
            stream.is_open = False
            stream.owner.stream_ended(status)


def _ignore_refusal(failure: Failure) -> None:
    """It is over already, or its host is gone and it with it."""
    failure.trap(ConsoleError)  # type: ignore[no-untyped-call]
