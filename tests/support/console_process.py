"""A real launcher for a test, consoles in it, and a blocking client of a console's host.

with LauncherProcess() as launcher:
    console = launcher.create(program="python")
    with console.link() as link:
        link.subscribe(0)
        link.read_until(b">>> ")
        link.type(b"6*7\\n")
        link.read_until(b"42")
"""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sandbox.guest import frames
from termhub.host.call import Caller
from termhub.host.folder import Folder, connect

WAIT_SECONDS = 60.0
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def until(condition: Any, what: str, seconds: float = WAIT_SECONDS) -> Any:
    """Wait until ``condition()`` is true; what it returned."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.005)
    return value


def wait_for(pidfd: int) -> None:
    """Wait until a process has ended, and close its descriptor."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(WAIT_SECONDS * 1000), "a process that was killed goes on"
    os.close(pidfd)


class LauncherProcess:
    """`python -m termhub.host.launcher` in a folder of its own, with all it starts.

    :param arguments: further arguments.
    :param data: the data folder; None for a temporary one that goes with the launcher.
    """

    def __init__(self, *arguments: str, data: Path | None = None) -> None:
        self.arguments = arguments
        self._temporary: Path | None = None
        if data is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="termhub-host-"))
            self._temporary.chmod(0o711)
            data = self._temporary / "data"
        self.data = data
        self.process: subprocess.Popen[bytes] | None = None
        self._before: set[int] = set()

    @property
    def log(self) -> Path:
        """What launcher and hosts wrote."""
        return self.data.with_name("launcher.log")

    @property
    def pid(self) -> int:
        """The launcher itself, not its keeper."""
        return int(self.ask("version")["pid"])

    def start(self) -> LauncherProcess:
        """Start it and wait until it answers."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "termhub.host.launcher", "--data", str(self.data), *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers, f"the launcher; its log: {self.log}")
        return self

    def answers(self) -> bool:
        """Whether it serves."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the launcher ended: {self.log.read_text()}")
        try:
            self.ask("version")
        except OSError:
            return False
        return True

    def until_replaced(self, before: int) -> None:
        """Wait until another launcher answers than the one of this pid."""

        def is_another() -> bool:
            try:
                return self.pid != before
            except OSError:  # one has left and the next does not serve yet
                return False

        until(is_another, f"another launcher than {before}; the log: {self.log}")

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """A request to the launcher and its reply."""
        with Caller(self.data / "run" / "launcher.sock", WAIT_SECONDS * 2) as caller:
            return caller.ask(op, **arguments)

    def create(self, **spec: Any) -> ConsoleProcess:
        """Make a console; ``spec`` as in the protocol, everything has a default."""
        console = "c-" + "".join(random.choice(ALPHABET) for _ in range(10))
        spec = {"console": console, "user": "alice", "number": 1, "program": "python", **spec}
        self.ask("create", spec=spec)
        return ConsoleProcess(self, str(spec["console"]))

    def kill(self) -> None:
        """SIGKILL keeper and launcher; consoles go on."""
        assert self.process is not None
        launcher = self.pid
        self.process.kill()
        self.process.wait()
        pidfd = os.pidfd_open(launcher)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        wait_for(pidfd)

    def stop(self) -> None:
        """End all consoles and the launcher."""
        if self.process is None:
            return
        if self.process.poll() is not None:
            self.start()
        try:
            until(self.answers, "the launcher")
            self.ask("stop")
            self.process.wait(WAIT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> LauncherProcess:
        try:
            return self.start()
        except BaseException:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
            raise

    def __exit__(self, *details: object) -> None:
        try:
            self.stop()
        finally:
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)


