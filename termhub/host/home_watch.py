"""How much is in the homes that no volume holds: counted by one child at a time, now and then.

The more a home takes to count, the rarer it is counted, so that all of it together stays
near :data:`SHARE` of a core.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from attrs import frozen

from sandbox.guest.loop import Loop, Timer
from sandbox.limits.count import be_counter
from termhub.host import processes
from termhub.host.spawn import leave_launcher

SHARE = 0.02
LEAST_SECONDS = 10.0
MOST_SECONDS = 600.0
WAIT_SECONDS = 120.0
_FORK_SECONDS = 0.005
_RESULT_BYTES = 4096


@frozen
class Counted:
    """What is in a home.

    :param is_whole: False when there may be more.
    """

    bytes: int
    files: int
    is_whole: bool


class HomeWatch:
    """Counts homes.

    :param owners: the users whose homes are to be counted now.
    :param home: a user's home, and the uid and gid it is counted as.
    """

    def __init__(
        self,
        loop: Loop,
        owners: Callable[[], Iterable[int]],
        home: Callable[[int], tuple[Path, int | None, int | None]],
    ) -> None:
        self._loop = loop
        self._owners = owners
        self._home = home
        self._due: dict[int, float] = {}
        self._known: dict[int, Counted] = {}
        self._timer: Timer | None = None
        self._child: int | None = None

    def get(self, owner: int) -> Counted | None:
        """What was counted last."""
        return self._known.get(owner)

    def kick(self) -> None:
        """There may be a home to count that was not there before."""
        if self._child is None:
            self._plan()

    def _plan(self) -> None:
        """Count the home that is due, or wait until one is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        owners = set(self._owners())
        for gone in self._due.keys() - owners:
            self._due.pop(gone)
            self._known.pop(gone, None)
        if not owners:
            return
        now = self._loop.now()
        owner = min(owners, key=lambda each: self._due.get(each, 0.0))
        wait = self._due.get(owner, 0.0) - now
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._plan)
        else:
            self._count(owner, len(owners))

    def _count(self, owner: int, homes: int) -> None:
        path, uid, gid = self._home(owner)
        self._due[owner] = self._loop.now() + LEAST_SECONDS
        read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            pid = os.fork()
        except OSError:
            os.close(read_fd)
            os.close(write_fd)
            self._timer = self._loop.call_later(LEAST_SECONDS, self._plan)
            return
        if pid == 0:
            try:
                self._loop.close()
                leave_launcher(write_fd)
                be_counter(str(path), uid, gid, write_fd)
            except BaseException:  # noqa: BLE001 - nothing may return into the launcher's code
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(write_fd)
        child = self._child = os.pidfd_open(pid)
        late = self._loop.call_later(WAIT_SECONDS, processes.kill, child, signal.SIGKILL)

        def told() -> None:
            try:
                said = os.read(read_fd, _RESULT_BYTES)
            except BlockingIOError:
                return
            self._loop.forget(read_fd)
            os.close(read_fd)
            late.cancel()
            processes.kill(child)
            os.close(child)
            self._child = None
            seconds = self._take(owner, said) + _FORK_SECONDS
            pause = min(max(seconds * homes / SHARE, LEAST_SECONDS), MOST_SECONDS)
            self._due[owner] = self._loop.now() + pause
            self._plan()

        self._loop.reader(read_fd, told)

    def _take(self, owner: int, said: bytes) -> float:
        """Keep what a child said; the CPU time it took."""
        found = parse(said)
        if found is None:
            return WAIT_SECONDS  # it broke down, or ran for too long
        self._known[owner] = found[0]
        return found[1]


def parse(said: bytes) -> tuple[Counted, float] | None:
    """What a counter said, and the seconds it took; None when it is nothing of the kind."""
    try:
        value: Any = json.loads(said)
        size, files, seconds = value["bytes"], value["files"], value["seconds"]
        if not all(type(each) is int and each >= 0 for each in (size, files)):
            return None
        return Counted(size, files, value["is_whole"] is True), float(seconds)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
