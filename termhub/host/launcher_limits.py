"""The launcher's operations on limits and use: ``limit``, ``home_limit``, ``usage``, ``counted``,
``means``, ``forget_user``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import asdict

from sandbox import network
from sandbox.guest.loop import Loop
from sandbox.limits.means import means
from termhub.errors import BadRequest, TermhubError
from termhub.host import groups, processes
from termhub.host.folder import CONSOLE_ID, SANDBOX
from termhub.host.home_watch import HomeWatch
from termhub.host.launcher import log
from termhub.host.launcher_socket import Operation, Reply, after_of, console_of
from termhub.host.sandboxes import Sandboxes
from termhub.host.specs import MAX_NUMBER, is_integer, parse_limits
from termhub.host.supervised import Done, Supervised
from termhub.host.supervisor import Supervisor

FORGET_SECONDS = 3.0
"""How long a home that is to be deleted may still be held."""

FORGET_POLL_SECONDS = 0.05
USAGE_AT_ONCE = 100
"""Consoles in one reply: all consoles wait while they are read (0.3 ms each)."""
_NETWORK = "network"
_KEPT = TermhubError("a sandbox keeps the kind that it began with", "kept")


class LimitOperations:
    """What the hub asks about limits."""

    def __init__(self, loop: Loop, supervisor: Supervisor, sandboxes: Sandboxes, watch: HomeWatch) -> None:
        self._loop = loop
        self._supervisor = supervisor
        self._sandboxes = sandboxes
        self._watch = watch
        self.operations: dict[str, Operation] = {
            "limit": self._limit,
            "home_limit": self._home_limit,
            "usage": self._usage,
            "counted": self._counted,
            "means": self._means,
            "forget_user": self._forget_user,
        }
        self._delete(sandboxes.homes.gone(), lambda: None)

    def _limit(self, request: dict[str, Any], reply: Reply) -> None:
        """Change limits of a running console, and its network; what is not named stays."""
        console, wanted, mode = console_of(request), request.get("limits"), request.get("network")
        limits = parse_limits(wanted)
        names = sorted(wanted or ())
        if mode is not None and mode not in network.MODES:
            raise BadRequest(f"there is no network {mode!r:.50}; there are: {', '.join(network.MODES)}")
        entry = self._supervisor.running(console)
        record = entry.folder.read(SANDBOX) or {}
        refused = groups.change(console, limits, names, _not_programs(record.get("pid")))

        def done(why: TermhubError | None) -> None:
            if why is not None:
                refused[_NETWORK] = why.message
            named = [*names, _NETWORK] if mode is not None else names
            applied = [name for name in named if name not in refused]
            reply(applied=applied, refused=refused, isolation=entry.folder.isolation())

        if mode is None:
            done(None)
        else:
            self._change_network(entry, str(mode), done)

    def _change_network(self, entry: Supervised, mode: str, done: Done) -> None:
        """A full network can be taken away, and nothing be given; a list is asked each time."""
        figures = self._sandboxes.figures.get(entry.folder.console) or {}
        began, pid, start = figures.get("network"), figures.get("pid"), figures.get("start")
        if began == "full" and mode != "full":
            if not isinstance(pid, int) or processes.start_time(pid) != start:
                done(None)  # it has ended
                return
            uid, gid = self._sandboxes.user_of(entry.folder)
            self._supervisor.networks.disconnect(
                entry, pid, uid, gid, done if mode == "none" else lambda why: done(why or _KEPT)
            )
        elif mode == "none" or (mode == began and (mode != "full" or network.is_connected(int(pid or 0)))):
            done(None)
        else:
            done(_KEPT)

    def _home_limit(self, request: dict[str, Any], reply: Reply) -> None:
        size, files = (_limit_or_none(request, name) for name in ("bytes", "files"))
        why = self._sandboxes.homes.limit(_number(request), size, files)
        reply(applied=why is None, why=why)

    def _usage(self, request: dict[str, Any], reply: Reply) -> None:
        """What consoles use, by their ids, and their users' homes."""
        figures = self._sandboxes.figures
        names, following = figures.page(after_of(request), USAGE_AT_ONCE)
        consoles, owners = [], set()
        for console in names:
            record = figures.get(console) or {}
            owner, has_ended = record.get("owner"), bool(record.get("ended"))
            usage = self._sandboxes.usage(console)
            consoles.append({"console": console, "owner": owner, **usage, "ended": has_ended})
            if not has_ended and isinstance(owner, int):
                owners.add(owner)
        homes = [home for home in map(self._home, sorted(owners)) if home is not None]
        reply(consoles=consoles, homes=homes, after=following)

    def _home(self, owner: int) -> dict[str, Any] | None:
        """What is in a home; its limits are None where nothing holds it."""
        held = self._sandboxes.homes.usage(owner)
        if held is not None:
            return {"owner": owner, **asdict(held)}
        counted = self._watch.get(owner)
        if counted is None:
            return None
        none = {"limit_bytes": None, "limit_files": None}
        return {"owner": owner, "bytes": counted.bytes, "files": counted.files, **none}

    def _counted(self, request: dict[str, Any], reply: Reply) -> None:
        consoles = request.get("consoles")
        if not isinstance(consoles, list) or not all(
            isinstance(each, str) and CONSOLE_ID.fullmatch(each) for each in consoles
        ):
            raise BadRequest("consoles is a list of ids of consoles")
        self._sandboxes.figures.counted(consoles)
        reply()

    def _means(self, request: dict[str, Any], reply: Reply) -> None:
        found = means(
            is_root=self._sandboxes.users.is_root,
            is_confined=self._sandboxes.is_confined,
            volumes=self._sandboxes.homes.missing(),
            full_network=network.check(),
        )
        reply(means=[asdict(each) for each in found])

    def _forget_user(self, request: dict[str, Any], reply: Reply) -> None:
        self._forget(_number(request), reply, self._loop.now() + FORGET_SECONDS)

    def _forget(self, number: int, reply: Reply, until: float) -> None:
        """Delete a home as soon as the last processes of consoles that have ended let go of it."""
        try:
            paths = self._sandboxes.homes.forget(number)
        except BadRequest as error:
            if self._loop.now() >= until:
                reply(error)
            else:
                self._loop.call_later(FORGET_POLL_SECONDS, self._forget, number, reply, until)
        except OSError as error:
            reply(TermhubError(f"the home cannot be deleted: {error}", "not_deleted"))
        else:
            self._delete(paths, reply)

    def _delete(self, paths: list[Path], done: Callable[[], None]) -> None:
        """Delete what may be large, without waiting for it."""
        if not paths:
            done()
            return
        command = ["rm", "-rf", "--", *map(str, paths)]
        try:
            pidfd = os.pidfd_open(os.posix_spawnp("rm", command, {"PATH": os.defpath}))
        except OSError as error:
            log(f"{paths[0]} and {len(paths) - 1} more are not deleted: {error}")
            done()
            return

        def ended() -> None:
            self._loop.forget(pidfd)
            os.close(pidfd)
            done()

        self._loop.reader(pidfd, ended)


def _number(request: dict[str, Any]) -> int:
    number = request.get("number")
    if not isinstance(number, int) or not is_integer(number, 0, MAX_NUMBER):
        raise BadRequest("number is a user's number")
    return number


def _limit_or_none(request: dict[str, Any], name: str) -> int | None:
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or not is_integer(value, 1, 1 << 50):
        raise BadRequest(f"{name} is a number above 0, or null")
    return value


def _not_programs(agent: Any) -> set[int]:
    """The agent, and the bubblewrap that waits for it."""
    if not isinstance(agent, int):
        return set()
    try:
        with open(f"/proc/{agent}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return {agent}
    return {agent, parent}
