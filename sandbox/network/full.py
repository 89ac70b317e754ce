"""A full network: a sandbox reaches every public address, and no other.

The sandbox gets one end of a cable.  The other end is in a *router*, a network namespace of its
own in which nothing runs: what its rules (:mod:`.rules`) let pass goes on to slirp4netns, which
makes the connections as an ordinary user's.  Routes in the sandbox itself would not do: a program
that binds a socket to an interface passes by them.

Three processes build it: the *keeper*, which becomes slirp4netns; the *builder*, which makes the
router; both children of a *helper* that waits for them and tells how it went.  slirp4netns ends when
nobody has the sandbox's end of the agent's FIFO open any more, and holds the router alive until
then; the launcher may come and go, also while they build.

Invariant: the sandbox gets its end of the cable up last, when every rule is in place; what fails
before leaves it without a network.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable

from . import namespaces, rules
from .addresses import Address, own_addresses
from .model import Network

CONNECT_SECONDS = 10
"""How long a network may take to be there.  In twice the time it is decided, whoever is killed."""

_ALONE_SECONDS = CONNECT_SECONDS + 2
_OPEN_FILES = 1024  # each connection of a sandbox is one of slirp4netns
_ERRORS_BYTES = 4096
_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
_TUN = "/dev/net/tun"
_ADVICE = {"slirp4netns": "slirp4netns", "ip": "iproute2", "tc": "iproute2"}

Join = Callable[[], None]


class NetworkError(Exception):
    """A sandbox has no network; the message says why."""


def check() -> list[str]:
    """What a full network needs and is missing here, each with what installs or enables it."""
    missing = [
        f"{program} is not installed; install it: apt-get install {package}"
        for program, package in _ADVICE.items()
        if _find(program) is None
    ]
    if not os.path.exists(_TUN):
        missing.append(f"there is no {_TUN}; load it: modprobe tun")
    elif os.stat(_TUN).st_mode & 0o006 != 0o006:
        missing.append(f"{_TUN} is not open to everybody; chmod 666 {_TUN}")
    if not os.access("/proc/sys/net/ipv4/ip_forward", os.F_OK):
        missing.append("/proc/sys/net is not there")
    return missing


class Connecting:
    """A full network that is being made, or taken away.

    :param fd: readable when :meth:`words` may know more.
    """

    def __init__(self, fd: int, helper: int) -> None:
        self.fd = fd
        self._helper = helper
        self._pidfd = os.pidfd_open(helper)
        self._said = b""
        self._is_over = False

    def words(self) -> str | None:
        """What it is, in words; None while that is not decided.

        :raises NetworkError: when it was not done, and why.
        """
        try:
            while data := os.read(self.fd, 4096):
                self._said += data
        except BlockingIOError:
            return None
        self._is_over = True
        words = self._said.decode(errors="replace") or "!what was to do it was killed"
        if words.startswith("!"):
            raise NetworkError(words[1:])
        return words

    def close(self) -> None:
        """Give back the descriptors; what is not there by now is made no more."""
        if not self._is_over:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                os.killpg(self._helper, signal.SIGKILL)  # it leads a group of all that it has started
        os.close(self.fd)
        os.close(self._pidfd)


def connect(
    network: Network, pid: int, fifo: int, uid: int | None, gid: int | None, join: Join
) -> Connecting:
    """Begin to give a sandbox a full network (it takes some 100 ms).

    The caller gets a child that ends soon and is to be collected.

    :param pid: the sandbox's first process.
    :param fifo: a descriptor of the FIFO that the sandbox holds open as long as it lives.
    :param uid: the sandbox's user; None: ours.
    :param join: called in the new processes, to put them into the sandbox's control group.
    :raises NetworkError: when there can be none, and why.
    """
    missing = check()
    if missing:
        raise NetworkError("; ".join(missing))
    return _begin(lambda told: _help(network, pid, fifo, uid, gid, join, keep=told))


def disconnect(pid: int, uid: int | None, gid: int | None) -> Connecting:
    """Begin to take the full network of a sandbox away (it takes some 20 ms); its figures stay.

    The caller gets a child that ends soon and is to be collected.

    :param pid: a process in the sandbox.
    :param uid: the sandbox's user; None: ours.
    :raises NetworkError: when there is no process for it.
    """
    return _begin(lambda told: _cut(pid, uid, gid, keep=told))


def _begin(work: Callable[[int], str]) -> Connecting:
    """Do ``work`` in a helper; :param work: gets what to keep open, and returns words."""
    report, told = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        helper = os.fork()
    except OSError as error:
        os.close(report)
        os.close(told)
        raise NetworkError(f"no process for it: {error}") from error
    if helper == 0:
        try:
            os.close(report)
            words = work(told)
        except BaseException as error:  # noqa: BLE001 - told to the parent; nothing may return from here
            words = f"!{error}"
        with contextlib.suppress(OSError):
            os.write(told, words.encode()[:2000])
        os._exit(0)
    os.close(told)
    try:
        return Connecting(report, helper)
    except OSError:
        os.kill(helper, signal.SIGKILL)
        os.close(report)
        raise


def is_connected(pid: int) -> bool:
    """Whether a sandbox has a full network, all of it; :param pid: a process in it."""
    try:
        with open(f"/proc/{pid}/net/route", encoding="ascii") as file:
            return any(line.split()[:2] == [rules.INSIDE, "00000000"] for line in file)
    except OSError:
        return False  # it has ended


def usage(pid: int) -> tuple[int, int] | None:
    """Bytes that a sandbox with a full network has received and sent since it began.

    :param pid: a process in it.
    :returns: None when it has none, or is gone.
    """
    try:
        with open(f"/proc/{pid}/net/dev", encoding="ascii") as file:
            for line in file:
                name, _, figures = line.partition(":")
                if name.strip() == rules.INSIDE:
                    counts = figures.split()
                    return int(counts[0]), int(counts[8])
    except OSError:
        pass  # it has ended
    return None


def _read(fd: int, seconds: float) -> str:
    """What comes through a pipe until its end, or in so many seconds."""
    deadline = time.monotonic() + seconds
    poll = select.poll()  # select(2) knows no descriptor above 1023
    poll.register(fd, select.POLLIN)
    said = b""
    while poll.poll(max(deadline - time.monotonic(), 0) * 1000):
        data = os.read(fd, 4096)
        if not data:
            return said.decode(errors="replace")
        said += data
    return ""


# -- the helper ------------------------------------------------------------------


def _help(
    network: Network, pid: int, fifo: int, uid: int | None, gid: int | None, join: Join, keep: int
) -> str:
    """Build all, in order; the result in words."""
    _leave_launcher()
    own = own_addresses()
    join()
    for kind, limit in ((resource.RLIMIT_NOFILE, _OPEN_FILES), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (least, least))
    # Opened again, for reading alone: with a writer of its own it would wait for itself.
    leave = os.open(f"/proc/self/fd/{fifo}", os.O_RDONLY | os.O_NONBLOCK)
    _close_others(keep, leave)
    inside = _administer(pid, uid, gid)
    us, builder = socket.socketpair()
    child = os.fork()
    if child == 0:
        us.close()
        _run(lambda: _build(network, pid, own, inside, builder), builder)
    builder.close()
    words, fds, _, _ = socket.recv_fds(us, 4096, 1)
    if not fds:
        raise NetworkError(words.decode(errors="replace")[1:] or "the router was not made")
    slirp = _start_slirp(fds[0], leave)
    try:
        us.send(b"tap")
        words = us.recv(4096)
        if not words or words.startswith(b"!"):
            raise NetworkError(words.decode(errors="replace")[1:] or "the router was not built")
    except BaseException:
        slirp.kill()
        raise
    slirp.returncode = 0  # it is to go on without us
    return words.decode()


def _cut(pid: int, uid: int | None, gid: int | None, keep: int) -> str:
    """Take the sandbox's end of the cable down: nothing in there may take it up again."""
    _leave_launcher()
    _close_others(keep)
    namespaces.enter(_administer(pid, uid, gid), namespaces.NEW_NET)
    _ip([f"link set dev {rules.INSIDE} down"])
    return "taken away"


