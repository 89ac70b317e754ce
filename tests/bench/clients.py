"""What looks at a console from outside: clients, and ways to wait for what they show."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from tests.bench.processes import step_back
from tests.bench.websocket import Closed

COLS, ROWS = 80, 24

READ_BYTES = 262_144


class TookTooLong(Exception):
    """What was waited for did not come in time."""


class Client(Protocol):
    """One attached terminal."""

    @property
    def received(self) -> int:
        """Bytes that have come over the wire."""

    def fileno(self) -> int:
        """A descriptor that is readable when :meth:`read` has something."""

    def send(self, data: bytes) -> None:
        """Type ``data``."""

    def read(self, limit: int = READ_BYTES) -> bytes:
        """Terminal bytes from one read of at most ``limit`` bytes; never waits.

        :raises Closed: at the end of the connection.
        """

    def close(self) -> None:
        """Detach."""


def environment() -> dict[str, str]:
    """The environment that every peer's programs get."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


class PtyClient:
    """A program on a PTY of ours: the local terminal that a person would sit at.

    :param is_polite: it lets everybody else go first.
    """

    def __init__(
        self,
        argv: Sequence[str],
        cols: int = COLS,
        rows: int = ROWS,
        env: Mapping[str, str] | None = None,
        is_polite: bool = False,
    ) -> None:
        self.received = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGHUP):
                    signal.signal(number, signal.SIG_DFL)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
                if is_polite:
                    step_back()
                os.execvpe(argv[0], list(argv), dict(env or environment()))
            finally:
                os._exit(127)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        os.set_blocking(self._fd, False)

    def fileno(self) -> int:
        return self._fd

    def send(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                select.select([], [self._fd], [], 10)

    def read(self, limit: int = READ_BYTES) -> bytes:
        try:
            data = os.read(self._fd, limit)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise Closed("the program has ended") from error
        if not data:
            raise Closed("the program has ended")
        self.received += len(data)
        return data

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            end_process(self.pid)


def end_process(pid: int, seconds: float = 2.0) -> None:
    """End a child of ours: SIGHUP and SIGTERM, then SIGKILL; waits for it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGHUP)
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + seconds
    pidfd = -1
    try:
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            if not select.select([pidfd], [], [], max(0.0, limit - time.monotonic()))[0]:
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    finally:
        if pidfd >= 0:
            os.close(pidfd)


def watch(client: Client, marker: bytes, seconds: float = 20, *, pace: int = 0) -> bytes:
    """Read until the terminal bytes contain ``marker``; returns all that was read.

    :param pace: read no faster than this many bytes a second; 0 for as fast as it comes.
    :raises TookTooLong: after ``seconds``.
    """
    seen: list[bytes] = []
    tail = b""
    keep = len(marker) - 1
    for data in paced(client, seconds, pace):
        seen.append(data)
        if marker in tail + data:
            return b"".join(seen)
        tail = (tail + data)[-keep:] if keep else b""
    raise TookTooLong(f"{marker!r} did not show within {seconds} s; last: {b''.join(seen)[-200:]!r}")


def await_marker(client: Client, marker: bytes, seconds: float = 20, *, pace: int = 0) -> float:
    """The time (``time.perf_counter``) at which ``marker`` showed; keeps nothing of what was read.

    :raises TookTooLong: after ``seconds``.
    """
    tail = b""
    keep = len(marker) - 1
    for data in paced(client, seconds, pace):
        if marker in data or marker in tail + data[:keep]:
            return time.perf_counter()
        tail = (tail + data)[-keep:] if len(data) < keep else data[-keep:]
    raise TookTooLong(f"{marker!r} did not show within {seconds} s")


PACE_SECONDS = 0.01
"""How long a paced reader rests between two reads."""


def paced(client: Client, seconds: float, pace: int = 0) -> Iterator[bytes]:
    """What ``client`` reads in the next ``seconds``, a read at a time."""
    poll = select.poll()
    poll.register(client.fileno(), select.POLLIN)
    start = time.perf_counter()
    end = start + seconds
    share = max(1, int(pace * PACE_SECONDS))
    due = start
    while True:
        now = time.perf_counter()
        if now >= end:
            return
        if pace:
            if due > now:
                time.sleep(min(due - now, end - now))
            else:
                due = now
            due += PACE_SECONDS
        if data := client.read(share if pace else READ_BYTES):
            yield data
        elif not pace or not poll.poll(0):
            poll.poll(max(0.0, end - time.perf_counter()) * 1000)


def drain(client: Client, quiet_seconds: float = 0.1, seconds: float = 10) -> int:
    """Read until nothing has come for ``quiet_seconds``; returns how many bytes came."""
    end = time.perf_counter() + seconds
    poll = select.poll()
    poll.register(client.fileno(), select.POLLIN)
    count = 0
    while time.perf_counter() < end:
        data = client.read()
        count += len(data)
        if not data and not poll.poll(quiet_seconds * 1000):
            break
    return count


class Drainer:
    """A process of its own that reads some clients, as somebody else's browser would.

    :param pace: how many bytes of each client it reads a second; 0 for all that comes.
    :param is_polite: lets everybody else go first.
    """

    def __init__(self, clients: Sequence[Client], *, pace: int = 0, is_polite: bool = False) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                if is_polite:
                    os.setsid()
                    step_back()
                if pace:
                    read_slowly(clients, pace)
                else:
                    read_all(clients)
            finally:
                os._exit(0)

    def stop(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


SLOW_SECONDS = 0.1
"""How often a slow reader looks at its clients."""


def read_slowly(clients: Sequence[Client], pace: int) -> None:
    """Read at most so many bytes a second of each client, until all connections have ended."""
    left = list(clients)
    due = time.perf_counter()
    while left:
        due = max(due + SLOW_SECONDS, time.perf_counter())
        for client in list(left):
            try:
                client.read(max(1, int(pace * SLOW_SECONDS)))
            except Closed:
                left.remove(client)
        time.sleep(max(0.0, due - time.perf_counter()))


def read_all(
    clients: Sequence[Client],
    seconds: float = 3600,
    seen: Callable[[int, bytes], bool] | None = None,
) -> bool:
    """Read many clients as fast as they bring something.

    :param seen: called with the client's place in ``clients`` and what it read; the client
        is done when it answers True.
    :returns: whether all are done; False when the time was up or all connections had ended.
    """
    poll = select.epoll()
    places = {}
    for place, client in enumerate(clients):
        places[client.fileno()] = place
        poll.register(client.fileno(), select.EPOLLIN)
    done = 0
    waiting = dict(places)
    end = time.perf_counter() + seconds
    try:
        for place, client in enumerate(clients):
            data = client.read()
            if data and seen is not None and seen(place, data):
                done += 1
                del waiting[client.fileno()]
        while waiting and (left := end - time.perf_counter()) > 0:
            for fd, _events in poll.poll(left):
                place = places[fd]
                try:
                    data = clients[place].read()
                except Closed:
                    poll.unregister(fd)
                    waiting.pop(fd, None)
                    continue
                if data and seen is not None and fd in waiting and seen(place, data):
                    done += 1
                    del waiting[fd]
        return done == len(clients)
    finally:
        poll.close()