class ConsoleProcess:
    """One console of a launcher."""

    def __init__(self, launcher: LauncherProcess, console: str) -> None:
        self.launcher = launcher
        self.id = console
        self.path = launcher.data / "run" / "consoles" / console
        self.folder = Folder(self.path)
        self._killed: set[int] = set()

    def link(self) -> HostLink:
        """Connect to its host, waiting for one if it is being replaced."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return HostLink(self.path / "host.sock")
            except OSError:
                assert time.monotonic() < deadline, f"no host; log: {self.launcher.log.read_text()}"
                time.sleep(0.005)

    @property
    def host_pid(self) -> int:
        """The pid of its living host."""
        return int(until(self._locked_by, "a host"))

    def _locked_by(self) -> int | None:
        # The pid in the file is the one before for a moment: it is written after the lock was taken.
        pid = self.folder.locked_by()
        return None if pid in self._killed else pid

    @property
    def sandbox_pid(self) -> int:
        """The pid of its agent."""
        record = self.folder.read("sandbox.json")
        assert record is not None
        return int(record["pid"])

    def kill_host(self, number: int = signal.SIGKILL) -> int:
        """Kill its host and wait until that is gone; the pid it had."""
        pid = self.host_pid
        pidfd = os.pidfd_open(pid)
        self._killed.add(pid)
        signal.pidfd_send_signal(pidfd, number)
        wait_for(pidfd)
        return pid

    def ended(self) -> dict[str, Any]:
        """Its ``ended.json``, once it is there."""
        value: dict[str, Any] = until(lambda: self.folder.read("ended.json"), "ended.json")
        return value


class HostLink:
    """A hub's connection to a host, blocking.

    :param path: ``host.sock``.
    """

    def __init__(self, path: Path) -> None:
        self._socket = connect(path, WAIT_SECONDS)
        self._decoder = frames.Decoder()
        self._frames: list[frames.Frame] = []
        self._next_id = 1
        self.viewer = random.getrandbits(64)
        self.sequences: dict[int, int] = {}
        self.accepted: dict[int, int] = {}
        self.output: dict[int, bytes] = {}
        self.offsets: dict[int, int] = {}
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.keyframes: list[tuple[int, int, int, int, bytes]] = []
        self.sizes: list[tuple[int, int, int]] = []
        self.skips = 0
        self.send(frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1}))
        while not self._frames:
            self._receive()
        assert self._frames[0].type == frames.HELLO
        self.hello = frames.parse_json(self._frames.pop(0).payload)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def _receive(self) -> None:
        data = self._socket.recv(1 << 17)
        if not data:
            raise ConnectionResetError("the host closed the link")
        self._frames += self._decoder.feed(data)

    def next(self) -> frames.Frame:
        """The next frame, with what it says noted in the attributes; output is acknowledged."""
        while not self._frames:
            self._receive()
        frame = self._frames.pop(0)
        window = frame.window
        if frame.type == frames.OUTPUT:
            self._output(window, *frames.parse_output(frame.payload))
        elif frame.type == frames.ACCEPTED:
            viewer, sequence = frames.parse_accepted(frame.payload)
            if viewer == self.viewer:
                self.accepted[window] = sequence
        elif frame.type == frames.EVENT:
            self.events.append((window, frames.parse_json(frame.payload)))
        elif frame.type == frames.KEYFRAME:
            self.keyframes.append((window, *frames.parse_keyframe(frame.payload)))
        elif frame.type == frames.RESIZE:
            self.sizes.append((window, *frames.parse_resize(frame.payload)))
        return frame

    def _output(self, window: int, offset: int, data: bytes) -> None:
        known = self.offsets.get(window)
        if known is not None and offset > known:
            self.skips += 1
            self.output[window] = self.output.get(window, b"") + b"<skip>"
        if known is not None and offset < known:
            data = data[known - offset :]
            offset = known
        self.output[window] = self.output.get(window, b"") + data
        self.offsets[window] = offset + len(data)
        try:
            self.send(frames.ack(window, self.offsets[window]))
        except (BrokenPipeError, ConnectionResetError):
            pass  # what a host said before it was killed is still to be read

    def request(self, op: str, window: int = frames.CONSOLE, **arguments: Any) -> dict[str, Any]:
        """Ask and wait for the reply, an error too."""
        identity = self._next_id
        self._next_id += 1
        request = {"id": identity, "op": op, **arguments}
        if window != frames.CONSOLE:
            request["window"] = window
        self.send(frames.encode_json(frames.REQUEST, window, request))
        while True:
            frame = self.next()
            if frame.type == frames.REPLY:
                reply = frames.parse_json(frame.payload)
                if reply["id"] == identity:
                    return reply

    def subscribe(self, window: int = 0, since: int | None = 0) -> int:
        """Subscribe to a window; the offset where output starts."""
        reply = self.request("subscribe", window, since=since)
        assert reply["ok"], reply
        self.offsets.setdefault(window, reply["offset"])
        return int(reply["offset"])

    def keyframe(self, window: int = 0, scrollback: int | None = 0) -> tuple[int, bytes]:
        """The present keyframe as ``(offset, bytes)``."""
        reply = self.request("keyframe", window, scrollback=scrollback)
        assert reply["ok"], reply
        data = b""
        while True:
            frame = self.next()
            assert frame.type == frames.KEYFRAME
            data += frames.parse_keyframe(frame.payload)[3]
            if not frames.keyframe_continues(frame.payload):
                return reply["offset"], data

    def read_until(self, wanted: bytes, window: int = 0) -> bytes:
        """Read until ``wanted`` was printed; all output of the window so far."""
        while wanted not in self.output.get(window, b""):
            self.next()
        return self.output[window]

    def read_prompt(self, after: bytes, prompt: bytes = b">>> ") -> None:
        """Read until a prompt was printed anywhere behind ``after``: marks may stand between."""
        while prompt not in self.output.get(0, b"").partition(after)[2]:
            self.next()

    def type(self, data: bytes, window: int = 0) -> None:
        """Send input."""
        sequence = self.sequences.get(window, 0)
        self.send(frames.input_(window, self.viewer, sequence, data))
        self.sequences[window] = sequence + len(data)

    def wait_event(self, kind: str) -> dict[str, Any]:
        """Read until an event of this type has come."""
        while True:
            for _, event in self.events:
                if event["type"] == kind:
                    return event
            self.next()

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()

    def __enter__(self) -> HostLink:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()