def _leave_launcher() -> None:
    """Be a process of its own, which ends by itself."""
    signal.alarm(_ALONE_SECONDS)  # nobody may be there to end it
    os.setsid()
    for number in (
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGHUP,
        signal.SIGCHLD,
        signal.SIGPIPE,
        signal.SIGALRM,
    ):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def _administer(pid: int, uid: int | None, gid: int | None) -> int:
    """Become the administrator of a sandbox's namespaces, as its user; its network namespace.

    :raises NetworkError: when there is none.
    """
    if uid is not None and gid is not None and os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    inside, users = namespaces.of_process(pid)
    namespaces.enter(users, namespaces.NEW_USER)
    if os.geteuid() != 0:
        raise NetworkError("its user namespace has no administrator")
    return inside


def _close_others(*kept: int) -> None:
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in kept:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(fd)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.close(null)


def _run(function: Callable[[], str], tell: socket.socket) -> None:
    """Be a process that does one thing and tells how it went; never returns."""
    signal.alarm(_ALONE_SECONDS)
    try:
        words = function()
    except BaseException as error:  # noqa: BLE001 - told to the parent; nothing may return from here
        words = f"!{error}"
    with contextlib.suppress(OSError):
        tell.send(words.encode()[:2000])
    os._exit(0)


def _start_slirp(router: int, leave: int) -> subprocess.Popen[bytes]:
    """Start slirp4netns on a router, and wait until its tap is there.

    It has a mount namespace of its own without the machine's files, and filters its system calls.

    :param leave: it ends when nobody has this FIFO open for writing.
    """
    is_ready, ready = os.pipe()
    command = [
        _find("slirp4netns") or "",
        "--netns-type=path",
        f"--mtu={rules.MTU}",
        "--disable-host-loopback",
    ]
    command += ["--enable-sandbox", "--enable-seccomp", f"--cidr={rules.SUBNET_4}", "--enable-ipv6"]
    command += [f"--exit-fd={leave}", f"--ready-fd={ready}", f"/proc/self/fd/{router}", rules.TAP]
    # Of a size that stays: whatever programs make it say, it takes no more memory.
    errors = os.memfd_create("errors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(errors, _ERRORS_BYTES)
    fcntl.fcntl(errors, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    slirp = subprocess.Popen(
        command, pass_fds=(router, leave, ready), stdout=errors, stderr=errors, env={"PATH": _PATH}, cwd="/"
    )
    os.close(ready)
    if _read(is_ready, CONNECT_SECONDS) != "1":
        slirp.kill()
        said = os.pread(errors, 2000, 0).decode(errors="replace").strip("\0\n").splitlines()
        raise NetworkError(f"slirp4netns does not begin: {said[-1] if said else 'it says nothing'}")
    os.close(is_ready)
    os.close(errors)
    return slirp


# -- the builder -----------------------------------------------------------------


def _build(network: Network, pid: int, own: Iterable[Address], inside: int, tell: socket.socket) -> str:
    """Make the router, and put it in order once slirp4netns has its tap in there."""
    own = tuple(own)
    namespaces.leave(namespaces.NEW_NET)
    router = os.open("/proc/self/ns/net", os.O_RDONLY)
    socket.send_fds(tell, [b"router"], [router])
    if not tell.recv(16):
        raise NetworkError("there is no slirp4netns")
    _set(rules.SYSCTLS)
    _ip(rules.link(pid))
    _ip(rules.router_4(own), "-4")
    words = ["public network"]
    has_6 = True
    try:
        _set(rules.SYSCTLS_6)
        _ip(rules.router_6(own), "-6")
    except (OSError, NetworkError):
        has_6 = False
        words.append("IPv4 alone")
    if network.kbits is not None:
        try:
            _batch("tc", rules.rate(network.kbits))
            words.append(f"at most {network.kbits} kbit/s")
        except NetworkError:
            words.append("its rate not limited: this kernel has no tbf")
    namespaces.enter(inside, namespaces.NEW_NET)
    if has_6:
        _ip(["link set dev " + rules.INSIDE + " up"])
        _ip(rules.inside_6(), "-6")
    _ip(rules.inside_4(), "-4")
    return ", ".join(words)


def _set(values: dict[str, str]) -> None:
    for name, value in values.items():
        with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(value)


def _ip(commands: list[str], *options: str) -> None:
    _batch("ip", commands, *options)


def _batch(program: str, commands: list[str], *options: str) -> None:
    """Run commands of iproute2, all or none of what follows from them."""
    done = subprocess.run(
        [_find(program) or program, *options, "-batch", "-"],
        input="\n".join(commands).encode() + b"\n",
        capture_output=True,
        timeout=CONNECT_SECONDS,
        env={"PATH": _PATH},
        cwd="/",
    )
    if done.returncode:
        raise NetworkError(f"{program}: {done.stderr.decode(errors='replace').strip()[:300]}")


def _find(program: str) -> str | None:
    return shutil.which(program, path=_PATH)
