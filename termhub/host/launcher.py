"""``python -m termhub.host.launcher --data DIR``: the launcher and its keeper.

The launcher forks hosts, starts sandboxes, and does what needs privilege
(:mod:`termhub.host.launcher_service`).  The keeper is the process around it: it holds
nothing, imports little, and starts the launcher again when it dies.  Both outlive the
hub; consoles outlive both.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import time
import traceback

EXIT_LOCKED = 3
EXIT_REFUSED = 4
EXIT_RENEW = 5
LOG_BYTES = 4 << 20
UID_BASE = 600_000_000
SEGMENT_BYTES = 8 << 20

_PR_SET_CHILD_SUBREAPER = 36
_RESTART_SECONDS = 0.05
_MOST_RESTART_SECONDS = 10.0


def keep(options: argparse.Namespace, ready_fd: int | None) -> int:
    """Run the launcher in a child and start it again when it dies.

    One that never served is not started again: the reason would be the same.

    :param ready_fd: gets a byte once the first one serves, and is closed.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    delay = _RESTART_SECONDS
    served_fd, tell_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    has_served = False
    while True:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            os.close(served_fd)
            _run_child(options, [fd for fd in (tell_fd, ready_fd) if fd is not None])
        if ready_fd is not None:
            os.close(ready_fd)
            ready_fd = None
        status = _wait(child)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == EXIT_RENEW:
            log("the launcher begins anew, with the code there is now")
            command = [sys.executable, "-m", "termhub.host.launcher", *sys.argv[1:]]
            os.execv(sys.executable, [part for part in command if part != "--background"])
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, EXIT_LOCKED, EXIT_REFUSED):
            return os.WEXITSTATUS(status)
        has_served = has_served or _has_bytes(served_fd)
        if not has_served:
            return EXIT_REFUSED
        if time.monotonic() - started > _MOST_RESTART_SECONDS:
            delay = _RESTART_SECONDS
        log(f"the launcher {child} died ({_words(status)}); another in {delay:.2f} s")
        time.sleep(delay)
        delay = min(delay * 2, _MOST_RESTART_SECONDS)


def _has_bytes(fd: int) -> bool:
    try:
        return bool(os.read(fd, 1))
    except BlockingIOError:
        return False


def _run_child(options: argparse.Namespace, ready_fds: list[int]) -> None:
    def ready() -> None:
        for fd in ready_fds:
            os.write(fd, b"1")
            os.close(fd)

    code = 1
    try:
        from termhub.errors import TermhubError
        from termhub.host.launcher_service import run

        try:
            code = run(options, ready)
        except TermhubError as error:
            log(str(error))
            code = EXIT_REFUSED
    except BaseException:  # noqa: BLE001 - logged; nothing may return into the keeper's code
        traceback.print_exc()
    finally:
        os._exit(code)


def _wait(child: int) -> int:
    """The status of ``child``; other children are orphans we collect."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def _words(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f"status {os.WEXITSTATUS(status)}"


def log(line: str) -> None:
    """A line for the launcher's log."""
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="termhub-launcher", description=__doc__)
    parser.add_argument("--data", required=True, help="the data folder")
    parser.add_argument("--service-user", help="as root: the hub's user")
    parser.add_argument("--uid-base", type=int, default=UID_BASE, help="as root: uid of user number 0")
    parser.add_argument("--background", action="store_true", help="come back once it serves")
    parser.add_argument("--insecure-no-sandbox", action="store_true", help="run programs without a sandbox")
    parser.add_argument("--engine", default="auto", help="screen engine")
    parser.add_argument("--segment-bytes", type=int, default=SEGMENT_BYTES)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Be keeper and launcher; the exit status."""
    options = arguments().parse_args(argv)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(0o022)
    if not options.background:
        return keep(options, None)
    ready_fd, write_fd = os.pipe()
    if os.fork():
        os.close(write_fd)
        return 0 if os.read(ready_fd, 1) else EXIT_REFUSED
    os.close(ready_fd)
    os.setsid()
    return keep(options, write_fd)


if __name__ == "__main__":
    sys.exit(main())
