"""Sandboxes for consoles: users, homes, folders, FIFOs, and the processes of them.

As root every console's owner has a uid of its own; as an ordinary user all have ours.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

from attrs import frozen

from sandbox import network
from sandbox.images import Image, find_images, resolve
from sandbox.launch import Backend, Sandbox, SandboxSpec, start
from termhub.errors import BadRequest, NoSandbox
from termhub.host import groups, processes
from termhub.host.figures import COUNTERS, GAUGES, Figures, Usage
from termhub.host.folder import FIFO_IN, FIFO_OUT, SANDBOX, SPEC, Folder
from termhub.host.homes import Homes
from termhub.host.launcher import UID_BASE
from termhub.host.specs import ConsoleSpec, command_line

_WORDS = {
    "bubblewrap": "bubblewrap: own namespaces, filtered system calls",
    "none": "none: programs run with the rights of termhub itself",
}


@frozen
class Users:
    """Who owns what.

    :param uid_base: as root, the uid of user number 0's consoles.
    :param hub_uid: the hub's uid.
    :param hub_gid: the hub's group, which may look into consoles' folders.
    """

    uid_base: int
    hub_uid: int
    hub_gid: int
    is_root: bool

    @classmethod
    def here(cls, service_user: str | None, uid_base: int = UID_BASE) -> Users:
        """For this process; :param service_user: name of the hub's user, where we are root.

        :raises KeyError: when there is no such user.
        """
        is_root = os.geteuid() == 0
        if is_root and service_user:
            record = pwd.getpwnam(service_user)
            return cls(uid_base, record.pw_uid, record.pw_gid, is_root)
        return cls(uid_base, os.geteuid(), os.getegid(), is_root)

    def of(self, number: int) -> tuple[int | None, int | None]:
        """uid and gid of a user's consoles; None where everything is ours."""
        return (self.uid_base + number, self.uid_base + number) if self.is_root else (None, None)


@frozen
class Prepared:
    """A console that can be started."""

    spec: ConsoleSpec
    image: Image
    uid: int | None
    gid: int | None


@frozen
class Started:
    """A sandbox that runs, and its record for ``sandbox.json``."""

    sandbox: Sandbox

    @property
    def pidfd(self) -> int:
        """Readable when it has ended."""
        return self.sandbox.pidfd

    def record(self) -> dict[str, Any]:
        """What ``sandbox.json`` says; ``connecting`` as long as its network is being made."""
        return {
            "pid": self.sandbox.pid,
            "start": self.sandbox.start_time,
            "boot": processes.boot_id(),
            "isolation": self.sandbox.isolation,
            "connecting": self.sandbox.connecting is not None,
            "signal": self.sandbox.kill_signal,
        }

    def said(self) -> str:
        """What the sandbox said on its stderr."""
        return self.sandbox.errors()[:2000]

    def close(self) -> None:
        """Give back the descriptors."""
        self.sandbox.close()

    def abandon(self) -> None:
        """End what nobody will watch."""
        self.sandbox.kill()
        if self.sandbox.connecting is not None:
            self.sandbox.connecting.close()
        self.sandbox.close()


