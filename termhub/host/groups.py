"""A console's control groups: one of its sandbox, one of its host.

What both use of the CPU is the console's; what its programs may use is changed here while
they run.
"""

from __future__ import annotations

import resource
from collections.abc import Collection

from attrs import asdict

from sandbox.limits import HOSTS, Group, Limits, find, host_limits, make, proc
from sandbox.limits.controllers import OWN_PROCESSES
from termhub.host.figures import Usage

_RLIMITS = {
    "processes": resource.RLIMIT_NPROC,
    "open_files": resource.RLIMIT_NOFILE,
    "file_bytes": resource.RLIMIT_FSIZE,
}
_AT_START = "it is set when a console starts; new ones have it"
_NO_GROUP = "no control group holds it here; new consoles have it as far as rlimits can hold it"
_IN_USE = "more than that is in use now; end something in the console and try again"
_ONLY_LOWER = (
    "programs that run keep the lower one, only root with CAP_SYS_RESOURCE can raise it; new consoles have it"
)


def host_group(console: str, limits: Limits | None = None) -> Group | None:
    """The group of a console's host, made where there is none; None where we may not make any.

    :param limits: the console's, where they are known.
    """
    return find(console, HOSTS) or make(console, host_limits(limits or Limits()), HOSTS)


def usage(console: str) -> Usage:
    """What a console uses and has used; None where nothing counts it."""
    group, host = find(console), find(console, HOSTS)
    programs = group.usage() if group is not None else None
    cpu = [each.cpu_seconds for each in (programs, host.usage() if host else None) if each is not None]
    counted = [seconds for seconds in cpu if seconds is not None]
    if programs is None:
        return {"cpu_seconds": sum(counted) if counted else None}
    return {
        "cpu_seconds": sum(counted) if counted else None,
        "memory_bytes": programs.memory_bytes,
        "processes": None if programs.processes is None else max(programs.processes - OWN_PROCESSES, 0),
        "oom_kills": programs.oom_kills,
    }


def usage_of_processes(pid: int, start_time: int) -> Usage:
    """The same where there is no control group: of the sandbox's processes, which are still there.

    :param pid: of its agent.
    :param start_time: of it, in clock ticks since boot.
    """
    found = proc.usage(pid, start_time)
    return {"cpu_seconds": None} if found is None else asdict(found)


def kill(console: str) -> None:
    """End everything in a console's sandbox."""
    group = find(console)
    if group is not None:
        group.kill()


def are_empty(console: str) -> bool:
    """Whether the last process of sandbox and host has gone; those of the sandbox are ended."""
    kill(console)
    groups = (find(console), find(console, HOSTS))
    return not any(group.pids() for group in groups if group is not None)


def remove(console: str) -> bool:
    """Remove both groups; False while something is in them."""
    groups = (find(console), find(console, HOSTS))
    return all(group.remove() for group in groups if group is not None)


def host_oom_kills(console: str) -> int:
    """How many hosts of a console were ended because they used too much memory."""
    group = find(console, HOSTS)
    return (group.usage().oom_kills or 0) if group is not None else 0


def change(console: str, limits: Limits, names: Collection[str], spared: Collection[int]) -> dict[str, str]:
    """Set limits of a running console.

    :param names: those of ``limits`` to set.
    :param spared: pids of the sandbox that are not its programs.
    :returns: why not, for each that was not set.
    """
    refused = {name: _AT_START for name in names if name == "tmp_bytes"}
    refused.update({name: "it is the home's, not a console's" for name in names if name.startswith("home_")})
    group = find(console)
    for name in [name for name in names if name not in refused]:
        why = _change(group, limits, name, spared)
        if why is not None:
            refused[name] = why
    host = find(console, HOSTS)
    if host is not None and "cpu_percent" in names:
        host.apply(host_limits(limits), {"cpu_percent"})
    return refused


def _change(group: Group | None, limits: Limits, name: str, spared: Collection[int]) -> str | None:
    if group is None or (name not in _RLIMITS and name not in group.holds()):
        return _NO_GROUP
    try:
        if name == "memory_bytes":
            return None if group.change_memory(limits) else _IN_USE
        if name in _RLIMITS and not _lowers_processes(group, limits, name):
            _set_rlimit(group, _RLIMITS[name], getattr(limits, name), spared)
        group.apply(limits, {name})
    except PermissionError:
        return _ONLY_LOWER
    except OSError as error:
        return f"the kernel refuses it: {error}"
    return None


def _lowers_processes(group: Group, limits: Limits, name: str) -> bool:
    """Whether the group alone holds them to it: the rlimit inside is the higher one then."""
    highest = group.process_limit()
    return name == "processes" and highest is not None and limits.processes + OWN_PROCESSES <= highest


def _set_rlimit(group: Group, kind: int, limit: int, spared: Collection[int]) -> None:
    """Set an rlimit of every program that runs; :raises PermissionError: where that needs root."""
    done: set[int] = set(spared)
    while pids := group.pids() - done:  # again for what was forked meanwhile
        for pid in pids:
            try:
                resource.prlimit(pid, kind, (limit, limit))
            except ProcessLookupError:
                pass  # it has ended
        done |= pids
