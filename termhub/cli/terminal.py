"""The terminal this command runs in: raw mode, its size, and writes that never block."""

from __future__ import annotations

import os
import sys
import termios
from collections import deque
from collections.abc import Callable
from types import TracebackType

from sandbox.guest.frames import MAX_COLS, MAX_ROWS, MIN_COLS, MIN_ROWS
from sandbox.guest.loop import Loop

from ..errors import BadRequest

_READ_BYTES = 16 << 10


class Terminal:
    """The controlling terminal, raw from ``with`` to its end.

    Output is written as fast as the terminal takes it; what it has not taken waits in a queue
    whose size the caller bounds by waiting for ``done``.

    :raises BadRequest: when standard input or output is no terminal.
    """

    def __init__(self, loop: Loop) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise BadRequest("attach needs a terminal; standard input or output is none.")
        self._loop = loop
        self._input = sys.stdin.fileno()
        # A description of our own, so that O_NONBLOCK is not set on the shell's.
        path = os.ttyname(sys.stdout.fileno())
        self._output = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._queue: deque[tuple[bytes, Callable[[], None] | None]] = deque()
        self._before: list[object] | None = None

    def __enter__(self) -> Terminal:
        sys.stdout.flush()
        mode = termios.tcgetattr(self._input)
        self._before = list(mode)
        raw = list(mode)
        raw[0] &= ~(
            termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP
            | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
        )  # fmt: skip
        raw[1] &= ~termios.OPOST
        raw[2] = (raw[2] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
        raw[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
        characters = list(mode[6])
        characters[termios.VMIN], characters[termios.VTIME] = 1, 0
        raw[6] = characters
        termios.tcsetattr(self._input, termios.TCSADRAIN, raw)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.forget(self._input)
        self._loop.forget(self._output)
        os.close(self._output)
        if self._before is not None:
            # TCSAFLUSH: replies and keys meant for the console do not reach the shell.
            termios.tcsetattr(self._input, termios.TCSAFLUSH, self._before)  # type: ignore[arg-type]

    def size(self) -> tuple[int, int]:
        """Columns and rows, within what a console can have; 80 by 24 where it does not say."""
        try:
            cols, rows = os.get_terminal_size(self._output)
        except OSError:
            cols, rows = 0, 0
        cols, rows = cols or 80, rows or 24
        return max(MIN_COLS, min(cols, MAX_COLS)), max(MIN_ROWS, min(rows, MAX_ROWS))

    def on_input(self, callback: Callable[[bytes], None] | None) -> None:
        """Call with what is typed, with ``b""`` when the terminal is gone; None: stop reading."""
        if callback is None:
            self._loop.reader(self._input, None)
            return
        typed = callback

        def read() -> None:
            try:
                data = os.read(self._input, _READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            typed(data)

        self._loop.reader(self._input, read)

    def write(self, data: bytes, done: Callable[[], None] | None = None) -> None:
        """Show ``data`` after what was written before; then call ``done``."""
        if data or done:
            self._queue.append((data, done))
            if len(self._queue) == 1:
                self._flush()

    def drop_unwritten(self) -> None:
        """Forget what the terminal has not taken yet; it may stop in the middle of a sequence."""
        self._queue.clear()
        self._loop.writer(self._output, None)

    def write_last(self, data: bytes) -> None:
        """Show ``data`` and wait, at most two seconds, until the terminal has all of it."""
        import select

        self.write(data)
        while self._queue and select.select([], [self._output], [], 2.0)[1]:
            self._flush()

    def _flush(self) -> None:
        while self._queue:
            data, done = self._queue[0]
            try:
                count = os.write(self._output, data) if data else 0
            except BlockingIOError:
                count = 0
            except OSError:
                count = len(data)  # the terminal is gone; reading tells
            if count < len(data):
                self._queue[0] = (data[count:], done)
                self._loop.writer(self._output, self._flush)
                return
            self._queue.popleft()
            if done is not None:
                done()
        self._loop.writer(self._output, None)
