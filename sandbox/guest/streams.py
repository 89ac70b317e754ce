"""Streams of bytes beside the windows: programs on pipes, and connections of the proxy.

What a program writes is read only when it can be sent and the peer has room for it, so nothing
of it is held here; its input is held until the pipe takes it, at most what was granted.  A
stream belongs to the peer that was there when it began.

Invariant: a stream costs at most :data:`frames.STREAM_WINDOW` bytes, and its last frame says
that it is over, for a program how it ended.
"""

from __future__ import annotations

import os

from . import frames, programs, requests
from .lean import deque, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, List, Optional, Protocol, Tuple

    from .loop import Loop

    class Stream(Protocol):
        """What :class:`Streams` relays."""

        number: int
        is_over: bool

        def credit(self, count: int) -> None:
            """The peer has room for ``count`` more bytes."""

        def receive(self, data: bytes) -> None:
            """Queue input; empty: it ends."""

        def take(self) -> Optional[bytes]:
            """The next frame to send, or None."""

        def close(self) -> None:
            """Leave nothing behind; the peer hears no more of it."""


MOST_STREAMS = 32
"""Most programs on pipes of a console."""

SAID_BYTES = 4096
"""How much of the end of a program's standard error output is told."""

_READ_BYTES = 1 << 16
_CREDIT_BYTES = 1 << 16  # room is given back in steps
_MOST_READS = 64  # of what an ended program has said
_KILL_SECONDS = 2.0


