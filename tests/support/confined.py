"""``python -m tests.support.confined UNIT COMMAND…``: run a command with what a unit of systemd leaves it.

As root, without systemd: capabilities, system calls, address families, namespaces, memory and a
read-only system, as far as the kernel can be asked for them directly.
"""

from __future__ import annotations

import configparser
import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pyseccomp

from sandbox import mounts
from sandbox.launch import expose

_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 24, 38, 65
_NAMESPACES = 0x7E020000
_CAPABILITIES = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_NET_BIND_SERVICE": 10,
}


class _Many(dict):  # type: ignore[type-arg]
    """A setting that is given more than once has all its values."""

    def __setitem__(self, key: object, value: object) -> None:
        if isinstance(value, list) and isinstance(self.get(key), list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


def settings(unit: Path) -> dict[str, list[str]]:
    """The words of each setting of a unit's section Service."""
    parser = configparser.RawConfigParser(strict=False, dict_type=_Many)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return {name: value.split() for name, value in parser["Service"].items()}


def calls(word: str) -> set[str]:
    """The system calls that a word of SystemCallFilter means."""
    if not word.startswith("@"):
        return {word}
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True
    ).stdout
    words = [line.strip() for line in said.splitlines()[1:] if line.strip() and "#" not in line]
    return {call for each in words for call in calls(each)}


def confine(unit: Path) -> None:
    """Give up what the unit takes away."""
    given = settings(unit)
    if given.get("ProtectSystem") == ["strict"]:
        _protect([os.environ["STATE_DIRECTORY"]])
    libc = ctypes.CDLL(None, use_errno=True)
    kept = {_CAPABILITIES[name] for name in given["CapabilityBoundingSet"]}
    for number in range(64):
        if number not in kept:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    _keep_capabilities(libc, kept)
    if given.get("NoNewPrivileges") == ["yes"]:
        assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if given.get("MemoryDenyWriteExecute") == ["yes"]:
        libc.prctl(_PR_SET_MDWE, 1, 0, 0, 0)  # from Linux 6.3 on
    _filter(given)


def _protect(writable: list[str]) -> None:
    mounts.unshare()
    mounts.mount("none", "/", None, mounts.REC | mounts.SLAVE, None)
    for path in writable:
        mounts.mount(path, path, None, mounts.BIND, None)
    subprocess.run(["mount", "-o", "remount,bind,ro", "/"], check=True)


def _keep_capabilities(libc: ctypes.CDLL, kept: set[int]) -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    low = sum(1 << number for number in kept if number < 32)
    high = sum(1 << (number - 32) for number in kept if number >= 32)
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    assert libc.capset(header, data) == 0, os.strerror(ctypes.get_errno())


def _filter(given: dict[str, list[str]]) -> None:
    allowed: set[str] = set()
    removed: set[str] = set()
    into = allowed
    for word in given["SystemCallFilter"]:
        if word.startswith("~"):
            into, word = removed, word[1:]
        into |= calls(word)
    allowed |= calls("@default") | {"execve", "exit", "exit_group"}
    refused = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    special = {"socket", "unshare", "setns"}
    for call in allowed - removed - special:
        try:
            refused.add_rule(pyseccomp.ALLOW, call)
        except (OSError, ValueError, RuntimeError):
            continue  # of another architecture
    for family in given["RestrictAddressFamilies"]:
        number = int(getattr(socket, family))
        refused.add_rule(pyseccomp.ALLOW, "socket", pyseccomp.Arg(0, pyseccomp.EQ, number))
    if given.get("RestrictNamespaces") == ["yes"]:
        refused.add_rule(pyseccomp.ALLOW, "unshare", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _NAMESPACES, 0))
    refused.load()


if __name__ == "__main__":
    # Where a unit's program is installed, everybody can read it; a checkout may be in a closed folder.
    expose([sys.prefix, sys.base_prefix, str(Path(__file__).parents[2])])
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
