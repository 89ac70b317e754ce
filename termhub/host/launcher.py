"""The launcher: forks hosts, starts sandboxes, and does what needs privilege.

``python -m termhub.host.launcher --data DIR`` is two processes: a keeper that holds
nothing and starts the launcher again when it dies, and the launcher itself.  Both
outlive the hub; consoles outlive both.

Invariant: one launcher a data folder (``launcher.lock``).
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sandbox
import termhub
from sandbox.guest.loop import Loop
from sandbox.images import Image
from sandbox.launch import Backend, Bubblewrap, ExposeError, Unconfined, expose
from sandbox.limits import make
from sandbox.limits.cgroup import bases
from termhub.errors import BadRequest, NoSandbox, TermhubError
from termhub.host.folder import listen
from termhub.host.host import HostOptions
from termhub.host.launcher_socket import LauncherSocket, Operation, Reply
from termhub.host.sandboxes import UID_BASE, Sandboxes, Users
from termhub.host.specs import parse_spec
from termhub.host.supervisor import Supervisor, log

STOP_SECONDS = 15.0
EXIT_LOCKED = 3
EXIT_REFUSED = 4
LOCK_SECONDS = 5.0
_PR_SET_CHILD_SUBREAPER = 36
_RESTART_SECONDS = 0.05
_MOST_RESTART_SECONDS = 10.0


class Launcher:
    """The operations of ``launcher.sock``."""

    def __init__(self, loop: Loop, supervisor: Supervisor, sandboxes: Sandboxes) -> None:
        self._loop = loop
        self._supervisor = supervisor
        self._sandboxes = sandboxes
        self.operations: dict[str, Operation] = {
            "version": self._version,
            "images": self._images,
            "create": self._create,
            "host": self._host,
            "end": self._end,
            "remove": self._remove,
            "list": self._list,
            "stop": self._stop,
        }

    def _version(self, request: dict[str, Any], reply: Reply) -> None:
        reply(
            version=termhub.__version__,
            pid=os.getpid(),
            root=self._sandboxes.users.is_root,
            isolation=self._sandboxes.isolation,
            missing=self._sandboxes.check(),
        )

    def _images(self, request: dict[str, Any], reply: Reply) -> None:
        names = ("name", "version", "python", "source")
        reply(images=[{name: getattr(image, name) for name in names} for image in self._sandboxes.images()])

    def _create(self, request: dict[str, Any], reply: Reply) -> None:
        spec = parse_spec(request.get("spec"))

        def done(error: TermhubError | None) -> None:
            if error is not None:
                reply(error)
            else:
                reply(console=spec.console, isolation=self._supervisor.isolation(spec.console))

        self._supervisor.create(spec, done)

    def _host(self, request: dict[str, Any], reply: Reply) -> None:
        self._supervisor.ensure_host(_console(request), reply)

    def _end(self, request: dict[str, Any], reply: Reply) -> None:
        reason = str(request.get("reason") or "ended by its owner")[:500]
        self._supervisor.end(_console(request), reason, reply)

    def _remove(self, request: dict[str, Any], reply: Reply) -> None:
        self._supervisor.remove(_console(request), reply)

    def _list(self, request: dict[str, Any], reply: Reply) -> None:
        reply(consoles=self._supervisor.consoles())

    def _stop(self, request: dict[str, Any], reply: Reply) -> None:
        def done() -> None:
            reply()
            self._loop.call_soon(self._loop.stop)

        self._supervisor.end_all("termhub was stopped", done)


def _console(request: dict[str, Any]) -> str:
    console = request.get("console")
    if not isinstance(console, str):
        raise BadRequest("console is the id of a console")
    return console


def run(options: argparse.Namespace, ready: Callable[[], None]) -> int:
    """Be the launcher until it is stopped; the exit status.

    :param ready: called once it serves.
    :raises TermhubError: when it cannot, and trying again would not help.
    """
    data = Path(options.data)
    try:
        users = Users.here(options.service_user, options.uid_base)
    except KeyError:
        raise NoSandbox(f"there is no user {options.service_user!r} on this machine") from None
    run_folder = data / "run"
    for path, mode in (
        (data, 0o711),
        (run_folder, 0o711),
        (run_folder / "consoles", 0o711),
        (data / "homes", 0o711),
    ):
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(mode if users.is_root else 0o700)
    if not _lock(run_folder / "launcher.lock"):
        log("another launcher has this data folder")
        return EXIT_LOCKED
    loop = Loop()
    sandboxes = Sandboxes(data / "homes", backend_for(options), users)
    host_options = HostOptions(
        engine=options.engine,
        journal_bytes=options.journal_bytes,
        segment_bytes=options.segment_bytes,
        out_of_memory=sandboxes.out_of_memory,
    )
    supervisor = Supervisor(run_folder / "consoles", sandboxes, host_options, loop)
    preload()
    if users.is_root:
        expose(needed_paths(data, sandboxes.images()))
    server = listen(run_folder / "launcher.sock", 0o600)
    if users.is_root:
        os.chown(run_folder / "launcher.sock", users.hub_uid, users.hub_gid)
    loop.signal(signal.SIGCHLD, supervisor.reap)
    loop.signal(signal.SIGTERM, loop.stop)
    gc.collect()
    gc.freeze()
    supervisor.adopt()
    launcher = Launcher(loop, supervisor, sandboxes)
    LauncherSocket(loop, server, {0, os.geteuid(), users.hub_uid}, launcher.operations)
    log(f"launcher {os.getpid()} serves {data}")
    ready()
    loop.run()
    return 0


def needed_paths(data: Path, images: list[Image]) -> list[str]:
    """What hosts and sandboxes of other users must be able to reach."""
    code = [str(Path(module.__file__ or "").parent) for module in (termhub, sandbox)]
    prefixes = [prefix for image in images for prefix in image.prefixes]
    return [*code, sys.prefix, sys.base_prefix, str(data), *prefixes]


def preload() -> None:
    """Import and look up what hosts need before they are forked, so that they share it."""
    from termhub.screen import engines, open_screen

    for engine in engines():
        screen = open_screen(80, 24, engine=engine)
        screen.feed(b"\x1b[1mtermhub\x1b[m\r\n" * 50)
        for scrollback in (0, None):
            screen.keyframe(scrollback)
        screen.text(10)
        screen.resize(100, 30)
        screen.events()
        screen.close()
    bases()


def backend_for(options: argparse.Namespace) -> Backend:
    """The kind of sandbox that was chosen."""
    if options.insecure_no_sandbox:
        return Unconfined(make, insecure=True)
    return Bubblewrap(make)


def _lock(path: Path) -> bool:
    """Hold the lock for as long as this process lives."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            return True


