"""The process of one console: FIFOs, sockets and clock around :class:`Console`.

Forked by the launcher, under the console's own uid.  It owns the console's folder while
it holds ``host.lock``, serves ``host.sock``, and when the sandbox is gone writes
``ended.json`` and leaves.

Invariant: it may be killed at any moment; its successor goes on where the journal ends.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, frozen

from sandbox.guest import frames
from sandbox.guest.loop import Loop, Timer
from termhub.host import ended, processes
from termhub.host.console import Console, Surroundings
from termhub.host.folder import ENDED, ENDING, FIFO_IN, FIFO_OUT, JOURNAL, SANDBOX, SOCKET, SPEC, Folder
from termhub.host.hub_link import HubLink
from termhub.host.journal import LIMIT_BYTES, SEGMENT_BYTES, Journals
from termhub.host.memory import GroupMemory
from termhub.screen import open_screen

READ_BYTES = 1 << 16
WORK_SECONDS = 0.001
LOCK_SECONDS = 2.0
FAREWELL_SECONDS = 30.0
"""How long links have to take the last output before they are broken."""

KILL_SECONDS = 2.0
WORDS_SECONDS = 0.3
MAX_LINKS = 64
SCROLLBACK = 10_000


@frozen
class HostOptions:
    """What a host is told by its launcher.

    :param engine: the screen's engine; after one that failed, ``pyte``.
    :param blank: start with an empty screen, because the journal's output fails.
    :param segment_bytes: most bytes of a segment.
    """

    engine: str = "auto"
    blank: bool = False
    segment_bytes: int = SEGMENT_BYTES


class HostError(Exception):
    """This host cannot serve its console; the message says why."""


@define(eq=False)
class Connection:
    """A hub's connection."""

    socket: socket.socket
    link: HubLink
    reading: bool = True
    writing: bool = False
    parting: bool = False


