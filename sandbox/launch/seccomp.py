"""The system calls a sandbox may make.

Two filters stand one behind the other, and the stricter answer counts.  The first
allows a list of calls and answers ENOSYS to all others, so that programs fall back as on
an older kernel.  The second refuses some arguments of calls the first allows; it compares
the 32 bits the kernel looks at, so that nothing slips by in the upper half.

Calls of a foreign architecture (i386, x32) end the process.
"""

from __future__ import annotations

import errno
import functools
import json
import os
from importlib import resources

# "allowed" follows the list of Debian's containers-common, without what only 32-bit
# programs call and without calls that reach beyond a sandbox.  "refused" gets EPERM, and
# everything in neither list (io_uring, clone3, …) ENOSYS.
_LISTS = json.loads(resources.files(__package__).joinpath("syscalls.json").read_text(encoding="utf-8"))
ALLOWED: list[str] = _LISTS["allowed"]
REFUSED: list[str] = _LISTS["refused"]

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _AF_MAX = 1, 2, 10, 16, 64
_SOCK_TYPE_MASK, _SOCK_RAW, _SOCK_PACKET = 0xF, 3, 10
_LOW = 0xFFFFFFFF
_NEW_NAMESPACES = (
    0x00000080,  # CLONE_NEWTIME
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
_TERMINAL_IOCTLS = (0x5412, 0x541C, 0x541D)  # TIOCSTI, TIOCLINUX, TIOCCONS
_PERSONALITIES = (0, 0x00040000, _LOW)  # Linux, without address randomisation (gdb), ask
_PR_SET_MM = 35
_AGENT = 1
# Calls that one process may use on another of its user, and where they name it.
_TUNING = {
    "ioprio_set": 1,
    "prlimit64": 0,
    "sched_setaffinity": 0,
    "sched_setattr": 0,
    "sched_setparam": 0,
    "sched_setscheduler": 0,
    "setpriority": 1,
}
_DEVICES = (0o020000, 0o060000)
_FORMAT_MASK = 0o170000


@functools.cache
def filters() -> tuple[bytes, ...]:
    """The filters as BPF programs of this machine's architecture.

    :raises RuntimeError: when libseccomp is not installed.
    """
    return (_allow_list(), _argument_list())


def _allow_list() -> bytes:
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    numbers = _numbers()
    for name in ALLOWED:
        if name in numbers:
            rules.add_rule(seccomp.ALLOW, numbers[name])
    for name in REFUSED:
        if name in numbers:
            rules.add_rule(seccomp.ERRNO(errno.EPERM), numbers[name])
    rules.add_rule(seccomp.ALLOW, numbers["clone"])
    for value in _PERSONALITIES:
        rules.add_rule(seccomp.ALLOW, numbers["personality"], seccomp.Arg(0, seccomp.EQ, value))
    for family in (_AF_UNIX, _AF_INET, _AF_INET6):
        rules.add_rule(seccomp.ALLOW, numbers["socket"], seccomp.Arg(0, seccomp.EQ, family))
    rules.add_rule(
        seccomp.ALLOW,
        numbers["socket"],
        seccomp.Arg(0, seccomp.EQ, _AF_NETLINK),
        seccomp.Arg(2, seccomp.EQ, 0),
    )
    rules.add_rule(seccomp.ALLOW, numbers["socketpair"], seccomp.Arg(0, seccomp.EQ, _AF_UNIX))
    refuse_family = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(_AF_MAX):
        if family not in (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK):
            rules.add_rule(refuse_family, numbers["socket"], seccomp.Arg(0, seccomp.EQ, family))
    return _export(rules)


def _argument_list() -> bytes:
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    refuse = seccomp.ERRNO(errno.EPERM)
    numbers = _numbers()

    def refuse_value(name: str, argument: int, mask: int, value: int) -> None:
        if name in numbers:
            rules.add_rule(refuse, numbers[name], seccomp.Arg(argument, seccomp.MASKED_EQ, mask, value))

    for flag in _NEW_NAMESPACES:
        refuse_value("clone", 0, flag, flag)
    for number in _TERMINAL_IOCTLS:
        refuse_value("ioctl", 1, _LOW, number)
    for name, argument in _TUNING.items():
        refuse_value(name, argument, _LOW, _AGENT)
    refuse_value("prctl", 0, _LOW, _PR_SET_MM)
    for kind in _DEVICES:
        refuse_value("mknod", 1, _FORMAT_MASK, kind)
        refuse_value("mknodat", 2, _FORMAT_MASK, kind)
    for family in (_AF_INET, _AF_INET6):
        for kind in (_SOCK_RAW, _SOCK_PACKET):
            rules.add_rule(
                refuse,
                numbers["socket"],
                seccomp.Arg(0, seccomp.MASKED_EQ, _LOW, family),
                seccomp.Arg(1, seccomp.MASKED_EQ, _SOCK_TYPE_MASK, kind),
            )
    return _export(rules)


@functools.cache
def _numbers() -> dict[str, int]:
    """The calls this architecture has, and libseccomp knows, by name."""
    import pyseccomp as seccomp

    special = ["clone", "personality", "socket", "socketpair"]
    found = {}
    for name in [*ALLOWED, *REFUSED, *special]:
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number is not None and 0 <= number < 1 << 31:
            found[name] = number
        elif number is None:  # ctypes gives None for call number 0
            found[name] = 0
    return found


def _export(rules: object) -> bytes:
    fd = os.memfd_create("seccomp")
    with os.fdopen(fd, "rb") as file:
        rules.export_bpf(file)  # type: ignore[attr-defined]
        file.seek(0)
        return file.read()
