"""The default backend: namespaces by bubblewrap, system calls filtered by seccomp.

bubblewrap runs as the console's own user, never as root: with root's uid it would leave
parts of ``/proc/sys`` writable whatever its flags.  Everything it is told is in
:func:`_arguments`; docs/sandbox.md says what each layer promises.
"""

from __future__ import annotations

import glob
import os
import pwd
import re
import resource
import shutil
import subprocess

from sandbox.limits import Group

from . import guest, inside, seccomp
from .model import Launch, LaunchError, MakeGroup, SandboxSpec

_OLDEST = (0, 8)
_NOBODY = 65534
_MEBIBYTE = 1 << 20
_INSTALL = "install it: apt-get install bubblewrap"

_READ_ONLY = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
# fmt: off
_HIDDEN_FILES = (
    "asound/cards", "cmdline", "config.gz", "crypto", "devices", "diskstats", "dma", "driver",
    "execdomains", "fb", "interrupts", "iomem", "ioports", "kallsyms", "kcore", "key-users", "keys",
    "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "locks", "misc", "modules", "mtrr",
    "partitions", "sched_debug", "schedstat", "slabinfo", "softirqs", "swaps", "sysrq-trigger",
    "timer_list", "timer_stats", "vmallocinfo", "zoneinfo",
)
# fmt: on
_HIDDEN_FOLDERS = ("/proc/acpi", "/proc/scsi", "/proc/asound")


