"""What a command prints, as fast as its client takes it.

Invariant: what is printed waits in whoever prints it, not in the channel.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from .channel import Channel

PIECE_BYTES = 32 * 1024


class Printer:
    """Standard output and standard error of one command.

    :param is_terminal: whether the client has a terminal here, which is raw then.
    """

    def __init__(self, channel: Channel, is_terminal: bool) -> None:
        self._channel = channel
        self._is_terminal = is_terminal
        self._room: Deferred[None] | None = None

    async def result(self, text: str) -> None:
        """Print what was asked for."""
        await self.write(self.encoded(text))

    async def note(self, text: str) -> None:
        """Print a line besides."""
        await self.write(self.encoded(f"{text}\n"), to_stderr=True)

    async def complain(self, text: str) -> None:
        """Print a line about what is wrong."""
        await self.note(f"termhub: {text}")

    def encoded(self, text: str) -> bytes:
        """The bytes that show a text."""
        if self._is_terminal:
            text = text.replace("\n", "\r\n")
        return text.encode("utf-8", "replace")

    async def write(self, data: bytes, to_stderr: bool = False) -> None:
        """Send bytes as they are."""
        for start in range(0, len(data), PIECE_BYTES):
            while self._channel.is_open and not self._channel.is_writable:
                room = self._room = Deferred()
                await room
            self._channel.write(data[start : start + PIECE_BYTES], to_stderr)

    def drained(self) -> None:
        """Go on, if the client takes more."""
        if self._channel.is_writable:
            self.release()

    def release(self) -> None:
        """Let whoever prints go on, whether there is room or nobody left to print for."""
        room, self._room = self._room, None
        if room is not None and not room.called:
            room.callback(None)
