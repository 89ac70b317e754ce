"""The asking window's side: finds the program, asks it to be debugged, and is its terminal."""

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import time

from . import SIGNAL, folder, request_path
from .programs import Program, programs
from .wire import Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional

_AGAIN_SECONDS = 0.5  # between signals, until the program answers
_PATIENCE_SECONDS = 3.0  # before the person is told what it waits for
_END_SECONDS = 5.0  # for a program that has closed its end of the link
_RUNNING_SECONDS = 1.0  # before the person is told that a step takes its time
_TURN_SECONDS = 0.25
_INJECT_SECONDS = 20.0
_INJECT = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
# For a program that has none of us: loads us and installs the handler of the signal.
_INJECTED = """\
import importlib.util, sys
spec = importlib.util.spec_from_file_location("_termhub", {file!r}, submodule_search_locations=[{package!r}])
module = importlib.util.module_from_spec(spec)
sys.modules.setdefault("_termhub", module)
spec.loader.exec_module(module)
module.folder = {folder!r}
module.catch_signal()
"""
_HELP = "c lets the program go on, stop stops it, q or Ctrl-D leaves, threads lists its threads, h helps."


class DebugError(Exception):
    """A program cannot be debugged; the message says why and what helps."""


def debug(pid: "Optional[int]" = None) -> None:
    """Debug a running program of this console in this window, until the person leaves.

    :raises DebugError: when it cannot be.
    """
    if not folder:
        raise DebugError("this program does not run in a console of termhub")
    program = _choose() if pid is None else Program(pid)
    if program is None:
        return
    if program.pid == os.getpid():
        raise DebugError("a program cannot attach to itself; breakpoint() opens the debugger here")
    if not program.is_running:
        raise DebugError("there is no program %d" % program.pid)
    with _Only(program):
        link = _ask(program)
        try:
            print("Attached to %s" % program)
            print(_HELP)
            _Talk(link, program).run()
        finally:
            link.close()


