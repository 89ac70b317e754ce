"""The ssh-connection service (RFC 4254): session channels, and nothing else.

Forwarding of ports, of X11 and of agents is refused.  Invariant: a client has at most ``channels``
channels at a time, and no packet of it makes this hold more than a channel may.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.conch.ssh.service import SSHService
from twisted.logger import Logger

from .channel import (
    CHANNEL_CLOSE,
    CHANNEL_DATA,
    CHANNEL_EOF,
    CHANNEL_EXTENDED_DATA,
    CHANNEL_FAILURE,
    CHANNEL_OPEN_CONFIRMATION,
    CHANNEL_REQUEST,
    CHANNEL_SUCCESS,
    CHANNEL_WINDOW_ADJUST,
    LEAST_PACKET,
    MOST_PACKET,
    WINDOW_BYTES,
    Channel,
)
from .packets import PacketError, Reader, string, u32
from .session import Session
from .transport import BY_APPLICATION, GLOBAL_REQUEST, Transport

USERAUTH_REQUEST = 50
REQUEST_SUCCESS, REQUEST_FAILURE = 81, 82
CHANNEL_OPEN, CHANNEL_OPEN_FAILURE = 90, 92

_PROHIBITED, _RESOURCE_SHORTAGE = 1, 4

_log = Logger()


class SessionConnection(SSHService):
    """The channels of one connection.

    :param channels: most of them at a time.
    :param open_session: makes the session behind a new channel.
    """

    name = b"ssh-connection"

    def __init__(
        self, transport: Transport, channels: int, open_session: Callable[[Channel], Session]
    ) -> None:
        self._transport = transport
        self._most_channels = channels
        self._open_session = open_session
        self._channels: dict[int, tuple[Channel, Session]] = {}
        self._peers: dict[int, bytes] = {}
        self._next_number = 0
        self._parting: str | None = None  # why it is being closed from here
        self._handlers: dict[int, Callable[[Reader], None]] = {
            USERAUTH_REQUEST: lambda reader: None,  # a login that was under way (RFC 4252, 5.1)
            GLOBAL_REQUEST: self._global_request,
            REQUEST_SUCCESS: lambda reader: None,  # signs of life
            REQUEST_FAILURE: lambda reader: None,
            CHANNEL_OPEN: self._open,
            CHANNEL_WINDOW_ADJUST: self._window_adjust,
            CHANNEL_DATA: self._received,
            CHANNEL_EXTENDED_DATA: self._extended_data,
            CHANNEL_EOF: lambda reader: self._channel(reader)[0].ended_input(),
            CHANNEL_CLOSE: lambda reader: self._channel(reader)[0].close_received(),
            CHANNEL_REQUEST: self._channel_request,
            CHANNEL_SUCCESS: lambda reader: None,
            CHANNEL_FAILURE: lambda reader: None,
        }

    # -- what a channel needs ----------------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Whether output may be handed over now."""
        return self._transport.is_writable

    @property
    def is_clear(self) -> bool:
        """Whether everything handed over has left this process."""
        return self._transport.is_clear

    def send(self, kind: int, payload: bytes) -> None:
        """Send a packet."""
        self._transport.sendPacket(kind, payload)

    def closed(self, channel: Channel) -> None:
        """Both sides have closed a channel."""
        self._channels.pop(channel.number, None)
        if self._parting is not None and not self._channels:
            self._transport.disconnect(BY_APPLICATION, self._parting)

    # -- the transport's side ----------------------------------------------------------

    def serviceStopped(self) -> None:
        """The connection is gone."""
        for channel, _ in list(self._channels.values()):
            channel.connection_lost()
        self._channels.clear()

    def drained(self) -> None:
        """The transport takes output again, or has passed all on."""
        for channel, _ in list(self._channels.values()):
            channel.drained()

    def end(self, reason: str) -> bool:
        """The connection is about to be closed from here; whether there are channels to wait for.

        It is disconnected when the client has closed them.
        """
        self._parting = reason
        for _, session in list(self._channels.values()):
            session.end(reason)
        return bool(self._channels)

    def packetReceived(self, messageNum: int, packet: bytes) -> None:
        """Handle a packet of this service."""
        handler = self._handlers.get(messageNum)
        if handler is None:
            self._transport.sendUnimplemented()
        else:
            handler(Reader(packet))

    # -- packets -----------------------------------------------------------------------

    def _global_request(self, reader: Reader) -> None:
        reader.name()
        if reader.boolean():
            # As sshd answers keepalives, and what it does not do: an answer is all they want.
            self.send(REQUEST_FAILURE, b"")

    def _open(self, reader: Reader) -> None:
        kind, peer, window, most_packet = reader.name(), reader.u32(), reader.u32(), reader.u32()
        if kind != "session":
            self._refuse(peer, _PROHIBITED, f"{kind:.40} is not served here: only sessions are")
        elif self._parting is not None:
            self._refuse(peer, _PROHIBITED, self._parting)
        elif len(self._channels) >= self._most_channels:
            self._refuse(peer, _RESOURCE_SHORTAGE, "too many sessions in this connection")
        elif most_packet < LEAST_PACKET:
            self._refuse(peer, _RESOURCE_SHORTAGE, "packets that small are not served")
        else:
            number = self._next_number
            self._next_number = (number + 1) & 0xFFFFFFFF
            channel = Channel(self, number, peer, window, most_packet)
            session = self._open_session(channel)
            channel.receiver = session
            self._channels[number] = channel, session
            ours = u32(peer) + u32(number) + u32(WINDOW_BYTES) + u32(MOST_PACKET)
            self.send(CHANNEL_OPEN_CONFIRMATION, ours)

    def _refuse(self, peer: int, reason: int, text: str) -> None:
        self.send(CHANNEL_OPEN_FAILURE, u32(peer) + u32(reason) + string(text) + string(""))

    def _channel(self, reader: Reader) -> tuple[Channel, Session]:
        found = self._channels.get(reader.u32())
        if found is None:
            raise PacketError("a channel that there is not")
        return found

    def _window_adjust(self, reader: Reader) -> None:
        channel, _ = self._channel(reader)
        channel.window_adjusted(reader.u32())

    def _received(self, reader: Reader) -> None:
        channel, _ = self._channel(reader)
        channel.data_received(_data(reader))

    def _extended_data(self, reader: Reader) -> None:
        channel, _ = self._channel(reader)
        reader.u32()
        channel.discard(_data(reader))

    def _channel_request(self, reader: Reader) -> None:
        channel, session = self._channel(reader)
        kind, wants_answer = reader.name(), reader.boolean()
        is_done = session.requested(kind, reader)
        if wants_answer:
            channel.answer(is_done)
        session.answered()


def _data(reader: Reader) -> bytes:
    data = reader.string()
    if len(data) > MOST_PACKET:
        raise PacketError("more data in a packet than was agreed")
    return data
