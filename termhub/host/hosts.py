"""The hosts of all consoles: forked, watched, and followed by others when they die.

At once the first time and then ever more carefully: a host that failed by itself is
followed by one without the fast engine, then by one that knows nothing of the past.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from attrs import evolve

from sandbox.guest.loop import Loop
from sandbox.limits import Limits
from termhub.errors import TermhubError
from termhub.host import groups
from termhub.host.folder import ENDED, SPEC
from termhub.host.host import HostOptions
from termhub.host.launcher import log
from termhub.host.sandboxes import Sandboxes
from termhub.host.spawn import HostProcess, fork_host
from termhub.host.supervised import Supervised

CALM_SECONDS = 10.0
FREE_DEATHS = 2
MAX_DELAY_SECONDS = 30.0


class Hosts:
    """Starts hosts and watches them.

    :param options: what hosts are told.
    :param is_host: whether a pid is that of a console's host.
    :param last_gone: called when the host of a console has left that needs no other.
    """

    def __init__(
        self,
        loop: Loop,
        sandboxes: Sandboxes,
        options: HostOptions,
        is_host: Callable[[int], bool],
        last_gone: Callable[[Supervised], None],
    ) -> None:
        self._loop = loop
        self._sandboxes = sandboxes
        self._options = options
        self._is_host = is_host
        self._last_gone = last_gone
        self._statuses: dict[int, int] = {}

    def start(self, entry: Supervised) -> None:
        """Start a host, or try again later."""
        entry.retry = None
        try:
            self.fork(entry)
        except (OSError, TermhubError) as error:
            log(f"{entry.folder.console}: no host can be started: {error}")
            entry.retry = self._loop.call_later(MAX_DELAY_SECONDS, self.start, entry)

    def fork(self, entry: Supervised, limits: Limits | None = None) -> None:
        """Fork a host; :raises OSError: when there is no process or folder for it.

        :param limits: the console's, where it is new.
        """
        entry.is_ready = False
        console = entry.folder.console
        group = groups.host_group(console, limits)
        entry.oom_kills = groups.host_oom_kills(console)
        uid, gid = self._sandboxes.user_of(entry.folder)
        host = fork_host(self._loop, entry.folder, self._options_after(entry.failures), uid, gid, group)
        self.watch(entry, host.pidfd, host.pid)
        self._watch_ready(entry, host)

    def hurry(self, entry: Supervised) -> None:
        """A host is wanted now, not after a pause."""
        if entry.retry is not None:
            entry.retry.cancel()
            entry.retry = None
        if entry.host is None:
            self.start(entry)

    def watch(self, entry: Supervised, pidfd: int, pid: int) -> None:
        """Follow a host that runs."""
        entry.host, entry.host_pid, entry.host_since = pidfd, pid, time.monotonic()
        self._loop.reader(pidfd, lambda: self._gone(entry))

    def reap(self) -> None:
        """Collect the children that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if self._is_host(pid):
                self._statuses[pid] = status

    def _options_after(self, failures: int) -> HostOptions:
        """More careful with every host that failed: without the fast engine, then without the past."""
        engine = self._options.engine if failures < 2 else "pyte"
        return evolve(self._options, engine=engine, blank=failures >= 4)

    def _watch_ready(self, entry: Supervised, host: HostProcess) -> None:
        def told() -> None:
            try:
                data = os.read(host.ready_fd, 1)
            except BlockingIOError:
                return
            self._loop.forget(host.ready_fd)
            os.close(host.ready_fd)
            entry.ready_fd = None
            if data:
                entry.is_ready = True
                entry.tell_ready()

        entry.ready_fd = host.ready_fd
        self._loop.reader(host.ready_fd, told)

    def _gone(self, entry: Supervised) -> None:
        assert entry.host is not None
        self._loop.forget(entry.host)
        os.close(entry.host)
        entry.host = None
        entry.is_ready = False
        self.reap()
        status = self._statuses.pop(entry.host_pid, None)
        console = entry.folder.console
        if entry.folder.has(ENDED) or not entry.folder.has(SPEC):
            self._last_gone(entry)
            return
        if time.monotonic() - entry.host_since > CALM_SECONDS:
            entry.deaths = entry.failures = 0
        entry.deaths += 1
        was_killed = status is None or status == signal.SIGKILL or status == signal.SIGTERM
        used_too_much = groups.host_oom_kills(console) > entry.oom_kills
        entry.failures += used_too_much or not was_killed
        beyond = entry.deaths - FREE_DEATHS
        delay = min(0.1 * 2**beyond, MAX_DELAY_SECONDS) if beyond > 0 else 0.0
        words = "it used too much memory" if used_too_much else _words(status)
        log(f"{console}: host {entry.host_pid} died ({words}); next in {delay:.1f} s")
        entry.retry = self._loop.call_later(delay, self.start, entry)


def _words(status: int | None) -> str:
    """How a process ended."""
    if status is None:
        return "killed"
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"status {os.WEXITSTATUS(status)}"
