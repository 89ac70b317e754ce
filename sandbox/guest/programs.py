"""Programs on their own terminal or on pipes: start one, signal it, hang it up.

:func:`start` makes a session with a new PTY as its controlling terminal, and
:func:`start_on_pipes` one without any; the program gets default signals, an empty
signal mask and the sandbox's limits.
"""

from __future__ import annotations

import os
import resource
import termios

from .lean import PtyProcess, signal, signal_names, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

_LIMITS = {
    "processes": resource.RLIMIT_NPROC,
    "open_files": resource.RLIMIT_NOFILE,
    "file_bytes": resource.RLIMIT_FSIZE,
}
_OOM_SCORE = b"500"
_REPORT_BYTES = 4096
_IUTF8 = 0o040000  # <asm-generic/termbits.h>; Python's termios does not name it
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36


class StartError(Exception):
    """A program cannot be started; ``status`` is what a shell would exit with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def start(
    argv: List[str], env: Dict[str, str], cwd: str, cols: int, rows: int, limits: Dict[str, int]
) -> Tuple[int, int]:
    """``(pid, fd)`` of a new program and the master side of its terminal, non-blocking.

    :param limits: any of ``processes``, ``open_files``, ``file_bytes``.
    :raises StartError: when there is no such program or it cannot be executed.
    """
    path = _path(argv, env)

    def prepare() -> None:
        _expect_utf8()
        _prepare(limits, cwd)

    here = os.getpid()
    report = os.pipe()  # the numbers that ptyprocess's own pipe is going to have
    for fd in report:
        os.close(fd)
    try:
        process = _Process.spawn([path, *argv[1:]], env=env, preexec_fn=prepare, dimensions=(rows, cols))
    except BaseException as error:
        if os.getpid() != here:  # the child, which must never go on as a second agent
            os._exit(126)
        if not isinstance(error, Exception):
            raise
        for fd in report:  # left open when the fork itself failed
            try:
                os.close(fd)
            except OSError:
                pass
        error.__traceback__ = None  # ptyprocess's frame in it would keep the terminal open
        raise StartError("%s: %s" % (argv[0], error), 126) from None
    fd = process.take()
    os.set_blocking(fd, False)
    return process.pid, fd


def start_on_pipes(
    argv: List[str], env: Dict[str, str], cwd: str, limits: Dict[str, int]
) -> Tuple[int, int, int, int]:
    """``(pid, stdin, stdout, stderr)`` of a new program and our ends of its pipes, non-blocking.

    :param limits: any of ``processes``, ``open_files``, ``file_bytes``.
    :raises StartError: when there is no such program or it cannot be executed.
    """
    path = _path(argv, env)
    ours: List[int] = []
    theirs: List[int] = []
    try:
        for number in range(4):  # the fourth reports what kept the program from being executed
            reading, writing = os.pipe()
            ours.append(reading if number else writing)
            theirs.append(writing if number else reading)
        pid = os.fork()
        if pid == 0:
            _execute(theirs, path, argv, env, cwd, limits)
        while theirs:
            os.close(theirs.pop())
        problem = os.read(ours[3], _REPORT_BYTES)
        os.close(ours.pop())
        if problem:
            raise OSError(problem.decode("utf-8", "replace"))
    except OSError as error:
        for fd in ours + theirs:
            os.close(fd)
        raise StartError("%s: %s" % (argv[0], error), 126) from None
    for fd in ours:
        os.set_blocking(fd, False)
    return pid, ours[0], ours[1], ours[2]


def _execute(
    pipes: List[int], path: str, argv: List[str], env: Dict[str, str], cwd: str, limits: Dict[str, int]
) -> None:
    """Become the program, in a child that must never go on as a second agent."""
    report = 3
    try:
        os.setsid()
        for number, fd in enumerate(pipes[:3]):
            os.dup2(fd, number)
        os.dup2(pipes[3], report, inheritable=False)
        for fd in map(int, os.listdir("/proc/self/fd")):
            if fd > report:
                try:
                    os.close(fd)
                except OSError:
                    pass  # the one the list was read from
        _prepare(limits, cwd)
        # A file that becomes too large is an error for whoever serves it, not its end.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        os.execve(path, argv, env)
    except (OSError, ValueError) as error:
        os.write(report, str(error).encode("utf-8", "replace")[:_REPORT_BYTES])
    finally:
        os._exit(126)


def _path(argv: List[str], env: Dict[str, str]) -> str:
    path = which(argv[0], path=env.get("PATH", os.defpath))
    if path is None:
        raise StartError("%s: command not found" % argv[0], 127)
    return path


def _prepare(limits: Dict[str, int], cwd: str) -> None:
    """In a new child: signals, limits and folder as a program expects them."""
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for name, limit in limits.items():
        lower_limit(_LIMITS[name], limit)
    _offer_to_oom_killer()
    os.chdir(cwd)


class _Process(PtyProcess):  # type: ignore[misc]
    """ptyprocess without its buffers, and without its waiting when it is let go."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self.fd: Optional[int] = fd
        self.closed = True

    def take(self) -> int:
        """The master side of the terminal, which is now the caller's to close."""
        fd, self.fd = self.fd, None
        assert fd is not None
        return fd

    def __del__(self) -> None:
        if self.fd is not None:
            os.close(self.fd)