def keep(options: argparse.Namespace, ready_fd: int | None) -> int:
    """Run the launcher in a child and start it again when it dies.

    :param ready_fd: gets a byte once the first one serves, and is closed.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    delay = _RESTART_SECONDS
    while True:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _run_child(options, ready_fd)
        if ready_fd is not None:
            os.close(ready_fd)
            ready_fd = None
        status = _wait(child)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, EXIT_LOCKED, EXIT_REFUSED):
            return os.WEXITSTATUS(status)
        if time.monotonic() - started > _MOST_RESTART_SECONDS:
            delay = _RESTART_SECONDS
        log(f"the launcher {child} died ({_words(status)}); another in {delay:.2f} s")
        time.sleep(delay)
        delay = min(delay * 2, _MOST_RESTART_SECONDS)


def _run_child(options: argparse.Namespace, ready_fd: int | None) -> None:
    def ready() -> None:
        if ready_fd is not None:
            os.write(ready_fd, b"1")
            os.close(ready_fd)

    code = 1
    try:
        code = run(options, ready)
    except (TermhubError, ExposeError) as error:
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


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="termhub-launcher", description=__doc__)
    parser.add_argument("--data", required=True, help="the data folder")
    parser.add_argument("--service-user", help="as root: the hub's user")
    parser.add_argument("--uid-base", type=int, default=UID_BASE, help="as root: uid of user number 0")
    parser.add_argument("--background", action="store_true", help="come back once it serves")
    parser.add_argument("--insecure-no-sandbox", action="store_true", help="run programs without a sandbox")
    parser.add_argument("--engine", default="auto", help="screen engine")
    parser.add_argument("--journal-bytes", type=int, default=HostOptions().journal_bytes)
    parser.add_argument("--segment-bytes", type=int, default=HostOptions().segment_bytes)
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
