"""One viewer's input to one window, on its way to the PTY: whole, in order, once.

Input is numbered by bytes, as in TCP.  :class:`InputStream` holds what the console has not
accepted yet, keeps at most :data:`IN_FLIGHT_BYTES` of it under way, and goes back to the
accepted byte when it meets a new host or when the agent says that it refused a hole.  Pure.

Invariant: ``accepted <= sent <= end``, and exactly the bytes from ``accepted`` to ``end`` are held.
"""

from __future__ import annotations

from collections.abc import Callable

IN_FLIGHT_BYTES = 64 * 1024
"""Most bytes on their way to the PTY."""

PIECE_BYTES = 16 * 1024
"""Most bytes in one INPUT frame to a host."""

PAUSE_BYTES = 128 * 1024
"""From here on the client is asked to pause."""

RESUME_BYTES = 32 * 1024
"""Down to here it is asked to go on."""

LIMIT_BYTES = 2 * 1024 * 1024
"""What is held at most; a client that sends more although it was asked to pause is refused."""


class InputStream:
    """Input of one (viewer, window).

    :param send: called with ``(sequence, data)`` to send to the host; never called while
        there is no link.
    :param linked: whether there is a link now.
    """

    __slots__ = ("_buffer", "_linked", "_send", "_went_back_from", "accepted", "end", "sent", "started")

    def __init__(self, send: Callable[[int, bytes], None], linked: bool) -> None:
        self._send = send
        self._linked = linked
        self._buffer = bytearray()
        self._went_back_from = -1
        self.started = False
        self.accepted = 0
        self.sent = 0
        self.end = 0

    @property
    def held_bytes(self) -> int:
        """Bytes received and not accepted yet."""
        return len(self._buffer)

    def receive(self, sequence: int, data: bytes) -> bool:
        """Take ``data``, whose first byte has number ``sequence``.

        What is held or accepted already is trimmed.  The first input ever may start at any
        number.

        :returns: whether the sender may go on; False when it must go back to ``accepted``
            (it left a hole, repeats what was accepted, or sent too much).
        """
        if not self.started:
            self.started = True
            self.accepted = self.sent = self.end = sequence
        if sequence != self.end:
            if sequence > self.end:
                return False
            if sequence + len(data) <= self.accepted:
                return False
            data = data[self.end - sequence :]
        if len(self._buffer) + len(data) > LIMIT_BYTES:
            return False
        self._buffer += data
        if self.sent == self.end and self._linked and len(self._buffer) <= PIECE_BYTES:
            # The keystroke path: nothing waits, so send what came as it is.
            start = self.end
            self.sent = self.end = start + len(data)
            if data:
                self._send(start, data)
            return True
        self.end += len(data)
        self._advance()
        return True

    def on_accepted(self, sequence: int) -> bool:
        """Note that the agent expects byte ``sequence`` next.

        :returns: whether that is news.
        """
        if sequence <= self.accepted:
            if sequence == self.accepted and self.sent > sequence and self._went_back_from < sequence:
                # The same number again: the agent refused a hole. Going back once is enough;
                # every frame behind the hole is answered with this number too.
                self._went_back_from = sequence
                self.sent = sequence
                self._advance()
            return False
        if sequence >= self.end:
            # It may be further than we know: a hub before us had input we were not resent.
            self._buffer.clear()
            self.end = self.sent = sequence
        else:
            del self._buffer[: sequence - self.accepted]
            if self.sent < sequence:
                self.sent = sequence
        self.accepted = sequence
        if self.sent < self.end:
            self._advance()
        return True

    def link_made(self) -> None:
        """Go on over a new link, from the first byte that is not accepted."""
        self._linked = True
        self._went_back_from = -1
        self.sent = self.accepted
        self._advance()

    def link_lost(self) -> None:
        """Hold everything until there is a link again."""
        self._linked = False

    def _advance(self) -> None:
        if not self._linked:
            return
        limit = min(self.end, self.accepted + IN_FLIGHT_BYTES)
        while self.sent < limit:
            start = self.sent - self.accepted
            piece = bytes(self._buffer[start : min(start + PIECE_BYTES, limit - self.accepted)])
            sequence = self.sent
            self.sent += len(piece)
            self._send(sequence, piece)
