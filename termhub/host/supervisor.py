"""All consoles of one data folder, as the launcher sees them.

For every console that lives it watches two processes, its host and its sandbox, by
descriptors that name them for ever (pidfd).  A host that dies is followed by another,
at once the first time and then ever more carefully; a sandbox that dies makes its host
write ``ended.json`` and leave.  Consoles that an earlier launcher left are adopted.

Invariant: what is on disk is the truth; this holds nothing that cannot be found again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field

import termhub
from sandbox.guest.loop import Loop, Timer
from sandbox.launch import LaunchError
from termhub.errors import BadRequest, NoSandbox, NoSuchConsole, TermhubError
from termhub.host import processes
from termhub.host.folder import CONSOLE_ID, ENDED, ENDING, SANDBOX, SPEC, Folder, delete
from termhub.host.host import HostOptions
from termhub.host.launcher import log
from termhub.host.sandboxes import Sandboxes, Started
from termhub.host.spawn import HostProcess, fork_host
from termhub.host.specs import ConsoleSpec

END_SECONDS = 10.0
KILL_SECONDS = 3.0
POLL_SECONDS = 0.02
CALM_SECONDS = 10.0
FREE_DEATHS = 2
MAX_DELAY_SECONDS = 30.0
ADOPTED_AT_ONCE = 4
LISTED_AT_ONCE = 500
MAX_LISTED_TEXT = 100

Done = Callable[[TermhubError | None], None]


@define(eq=False)
class Supervised:
    """A console and its processes.

    :param host: its host's pidfd, None while there is none.
    :param sandbox: its sandbox's pidfd, None when it is gone.
    :param is_ready: whether the host answers.
    :param deaths: hosts that died lately, one soon after the other.
    :param failures: those of them that failed by themselves, rather than were killed.
    """

    folder: Folder
    host: int | None = None
    host_pid: int = 0
    ready_fd: int | None = None
    sandbox: int | None = None
    is_ready: bool = False
    deaths: int = 0
    failures: int = 0
    host_since: float = 0.0
    retry: Timer | None = None
    overdue: float | None = None
    ready_waiters: list[Done] = field(factory=list)
    ended_waiters: list[Done] = field(factory=list)
    started: Started | None = None


class Supervisor:
    """The consoles below one folder.

    :param consoles: ``RUN/consoles``.
    :param sandboxes: starts and kills sandboxes.
    :param options: what hosts are told.
    """

    def __init__(self, consoles: Path, sandboxes: Sandboxes, options: HostOptions, loop: Loop) -> None:
        self._path = consoles
        self._sandboxes = sandboxes
        self._options = options
        self._loop = loop
        self._consoles: dict[str, Supervised] = {}
        self._adopting: list[Supervised] = []
        self._statuses: dict[int, int] = {}

    # -- what the hub asks ---------------------------------------------------

    def create(self, spec: ConsoleSpec, done: Done) -> None:
        """Make a console; ``done`` is called when its host answers.

        :raises TermhubError: when it cannot be.
        """
        path = self._path / spec.console
        if path.exists():
            raise BadRequest(f"there is a console {spec.console} already", "console_exists")
        prepared = self._sandboxes.prepare(spec)
        folder = Folder(path)
        entry = Supervised(folder)
        fifos: list[int] = []
        try:
            fifos = self._sandboxes.make_folder(path, prepared)
            self._consoles[spec.console] = entry
            self._fork_host(entry)
            entry.started = self._sandboxes.start(prepared, *fifos)
            folder.write(SANDBOX, entry.started.record())
        except TermhubError:
            self._abandon(entry)
            raise
        except (OSError, LaunchError) as error:
            self._abandon(entry)
            raise NoSandbox(f"the console cannot be started: {error}") from error
        finally:
            for fd in fifos:
                os.close(fd)
        self._watch_sandbox(entry, os.dup(entry.started.pidfd))
        entry.ready_waiters.append(done)
        if entry.is_ready:
            self._tell_ready(entry)

    def ensure_host(self, console: str, done: Done) -> None:
        """Call ``done`` when the console's host answers or ``ended.json`` is there."""
        entry = self._find(console)
        if entry is None or entry.is_ready:
            done(None)
            return
        entry.ready_waiters.append(done)
        if entry.host is None and entry.retry is None:
            self._start_host(entry)

    def end(self, console: str, reason: str, done: Done) -> None:
        """Kill a console's sandbox; ``done`` is called when ``ended.json`` is there."""
        entry = self._find(console)
        if entry is None:
            done(None)
            return
        entry.ended_waiters.append(done)
        if not entry.folder.has(ENDING):
            try:
                entry.folder.write(ENDING, {"reason": reason})
            except OSError as error:  # a full disk, or something in the way; it ends nevertheless
                log(f"{console}: its reason is lost: {error}")
        self._sandboxes.kill(entry.folder, entry.sandbox)
        self._loop.call_later(KILL_SECONDS, self._kill_again, entry)
        self._hurry_host(entry)
        if entry.sandbox is None and entry.overdue is None:
            entry.overdue = time.monotonic() + END_SECONDS
            self._wait_for_end(entry)

    def _kill_again(self, entry: Supervised) -> None:
        if entry.sandbox is not None:
            processes.kill(entry.sandbox)

    def remove(self, console: str, done: Done) -> None:
        """End a console if it lives and delete its folder."""
        path = self._existing(console)

        def ended(error: TermhubError | None) -> None:
            entry = self._consoles.get(console)
            if entry is not None and entry.sandbox is not None:
                if error is not None:
                    done(error)
                    return
                # Its host said that it has ended; we know better.
                self._sandboxes.kill(entry.folder, entry.sandbox)
            # A host that could not write down the end has nothing to keep now either.
            if entry is not None and entry.host is not None:
                processes.kill(entry.host)
                processes.wait(entry.host, KILL_SECONDS)
            delete(path)
            done(None)

        self.end(console, "removed by its owner", ended)

    def consoles(self, after: str = "") -> tuple[list[dict[str, Any]], str]:
        """Consoles, living and ended, by their ids: the first :data:`LISTED_AT_ONCE` behind ``after``.

        :returns: them, and the id behind which there are more; empty when there are not.
        """
        names = sorted(name for name in os.listdir(self._path) if name > after)
        page = names[:LISTED_AT_ONCE]
        listed = (self._describe(Folder(self._path / name)) for name in page)
        return [entry for entry in listed if entry is not None], page[-1] if len(names) > len(page) else ""

    def _describe(self, folder: Folder) -> dict[str, Any] | None:
        """What ``list`` says of a folder, little whatever its console has written into it."""
        spec = folder.read(SPEC)
        if spec is None or not CONSOLE_ID.fullmatch(folder.console) or not self._is_ours(folder):
            return None
        return {
            "console": folder.console,
            "owner": self._sandboxes.owner_of(folder, spec),
            "state": "ended" if folder.has(ENDED) else "running",
            "spec": {name: str(spec.get(name, ""))[:MAX_LISTED_TEXT] for name in ("program", "image")},
        }

    def end_all(self, reason: str, done: Callable[[], None]) -> None:
        """End every console that lives."""
        listed = (self._describe(Folder(path)) for path in sorted(self._path.iterdir()))
        living = [entry["console"] for entry in listed if entry is not None and entry["state"] == "running"]
        left = set(living)
        if not left:
            done()

        def one(console: str) -> Done:
            def ended(error: TermhubError | None) -> None:
                left.discard(console)
                if not left:
                    done()

            return ended

        for console in living:
            try:
                self.end(console, reason, one(console))
            except (TermhubError, OSError) as error:
                log(f"{console}: {error}")
                one(console)(None)

    def isolation(self, console: str) -> str:
        """Words for people about what keeps a console apart."""
        record = Folder(self._existing(console)).read(SANDBOX)
        return str((record or {}).get("isolation", ""))

    def _existing(self, console: str) -> Path:
        path = self._path / console
        if not CONSOLE_ID.fullmatch(console) or not path.is_dir():
            raise NoSuchConsole(f"there is no console {console!r:.40}")
        return path

    def _is_ours(self, folder: Folder) -> bool:
        """Whether a folder belongs to a user that consoles have."""
        try:
            self._sandboxes.user_of(folder)
        except (TermhubError, OSError):
            return False
        return True

    def _find(self, console: str) -> Supervised | None:
        """The living console; None when it has ended."""
        path = self._existing(console)
        entry = self._consoles.get(console)
        if entry is None and not Folder(path).has(ENDED):
            entry = self._take_over(Folder(path))
            if entry is None:
                raise NoSuchConsole(f"there is no console {console}")
        return entry if entry is not None and not entry.folder.has(ENDED) else None

    # -- hosts ---------------------------------------------------------------

    def _start_host(self, entry: Supervised) -> None:
        entry.retry = None
        try:
            self._fork_host(entry)
        except (OSError, TermhubError) as error:
            log(f"{entry.folder.console}: no host can be started: {error}")
            entry.retry = self._loop.call_later(MAX_DELAY_SECONDS, self._start_host, entry)

    def _fork_host(self, entry: Supervised) -> None:
        """Fork a host; :raises OSError: when there is no process or folder for it."""
        entry.is_ready = False
        options = self._options_after(entry.failures)
        uid, gid = self._sandboxes.user_of(entry.folder)
        host = fork_host(self._loop, entry.folder, options, uid, gid)
        self._watch_host(entry, host.pidfd, host.pid)
        self._watch_ready(entry, host)

    def _hurry_host(self, entry: Supervised) -> None:
        """A host is wanted now, not after a pause."""
        if entry.retry is not None:
            entry.retry.cancel()
            entry.retry = None
        if entry.host is None:
            self._start_host(entry)

    def _options_after(self, failures: int) -> HostOptions:
        """More careful with every host that failed: without the fast engine, then without the past."""
        engine = self._options.engine if failures < 2 else "pyte"
        return HostOptions(
            engine=engine,
            blank=failures >= 4,
            segment_bytes=self._options.segment_bytes,
        )

    def _watch_host(self, entry: Supervised, pidfd: int, pid: int) -> None:
        entry.host, entry.host_pid, entry.host_since = pidfd, pid, time.monotonic()
        self._loop.reader(pidfd, lambda: self._host_gone(entry))

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
                self._tell_ready(entry)

        entry.ready_fd = host.ready_fd
        self._loop.reader(host.ready_fd, told)

    def _tell_ready(self, entry: Supervised) -> None:
        waiters, entry.ready_waiters = entry.ready_waiters, []
        for done in waiters:
            done(None)

    def _host_gone(self, entry: Supervised) -> None:
        assert entry.host is not None
        self._loop.forget(entry.host)
        os.close(entry.host)
        entry.host = None
        entry.is_ready = False
        self.reap()
        status = self._statuses.pop(entry.host_pid, None)
        if entry.folder.has(ENDED) or not entry.folder.has(SPEC):
            self._forget(entry)
            self._adopt_more()
            return
        if time.monotonic() - entry.host_since > CALM_SECONDS:
            entry.deaths = entry.failures = 0
        entry.deaths += 1
        was_killed = status is None or status == signal.SIGKILL or status == signal.SIGTERM
        entry.failures += not was_killed
        beyond = entry.deaths - FREE_DEATHS
        delay = min(0.1 * 2**beyond, MAX_DELAY_SECONDS) if beyond > 0 else 0.0
        log(f"{entry.folder.console}: host {entry.host_pid} died ({_words(status)}); next in {delay:.1f} s")
        entry.retry = self._loop.call_later(delay, self._start_host, entry)

    def reap(self) -> None:
        """Collect the children that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if any(entry.host_pid == pid for entry in self._consoles.values()):
                self._statuses[pid] = status

    # -- sandboxes -----------------------------------------------------------

    def _watch_sandbox(self, entry: Supervised, pidfd: int) -> None:
        entry.sandbox = pidfd
        self._loop.reader(pidfd, lambda: self._sandbox_gone(entry))

    def _sandbox_gone(self, entry: Supervised) -> None:
        assert entry.sandbox is not None
        self._loop.forget(entry.sandbox)
        os.close(entry.sandbox)
        entry.sandbox = None
        self.reap()
        folder = entry.folder
        said = entry.started.said() if entry.started is not None else ""
        if said:
            log(f"{folder.console}: its sandbox said: {said}")
        if said and not folder.has(ENDED) and not folder.has(ENDING):
            try:
                folder.write(ENDING, {"said": said})
            except OSError as error:
                log(f"{folder.console}: {error}")
        if folder.has(SPEC) and not folder.has(ENDED):
            self._hurry_host(entry)
        entry.overdue = time.monotonic() + END_SECONDS
        self._wait_for_end(entry)

    def _wait_for_end(self, entry: Supervised) -> None:
        """Until the host has written ``ended.json``; one that does not is replaced."""
        if entry.folder.has(ENDED) or not entry.folder.has(SPEC):
            self._ended(entry)
            return
        assert entry.overdue is not None
        if time.monotonic() > entry.overdue:
            entry.overdue = time.monotonic() + END_SECONDS
            if entry.host is not None:
                processes.kill(entry.host)
            late = TermhubError("the console does not end; see the launcher's log", "not_ended")
            waiters, entry.ended_waiters = entry.ended_waiters, []
            for done in waiters:
                done(late)
        self._loop.call_later(POLL_SECONDS, self._wait_for_end, entry)

    def _ended(self, entry: Supervised) -> None:
        self._clean(entry.folder)
        self._tell_ready(entry)
        waiters, entry.ended_waiters = entry.ended_waiters, []
        for done in waiters:
            done(None)
        if entry.host is None:
            self._forget(entry)

    def _forget(self, entry: Supervised) -> None:
        if entry.sandbox is not None:
            return
        if entry.retry is not None:
            entry.retry.cancel()
        if entry.started is not None:
            entry.started.close()
            entry.started = None
        if self._consoles.get(entry.folder.console) is entry:
            del self._consoles[entry.folder.console]
        if entry.ended_waiters or entry.ready_waiters:
            self._ended(entry)

    def _abandon(self, entry: Supervised) -> None:
        """A console that could not be created leaves nothing behind."""
        self._consoles.pop(entry.folder.console, None)
        if entry.host is not None:
            processes.kill(entry.host)
            processes.wait(entry.host, KILL_SECONDS)
        delete(entry.folder.path)
        self._clean(entry.folder)

    def _clean(self, folder: Folder, tries: int = 50) -> None:
        """Remove the sandbox's group as soon as its last process has gone."""
        if not self._sandboxes.clean(folder) and tries:
            self._loop.call_later(POLL_SECONDS * 5, self._clean, folder, tries - 1)

    # -- what an earlier launcher left ---------------------------------------

    def adopt(self) -> None:
        """Take over the consoles on disk; what was half made is deleted."""
        for path in sorted(self._path.iterdir()):
            if CONSOLE_ID.fullmatch(path.name) and not Folder(path).has(ENDED):
                entry = self._take_over(Folder(path))
                if entry is not None and entry.host is None:
                    self._adopting.append(entry)
        for _ in range(ADOPTED_AT_ONCE):
            self._adopt_more()

    def _take_over(self, folder: Folder) -> Supervised | None:
        """Watch what there is of a console; None when it was half made, and is deleted."""
        is_whole = folder.has(SPEC) and folder.has(SANDBOX)
        if not self._is_ours(folder) and (is_whole or folder.uid != os.geteuid()):
            log(f"{folder.path} belongs to uid {folder.uid}, which is no console's; left alone")
            return None
        host = self._living_host(folder)
        record = folder.read(SANDBOX)
        if folder.read(SPEC) is None or record is None:
            if host is not None:
                processes.kill(host)
                processes.wait(host, KILL_SECONDS)
                os.close(host)
            self._clean(folder)
            delete(folder.path)
            log(f"{folder.console}: half made; deleted")
            return None
        entry = self._consoles[folder.console] = Supervised(folder)
        if host is not None:
            self._watch_host(entry, host, folder.locked_by() or 0)
            entry.is_ready = True
            if folder.host_version() != termhub.__version__:
                log(f"{folder.console}: its host is of another version; a new one takes over")
                processes.kill(host)
        sandbox = self._sandboxes.find(folder, record)
        if sandbox is not None:
            self._watch_sandbox(entry, sandbox)
        return entry

    def _adopt_more(self) -> None:
        """Start the next missing host: those of living consoles all, of dead ones a few at a time."""
        while self._adopting:
            entry = self._adopting.pop()
            if entry.host is None:
                self._start_host(entry)
            if entry.sandbox is None:
                return

    def _living_host(self, folder: Folder) -> int | None:
        pid = folder.locked_by()
        if pid is None or processes.real_uid(pid) != folder.uid:
            return None
        return processes.open_process(pid, None)


def _words(status: int | None) -> str:
    """How a process ended."""
    if status is None:
        return "killed"
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"status {os.WEXITSTATUS(status)}"
