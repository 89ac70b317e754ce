"""The body of an answer that is written piece by piece, as fast as its client takes it.

Invariant: of what is written no more than one piece waits in this process; a body that could not be
completed ends with its connection, so that no client takes it for whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.errors import ConsoleError, TermhubError

from .http import TermhubRequest

STALL_SECONDS = 120.0
"""A client that takes nothing for so long is given up."""

_log = Logger()


@implementer(IPushProducer)
class Outflow:
    """Writes the body of one answer.

    :param begin: sets status and headers; called before the first piece.
    """

    def __init__(self, request: TermhubRequest, begin: Callable[[], object]) -> None:
        self.has_begun = False
        self._request: Any = request
        self._begin = begin
        self._room: Deferred[None] | None = None
        self._is_paused = False

    async def write(self, data: bytes) -> None:
        """Send a piece; returns when there is room for the next.

        :raises ConsoleError: when the client is gone, or takes nothing.
        """
        if not self.has_begun and not self._request.is_over:
            self.has_begun = True
            self._begin()
            self._request.registerProducer(self, True)
        self._check_open()
        self._request.write(data)
        if self._is_paused:
            await self._drained()
            self._check_open()

    async def _drained(self) -> None:
        room = self._room = Deferred()
        timer: Any = self._request.channel.callLater(STALL_SECONDS, self._stalled, room)
        try:
            await room
        finally:
            self._room = None
            if timer.active():
                timer.cancel()

    def _stalled(self, room: Deferred[None]) -> None:
        room.errback(ConsoleError(f"The client took nothing for {STALL_SECONDS:.0f} s.", "timeout"))

    def _check_open(self) -> None:
        if self._request.is_over:
            raise ConsoleError("The client is gone.", "away")

    def close(self) -> None:
        """Nothing more is written."""
        if self.has_begun and not self._request.is_over:
            self._request.unregisterProducer()

    def pauseProducing(self) -> None:
        """The client is behind."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """It has caught up."""
        self._is_paused = False
        if self._room is not None and not self._room.called:
            self._room.callback(None)

    def stopProducing(self) -> None:
        """It is gone."""
        self.resumeProducing()


async def send(
    request: TermhubRequest, begin: Callable[[], object], stream: Callable[[Outflow], Awaitable[None]]
) -> bytes:
    """Have a body written; what remains to be sent is nothing.

    What is raised before the first piece is raised here; later it ends the connection.
    """
    outflow = Outflow(request, begin)
    try:
        await stream(outflow)
    except (Exception, CancelledError) as error:
        outflow.close()
        if not outflow.has_begun:
            raise
        if not isinstance(error, TermhubError | CancelledError):
            _log.failure("{path} broke off", path=request.logged_path)
        elif not request.is_over:
            _log.info("{path} broke off: {why}", path=request.logged_path, why=str(error))
        if request.channel is not None:
            request.channel.transport.abortConnection()
        return b""
    if not outflow.has_begun:
        begin()
    outflow.close()
    return b""
