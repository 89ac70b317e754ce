"""One viewer's input to one window, on its way to the PTY: whole, in order, once.

Input is numbered by bytes, as in TCP.  :class:`InputStream` holds what the console has not
accepted yet, keeps at most :data:`IN_FLIGHT_BYTES` of it under way, and goes back to the
accepted byte when it meets a new host or when the agent says that it refused a hole.  Pure.

Who may not type now is *refused*: what they send is thrown away from ``end`` on, until they have said
that they know.  Where that is must be certain, because they go on numbering from there: a stream that
an earlier hub may have passed on more of asks the agent first.

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
    :param refusals: the number from which refusals are counted; another one in each hub, so that the
        sender takes none for one that it has heard of.
    """

    __slots__ = (
        "_buffer",
        "_heard_of",
        "_linked",
        "_send",
        "_went_back_from",
        "accepted",
        "end",
        "is_refusing",
        "is_settled",
        "refusals",
        "sent",
        "started",
    )

    def __init__(self, send: Callable[[int, bytes], None], linked: bool, refusals: int = 0) -> None:
        self._send = send
        self._linked = linked
        self._buffer = bytearray()
        self._went_back_from = -1
        self._heard_of: object = None
        self.started = False
        self.is_refusing = False
        self.is_settled = False
        self.refusals = refusals
        self.accepted = 0
        self.sent = 0
        self.end = 0

    @property
    def held_bytes(self) -> int:
        """Bytes received and not accepted yet."""
        return len(self._buffer)

    def has_had(self, sequence: int, data: bytes) -> bool:
        """Whether nothing of ``data`` is new: it is sent again."""
        return self.started and sequence + len(data) <= self.end

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
        if sequence == self.end:
            # No more was passed on by a hub before us, and what comes is passed on by us alone.
            self.is_settled = True
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
        elif self.is_refusing and not self.is_settled:
            self._probe()
        return True

    def give_up(self) -> None:
        """Send nothing more: what has not been sent is thrown away."""
        del self._buffer[self.sent - self.accepted :]
        self.end = self.sent

    # -- refusing, as the hub does ---------------------------------------------------

    def refuse(self, sequence: int) -> None:
        """Throw away what comes, from :attr:`end` on, until the sender has heard of it.

        :attr:`is_settled` says whether :attr:`end` is certain already.

        :param sequence: of the first byte that is thrown away.
        """
        if not self.started:
            self.started = True
            self.accepted = self.sent = self.end = sequence
        self.is_refusing = True
        self.refusals += 1
        if not self.is_settled:
            self._probe()

    def heard(self, sequence: int, data: bytes) -> None:
        """Take input while refusing: an empty one, of number :attr:`end`, says that the sender knows."""
        if not data and sequence == self.end and self.is_settled:
            self.is_refusing = False

    def _probe(self) -> None:
        """Have the agent say what it expects next; see ``sandbox/guest/inputs.py``."""
        if self._linked and self.sent == self.end:
            self._send(self.end, b"")

    # -- being refused, as a client is -------------------------------------------------

    def refused(self, sequence: int, refusal: object = None) -> None:
        """The other side throws away everything from byte ``sequence`` on: so is it here.

        Says that it knows, and goes on with what is typed from now on.

        :param refusal: tells one refusal from the next; of one that was heard of before only the
            answer was lost.
        """
        if refusal is None or refusal != self._heard_of:
            self._heard_of = refusal
            if self.accepted <= sequence <= self.end:
                del self._buffer[sequence - self.accepted :]
            else:
                self._buffer.clear()
                self.accepted = sequence
            self.end = sequence
        if self._linked:
            self._send(sequence, b"")
        self.sent = max(self.accepted, min(self.sent, sequence))
        self._advance()

    # -- links -------------------------------------------------------------------------

    def link_made(self) -> None:
        """Go on over a new link, from the first byte that is not accepted."""
        self._linked = True
        self._went_back_from = -1
        self.sent = self.accepted
        self._advance()
        if self.is_refusing and not self.is_settled:
            self._probe()

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
