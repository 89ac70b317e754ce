"""The first line of what a client sends to a command, such as a pass-phrase.

Invariant: at most :data:`MOST_BYTES` are kept, and nothing once the line was read.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

MOST_BYTES = 1024


class FirstLine:
    """Collects it; what follows is thrown away."""

    def __init__(self) -> None:
        self._data = b""
        self._is_whole = False
        self._waiting: Deferred[None] | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for it."""
        return self._waiting is not None

    def receive(self, data: bytes) -> None:
        """What the client sent."""
        if not self._is_whole:
            self._data = (self._data + data)[:MOST_BYTES].replace(b"\r", b"\n")
            if b"\n" in self._data or len(self._data) == MOST_BYTES:
                self.end()

    def end(self) -> None:
        """The client sends nothing more."""
        self._is_whole = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def read(self) -> str:
        """The line, without its end; empty when there is none."""
        if not self._is_whole:
            waiting = self._waiting = Deferred()
            await waiting
        data, self._data = self._data, b""
        return data.partition(b"\n")[0].decode("utf-8", "replace")
