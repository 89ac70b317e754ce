"""Starting what a backend prepared, and the running sandbox.

The new process gives up everything before it becomes the command: its session, its
signal dispositions, its control group, its limits and last its user.  It does not end
with its starter.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import select
import signal
import time
from collections.abc import Iterable, Sequence

import attrs

from sandbox.limits import Group
from sandbox.network import Connecting, NetworkError, connect

from . import terminals
from .model import Launch, LaunchError

_START_SECONDS = 30.0


@attrs.define
class Sandbox:
    """A sandbox that has been started.

    :param pid: the agent, PID 1 inside, as seen from here.
    :param start_time: of the agent, in clock ticks since boot, which tells it from a
        later process with its number.
    :param pidfd: readable once the agent has ended; the owner of the object closes it.
    :param isolation: words for people about what keeps it apart; of its network, only when
        that is not being made.
    :param monitor: our child: the command outside that waits for the agent, or the agent
        itself.
    :param errors_fd: file with what the command said on its stderr.
    :param connecting: its network while that is being made; the owner of the object closes it.
    """

    pid: int
    start_time: int
    pidfd: int
    isolation: str
    monitor: int
    errors_fd: int
    connecting: Connecting | None = None
    group: Group | None = None
    kill_signal: int = signal.SIGKILL

    def kill(self) -> None:
        """End it at once with everything in it; harmless when it has ended."""
        if self.group is not None:
            self.group.kill()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, self.kill_signal)

    def errors(self) -> str:
        """What the command said on its stderr, at most the first 4 KiB."""
        return _said(self.errors_fd)

    def close(self) -> None:
        """Give back the descriptors; the sandbox goes on."""
        os.close(self.pidfd)
        os.close(self.errors_fd)


def start(launch: Launch, timeout_seconds: float = _START_SECONDS) -> Sandbox:
    """Start a sandbox and wait until its agent's process exists (a few milliseconds).

    Takes over the descriptors in ``launch.pass_fds``, ``launch.info_fd`` and ``launch.gate_fd``.
    Besides the sandbox's monitor the caller gets children that end soon and are to be collected.

    :raises LaunchError: with what the command said, when there is no agent in time.
    """
    errors = os.memfd_create("errors")
    report_read, report_write = os.pipe()
    try:
        monitor = os.fork()
    except OSError as error:
        _close([*launch.pass_fds, *_gate(launch), errors, report_read, report_write])
        _drop_group(launch)
        raise LaunchError(f"no process for the sandbox: {error}") from error
    if monitor == 0:
        _become(launch, errors, report_write)
    _close([*launch.pass_fds, report_write])
    try:
        with os.fdopen(report_read, "rb") as report:
            failure = report.read().decode(errors="replace")
        if failure:
            raise LaunchError(f"the sandbox cannot be started: {failure}")
        pid = monitor if launch.info_fd is None else _agent_pid(launch.info_fd, timeout_seconds)
        if pid is None:
            said = _said(errors) or "it gave no reason"
            raise LaunchError(f"{os.path.basename(launch.argv[0])} made no sandbox: {said}")
        pidfd = os.pidfd_open(pid)
        started = start_time(pid)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.kill(monitor, signal.SIGKILL)
        os.waitpid(monitor, 0)
        _close([errors, *_gate(launch)])
        _drop_group(launch)
        if isinstance(error, ProcessLookupError):
            raise LaunchError("the sandbox ended at once") from None
        raise
    finally:
        if launch.info_fd is not None:
            os.close(launch.info_fd)
    for gate in _gate(launch):
        terminals.limit(pid, gate)
    words, connecting = _connect(launch, pid)
    return Sandbox(
        pid=pid,
        start_time=started,
        pidfd=pidfd,
        isolation=launch.isolation + words,
        connecting=connecting,
        group=launch.group,
        monitor=monitor,
        errors_fd=errors,
        kill_signal=launch.kill_signal,
    )


def network_words(found: str | Exception) -> str:
    """What came of a full network, to stand behind ``isolation``: what it is, or why there is none."""
    if isinstance(found, Exception):
        return f"; no network, as the public network cannot be had here: {found}"
    return f"; network: {found}"


def without_network(isolation: str) -> str:
    """``isolation`` once a full network was taken away; the same where none is named."""
    walls, found, _ = isolation.partition("; network: ")
    return walls + ("; no network: it was taken away" if found else "")


def _connect(launch: Launch, pid: int) -> tuple[str, Connecting | None]:
    """What the sandbox has of the network, in words, or its network that is being made."""
    wanted, group = launch.network, launch.group
    if wanted is None:
        return "", None
    if wanted.mode == "none":
        return "; no network", None
    if wanted.mode == "allowlist":
        return "; network: hosts of a list, by a proxy", None
    try:
        return "", connect(
            wanted,
            pid,
            launch.stdout_fd,
            launch.uid,
            launch.gid,
            lambda: None if group is None else group.add(os.getpid()),
        )
    except (NetworkError, OSError) as error:
        return network_words(error), None


def _become(launch: Launch, errors: int, report: int) -> None:
    """Turn this (forked) process into the command; never returns."""
    try:
        os.setsid()
        for number in signal.valid_signals():
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o022)
        if launch.group is not None:
            launch.group.add(os.getpid())
        _arrange({0: launch.stdin_fd, 1: launch.stdout_fd, 2: errors}, [*launch.pass_fds, report])
        for kind, limit in launch.rlimits.items():  # of open files too, now that few are left
            _limit(kind, limit)
        for fd in launch.pass_fds:
            os.set_inheritable(fd, True)
        if launch.uid is not None and launch.gid is not None and os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(launch.gid, launch.gid, launch.gid)
            os.setresuid(launch.uid, launch.uid, launch.uid)
        os.chdir(launch.cwd)
        os.execve(launch.argv[0], list(launch.argv), dict(launch.env))
    except BaseException as error:  # noqa: BLE001 - told to the parent; nothing may return from here
        os.write(report, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(127)


def _arrange(wanted: dict[int, int], kept: Sequence[int]) -> None:
    """Put descriptors in their places without losing one that stands in another's; close the rest."""
    moved = {target: os.dup(source) for target, source in wanted.items()}
    for fd in kept:
        if fd in wanted:
            raise OSError(f"descriptor {fd} is needed for something else")
    for target, source in moved.items():
        os.dup2(source, target, inheritable=True)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd not in wanted and fd not in kept:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(fd)