class Host:
    """One console's process.

    :param folder: the console's folder, whose lock it holds.
    """

    def __init__(self, folder: Folder, options: HostOptions, loop: Loop) -> None:
        self._folder = folder
        self._options = options
        self._loop = loop
        spec = folder.read(SPEC)
        if spec is None:
            raise HostError(f"{folder.path / SPEC} cannot be read")
        self._spec = spec
        record = folder.read(SANDBOX)
        self._pidfd: int | None = None
        self._absent: str | None = None
        self._kill_signal: int = signal.SIGKILL
        self._waited = False
        if record is not None:
            self._find_sandbox(record)
        journals = Journals(
            folder.path / JOURNAL,
            limit_bytes=int(spec.get("journal_bytes") or LIMIT_BYTES),
            segment_bytes=options.segment_bytes,
            on_error=self._journal_failed,
        )
        around = Surroundings(
            clock=time.monotonic,
            unix_time=time.time,
            call_later=self._call_later,
            open_screen=partial(open_screen, scrollback=SCROLLBACK, engine=options.engine),
            random_number=partial(random.SystemRandom().getrandbits, 64),
            kill=self._kill,
            processor_time=time.thread_time,
            memory=GroupMemory(folder),
        )
        self.console = Console(folder.console, folder.isolation(), journals, around)
        self._journals = journals
        self._in = self._out = -1
        self._server: socket.socket | None = None
        self._connections: dict[int, Connection] = {}
        self._reading = False
        self._writing = False
        self._working = False
        self._done = False

    def _find_sandbox(self, record: dict[str, Any]) -> None:
        pid, started, boot = record.get("pid"), record.get("start"), record.get("boot")
        if isinstance(pid, int) and isinstance(started, int) and boot == processes.boot_id():
            self._pidfd = processes.open_process(pid, started)
            self._kill_signal = processes.kill_signal(record)
        if self._pidfd is None:
            same = boot == processes.boot_id()
            self._absent = "the sandbox was killed" if same else "the machine restarted"

    # -- life ----------------------------------------------------------------

    def start(self, ready: Callable[[], None]) -> None:
        """Begin or go on; :param ready: called when the socket answers."""
        console, folder = self.console, self._folder
        if folder.has(JOURNAL):
            console.recover(blank=self._options.blank)
        if not console.windows:
            argv = [str(part) for part in self._spec.get("argv") or []]
            console.open_first(argv, int(self._spec.get("cols", 80)), int(self._spec.get("rows", 24)))
        if self._absent is not None:
            self._finish()
            ready()
            return
        flags = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        self._in = os.open(folder.path / FIFO_IN, os.O_RDWR | flags)
        self._out = os.open(folder.path / FIFO_OUT, os.O_RDONLY | flags)
        console.start()
        self._read_agent(True)
        if self._pidfd is not None:
            self._loop.reader(self._pidfd, self._sandbox_gone)
        self._server = folder.listen()
        self._loop.reader(self._server.fileno(), self._accept)
        self._flush()
        ready()

    def _journal_failed(self, window: int, error: OSError) -> None:
        _log(f"{self._folder.console}: the journal of window {window} pauses: {error}")

    def _kill(self) -> None:
        """End the sandbox at once."""
        if self._pidfd is None:
            record = self._folder.read(SANDBOX)
            if record is None:
                self._loop.call_later(0.05, self._kill)
                return
            self._find_sandbox(record)
        if self._pidfd is not None:
            processes.kill(self._pidfd, self._kill_signal)
            self._kill_signal = signal.SIGKILL  # where the gentler one did not do
            self._loop.call_later(KILL_SECONDS, self._kill_again)

    def _kill_again(self) -> None:
        if not self._done and self._pidfd is not None:
            processes.kill(self._pidfd)

    def _sandbox_gone(self) -> None:
        """The sandbox's first process has ended: take what the FIFO still holds."""
        assert self._pidfd is not None
        self._loop.reader(self._pidfd, None)
        while self._receive():
            pass
        self._finish()

    def _finish(self) -> None:
        """The sandbox is gone: say so, in words, on disk and to the links, and leave."""
        if self._done:
            return
        if not (self._waited or self._absent or self.console.agent.is_synchronised):
            self._waited = True  # it never began: the launcher knows what it said
            self._read_agent(False)
            self._loop.call_later(WORDS_SECONDS, self._finish)
            return
        self._done = True
        if self._out >= 0:
            self._loop.forget(self._out)
            self._loop.forget(self._in)
        console, folder = self.console, self._folder
        console.settle()
        why, status = ended.reason(console, ending=folder.read(ENDING), absent=self._absent)
        folder.write(ENDED, ended.description(console, why, status, time.time()))
        console.end(why, status)
        if self._server is not None:
            self._loop.forget(self._server.fileno())
            self._server.close()
            try:
                os.unlink(folder.path / SOCKET)
            except FileNotFoundError:
                pass
        self._loop.call_later(FAREWELL_SECONDS, self._loop.stop)
        self._flush()

    # -- the agent -----------------------------------------------------------

    def _read_agent(self, wanted: bool) -> None:
        if wanted != self._reading:
            self._reading = wanted
            self._loop.reader(self._out, self._agent_readable if wanted else None)

    def _agent_readable(self) -> None:
        if not self._receive():
            self._finish()
            return
        self._flush_links()
        self._work()

    def _receive(self) -> bool:
        """Read the agent's FIFO once; False at its end."""
        try:
            data = os.read(self._out, READ_BYTES)
        except BlockingIOError:
            return self._pidfd is None or not self._gone()
        if not data:
            return False
        self.console.receive(data)
        return True

    def _gone(self) -> bool:
        """Whether the sandbox's first process has ended."""
        assert self._pidfd is not None
        return processes.wait(self._pidfd, 0.0)

    def _work(self) -> None:
        self._working = False
        console = self.console
        if console.work(WORK_SECONDS) and not self._working:
            self._working = True
            self._loop.call_soon(self._work)
        self._flush()
        if not self._done:
            self._read_agent(not console.is_behind)

    def _flush_agent(self) -> None:
        agent = self.console.agent
        blocked = False
        while frame := agent.to_send():
            try:
                os.write(self._in, frame)
            except BlockingIOError:
                blocked = True
                break
            agent.sent()
        if blocked != self._writing:
            self._writing = blocked
            self._loop.writer(self._in, self._agent_writable if blocked else None)

    def _agent_writable(self) -> None:
        self._flush_agent()
        self._flush_links()

    # -- links ---------------------------------------------------------------

    def _accept(self) -> None:
        assert self._server is not None
        try:
            client, _ = self._server.accept()
        except OSError:
            return
        if len(self._connections) >= MAX_LINKS:
            client.close()
            return
        client.setblocking(False)
        if not self.console.isolation:  # sandbox or network were still being made when this host was
            self.console.isolation = self._folder.isolation()
        connection = Connection(client, self.console.add_link())
        self._connections[client.fileno()] = connection
        self._loop.reader(client.fileno(), partial(self._link_readable, connection))

    def _link_readable(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        if connection.parting:
            return
        try:
            connection.link.feed(data)
        except frames.FrameError as error:
            _log(f"{self._folder.console}: a hub's link broke the protocol: {error}")
            self._drop(connection)
            return
        self._flush()
        self.console.look_at_input()

    def _drop(self, connection: Connection) -> None:
        fd = connection.socket.fileno()
        if self._connections.pop(fd, None) is None:
            return
        self._loop.forget(fd)
        connection.socket.close()
        self.console.remove_link(connection.link)
        self._stop_when_alone()

    def _call_later(self, seconds: float, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Put off a call of the console, and send what it brings."""
        return self._loop.call_later(seconds, self._call_and_flush, callback, arguments)

    def _call_and_flush(self, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        callback(*arguments)
        self._flush()

    def _flush(self) -> None:
        if self._in >= 0 and not self._done:
            self._flush_agent()
        self._flush_links()

    def _flush_links(self) -> None:
        for connection in list(self._connections.values()):
            self._flush_link(connection)
        self._stop_when_alone()

    def _stop_when_alone(self) -> None:
        if self._done and not self._connections:
            self._loop.stop()

    def _flush_link(self, connection: Connection) -> None:
        link, peer = connection.link, connection.socket
        if connection.parting:
            return
        blocked = False
        try:
            while data := link.to_send():
                link.sent(peer.send(data))
        except BlockingIOError:
            blocked = True
        except OSError:
            self._drop(connection)
            return
        if blocked != connection.writing:
            connection.writing = blocked
            callback = partial(self._flush_link, connection) if blocked else None
            self._loop.writer(peer.fileno(), callback)
        if link.is_done and not blocked:
            self._part(connection)
            return
        may_read = self.console.may_read(link)
        if may_read != connection.reading:
            connection.reading = may_read
            callback = partial(self._link_readable, connection) if may_read else None
            self._loop.reader(peer.fileno(), callback)

    def _part(self, connection: Connection) -> None:
        """All is said: the peer closes when it has read it, and may write until then.

        Were the socket closed here, its next acknowledgement would fail, and what it has not
        read yet be lost with the connection.
        """
        connection.parting = True
        try:
            connection.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(connection)
            return
        self._loop.reader(connection.socket.fileno(), partial(self._link_readable, connection))


def serve(folder: Folder, options: HostOptions, ready: Callable[[], None]) -> None:
    """Be the host of a console until its sandbox is gone.

    :param ready: called once the console can be reached, or ``ended.json`` is there.
    :raises HostError: when another host has it, or its files are not usable.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while (lock := folder.try_lock()) is None:
        if time.monotonic() > deadline:
            raise HostError(f"another host has {folder.path}")
        time.sleep(0.01)
    if folder.has(ENDED):
        ready()
        return
    loop = Loop()
    host = Host(folder, options, loop)
    host.start(ready)
    loop.run()
    os.close(lock)


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
