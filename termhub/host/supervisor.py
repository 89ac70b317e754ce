"""All consoles of one data folder, as the launcher sees them.

For every console that lives it watches two processes, its host and its sandbox, by
descriptors that name them for ever (pidfd).  A host that dies is followed by another,
at once the first time and then ever more carefully; a sandbox that dies makes its host
write ``ended.json`` and leave.  Consoles that an earlier launcher left are adopted.

Invariant: what is on disk is the truth; this holds nothing that cannot be found again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import termhub
from sandbox.guest.loop import Loop
from sandbox.launch import LaunchError
from termhub.errors import BadRequest, NoSandbox, NoSuchConsole, TermhubError
from termhub.host import processes
from termhub.host.folder import CONSOLE_ID, ENDED, ENDING, SANDBOX, SPEC, Folder, delete
from termhub.host.host import HostOptions
from termhub.host.hosts import Hosts
from termhub.host.launcher import log
from termhub.host.networks import Networks
from termhub.host.sandboxes import Sandboxes
from termhub.host.specs import ConsoleSpec
from termhub.host.supervised import Done, Supervised

END_SECONDS = 10.0
KILL_SECONDS = 3.0
POLL_SECONDS = 0.02
ADOPTED_AT_ONCE = 4
LISTED_AT_ONCE = 500
MAX_LISTED_TEXT = 100
CLEAN_SECONDS = 5.0
MAX_CLEAN_SECONDS = 5.0


class Supervisor:
    """The consoles below one folder.

    :param consoles: ``RUN/consoles``.
    :param sandboxes: starts and kills sandboxes.
    :param options: what hosts are told.
    """

    def __init__(self, consoles: Path, sandboxes: Sandboxes, options: HostOptions, loop: Loop) -> None:
        self._path = consoles
        self._sandboxes = sandboxes
        self._loop = loop
        self._consoles: dict[str, Supervised] = {}
        self._adopting: list[Supervised] = []
        self._cleaning: set[str] = set()
        self._hosts = Hosts(loop, sandboxes, options, self._is_host, self._host_left)
        self.networks = Networks(loop)
        self.reap = self._hosts.reap

    # -- what the hub asks ---------------------------------------------------

    def create(self, spec: ConsoleSpec, done: Done) -> None:
        """Make a console; ``done`` is called when its host answers and its network is there or cannot be.

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
            self._hosts.fork(entry, spec.limits)
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
        self.networks.watch(entry)
        entry.ready_waiters.append(lambda _: self.networks.when_decided(entry, done))
        if entry.is_ready:
            entry.tell_ready()

    def ensure_host(self, console: str, done: Done) -> None:
        """Call ``done`` when the console's host answers or ``ended.json`` is there."""
        entry = self._find(console)
        if entry is None or entry.is_ready:
            done(None)
            return
        entry.ready_waiters.append(done)
        if entry.host is None and entry.retry is None:
            self._hosts.start(entry)

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
        self._hosts.hurry(entry)
        if entry.sandbox is None and entry.overdue is None:
            entry.overdue = time.monotonic() + END_SECONDS
            self._wait_for_end(entry)

    def running(self, console: str) -> Supervised:
        """The console, which must live; :raises BadRequest: when it has ended."""
        entry = self._find(console)
        if entry is None or entry.sandbox is None:
            raise BadRequest("the console has ended", "console_ended")
        return entry

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
        return Folder(self._existing(console)).isolation()

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

    # -- sandboxes -----------------------------------------------------------

    def _watch_sandbox(self, entry: Supervised, pidfd: int) -> None:
        entry.sandbox = pidfd
        self._loop.reader(pidfd, lambda: self._sandbox_gone(entry))

    def _sandbox_gone(self, entry: Supervised) -> None:
        assert entry.sandbox is not None
        self._loop.forget(entry.sandbox)
        os.close(entry.sandbox)
        entry.sandbox = None
        self.networks.stop(entry)
        self._hosts.reap()
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
            self._hosts.hurry(entry)
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
        self._clean(entry.folder.console)
        entry.tell_ready()
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
        if entry.started is not None:
            entry.started.abandon()
        if entry.host is not None:
            processes.kill(entry.host)
            processes.wait(entry.host, KILL_SECONDS)
        delete(entry.folder.path)
        self._sandboxes.abandon(entry.folder.console)
        self._clean(entry.folder.console)

    def _clean(self, console: str, delay: float = POLL_SECONDS) -> None:
        """Remove the console's groups, and let go of its home, as soon as its last process has gone."""
        try:
            is_clean = self._sandboxes.clean(console)
        except OSError as error:
            log(f"{console}: what is left of it cannot be removed: {error}")
            is_clean = False
        if is_clean:
            self._cleaning.discard(console)
        else:
            self._cleaning.add(console)
            self._loop.call_later(delay, self._clean, console, min(delay * 2, MAX_CLEAN_SECONDS))

    def when_clean(self, done: Callable[[], None], deadline: float | None = None) -> None:
        """Call ``done`` when nothing is left of the consoles that have ended, or nearly so."""
        deadline = time.monotonic() + CLEAN_SECONDS if deadline is None else deadline
        if self._cleaning and time.monotonic() < deadline:
            self._loop.call_later(POLL_SECONDS, self.when_clean, done, deadline)
        else:
            done()

    def _is_host(self, pid: int) -> bool:
        return any(entry.host_pid == pid for entry in self._consoles.values())

    def _host_left(self, entry: Supervised) -> None:
        self._forget(entry)
        self._adopt_more()

    # -- what an earlier launcher left ---------------------------------------

    def adopt(self) -> None:
        """Take over the consoles on disk; what was half made is deleted."""
        for path in sorted(self._path.iterdir()):
            if CONSOLE_ID.fullmatch(path.name) and not Folder(path).has(ENDED):
                entry = self._take_over(Folder(path))
                if entry is not None and entry.host is None:
                    self._adopting.append(entry)
        for console in self._sandboxes.figures.living():
            if console not in self._consoles:
                self._clean(console)
        self._sandboxes.homes.settle()
        for _ in range(ADOPTED_AT_ONCE):
            self._adopt_more()

    def _take_over(self, folder: Folder) -> Supervised | None:
        """Watch what there is of a console; None when it was half made, and is deleted."""
        is_whole = folder.has(SPEC) and folder.has(SANDBOX)
        if not self._is_ours(folder) and (is_whole or folder.uid != os.geteuid()):
            log(f"{folder.path} belongs to uid {folder.uid}, which is no console's; left alone")
            return None
        host = self._living_host(folder)
        spec, record = folder.read(SPEC), folder.read(SANDBOX)
        if spec is None or record is None:
            if host is not None:
                processes.kill(host)
                processes.wait(host, KILL_SECONDS)
                os.close(host)
            self._clean(folder.console)
            delete(folder.path)
            log(f"{folder.console}: half made; deleted")
            return None
        self._sandboxes.adopt(folder, spec)
        entry = self._consoles[folder.console] = Supervised(folder)
        if host is not None:
            self._hosts.watch(entry, host, folder.locked_by() or 0)
            entry.is_ready = True
            if folder.host_version() != termhub.__version__:
                log(f"{folder.console}: its host is of another version; a new one takes over")
                processes.kill(host)
        sandbox = self._sandboxes.find(folder, record)
        if sandbox is not None:
            self._watch_sandbox(entry, sandbox)
            self.networks.adopt(entry, record)
        return entry

    def _adopt_more(self) -> None:
        """Start the next missing host: those of living consoles all, of dead ones a few at a time."""
        while self._adopting:
            entry = self._adopting.pop()
            if entry.host is None:
                self._hosts.start(entry)
            if entry.sandbox is None:
                return

    def _living_host(self, folder: Folder) -> int | None:
        pid = folder.locked_by()
        if pid is None or processes.real_uid(pid) != folder.uid:
            return None
        return processes.open_process(pid, None)