def _limit(kind: int, limit: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(kind, (limit, limit))


def _agent_pid(info: int, timeout_seconds: float) -> int | None:
    """The pid bubblewrap tells, or None when it ends or takes too long."""
    deadline = time.monotonic() + timeout_seconds
    poll = select.poll()  # select(2) knows no descriptor above 1023
    poll.register(info, select.POLLIN)
    told = b""
    while True:
        if b"}" in told:  # whole; a pipe closed earlier would end bubblewrap by SIGPIPE
            found = re.search(rb'"child-pid"\s*:\s*(\d+)', told)
            return int(found[1]) if found else None
        ready = poll.poll(max(deadline - time.monotonic(), 0) * 1000)
        data = os.read(info, 4096) if ready else b""
        if not data:
            return None
        told += data


def start_time(pid: int) -> int:
    """When a process started, in clock ticks since boot.

    :raises ProcessLookupError: when there is none.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None


def _said(errors: int) -> str:
    return os.pread(errors, 4096, 0).decode(errors="replace").strip()


def _gate(launch: Launch) -> list[int]:
    return [] if launch.gate_fd is None else [launch.gate_fd]


def _drop_group(launch: Launch) -> None:
    if launch.group is not None:
        launch.group.kill()
        launch.group.remove()


def _close(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)