def _choose() -> "Optional[Program]":
    found = programs()
    if not found:
        raise DebugError("no other Python program runs in this console")
    if len(found) == 1:
        return found[0]
    for program in found:
        print("  %s" % program)
    while True:
        try:
            answer = input("Which one? Its number, or nothing: ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return None
        if not answer:
            return None
        for program in found:
            if answer == str(program.pid):
                return program
        print("%s is none of these." % answer)


class _Only:
    """Holds the right to debug a program; it goes with the process that has it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._path = request_path(program.pid) + ".lock"
        self._fd = -1

    def __enter__(self) -> None:
        while True:
            self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(self._fd).st_ino == os.stat(self._path).st_ino:
                    return
            except BlockingIOError:
                os.close(self._fd)
                raise DebugError("somebody else debugs %s already" % self._program) from None
            except FileNotFoundError:
                pass  # it was removed between the two calls, by who had it before
            os.close(self._fd)

    def __exit__(self, *_: object) -> None:
        os.unlink(self._path)
        os.close(self._fd)


# -- asking ----------------------------------------------------------------------


def _ask(program: Program) -> Link:
    """Make the program connect to us.

    :raises DebugError: when it ends, cannot be reached, or the person gives up.
    """
    path = request_path(program.pid)
    listener = socket.socket(socket.AF_UNIX)
    try:
        if os.path.exists(path):  # of one that was killed; we hold the lock
            os.unlink(path)
        listener.bind(path)
        os.chmod(path, 0o600)
        listener.listen(1)
        return _await(program, listener)
    except KeyboardInterrupt:
        raise DebugError("given up; %s goes on" % program) from None
    finally:
        listener.close()
        if os.path.exists(path):
            os.unlink(path)


def _await(program: Program, listener: socket.socket) -> Link:
    began = time.monotonic()
    is_told = is_injected = False
    while True:
        if not program.is_running:
            raise DebugError("%s has ended" % program)
        if program.catches_signal:
            os.kill(program.pid, SIGNAL)
        elif not is_injected:
            _inject(program)
            is_injected = True
            continue
        if select.select([listener], [], [], _AGAIN_SECONDS)[0]:
            connection, _ = listener.accept()
            pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if pid == program.pid:
                return Link(connection)
            connection.close()
        if not is_told and time.monotonic() - began > _PATIENCE_SECONDS:
            is_told = True
            print(_why_waiting(program))


def _why_waiting(program: Program) -> str:
    if program.is_stopped:
        return "%s is stopped: `fg` in its window brings it back. Waiting; Ctrl-C gives up." % program
    return (
        "%s does not answer yet: it computes in code that is not Python, or has replaced the handler of "
        "SIGURG. Waiting; Ctrl-C gives up." % program
    )


def _inject(program: Program) -> None:
    """Install the handler in a program that was started without ours (PEP 768, Python 3.14).

    The interpreter that runs the program must do it: versions have to be the same.
    """
    if not program.is_python:
        raise DebugError("%s is no Python program" % program)
    here = os.path.dirname(os.path.abspath(__file__))
    script = request_path(program.pid) + ".py"
    with open(script, "w") as file:
        file.write(_INJECTED.format(file=here + "/__init__.py", package=here, folder=folder))
    command = [program.executable, "-I", "-S", "-c", _INJECT, str(program.pid), script]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_INJECT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebugError("%s cannot be reached: %s" % (program, error)) from None
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise DebugError(
            "%s cannot be reached: it was started without termhub's start-up file (with -I, -S, -E or "
            "another PYTHONPATH), or uses SIGURG itself, and its Python says: %s. Ctrl-C in its window, or "
            "`kill %d`, ends it; `python -m pdb` starts it in the debugger." % (program, said, program.pid)
        )


# -- talking ---------------------------------------------------------------------


class _Talk:
    """What the person and the program say to each other, until one of them leaves.

    Ctrl-C may come at any time: at the prompt it throws the line away, else it interrupts the
    program, and the second one in a row leaves.
    """

    def __init__(self, link: Link, program: Program) -> None:
        self._link = link
        self._program = program
        self._is_typing = False
        self._has_interrupted = False
        self._has_left = False

    def run(self) -> None:
        """Talk until it is over."""
        try:
            before = signal.signal(signal.SIGINT, self._interrupted)
        except ValueError:  # not in the main thread, where no Ctrl-C arrives
            self._run()
            return
        try:
            self._run()
        finally:
            signal.signal(signal.SIGINT, before)

    def _run(self) -> None:
        while True:
            while not self._link.has_message(_TURN_SECONDS):
                pass  # a signal that came just before the waiting began is handled now
            message = self._link.receive()
            if message is None:
                print(self._why_over())
                return
            if "end" in message:
                print(message["end"])
                return
            if "text" in message:
                print(message["text"], end="", flush=True)
            if "running" in message and not self._link.has_message(_RUNNING_SECONDS):
                print("The program runs; Ctrl-C interrupts it.", flush=True)
            if "prompt" in message:
                self._has_interrupted = False
                self._link.send(**self._answer(str(message["prompt"])))

    def _answer(self, prompt: str) -> "Dict[str, Any]":
        while True:
            try:
                self._is_typing = True
                return {"line": input(prompt)}
            except KeyboardInterrupt:
                print()
            except EOFError:
                print()
                return {"leave": True}
            finally:
                self._is_typing = False

    def _why_over(self) -> str:
        if self._has_left:
            return "Left; the program goes on."
        return "The program has ended." if self._program.ends(_END_SECONDS) else "The connection has broken."

    def _interrupted(self, number: int, frame: "Any") -> None:
        if self._is_typing:
            raise KeyboardInterrupt
        if self._has_interrupted:
            self._has_left = True
            self._link.leave()
        elif self._program.is_running and self._program.catches_signal:
            self._has_interrupted = True
            os.write(1, b"\n(interrupting; Ctrl-C once more leaves)\n")
            os.kill(self._program.pid, SIGNAL)