class Bubblewrap:
    """Starts sandboxes with ``bwrap``.

    :param make_group: makes a control group for a console, or None where it cannot.
    :param bwrap: the program; None looks for it on PATH.
    """

    name = "bubblewrap"
    capabilities: frozenset[str] = frozenset()

    def __init__(self, make_group: MakeGroup | None = None, bwrap: str | None = None) -> None:
        self._make_group = make_group
        self._bwrap = bwrap or shutil.which("bwrap") or ""

    def check(self) -> list[str]:
        """What is missing, each with what installs or enables it."""
        if not self._bwrap:
            return [f"bubblewrap is not installed; {_INSTALL}"]
        version = self._version()
        if version is None:
            return [f"{self._bwrap} does not run; {_INSTALL}"]
        missing = []
        if version < _OLDEST:
            found = ".".join(map(str, version))
            missing.append(f"bubblewrap {found} is too old, 0.8 or newer is needed; {_INSTALL}")
        try:
            seccomp.filters()
        except (RuntimeError, ImportError, OSError) as error:
            missing.append(f"system calls cannot be filtered ({error}); apt-get install libseccomp2")
        return missing or self._try_namespaces()

    def _version(self) -> tuple[int, ...] | None:
        try:
            output = subprocess.run([self._bwrap, "--version"], capture_output=True, timeout=10).stdout
        except (OSError, subprocess.TimeoutExpired):
            return None
        found = re.search(rb"(\d+)\.(\d+)", output)
        return tuple(int(part) for part in found.groups()) if found else None

    def _try_namespaces(self) -> list[str]:
        """Run nothing in the namespaces a sandbox needs."""
        command = [self._bwrap, "--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000"]
        command += ["--gid", "1000", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--", "true"]
        is_root = os.geteuid() == 0
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                timeout=10,
                cwd="/",
                env={"PATH": os.defpath},
                user=_NOBODY if is_root else None,
                group=_NOBODY if is_root else None,
                extra_groups=() if is_root else None,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return [f"bubblewrap does not run: {error}"]
        if done.returncode == 0:
            return []
        said = done.stderr.decode(errors="replace").strip()
        return [f"bubblewrap cannot make a sandbox here ({said}); {_namespace_advice()}"]

    def prepare(self, spec: SandboxSpec) -> Launch:
        """Everything ready to start.

        :raises LaunchError: when bubblewrap is missing or the user is not a safe one.
        """
        if not self._bwrap:
            raise LaunchError(f"bubblewrap is not installed; {_INSTALL}")
        check_user(spec)
        for path in (spec.home, *spec.image.prefixes):
            if not os.path.isdir(path):
                raise LaunchError(f"{path}: no such folder")
        passed: list[int] = []
        gates: list[int] = []
        try:
            host = inside.hostname(spec.hostname)
            files = {
                path: _memory_file(text.encode(), passed)
                for path, text in inside.etc_files(host, spec.network).items()
            }
            programs = [_memory_file(program, passed) for program in _filters()]
            info_read, info_write = os.pipe()
            passed.append(info_write)
            gates += os.pipe()
            passed.append(gates[0])
            group = self._make_group(spec.console, spec.limits) if self._make_group else None
        except BaseException:
            for fd in {*passed, *gates}:
                os.close(fd)
            raise
        argv = _arguments(self._bwrap, spec, host, files, programs, info_write, gates[0])
        rlimits = {resource.RLIMIT_CORE: _core_limit(), resource.RLIMIT_NOFILE: spec.limits.open_files}
        rlimits.update(memory_rlimits(spec, group))
        return Launch(
            argv=tuple(argv),
            env={"PATH": os.defpath},
            stdin_fd=spec.stdin_fd,
            stdout_fd=spec.stdout_fd,
            pass_fds=tuple(passed),
            info_fd=info_read,
            rlimits=rlimits,
            uid=spec.uid,
            gid=spec.gid,
            cwd="/",
            group=group,
            isolation="bubblewrap: own namespaces, filtered system calls; " + describe_limits(group),
            network=spec.network,
            gate_fd=gates[1],
        )


def _arguments(
    bwrap: str, spec: SandboxSpec, host: str, files: dict[str, int], programs: list[int], info: int, gate: int
) -> list[str]:
    size = ["--size", str(_MEBIBYTE), "--tmpfs"]
    room = ["--size", str(spec.limits.tmp_bytes), "--tmpfs"]
    argv = [
        bwrap,
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    argv += ["--unshare-net", "--disable-userns", "--assert-userns-disabled"]
    argv += ["--uid", str(inside.UID), "--gid", str(inside.UID), "--hostname", host, "--cap-drop", "ALL"]
    argv += ["--new-session", "--as-pid-1", "--clearenv"]
    for name, value in inside.environment(spec).items():
        argv += ["--setenv", name, value]
    argv += _system_folders()
    for prefix in spec.image.prefixes:
        argv += ["--ro-bind", prefix, prefix]
    for name, folder in guest.code_folders().items():
        argv += ["--ro-bind", folder, f"{inside.AGENT_FOLDER}/{name}"]
    argv += ["--ro-bind", guest.modules_folder(), inside.MODULES_FOLDER]
    argv += [*size, "/etc"]
    for path, fd in files.items():
        argv += ["--ro-bind-data", str(fd), path]
    for path in inside.etc_paths():
        argv += ["--ro-bind-try", path, path]
    argv += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        *room,
        "/dev/shm",
        *room,
        "/tmp",
        *size,
        "/run",
        *size,
        "/home",
    ]
    argv += ["--perms", "0700", *size, inside.PRIVATE_FOLDER]
    argv += ["--bind", spec.home, inside.HOME]
    argv += _hidden()
    for path in ("/home", "/dev", "/run", "/etc", "/"):
        argv += ["--remount-ro", path]
    argv += ["--chdir", inside.HOME]
    for fd in programs:
        argv += ["--add-seccomp-fd", str(fd)]
    argv += ["--info-fd", str(info), "--block-fd", str(gate), "--"]
    return argv + guest.command(spec, guest.agent_python(spec), [inside.AGENT_FOLDER], inside.HOME)


def _system_folders() -> list[str]:
    argv = ["--ro-bind", "/usr", "/usr"]
    for path in ("/bin", "/sbin", *sorted(glob.glob("/lib*"))):
        if os.path.islink(path):
            argv += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            argv += ["--ro-bind", path, path]
    return argv


def _hidden() -> list[str]:
    """Cover what /proc still shows of the host."""
    argv: list[str] = []
    for path in _READ_ONLY:
        argv += ["--ro-bind-try", path, path]
    for name in _HIDDEN_FILES:
        if os.path.isfile(f"/proc/{name}"):
            argv += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    for path in _HIDDEN_FOLDERS:
        if os.path.isdir(path):
            argv += ["--size", "4096", "--tmpfs", path]
    return argv


def memory_rlimits(spec: SandboxSpec, group: Group | None) -> dict[int, int]:
    """What holds memory, for each process alone, where no control group does it for all."""
    return (
        {} if group is not None and group.limits_memory else {resource.RLIMIT_DATA: spec.limits.memory_bytes}
    )


def describe_limits(group: Group | None) -> str:
    """Words for what holds memory, processes and CPU."""
    words = group.describe() if group is not None else "no control groups"
    if group is None or not group.limits_memory:
        words += ", memory of each process and number of processes held by rlimits"
    return words


def _memory_file(data: bytes, opened: list[int]) -> int:
    fd = os.memfd_create("sandbox")
    opened.append(fd)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _filters() -> tuple[bytes, ...]:
    try:
        return seccomp.filters()
    except (RuntimeError, ImportError, OSError) as error:
        raise LaunchError(
            f"system calls cannot be filtered ({error}); install it: apt-get install libseccomp2"
        ) from error


def check_user(spec: SandboxSpec) -> None:
    """As root only a uid of nobody's will do; otherwise only our own."""
    if os.geteuid() != 0:
        if spec.uid not in (None, os.geteuid()) or spec.gid not in (None, os.getegid()):
            raise LaunchError("only root can start a sandbox as another user")
        return
    if spec.uid is None or spec.gid is None:
        raise LaunchError("as root a sandbox needs a user of its own")
    if spec.uid <= 0 or spec.gid <= 0:
        raise LaunchError("a sandbox never runs as root")
    try:
        owner = pwd.getpwuid(spec.uid).pw_name
    except KeyError:
        return
    raise LaunchError(f"user {spec.uid} is {owner!r} on this machine; a sandbox needs one of its own")


def _core_limit() -> int:
    """No core files; a core_pattern that is a pipe ignores 0, but not 1."""
    try:
        with open("/proc/sys/kernel/core_pattern", "rb") as file:
            return 1 if file.read(1) == b"|" else 0
    except OSError:
        return 0


def _namespace_advice() -> str:
    switches = {
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
        "/proc/sys/kernel/unprivileged_userns_clone": ("0", "1"),
        "/proc/sys/user/max_user_namespaces": ("0", "10000"),
    }
    for path, (bad, good) in switches.items():
        try:
            with open(path, encoding="ascii") as file:
                if file.read().strip() == bad:
                    name = path.removeprefix("/proc/sys/").replace("/", ".")
                    return f"allow user namespaces: sysctl -w {name}={good}"
        except OSError:
            continue
    return "user namespaces, mounts of /proc and a new PID namespace must be allowed here"