class Ends:
    """The bytes of a stream: one descriptor that is read, one that is written.

    :param changed: called when there may be something to send.
    :param finish: closes the descriptor that was written to when the input has ended.
    """

    def __init__(
        self, number: int, loop: Loop, changed: Callable[[], None], finish: Callable[[int], None] = os.close
    ) -> None:
        self.number = number
        self.has_told_end = False
        self.is_broken = False
        """Whether nobody reads what is written any more."""
        self.is_last = False
        """Whether what cannot be read now will not come: others may hold the descriptor."""
        self._loop = loop
        self._changed = changed
        self._finish = finish
        self._source: Optional[int] = None
        self._sink: Optional[int] = None
        # Output: what may be sent, whether there may be some.
        self._room = frames.STREAM_WINDOW
        self._is_readable = False
        # Input: what waits for the pipe, what may still come, what was written since the last CREDIT.
        self._queue: Deque[bytes] = deque()
        self._granted = frames.STREAM_WINDOW
        self._unreturned = 0
        self._has_input_ended = False
        self._is_writing = False

    def open(self, source: int, sink: int) -> None:
        """Read from ``source``, write to ``sink``: two descriptors, non-blocking, and ours to close."""
        self._source, self._sink = source, sink
        self._loop.reader(source, self.readable)

    @property
    def has_finished(self) -> bool:
        """Whether the input has ended and all of it is written."""
        return self._sink is None and not self._queue

    # -- output --------------------------------------------------------------

    def readable(self) -> None:
        """There is output: look no more until it is read."""
        self._is_readable = True
        if self._source is not None:
            self._loop.reader(self._source, None)
        self._changed()

    def credit(self, count: int) -> None:
        """The peer has room for ``count`` more bytes."""
        self._room += count
        self._changed()

    def take(self) -> Optional[bytes]:
        """The next frame to send, or None."""
        if self._unreturned >= _CREDIT_BYTES:
            count, self._unreturned = self._unreturned, 0
            self._granted += count
            return frames.credit(frames.CONSOLE, self.number, count)
        if self._source is not None:
            if not self._is_readable or self._room <= 0:
                return None
            data = self._read(self._source)
            if data:
                self._room -= len(data)
                return frames.stream(frames.CONSOLE, self.number, data)
            if data is None:
                return None
            self._release(self._source)
            self._source = None
        if not self.has_told_end:
            self.has_told_end = True
            return frames.stream(frames.CONSOLE, self.number, b"")
        return None

    def _read(self, fd: int) -> Optional[bytes]:
        """Output; empty: there will be no more; None: there is none now."""
        try:
            return os.read(fd, min(_READ_BYTES, self._room))
        except BlockingIOError:
            if self.is_last:
                return b""
            self._is_readable = False
            self._loop.reader(fd, self.readable)
            return None
        except OSError:  # a connection that was reset
            self.is_broken = True
            return b""

    # -- input ---------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Queue input; empty: it ends.

        :raises frames.FrameError: for more than was granted, or after the end.
        """
        if self._has_input_ended or len(data) > self._granted:
            raise frames.FrameError("%d bytes for stream %d, which takes none" % (len(data), self.number))
        self._granted -= len(data)
        if data:
            self._queue.append(data)
        else:
            self._has_input_ended = True
        if not self._is_writing:  # several frames come at once; they are written together
            self._is_writing = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        fd, queue = self._sink, self._queue
        self._is_writing = False
        while queue and fd is not None:
            data = b"".join(queue)
            try:
                count = os.write(fd, data)
            except BlockingIOError:
                self._is_writing = True
                self._loop.writer(fd, self._write)
                return
            except OSError:  # nobody reads it any more
                self.is_broken = True
                self._release(fd)
                fd = self._sink = None
                break
            self._unreturned += count
            queue.clear()
            if count < len(data):
                queue.append(data[count:])
        if fd is None:
            self._unreturned += sum(map(len, queue))
            queue.clear()
        else:
            self._loop.writer(fd, None)
            if self._has_input_ended:
                self._loop.forget(fd)
                self._sink = None
                self._finish(fd)
        self._changed()

    # -- the end -------------------------------------------------------------

    def close(self) -> None:
        """Read and write no more."""
        for fd in (self._source, self._sink):
            if fd is not None:
                self._release(fd)
        self._source = self._sink = None
        self._queue.clear()

    def _release(self, fd: int) -> None:
        self._loop.forget(fd)
        os.close(fd)


class Program:
    """One program on pipes.

    :param changed: called when there may be something to send.
    """

    def __init__(self, number: int, loop: Loop, changed: Callable[[], None]) -> None:
        self.number = number
        self.pid: Optional[int] = None
        self.is_over = False
        self._loop = loop
        self._ends = Ends(number, loop, changed)
        self._stderr: Optional[int] = None
        self._exit: Optional[Dict[str, Any]] = None
        self._said = b""

    def start(self, argv: List[str], env: Dict[str, str], cwd: str, limits: Dict[str, int]) -> None:
        """Start the program; :raises programs.StartError: when that is not possible."""
        self.pid, stdin, stdout, self._stderr = programs.start_on_pipes(argv, env, cwd, limits)
        self._ends.open(stdout, stdin)
        self._loop.reader(self._stderr, self._listen)

    def credit(self, count: int) -> None:
        """The peer has room for ``count`` more bytes."""
        self._ends.credit(count)

    def receive(self, data: bytes) -> None:
        """Queue input; empty: it ends.  :raises frames.FrameError: for more than was granted."""
        self._ends.receive(data)

    def take(self) -> Optional[bytes]:
        """The next frame to send, or None."""
        frame = self._ends.take()
        if frame is not None or not self._ends.has_told_end or self._exit is None or self.is_over:
            return frame
        self.is_over = True
        said = self._said.decode("utf-8", "replace")
        event = dict(self._exit, type="stream", stream=self.number, said=said)
        return frames.encode_json(frames.EVENT, frames.CONSOLE, event)

    def _listen(self) -> None:
        """Keep the end of what the program says of its errors."""
        fd = self._stderr
        if fd is None:
            return
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return
        self._said = (self._said + data)[-SAID_BYTES:]
        if not data:
            self._release_stderr()

    def ended(self, status: int) -> None:
        """The program was reaped with ``status`` of waitpid(2)."""
        for _ in range(_MOST_READS):
            before = self._said
            self._listen()
            if self._stderr is None or self._said == before:
                break
        self.pid = None
        self._exit = programs.exit_value(status)
        self._ends.is_last = True
        self._ends.readable()

    def close(self) -> None:
        """Hang the program up and kill it a little later."""
        session, self.pid = self.pid, None
        self.is_over = True
        self._ends.close()
        self._release_stderr()
        if session is not None:
            programs.kill_session(session, signal.SIGHUP)
            self._loop.call_later(_KILL_SECONDS, programs.kill_session, session, signal.SIGKILL)

    def _release_stderr(self) -> None:
        fd, self._stderr = self._stderr, None
        if fd is not None:
            self._loop.forget(fd)
            os.close(fd)


class Streams:
    """The streams of a console.

    :param limits: rlimits of the programs, as :func:`programs.start_on_pipes` takes them.
    :param changed: called when there may be something to send.
    """

    def __init__(self, loop: Loop, limits: Dict[str, int], changed: Callable[[], None]) -> None:
        self._loop = loop
        self._limits = limits
        self._changed = changed
        self._streams: Dict[int, Stream] = {}
        self._turn: List[Stream] = []

    def run(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Start a program; :raises requests.RequestError: when that is not possible."""
        number = request.get("stream")
        argv, env, cwd = requests.program(request)
        if not isinstance(number, int) or not 0 <= number < frames.CONNECTIONS or number in self._streams:
            raise requests.RequestError("bad_request", "a stream is a number of 31 bits that is not in use")
        if sum(each.number < frames.CONNECTIONS for each in self._turn) >= MOST_STREAMS:
            raise requests.RequestError("too_many_streams", "a console has at most %d streams" % MOST_STREAMS)
        stream = Program(number, self._loop, self._changed)
        try:
            stream.start(argv, dict(os.environ, **env), cwd, self._limits)
        except programs.StartError as error:
            raise requests.RequestError("cannot_start", str(error)) from None
        self.add(stream)
        return {"pid": stream.pid}

    def add(self, stream: Stream) -> None:
        """Relay a stream that has a number of its own."""
        self._streams[stream.number] = stream
        self._turn.append(stream)

    def stop(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Give a stream up, which may be over already."""
        stream = self._streams.get(request.get("stream", -1))
        if stream is not None:
            self.forget(stream)
        return {}

    def receive(self, kind: int, payload: bytes) -> None:
        """Take a STREAM or CREDIT frame; one for a stream that is over is late.

        :raises frames.FrameError: when it says more than it may.
        """
        number, value = (frames.parse_credit if kind == frames.CREDIT else frames.parse_stream)(payload)
        stream = self._streams.get(number)
        if stream is None:
            return
        if isinstance(value, int):
            stream.credit(value)
        else:
            stream.receive(value)

    def take(self) -> Optional[Tuple[bytes, None]]:
        """The next frame of a stream, all in turn, or None."""
        turn = self._turn
        for _ in range(len(turn)):
            stream = turn.pop(0)
            turn.append(stream)
            frame = stream.take()
            if stream.is_over:
                self.forget(stream)
            if frame is not None:
                return frame, None
        return None

    def reaped(self, pid: int, status: int) -> bool:
        """A process has ended; whether it was a stream's."""
        for stream in self._turn:
            if isinstance(stream, Program) and stream.pid == pid:
                stream.ended(status)
                return True
        return False

    def close(self) -> None:
        """Give all up: whoever was at the other end is gone."""
        streams, self._turn = self._turn, []
        self._streams.clear()
        for stream in streams:
            stream.close()

    def forget(self, stream: Stream) -> None:
        """Close a stream and relay it no more."""
        self.remove(stream)
        stream.close()

    def remove(self, stream: Stream) -> None:
        """Relay a stream no more."""
        del self._streams[stream.number]
        self._turn.remove(stream)
