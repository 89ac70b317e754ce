"""The launcher proper: the operations of ``launcher.sock`` and what they need.

The keeper (:mod:`termhub.host.launcher`) forks it and does not import it, so that the
process that only waits stays small.

Invariant: one launcher a data folder (``launcher.lock``).
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sandbox
import termhub
from sandbox.guest.loop import Loop
from sandbox.images import Image
from sandbox.launch import Backend, Bubblewrap, ExposeError, Unconfined, expose
from sandbox.limits import CONSOLES, HOSTS, make
from sandbox.limits.places import bases, others
from termhub.errors import NoSandbox, TermhubError
from termhub.host.folder import listen
from termhub.host.home_watch import HomeWatch
from termhub.host.host import HostOptions
from termhub.host.launcher import EXIT_LOCKED, EXIT_RENEW, LOG_BYTES, log
from termhub.host.launcher_limits import LimitOperations
from termhub.host.launcher_socket import LauncherSocket, Operation, Reply, after_of, console_of
from termhub.host.sandboxes import Sandboxes, Users
from termhub.host.specs import parse_spec
from termhub.host.supervisor import Supervisor
from termhub.notify import READY, notify

LOCK_SECONDS = 5.0
LOG_CHECK_SECONDS = 30.0


class Launcher:
    """The operations of ``launcher.sock``."""

    def __init__(self, loop: Loop, supervisor: Supervisor, sandboxes: Sandboxes, watch: HomeWatch) -> None:
        self._loop = loop
        self._supervisor = supervisor
        self._sandboxes = sandboxes
        self._watch = watch
        self.operations: dict[str, Operation] = {
            "version": self._version,
            "images": self._images,
            "create": self._create,
            "host": self._host,
            "end": self._end,
            "remove": self._remove,
            "list": self._list,
            "stop": self._stop,
            "renew": self._renew,
            **LimitOperations(loop, supervisor, sandboxes, watch).operations,
        }
        self.status = 0

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
        self._watch.kick()

    def _host(self, request: dict[str, Any], reply: Reply) -> None:
        self._supervisor.ensure_host(console_of(request), reply)

    def _end(self, request: dict[str, Any], reply: Reply) -> None:
        reason = str(request.get("reason") or "ended by its owner")[:500]
        self._supervisor.end(console_of(request), reason, reply)

    def _remove(self, request: dict[str, Any], reply: Reply) -> None:
        self._supervisor.remove(console_of(request), reply)

    def _list(self, request: dict[str, Any], reply: Reply) -> None:
        consoles, following = self._supervisor.consoles(after_of(request))
        reply(consoles=consoles, after=following)

    def _stop(self, request: dict[str, Any], reply: Reply) -> None:
        def done() -> None:
            reply()
            self._loop.call_soon(self._loop.stop)

        self._supervisor.end_all("termhub was stopped", lambda: self._supervisor.when_clean(done))

    def _renew(self, request: dict[str, Any], reply: Reply) -> None:
        self.status = EXIT_RENEW
        reply()
        self._loop.call_soon(self._loop.stop)


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
    sandboxes = Sandboxes(data, backend_for(options), users)
    host_options = HostOptions(engine=options.engine, segment_bytes=options.segment_bytes)
    supervisor = Supervisor(run_folder / "consoles", sandboxes, host_options, loop)
    preload()
    images = sandboxes.images()
    if users.is_root:
        try:
            expose(needed_paths(data, images))
        except ExposeError as error:
            raise NoSandbox(str(error)) from error
    server = listen(run_folder / "launcher.sock", 0o600)
    if users.is_root:
        os.chown(run_folder / "launcher.sock", users.hub_uid, users.hub_gid)
    loop.signal(signal.SIGCHLD, supervisor.reap)
    loop.signal(signal.SIGTERM, loop.stop)
    gc.collect()
    gc.freeze()
    supervisor.adopt()
    watch = HomeWatch(loop, sandboxes.watched, sandboxes.home)
    watch.kick()
    launcher = Launcher(loop, supervisor, sandboxes, watch)
    LauncherSocket(loop, server, {0, os.geteuid(), users.hub_uid}, launcher.operations)
    log(f"launcher {os.getpid()} serves {data}")
    _bound_log(loop)
    ready()
    notify(READY)
    loop.run()
    return launcher.status


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
    for kind in (CONSOLES, HOSTS):
        bases(kind)
        others(kind)


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


def _bound_log(loop: Loop) -> None:
    """Hosts write to the same log: keep the newest part of one that has grown too long."""
    status = os.fstat(2)
    if stat.S_ISREG(status.st_mode) and status.st_size > LOG_BYTES:
        os.ftruncate(2, 0)
        log(f"the log was longer than {LOG_BYTES} bytes; begun anew")
    loop.call_later(LOG_CHECK_SECONDS, _bound_log, loop)
