"""The TCP connection under a person's terminal: what is sent, and when all of it has gone.

A terminal UI draws the latest state only when the state before has left; so the outlet tells when
nothing waits in this process, and lets little wait in the kernel.  Invariant: :meth:`Outlet.drained`
is told once for each time that something had to wait.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer
from twisted.protocols.policies import ProtocolWrapper
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.hub.writing import write_now

KEEPALIVE_IDLE_SECONDS = 60
KEEPALIVE_INTERVAL_SECONDS = 15
KEEPALIVE_PROBES = 4
"""A peer that is silent for two minutes, also to TCP's own probes, is gone."""

UNSENT_BYTES = 32 * 1024
"""What the kernel takes before it has sent what it has."""

CLOSE_SECONDS = 5.0
"""How long a peer has to read the last words."""

READ_BYTES = 8 * 1024
"""What is read at a time: others have their turn before a peer's next bytes are looked at."""


def prepare(transport: Any, read_bytes: int = READ_BYTES) -> None:
    """Set a connection up for keys and screens: no delay, little queued, probed when silent.

    :param read_bytes: read of it in one turn of the reactor.
    """
    transport.bufferSize = read_bytes
    transport.setTcpNoDelay(True)
    transport.setTcpKeepAlive(True)
    connection: socket.socket = transport.getHandle()
    for option, value in (
        (socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_SECONDS),
        (socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_SECONDS),
        (socket.TCP_KEEPCNT, KEEPALIVE_PROBES),
        (socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES),
    ):
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


def tcp_connection(transport: Any) -> Any:
    """The connection itself, where a transport is TLS over one."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return transport


@implementer(IPullProducer)
class Outlet:
    """Sends over a connection.

    :param drained: called when everything has left that had to wait.
    """

    def __init__(self, transport: Any, drained: Callable[[], None]) -> None:
        self.is_clear = True
        """Whether everything sent has left this process."""
        self._transport = transport
        self._drained = drained
        # A pull producer is called each time that the transport's buffer has become empty.
        transport.registerProducer(self, False)

    def send(self, data: bytes) -> None:
        """Send bytes, at once where nothing waits before them."""
        transport = self._transport
        if not write_now(transport, data):
            transport.write(data)  # finds out that the connection is lost
        if getattr(transport, "dataBuffer", b"") or getattr(transport, "_tempDataBuffer", ()):
            self.is_clear = False

    def resumeProducing(self) -> None:
        """The transport has nothing left to send."""
        if not self.is_clear:
            self.is_clear = True
            self._drained()

    def stopProducing(self) -> None:
        """The connection is lost."""

    def close(self) -> None:
        """Close the connection when everything has left.

        Whoever calls this aborts the connection when that takes longer than :data:`CLOSE_SECONDS`.
        """
        self._transport.unregisterProducer()
        self._transport.loseConnection()
