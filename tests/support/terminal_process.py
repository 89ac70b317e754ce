"""A program in a terminal, for tests: what a person would see and type."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence

import pyte
from ptyprocess import PtyProcess

# What pyte does not know and prints in part; a real terminal ignores it.
_UNKNOWN = (b"\x1b[!p", b"\x1b[>4;0m", b"\x1b[=0;1u")


class _HistoryScreen(pyte.HistoryScreen):
    """pyte's screen, whose scroll region keeps only a cursor that is in it from leaving it."""

    def cursor_down(self, count: int | None = None) -> None:
        if self.margins is not None and self.cursor.y > self.margins.bottom:
            self.cursor.y = min(self.cursor.y + (count or 1), self.lines - 1)
        else:
            super().cursor_down(count)

    def cursor_up(self, count: int | None = None) -> None:
        if self.margins is not None and self.cursor.y < self.margins.top:
            self.cursor.y = max(self.cursor.y - (count or 1), 0)
        else:
            super().cursor_up(count)


class TerminalProcess:
    """A program on a PTY whose output is drawn on a screen with scrollback."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, *, cols: int = 80, rows: int = 24
    ) -> None:
        self.screen = _HistoryScreen(cols, rows, history=200_000, ratio=1e-9)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.process = PtyProcess.spawn(
            list(argv), env={**os.environ, "TERM": "xterm-256color", **(env or {})}, dimensions=(rows, cols)
        )
        os.set_blocking(self.process.fd, False)
        self._is_open = True
        self._fed = 0

    @property
    def lines(self) -> list[str]:
        """The screen's rows without blanks at their ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The scrollback and the screen."""
        history = [
            "".join(line[x].data for x in range(self.screen.columns)).rstrip()
            for line in self.screen.history.top
        ]
        return "\n".join([*history, *self.lines])

    def type(self, text: str | bytes) -> None:
        """Type, however long it takes the program to read it."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            _, writable, _ = select.select([], [self.process.fd], [], 60)
            assert writable, "the program does not read its terminal"
            data = data[os.write(self.process.fd, data[:1024]) :]
            self._read(0)

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size."""
        self.screen.resize(rows, cols)
        self.process.setwinsize(rows, cols)

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Read and draw until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, "not within the time; the screen is\n" + "\n".join(self.lines)
            if not self._read(left):
                assert condition(), "the program ended; the screen is\n" + "\n".join(self.lines)
                return

    def until_text(self, text: str, seconds: float = 60.0) -> None:
        """Read and draw until a row of the screen contains the text."""
        self.until(lambda: any(text in line for line in self.lines), seconds)

    def finish(self, seconds: float = 60.0) -> int:
        """Read to the end; the exit status."""
        self.until(lambda: not self._is_open, seconds)
        status = self.process.wait()
        assert isinstance(status, int)
        return status

    def close(self) -> None:
        """End the program if it still runs."""
        if not self.process.closed:
            if self.process.isalive():
                self.process.kill(signal.SIGHUP)
                self.process.kill(signal.SIGKILL)
                self.process.wait()
            self.process.close()

    def _read(self, seconds: float) -> bool:
        if not self._is_open:
            return False
        if not select.select([self.process.fd], [], [], max(0.0, seconds))[0]:
            return True
        try:
            data = os.read(self.process.fd, 65536)
        except BlockingIOError:
            return True
        except OSError:  # EIO: the last program has closed it
            data = b""
        if not data:
            self._is_open = False
            return False
        self.raw += data
        self._draw()
        return True

    def _draw(self) -> None:
        """Draw what has come, but not a sequence that is cut."""
        data = bytes(self.raw[self._fed :])
        cut = data.rfind(b"\x1b", -16)
        if cut >= 0 and not data[cut + 1 :].strip(b"[!>=?;0123456789"):
            data = data[:cut]
        self._fed += len(data)
        for unknown in _UNKNOWN:
            data = data.replace(unknown, b"")
        self._stream.feed(data)
