"""For every limit, what holds it on this machine, in words; and where nothing does, what helps."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from . import places
from .hierarchy import read_file

_CAP_SYS_RESOURCE = 24

_GROUPS = {
    "memory": ("memory", "memory of all programs of a console together"),
    "processes": ("pids", "processes and threads of a console"),
    "cpu": ("cpu", "quota of a console, lowered and raised while it runs"),
    "cpu_weight": ("cpu", "share where CPU time is short"),
    "usage": ("cpuacct", "CPU time, memory and processes read from the kernel"),
}
_WITHOUT_GROUPS = {
    "memory": "rlimit of each process; many together can use more",
    "processes": "rlimit inside the sandbox",
    "usage": "CPU time and memory of the processes there are, now and then; a program can use more unseen",
}


@attrs.frozen
class Mean:
    """What holds one limit.

    :param by: in words.
    :param enforced: whether a hostile program is held to it.
    :param advice: what to do where it is not; None where nothing is to be done.
    """

    name: str
    by: str
    enforced: bool
    advice: str | None


def means(
    *, is_root: bool, is_confined: bool, volumes: str | None, full_network: Sequence[str]
) -> list[Mean]:
    """What holds each limit here.

    :param is_root: whether sandboxes are started as root.
    :param is_confined: whether programs run in a sandbox.
    :param volumes: what keeps homes from being volumes; None when they are.
    :param full_network: what a public network lacks, each with what installs it.
    """
    found = [_group(name, is_root, is_confined) for name in _GROUPS]
    found += _home(volumes)
    found += [
        Mean("file_bytes", "rlimit of each process", True, None),
        Mean("open_files", "rlimit of each process", True, None),
        _users(is_root, is_confined),
        *_network(is_confined, full_network),
    ]
    return found


def _group(name: str, is_root: bool, is_confined: bool) -> Mean:
    controller, words = _GROUPS[name]
    place = places.bases().get(controller)
    if place is not None:
        return Mean(name, f"control group (version {place[0]}): {words}", True, None)
    if is_root:
        advice = (
            "mount the control groups of this machine where termhub may write, version 2 with all controllers"
        )
    else:
        advice = (
            "run termhub as a service of systemd with Delegate=yes, or as root; "
            "for a try: systemd-run --user --scope -p Delegate=yes termhub up"
        )
    return Mean(name, _WITHOUT_GROUPS.get(name, "nothing"), name == "processes" and is_confined, advice)


def _home(volumes: str | None) -> list[Mean]:
    if volumes is None:
        words = "ext4 volume of the home; a home that was a plain folder before is only watched"
        advice = None
        if not _has_capability(_CAP_SYS_RESOURCE):
            words += "; it keeps the size it was made with"
            advice = "give the launcher CAP_SYS_RESOURCE, so that homes can grow with their plan"
        return [Mean("home_bytes", words, True, advice), Mean("home_files", words, True, advice)]
    words = f"counted now and then; homes are no volumes here: {volumes}"
    advice = "start termhub as root, with e2fsprogs and loop devices"
    return [Mean("home_bytes", words, False, advice), Mean("home_files", words, False, advice)]


def _has_capability(number: int) -> bool:
    line = next(
        (line for line in read_file("/proc/self/status").splitlines() if line.startswith("CapEff")), ""
    )
    return bool(int(line.partition(":")[2].strip() or "0", 16) >> number & 1)


def _users(is_root: bool, is_confined: bool) -> Mean:
    if is_root:
        return Mean("users", "a uid of its own for each user", True, None)
    advice = "start termhub as root"
    if is_confined:
        words = "one uid for all users, whom their sandboxes' namespaces keep apart"
        return Mean("users", words, True, advice + " to have a uid for each user too")
    return Mean("users", "nothing: programs of all users run with termhub's own rights", False, advice)


def _network(is_confined: bool, full: Sequence[str]) -> list[Mean]:
    if not is_confined:
        words = "nothing: programs have the network of this machine"
        advice = "run termhub without --insecure-no-sandbox"
        return [Mean(name, words, False, advice) for name in ("network_allowlist", "network_full")]
    allowlist = Mean("network_allowlist", "a network namespace without a way out but the proxy", True, None)
    if full:
        return [
            allowlist,
            Mean("network_full", "nothing: such consoles have no network", False, "; ".join(full)),
        ]
    words = "slirp4netns behind a router of its own, which lets public addresses pass"
    return [allowlist, Mean("network_full", words, True, None)]
