"""Forking hosts: what a child of the launcher does before it is a host.

It gives up everything of the launcher's: descriptors, signal handlers, and as root the
user.  Its own limits are set so that a screen's defect stays its console's problem.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
import traceback

from attrs import frozen

from sandbox.guest.loop import Loop
from sandbox.limits import Group
from termhub.host.folder import Folder
from termhub.host.host import HostError, HostOptions, serve

ADDRESS_SPACE_BYTES = 2 << 30
FILE_BYTES = 256 << 20
OPEN_FILES = 512
EXIT_FAILED = 70

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


@frozen
class HostProcess:
    """A host that was forked.

    :param pid: its pid.
    :param pidfd: readable when it has ended.
    :param ready_fd: a byte comes when it can be reached; its end without one is a failure.
    """

    pid: int
    pidfd: int
    ready_fd: int


def fork_host(
    loop: Loop,
    folder: Folder,
    options: HostOptions,
    uid: int | None,
    gid: int | None,
    group: Group | None = None,
) -> HostProcess:
    """Fork the host of a console.

    :param loop: the launcher's loop, which the child gives up.
    :param uid: the user it becomes; None to stay.
    :param group: the control group it goes into.
    """
    ready_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    pid = os.fork()
    if pid == 0:
        code = EXIT_FAILED
        try:
            if group is not None:
                group.add(os.getpid())
            code = _be_host(loop, folder, options, uid, gid, write_fd)
        except BaseException:  # noqa: BLE001 - nothing may return into the launcher's code
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(write_fd)
    return HostProcess(pid, os.pidfd_open(pid), ready_fd)


def _be_host(
    loop: Loop, folder: Folder, options: HostOptions, uid: int | None, gid: int | None, write_fd: int
) -> int:
    loop.close()
    leave_launcher(write_fd)
    _drop(uid, gid)
    _limit()
    _name(b"termhub-host")

    def ready() -> None:
        os.write(write_fd, b"1")
        os.close(write_fd)

    try:
        serve(folder, options, ready)
    except HostError as error:
        sys.stderr.write(f"{folder.console}: {error}\n")
        return 1
    return 0


def leave_launcher(kept: int) -> None:
    """Give up what a forked child has of the launcher's; :param kept: a descriptor that stays."""
    os.closerange(3, kept)
    os.closerange(kept + 1, 1 << 16)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    gc.enable()


def _drop(uid: int | None, gid: int | None) -> None:
    os.umask(0o007)
    if uid is not None and gid is not None:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _limit() -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def _name(name: bytes) -> None:
    """The name ``ps`` shows; at most 15 bytes."""
    try:
        with open("/proc/self/comm", "wb") as comm:
            comm.write(name)
    except OSError:
        pass  # only for people; an undumpable process may not
