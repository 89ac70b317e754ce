"""The TCP connection below one ssh connection: what Conch writes to instead of Twisted's transport.

Invariant: ``unsent`` is 0 when nothing waits here, and never less than what does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tcp import Outlet

FULL_BYTES = 64 * 1024
"""With so much waiting no more output is handed over."""


class Wire:
    """Sends, knows what waits, and reads only when it may.

    :param transport: Twisted's.
    :param drained: called when everything that waited has left.
    """

    def __init__(self, transport: Any, drained: Callable[[], None]) -> None:
        self.unsent = 0
        self._transport = transport
        self._drained = drained
        self._is_reading = True
        self._outlet = Outlet(transport, self._has_drained)

    @property
    def is_clear(self) -> bool:
        """Whether everything written has left this process."""
        return self._outlet.is_clear

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no more should be written."""
        return self.unsent > FULL_BYTES

    def write(self, data: bytes) -> None:
        """Send, or hold until it can be sent."""
        self._outlet.send(data)
        if not self._outlet.is_clear:
            self.unsent += len(data)

    def stop_reading(self) -> None:
        """Take nothing from the client until :meth:`read_again`."""
        if self._is_reading:
            self._is_reading = False
            self._transport.pauseProducing()

    def read_again(self) -> None:
        """Take from the client again."""
        if not self._is_reading:
            self._is_reading = True
            self._transport.resumeProducing()

    def loseConnection(self) -> None:
        """Close once everything is sent."""
        self._outlet.close()

    def abortConnection(self) -> None:
        """Close at once."""
        self._transport.abortConnection()

    def getPeer(self) -> Any:
        """The client's address."""
        return self._transport.getPeer()

    def getHost(self) -> Any:
        """Our address."""
        return self._transport.getHost()

    def _has_drained(self) -> None:
        self.unsent = 0
        self._drained()
