"""Streams of a console beside its windows: programs on pipes, and connections to the outside.

A stream is the standard input and output of one program that runs in the console's sandbox
without a terminal, as sftp needs it; or a connection that a program asked for.  Its owner here
writes as far as there is room, and gives room back for what it has passed on, so neither end can
fill the memory of those between.

Invariant: a stream belongs to the link it began on; when that is lost the stream has ended,
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


MOST_ANSWERS = 256
"""Answers to connections under way to a host; one that takes none of them is given up."""


class StreamOwner(Protocol):
    """Who started a program, or makes a connection, and hears of it."""

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


class WayOut(Protocol):
    """Who makes connections for programs of the console, and counts what they bring and take out."""

    bytes_in: int
    bytes_out: int

    def wanted(self, stream: Stream, host: str, port: int) -> StreamOwner:
        """A program wants a connection: :meth:`Stream.accept` or :meth:`Stream.refuse` it later.

        :returns: who owns the stream from now on.
        """


class Stream:
    """One stream, for its owner.  :meth:`Streams.run` makes it, or a program that wants out."""

    def __init__(self, streams: Streams, link: Link, number: int, owner: StreamOwner | None = None) -> None:
        self.number = number
        self.owner: StreamOwner = owner or _Nobody()
        self.is_open = False
        self.room = frames.STREAM_WINDOW
        """Bytes that may be written now."""
        self.granted = frames.STREAM_WINDOW
        """Bytes that the program may still send."""
        self._streams = streams
        self._link = link
        self._unreturned = 0
        self._has_ended_input = False

    def accept(self) -> None:
        """The connection is made: bytes may be written."""
        if self.is_open:
            self._streams.answer(self._link, "connected", {"stream": self.number})

    def refuse(self, code: str, why: str) -> None:
        """There will be no connection; the program is told ``why``, and its owner nothing more."""
        if self.is_open:
            self.is_open = False
            self._streams.refuse(self._link, self.number, code, why)

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
        self.way_out: WayOut | None = None
        """Who makes connections; None: nobody."""
        self._streams: dict[int, Stream] = {}
        self._link: Link | None = None
        self._last = 0
        self._answers = 0
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
        """Have a stream ended that nobody wants any more."""
        self._remove(number)
        self.answer(link, "stop", {"stream": number})

    # -- connections -------------------------------------------------------------

    def wanted(self, event: HostEvent) -> None:
        """A program wants a connection.

        :raises FrameError: when the host says more than it may.
        """
        number = event.stream
        if not frames.CONNECTIONS <= number < 1 << 32 or number in self._streams:
            raise frames.FrameError(f"a connection as stream {number}")
        if not event.host or event.port is None:
            raise frames.FrameError("a connection to nowhere")
        if self._link is None:
            return
        stream = self._streams[number] = Stream(self, self._link, number)
        stream.is_open = True
        if self.way_out is None:
            stream.refuse("not_allowed", "this console has no network")
        else:
            stream.owner = self.way_out.wanted(stream, event.host, event.port)

    def refuse(self, link: Link, number: int, code: str, why: str) -> None:
        """Say that there will be no connection."""
        self._remove(number)
        self.answer(link, "refused", {"stream": number, "code": code, "error": why})

    def answer(self, link: Link, op: str, arguments: dict[str, Any]) -> None:
        """Tell the host what has become of a stream; its reply matters to nobody."""
        if self._answers >= MOST_ANSWERS:
            link.close("the host takes no answers")
            return
        self._answers += 1
        told = link.request(op, frames.CONSOLE, arguments)
        told.addErrback(_ignore_refusal)
        told.addBoth(self._answered)

    def _answered(self, result: object) -> None:
        self._answers -= 1

    def link_made(self, link: Link) -> None:
        """There is a link on which programs may ask for connections."""
        self._link = link

    def lost(self) -> None:
        """The link is lost, and every stream with it."""
        self._link = None
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
        if number >= frames.CONNECTIONS:
            return self._streams.get(number)
        if not 1 <= number <= self._last:
            raise frames.FrameError(f"stream {number}, which nobody has started")
        return self._streams.get(number)

    def ended(self, event: HostEvent) -> None:
        """A stream is over."""
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


class _Nobody:
    """The owner of a stream that has none yet."""

    def stream_data(self, data: bytes) -> None:
        """Too early."""

    def stream_drained(self) -> None:
        """Nothing was written."""

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        """Nobody to tell."""


def _ignore_refusal(failure: Failure) -> None:
    """It is over already, or its host is gone and it with it."""
    failure.trap(ConsoleError)  # type: ignore[no-untyped-call]
