# mypy: ignore-errors
"""A terminal on a Twisted WebSocket and nothing else: no screen, no history, no sandbox.

What Python on Twisted can do at best.  Output goes from the PTY to every client as it
comes; a client that does not read stops the PTY, for all of them.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import pty
import signal
import struct
import sys
import termios

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import epollreactor

epollreactor.install()

from twisted.internet import abstract, main, reactor  # noqa: E402
from twisted.web.resource import Resource  # noqa: E402
from twisted.web.server import Site  # noqa: E402

_READ_BUDGET = 262_144


class Terminal(abstract.FileDescriptor):
    """One program on a PTY and the clients that watch it."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(reactor)
        self.clients: set[Viewer] = set()
        self.paused: set[Viewer] = set()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.closerange(3, 4096)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
                os.execvp(argv[0], argv)
            finally:
                os._exit(127)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.set_blocking(self._fd, False)

    def fileno(self) -> int:
        return self._fd

    def doRead(self) -> Exception | None:
        parts = []
        left = _READ_BUDGET
        lost = None
        while left > 0:
            try:
                data = os.read(self._fd, left)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                lost = main.CONNECTION_LOST
                break
            parts.append(data)
            left -= len(data)
        if parts:
            output = b"".join(parts)
            for client in self.clients:
                client.sendMessage(output, isBinary=True)
        return lost

    def connectionLost(self, reason: object) -> None:
        super().connectionLost(reason)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            for client in list(self.clients):
                client.dropConnection()

    def type(self, data: bytes) -> None:
        """Write what a client typed; the PTY of a benchmark always has room for it."""
        os.write(self._fd, data)

    def pause(self, client: Viewer) -> None:
        self.paused.add(client)
        self.stopReading()

    def resume(self, client: Viewer) -> None:
        self.paused.discard(client)
        if not self.paused and self._fd >= 0:
            self.startReading()


class Viewer(WebSocketServerProtocol):
    """One client of one terminal."""

    def onConnect(self, request: object) -> None:
        self.terminal: Terminal = self.factory.terminals[self.http_request_path.rpartition("/")[2]]

    def onOpen(self) -> None:
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        self.terminal.clients.add(self)
        self.terminal.resume(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.terminal.type(payload)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        if hasattr(self, "terminal"):
            self.terminal.clients.discard(self)
            self.terminal.resume(self)

    def pauseProducing(self) -> None:
        self.terminal.pause(self)

    def resumeProducing(self) -> None:
        self.terminal.resume(self)

    def stopProducing(self) -> None: ...


class Opening(Resource):
    """``POST /open`` with a JSON list starts a program and answers its name; ``/end/NAME`` ends it."""

    isLeaf = True

    def __init__(self, terminals: dict[str, Terminal]) -> None:
        super().__init__()
        self._terminals = terminals
        self._numbers = itertools.count(1)

    def render_POST(self, request: object) -> bytes:
        if request.postpath:
            terminal = self._terminals.pop(request.postpath[0].decode(), None)
            if terminal is not None:
                terminal.stopReading()
                terminal.connectionLost(main.CONNECTION_LOST)
            return b""
        name = f"t{next(self._numbers)}"
        self._terminals[name] = Terminal(json.load(request.content))
        return name.encode()


def run() -> None:
    terminals: dict[str, Terminal] = {}
    factory = WebSocketServerFactory()
    factory.protocol = Viewer
    factory.terminals = terminals
    root = Resource()
    root.putChild(b"terminals", WebSocketResource(factory))
    opening = Opening(terminals)
    root.putChild(b"open", opening)
    root.putChild(b"end", opening)
    port = reactor.listenTCP(0, Site(root), interface="127.0.0.1", backlog=1024)
    print(f"port {port.getHost().port}", flush=True)
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: [os.kill(t.pid, signal.SIGKILL) for t in terminals.values()]
    )
    reactor.run()


if __name__ == "__main__":
    sys.exit(run())