class Sandboxes:
    """Makes and ends the sandboxes of one data folder.

    :param data: the data folder.
    :param backend: the kind of sandbox.
    """

    def __init__(self, data: Path, backend: Backend, users: Users) -> None:
        self._backend = backend
        self.users = users
        self.figures = Figures(data / "run" / "usage")
        self.homes = Homes(
            data / "homes", data / "volumes", users.of, lambda number: number in self.figures.owners()
        )
        self._images: list[Image] = []
        self._missing: list[str] | None = None
        self.isolation = _WORDS.get(backend.name, backend.name)

    @property
    def is_confined(self) -> bool:
        """Whether programs run in a sandbox at all."""
        return self._backend.name != "none"

    def images(self) -> list[Image]:
        """The images there are now."""
        self._images = find_images()
        return self._images

    def prepare(self, spec: ConsoleSpec) -> Prepared:
        """Find image, program and user of a console.

        :raises BadRequest: when image or program do not exist.
        """
        try:
            image = resolve(self._images or self.images(), spec.image)
        except LookupError as error:
            raise BadRequest(str(error.args[0]), "bad_image") from None
        uid, gid = self.users.of(spec.number)
        spec = spec.with_argv(command_line(spec, image))
        return Prepared(spec, image, uid, gid)

    def make_folder(self, path: Path, prepared: Prepared) -> list[int]:
        """Make a console's folder and home; the FIFOs, open, ``in`` first.

        :raises OSError: when they cannot be made.
        :raises NoSandbox: when the home cannot be opened.
        """
        spec = prepared.spec
        self.homes.open(spec.number, spec.limits)
        self.figures.begin(spec.console, spec.number, spec.network.mode)
        os.mkdir(path, 0o700)
        Folder(path).write(SPEC, prepared.spec.to_json())
        fifos = []
        for name in (FIFO_IN, FIFO_OUT):
            os.mkfifo(path / name, 0o600)
            if prepared.uid is not None and prepared.gid is not None:
                os.chown(path / name, prepared.uid, prepared.gid)
            fifos.append(os.open(path / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW))
        if prepared.uid is not None:
            os.chown(path, prepared.uid, self.users.hub_gid)
        os.chmod(path, 0o2750)
        return fifos

    def start(self, prepared: Prepared, stdin_fd: int, stdout_fd: int) -> Started:
        """Start the sandbox; :raises LaunchError: when there is none."""
        spec = prepared.spec
        launch = self._backend.prepare(
            SandboxSpec(
                console=spec.console,
                hostname=spec.console,
                uid=prepared.uid,
                gid=prepared.gid,
                home=str(self.homes.path(spec.number)),
                image=prepared.image,
                argv=spec.argv,
                env={"TERMHUB_CONSOLE": spec.console, **spec.env},
                cols=spec.cols,
                rows=spec.rows,
                limits=spec.limits,
                network=spec.network,
                stdin_fd=stdin_fd,
                stdout_fd=stdout_fd,
            )
        )
        started = Started(start(launch))
        self.figures.started(spec.console, started.sandbox.pid, started.sandbox.start_time)
        return started

    def check(self) -> list[str]:
        """What is missing for a sandbox, each with what installs it."""
        if self._missing is None or self._missing:
            self._missing = self._backend.check()
        return self._missing

    def user_of(self, folder: Folder) -> tuple[int | None, int | None]:
        """uid and gid for the host of an existing console."""
        if not self.users.is_root:
            return None, None
        uid = folder.uid
        if uid <= self.users.uid_base - 1 or uid in (0, self.users.hub_uid):
            raise NoSandbox(f"{folder.path} belongs to uid {uid}, which is no console's")
        return uid, uid

    def owner_of(self, folder: Folder, spec: dict[str, Any]) -> int | None:
        """The number of a console's user; as root it is the folder that says it, not what is in it."""
        if self.users.is_root:
            return folder.uid - self.users.uid_base
        number = spec.get("number")
        return number if isinstance(number, int) else None

    def find(self, folder: Folder, record: dict[str, Any]) -> int | None:
        """A pidfd of the sandbox that a record names; None when it is gone.

        Only a process of the console's own user is taken for it, because that user may
        have written the record.
        """
        pid, started = record.get("pid"), record.get("start")
        if not isinstance(pid, int) or not isinstance(started, int):
            return None
        if record.get("boot") != processes.boot_id() or processes.real_uid(pid) != folder.uid:
            return None
        return processes.open_process(pid, started)

    def adopt(self, folder: Folder, spec: dict[str, Any]) -> None:
        """A console that an earlier launcher made, which may have been of a version without figures."""
        owner = self.owner_of(folder, spec)
        if self.figures.get(folder.console) is None and owner is not None:
            self.figures.begin(folder.console, owner, "none")

    def watched(self) -> list[int]:
        """The users whose homes are used now and not held by a volume."""
        return [owner for owner in self.figures.owners() if self.homes.usage(owner) is None]

    def home(self, owner: int) -> tuple[Path, int | None, int | None]:
        """A user's home, and the uid and gid it belongs to."""
        return (self.homes.path(owner), *self.users.of(owner))

    def abandon(self, console: str) -> None:
        """A console could not be made: it counts for nothing."""
        record = self.figures.get(console)
        self.figures.drop(console)
        if record is not None:
            self.homes.release(int(record["owner"]))

    def usage(self, console: str) -> Usage:
        """What a console uses and has used, as its figures say or as is read now."""
        record = self.figures.get(console) or {}
        if record.get("ended"):
            return {name: record.get(name) for name in (*COUNTERS, *GAUGES)}
        pid, start = record.get("pid"), record.get("start")
        now = groups.usage(console)
        if now["cpu_seconds"] is None and isinstance(pid, int) and isinstance(start, int):
            now = groups.usage_of_processes(pid, start)
        # Of another process, as after a restart of the machine, it would be the machine's own traffic.
        if record.get("network") == "full" and isinstance(pid, int) and processes.start_time(pid) == start:
            traffic = network.usage(pid)
            if traffic is not None:
                now["network_in"], now["network_out"] = traffic
        return self.figures.note(console, now)

    def kill(self, folder: Folder, pidfd: int | None) -> None:
        """End a sandbox at once, with everything in its group."""
        if self.figures.get(folder.console) is not None:
            self.usage(folder.console)  # what it has used of the network is known as long as it lives
        groups.kill(folder.console)
        if pidfd is not None:
            processes.kill(pidfd, processes.kill_signal(folder.read(SANDBOX) or {}))

    def clean(self, console: str) -> bool:
        """Keep what an ended console used, and remove what it leaves outside of its folder.

        :returns: False while processes of it are ending: try again.
        """
        if not groups.are_empty(console):
            return False
        record = self.figures.get(console)
        if record is not None:
            self.usage(console)
            self.figures.end(console)
            self.homes.release(int(record["owner"]))
        return groups.remove(console)
