"""The bytes of one connection between a program in a console and a host outside.

What is read from the socket waits until the stream has room, and no more is read meanwhile; what
the program sends is written, and given back as room once the socket has taken it.  Nothing is
looked at.

Invariant: at most one read and one stream's window of bytes wait here, and whatever becomes of
console, link or peer, both ends are closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet import error, protocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.streams import Stream

IDLE_SECONDS = 600.0
"""A connection on which nothing moved for so long is closed."""

FAREWELL_SECONDS = 30.0
"""How long a peer may take the last bytes."""

BURST_SECONDS = 0.25
"""How much of a second's bytes may come at once."""


class Way(Protocol):
    """What a connection needs of its console's way out."""

    clock: Clock
    bytes_in: int
    bytes_out: int
    pace_in: Pace
    pace_out: Pace
    kbits: int | None

    def closed(self) -> None:
        """A connection is gone, or was not made."""


class Pace:
    """Bytes at a rate that may change: a bucket that fills with time.

    :param seconds: the clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._at = seconds()
        self._ahead = 0.0

    def spend(self, count: int, kbits: int | None) -> float:
        """Count bytes; how many seconds to wait before there may be more, 0 for none."""
        now = self._seconds()
        if not kbits:
            self._at, self._ahead = now, 0.0
            return 0.0
        self._ahead = max(0.0, self._ahead - (now - self._at)) + count * 8 / (kbits * 1000)
        self._at = now
        return self._ahead if self._ahead > BURST_SECONDS else 0.0


@implementer(IHalfCloseableProtocol, IPushProducer)
class Relay(protocol.Protocol):
    """One connection: the owner of a stream, and the protocol of the socket outside.

    :param way: whose it is.
    """

    def __init__(self, way: Way, stream: Stream) -> None:
        self.is_over = False
        self.making: Deferred[None] | None = None
        """What looks up and dials, until that is done."""
        self._way = way
        self._stream = stream
        self._clock = way.clock
        self._is_made = False
        self._is_connected = False
        # From outside: what did not fit into the stream yet, whether there will be more.
        self._held = b""
        self._has_ended = False
        self._later: DelayedCall | None = None
        # To the outside: what was written and not given back as room.
        self._unconsumed = 0
        self._may_consume = True
        self._consume_later: DelayedCall | None = None
        self._moved_at = self._clock.seconds()
        self._idle: DelayedCall | None = None
        self._farewell: DelayedCall | None = None

    # -- from outside ----------------------------------------------------------------

    def connectionMade(self) -> None:
        """The socket is connected; nothing is read before the program knows."""
        self._is_connected = True
        transport: Any = self.transport
        if self.is_over:
            transport.abortConnection()
            return
        transport.registerProducer(self, True)
        transport.pauseProducing()

    def made(self) -> None:
        """Tell the program, and begin."""
        if self.is_over:
            return
        self.making = None
        self._is_made = True
        self._stream.accept()
        self._idle = self._clock.callLater(IDLE_SECONDS, self._check_idle)
        if self._is_connected:
            self._transport.resumeProducing()

    @property
    def _transport(self) -> Any:
        return self.transport

    def dataReceived(self, data: bytes) -> None:
        """Bytes from outside."""
        self._moved()
        self._way.bytes_in += len(data)
        self._held += data
        wait = self._way.pace_in.spend(len(data), self._way.kbits)
        if wait and self._later is None:
            self._transport.pauseProducing()
            self._later = self._clock.callLater(wait, self._go_on)
        self._pass_on()

    def _go_on(self) -> None:
        self._later = None
        self._pass_on()

    def _pass_on(self) -> None:
        """Give the program what it has room for; read on when that was all."""
        stream = self._stream
        if self._held and stream.room:
            piece, self._held = self._held[: stream.room], self._held[stream.room :]
            stream.write(piece)
        if self._held:
            if self._is_connected:
                self._transport.pauseProducing()
        elif self._has_ended:
            stream.end()
        elif self._is_made and self._is_connected and self._later is None:
            self._transport.resumeProducing()

    def readConnectionLost(self) -> None:
        """The peer sends no more."""
        self._moved()
        self._has_ended = True
        self._pass_on()

    def writeConnectionLost(self) -> None:
        """Our end is closed for writing."""

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """The socket is closed: in good order, or the program is to see that it was not."""
        self._is_connected = False
        if self._farewell is not None and self._farewell.active():
            self._farewell.cancel()
        if self.is_over:
            return
        if not isinstance(reason.value, error.ConnectionDone):
            self.give_up()
        elif not self._has_ended:
            self.readConnectionLost()

    # -- from the program --------------------------------------------------------------

    def stream_data(self, data: bytes) -> None:
        """Bytes of the program; empty: it sends no more."""
        self._moved()
        if not data:
            if self._is_connected:
                self._transport.loseWriteConnection()
            return
        self._way.bytes_out += len(data)
        self._unconsumed += len(data)
        if self._is_connected:
            self._transport.write(data)
        wait = self._way.pace_out.spend(len(data), self._way.kbits)
        if wait and self._consume_later is None:
            self._consume_later = self._clock.callLater(wait, self._consume_on)
        self._consume()

    def _consume_on(self) -> None:
        self._consume_later = None
        self._consume()

    def _consume(self) -> None:
        """Let the program send more, when the socket has taken what it sent, and the pace allows."""
        if self._may_consume and self._consume_later is None and self._unconsumed:
            count, self._unconsumed = self._unconsumed, 0
            self._stream.consumed(count)

    def stream_drained(self) -> None:
        """The program has room again."""
        self._moved()
        if self._later is None:
            self._pass_on()

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        """The program is gone, or its console or host."""
        self.finish(in_order=status is not None)

    # -- the socket's buffer -----------------------------------------------------------

    def pauseProducing(self) -> None:
        """The socket takes no more for now."""
        self._may_consume = False

    def resumeProducing(self) -> None:
        """The socket has taken what there was."""
        self._may_consume = True
        self._consume()

    def stopProducing(self) -> None:
        """The socket is gone; connectionLost follows."""

    # -- the end -----------------------------------------------------------------------

    def _moved(self) -> None:
        self._moved_at = self._clock.seconds()

    def _check_idle(self) -> None:
        left = self._moved_at + IDLE_SECONDS - self._clock.seconds()
        if left > 0:
            self._idle = self._clock.callLater(left, self._check_idle)
        else:
            self.give_up()

    def give_up(self) -> None:
        """Break both ends."""
        if not self.is_over:
            self.finish()
            self._stream.close()

    def finish(self, in_order: bool = False) -> None:
        """Close the end outside; the other one is closed or told by whoever calls."""
        if self.is_over:
            return
        self.is_over = True
        self._way.closed()
        self._held = b""
        for timer in (self._idle, self._later, self._consume_later):
            if timer is not None and timer.active():
                timer.cancel()
        making, self.making = self.making, None
        if self._is_connected:
            self._transport.unregisterProducer()
            if in_order:
                self._farewell = self._clock.callLater(FAREWELL_SECONDS, self._transport.abortConnection)
                self._transport.loseConnection()
            else:
                self._transport.abortConnection()
        elif making is not None:
            making.cancel()