def _expect_utf8() -> None:
    """Let the terminal's own line editing erase a whole character, not a byte of it."""
    attributes = termios.tcgetattr(0)
    attributes[0] |= _IUTF8
    termios.tcsetattr(0, termios.TCSANOW, attributes)


def _offer_to_oom_killer() -> None:
    """When memory runs out, end a program and not the agent."""
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, _OOM_SCORE)
        os.close(fd)
    except OSError:
        pass  # then size alone decides, and the agent is small


def lower_limit(kind: int, limit: int) -> None:
    """Set the soft and hard limit of this process, never above what it has."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(kind, (limit, limit))


def exit_value(status: int) -> Dict[str, Any]:
    """``{"code": 0}`` or ``{"signal": "SIGKILL"}`` for a status of waitpid(2)."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        names = [name for name, value in signal_names().items() if value == number]
        return {"signal": min(names, key=_preference) if names else "SIG%d" % number}
    return {"code": os.WEXITSTATUS(status)}


def signal_number(name: object) -> int:
    """The number of a signal such as ``SIGINT``; :raises ValueError: unknown."""
    number = signal_names().get(name) if isinstance(name, str) else None
    if number is None:
        raise ValueError("no signal %r" % (name,))
    return number


def _preference(name: str) -> bool:
    return name in ("SIGCLD", "SIGPOLL", "SIGIOT")  # older names of others


def signal_foreground(fd: int, pid: int, number: int) -> None:
    """Signal the foreground process group of a terminal, or else its program's group."""
    try:
        group = os.tcgetpgrp(fd)
    except OSError:
        group = 0
    try:
        os.killpg(group if group > 1 else pid, number)
    except ProcessLookupError:
        pass


def processes() -> List[Tuple[int, int, int]]:
    """``(pid, parent, session)`` of every process here."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            found.append((int(name), int(fields[1]), int(fields[3])))
    return found


def kill_session(session: int, number: int) -> None:
    """Signal every process of a session."""
    for pid, _, of in processes():
        if of == session and pid != os.getpid():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def kill_descendants() -> None:
    """SIGKILL everything below this process."""
    found = processes()
    family = {os.getpid()}
    while True:
        children = {pid for pid, parent, _ in found if parent in family} - family
        if not children:
            break
        family |= children
    for pid in family - {os.getpid()}:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def protect() -> None:
    """Keep the sandbox's programs out of this process: no ptrace, no /proc/PID/mem.

    Also adopts orphans where this process is not PID 1.

    :raises OSError: when the kernel refuses.
    """
    wanted = [(_PR_SET_DUMPABLE, 0)]
    if os.getpid() != 1:
        wanted.append((_PR_SET_CHILD_SUBREAPER, 1))
    for option, value in wanted:
        if _prctl(option, value) != 0:
            raise OSError("prctl(%d) failed" % option)


def _prctl(option: int, value: int) -> int:
    # The C part of ctypes alone loads several milliseconds faster than ctypes.
    try:
        import _ctypes

        library = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
        function = _ctypes.dlsym(library, "prctl")
        return int(_ctypes.call_function(function, (option, value, 0, 0, 0)))
    except (ImportError, AttributeError, TypeError):
        import ctypes

        return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0))
