"""No server at all: the program on a PTY of the load generator's own.  The limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.clients import PtyClient
from tests.bench.programs import PYTHON


class RawSession:
    """A program that starts with its only client and ends with it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self.client: PtyClient | None = None

    def connect(self) -> PtyClient:
        self.client = PtyClient(self._argv)
        return self.client

    def end(self) -> None:
        if self.client is not None:
            self.client.close()


class RawPeer:
    """See the module."""

    name = "raw pty"
    section = "web"
    keeps = False
    shares = False

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def open(self, argv: Sequence[str]) -> RawSession:
        return RawSession(argv)

    def open_python(self) -> RawSession:
        return self.open((PYTHON,))

    def processes(self) -> Mapping[str, set[int]]:
        return {}
