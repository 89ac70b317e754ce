"""One window: a PTY, the program on it, its output stream and its queued input.

Invariant: what the program writes is read only while the backlog has room, so a
program nobody listens to waits instead of filling memory.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios

from . import frames, programs
from .backlog import Backlog
from .inputs import Inputs
from .lean import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    from .loop import Loop, Timer

_READ_BYTES = 1 << 16
_BUDGET_BYTES = 1 << 18  # read at most this much of one terminal before others get a turn
_SHORT_READ = 1024  # a terminal with more to read gives more at a time
_LAST_OUTPUT_BYTES = 1 << 17  # more than a terminal holds when its program has ended
_HANGUP_POLL_SECONDS = 0.25


class Window:
    """A numbered terminal of the console.

    :param changed: called when there is something to send.
    """

    def __init__(self, number: int, loop: Loop, changed: Callable[[], None]) -> None:
        self.number = number
        self.backlog = Backlog()
        self.inputs = Inputs()
        self.argv: List[str] = []
        self.cols = 80
        self.rows = 24
        self.exit: Optional[Dict[str, Any]] = None
        self.pid: Optional[int] = None
        self._loop = loop
        self._changed = changed
        self._session: Optional[int] = None
        self._fd: Optional[int] = None
        self._reading = False
        self._hangup_timer: Optional[Timer] = None
        self._ending: Optional[Dict[str, Any]] = None  # the exit, until the last output is read
        self._ending_budget = 0

    @property
    def is_live(self) -> bool:
        """Whether its program runs, or has output that is not read yet."""
        return self.pid is not None or self._ending is not None

    def describe(self) -> Dict[str, Any]:
        """Its entry in a HELLO."""
        return {
            "window": self.number,
            "argv": self.argv,
            "start": self.backlog.start,
            "end": self.backlog.end,
            "cols": self.cols,
            "rows": self.rows,
            "exit": self.exit,
        }

    # -- program -------------------------------------------------------------

    def open(
        self, argv: List[str], env: Dict[str, str], cwd: str, cols: int, rows: int, limits: Dict[str, int]
    ) -> int:
        """Start a program on a new terminal, in the same stream; its pid.

        :raises programs.StartError: when it cannot be started.
        """
        pid, fd = programs.start(argv, env, cwd, cols, rows, limits)
        self._release()
        if self._session is not None and (cols, rows) != (self.cols, self.rows):
            self.backlog.mark(frames.resize(self.number, cols, rows))
        self.argv, self.cols, self.rows = argv, cols, rows
        self.pid, self._fd, self.exit = pid, fd, None
        self._session = pid
        self.backlog.mark({"type": "opened", "argv": argv, "cols": cols, "rows": rows})
        self._set_reading(True)
        self._changed()
        return pid

    def fail(self, argv: List[str], cols: int, rows: int, message: str, status: int) -> None:
        """Show, as a program would, that the window's program cannot be started."""
        self.argv, self.cols, self.rows = argv, cols, rows
        self.backlog.append(("termhub: %s\r\n" % message).encode("utf-8", "replace"))
        self.exit = {"code": status}
        self.backlog.mark(dict(self.exit, type="exit"))

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal a new size and say so in the stream."""
        self.cols, self.rows = cols, rows
        if self._fd is not None:
            fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.backlog.mark(frames.resize(self.number, cols, rows))
        self._changed()

    def signal(self, number: int) -> None:
        """Signal the foreground process group; :raises ProcessLookupError: no program."""
        if self._fd is None or self.pid is None:
            raise ProcessLookupError("no program runs in window %d" % self.number)
        programs.signal_foreground(self._fd, self.pid, number)

    def ended(self, status: int) -> None:
        """The program was reaped with ``status`` of waitpid(2)."""
        self.pid = None
        self._ending = programs.exit_value(status)
        self._ending_budget = _LAST_OUTPUT_BYTES
        self._cancel_hangup_poll()
        self._set_reading(True)
        self._read()

    def close(self) -> Optional[int]:
        """Hang up; the session that may still have processes, or None.

        Closing the master side sends SIGHUP to the program and the foreground group.
        """
        session, self._session = self._session, None
        if session is not None:
            programs.kill_session(session, signal.SIGHUP)
        self.pid = self._ending = None
        self._release()
        return session

    def _release(self) -> None:
        self._cancel_hangup_poll()
        if self._fd is not None:
            self._loop.forget(self._fd)
            os.close(self._fd)
            self._fd = None
        self._reading = False
        self.inputs.drop()

    # -- output --------------------------------------------------------------

    def take(self) -> Optional[Tuple[bytes, Optional[memoryview]]]:
        """The next frame to send, or None."""
        return self.backlog.take(self.number)

    def acknowledge(self, offset: int) -> None:
        """The peer has kept everything before ``offset``."""
        self.backlog.acknowledge(offset)
        if self._reading or self._fd is None or self._hangup_timer is not None:
            return
        if self.backlog.room >= _READ_BYTES:
            self._set_reading(True)
            if self._ending is not None:  # nothing more may come to wake the loop
                self._read()

    def _set_reading(self, wanted: bool) -> None:
        if self._fd is not None and wanted != self._reading:
            self._reading = wanted
            self._loop.reader(self._fd, self._read if wanted else None)

    def _read(self) -> None:
        fd, backlog = self._fd, self.backlog
        if fd is None:
            self._finish()
            return
        budget = _BUDGET_BYTES
        try:
            while budget > 0:
                room = backlog.room
                if room <= 0:
                    self._set_reading(False)
                    break
                data = os.read(fd, _READ_BYTES if room > _READ_BYTES else room)
                if not data:
                    raise OSError(errno.EIO, "hung up")
                backlog.append(data)
                budget -= len(data)
                self._ending_budget -= len(data)
                if len(data) < _SHORT_READ and self._ending is None:
                    break  # that was all; another read would only say so
        except BlockingIOError:
            if self._ending is not None:
                self._finish()
        except OSError:
            self._hung_up()
        else:
            if self._ending is not None and self._ending_budget <= 0:
                self._finish()
        self._changed()

    def _hung_up(self) -> None:
        """Nobody has the terminal open any more."""
        if self.pid is None:
            if self._ending is not None:
                self._finish()
            self._release()
        else:  # the program closed it, or is about to be reaped; it may open /dev/tty again
            self._set_reading(False)
            self._hangup_timer = self._loop.call_later(_HANGUP_POLL_SECONDS, self._after_hangup)

    def _after_hangup(self) -> None:
        self._hangup_timer = None
        self._set_reading(True)

    def _cancel_hangup_poll(self) -> None:
        if self._hangup_timer is not None:
            self._hangup_timer.cancel()
            self._hangup_timer = None

    def _finish(self) -> None:
        if self._ending is None:
            return
        self.exit, self._ending = self._ending, None
        self.backlog.mark(dict(self.exit, type="exit"))
        self.inputs.drop()
        self._changed()

    # -- input ---------------------------------------------------------------

    def input(self, viewer: int, sequence: int, data: bytes) -> None:
        """Queue what is new of a viewer's input and write what the terminal takes."""
        self.inputs.receive(viewer, sequence, data)
        if self._fd is None or self.exit is not None:
            self.inputs.drop()
        self._write()

    def _write(self) -> None:
        fd, inputs = self._fd, self.inputs
        while fd is not None:
            data = inputs.next()
            if not data:
                break
            try:
                inputs.written(os.write(fd, data))
            except BlockingIOError:
                self._loop.writer(fd, self._write)
                self._changed()
                return
            except OSError:
                inputs.drop()
        if fd is not None:
            self._loop.writer(fd, None)
        self._changed()
