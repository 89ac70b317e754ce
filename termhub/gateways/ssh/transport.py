"""The transport layer of one ssh connection (RFC 4253): Conch's, made strict and bounded.

Conch does the key exchange, encryption and packets.  Here is what a server on the open network
needs besides: only algorithms without known weakness, the strict order of packets, a deadline
before the login, keepalives, rekeying, and an end to everything that a client could make grow.

Invariant: before the login a client gets a deadline, few packets and little memory; no packet of
another layer is handled unless it came encrypted and between key exchanges; once
:meth:`Transport.disconnect` was called nothing of the client is handled any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

from twisted.conch.ssh import transport as conch
from twisted.conch.ssh.service import SSHService
from twisted.internet.interfaces import ITCPTransport
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub import __version__
from termhub.hub.clock import Clock, DelayedCall

from ..tcp import prepare
from .packets import PacketError, Reader, string, u32
from .wire import Wire

USER_KEY_ALGORITHMS = (
    b"ssh-ed25519",
    b"sk-ssh-ed25519@openssh.com",
    b"ecdsa-sha2-nistp256",
    b"ecdsa-sha2-nistp384",
    b"ecdsa-sha2-nistp521",
    b"sk-ecdsa-sha2-nistp256@openssh.com",
    b"rsa-sha2-512",
    b"rsa-sha2-256",
)
"""What users may sign with."""

KEY_EXCHANGES = (b"mlkem768x25519-sha256", b"curve25519-sha256", b"curve25519-sha256@libssh.org")
"""What we exchange keys by, as far as Conch can."""

TICK_SECONDS = 20.0
"""How often a connection is looked at; one that was silent for so long is asked for a sign of life."""

MOST_UNANSWERED = 3
"""Signs of life that may be owed before the connection is given up."""

REKEY_BYTES = 1 << 30
REKEY_SECONDS = 3600.0
EXCHANGE_SECONDS = 60.0
"""A key exchange that takes longer is given up."""

PARTING_SECONDS = 2.0
"""How long what runs over a connection has to end, when that is ended from here."""

LINGER_SECONDS = 5.0
"""How long a client has to take our last words."""

MOST_LOGIN_BYTES = 64 * 1024
"""Bytes of one packet before the login; RFC 4253, section 6.1, asks for 35000."""

MOST_LOGIN_PACKETS = 200
MOST_REPLY_BYTES = 256 * 1024
"""With so much waiting for a client that does not read, nothing more is read from it either."""

MOST_HELD_PACKETS = 1000
"""Packets held while keys are exchanged."""

DISCONNECT = 1
UNIMPLEMENTED = 3
SERVICE_REQUEST = 5
SERVICE_ACCEPT = 6
EXT_INFO = 7
KEXINIT = 20
NEWKEYS = 21
KEX_INIT = 30
GLOBAL_REQUEST = 80

PROTOCOL_ERROR = 2
SERVICE_NOT_AVAILABLE = 7
CONNECTION_LOST = 10
BY_APPLICATION = 11
NO_MORE_AUTH_METHODS = 14

# No algorithms, and so none that could be agreed on: they say that the order of packets is strict
# (OpenSSH's PROTOCOL, 1.10).
_STRICT_CLIENT = b"kex-strict-c-v00@openssh.com"
_STRICT_SERVER = b"kex-strict-s-v00@openssh.com"
_SEQUENCE_MASK = 0xFFFFFFFF

_log = Logger()


class Owner(Protocol):
    """Who has made a transport: the gateway."""

    clock: Clock
    login_seconds: float

    def userauth(self, transport: Transport) -> SSHService:
        """What asks who the client is."""

    def lost(self, transport: Transport) -> None:
        """The connection is gone."""


class Transport(conch.SSHServerTransport):
    """One connection.

    :param owner: the gateway.
    :param address: the client's.
    """

    ourVersionString = f"SSH-2.0-termhub_{__version__}".encode()

    transport: Wire  # type: ignore[assignment]

    def __init__(self, owner: Owner, address: str) -> None:
        self.supportedKeyExchanges = [*_key_exchanges(), _STRICT_SERVER]
        self.supportedPublicKeys = [b"ssh-ed25519"]
        self.supportedCiphers = [b"aes256-ctr", b"aes192-ctr", b"aes128-ctr"]
        self.supportedMACs = [b"hmac-sha2-512", b"hmac-sha2-256"]
        self.supportedCompressions = [b"none"]
        self.address = address
        self.is_logged_in = False
        self.is_closing = False
        self._owner = owner
        self._clock = owner.clock
        self._exchange: Literal["none", "agreed", "answered"] = "none"
        self._exchange_began: float | None = None
        self._exchanged = 0.0  # when the last key exchange was over
        self._exchanged_bytes = 0  # what went both ways since
        self._is_strict = False
        self._tell_drained: Callable[[], None] = lambda: None
        self._end: Callable[[str], bool] = lambda reason: False
        self._packets = 0
        self._unanswered = 0
        self._has_heard = False
        self._login_timer: DelayedCall | None = None
        self._login_until = 0.0
        self._tick_timer: DelayedCall | None = None
        self._linger_timer: DelayedCall | None = None

    # -- what the layers above use -------------------------------------------------

    @property
    def is_writable(self) -> bool:
        """Whether output may be handed over now."""
        return not (self.is_closing or self._blockedByKeyExchange is not None or self.transport.is_full)

    @property
    def is_clear(self) -> bool:
        """Whether everything handed over has left this process."""
        return self._blockedByKeyExchange is None and self.transport.is_clear

    def logged_in(self, service: SSHService, drained: Callable[[], None], end: Callable[[str], bool]) -> None:
        """The client has logged in: there is no deadline any more, and this service goes on.

        :param drained: called when output may be handed over again, or all of it has left.
        :param end: called with the reason before the connection is closed from here; whether
            something has yet to end, and will disconnect then.
        """
        self.is_logged_in = True
        self._tell_drained, self._end = drained, end
        self._stop(self._login_timer)
        self.setService(service)

    def allow_time(self, seconds: float) -> None:
        """Let the login take so long from now, if that is longer than it has."""
        until = self._clock.seconds() + seconds
        if self._login_timer is not None and self._login_timer.active() and until > self._login_until:
            self._login_timer.cancel()
            self._allow_until(until)

    def disconnect(self, reason: int, text: str) -> None:
        """Say why, and close.

        :param reason: a number of RFC 4253, section 11.1.
        """
        if self.is_closing:
            return
        _log.debug("{address} is disconnected: {why}", address=self.address, why=text)
        self.sendPacket(DISCONNECT, u32(reason) + string(text) + string(""))
        self._close()

    def close(self, code: int, reason: str) -> None:
        """End what runs over the connection, and close it; ssh has no place for the code."""
        if self.is_closing or self._linger_timer is not None:
            return
        # OpenSSH drops what it has not written to its terminal when it is disconnected.
        if self._end(reason):
            self._linger_timer = self._clock.callLater(
                PARTING_SECONDS, self.disconnect, BY_APPLICATION, reason
            )
        else:
            self.disconnect(BY_APPLICATION, reason)

    def give_up(self) -> None:
        """Close at once, without a word."""
        self.is_closing = True
        self.transport.abortConnection()

    # -- Twisted ---------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Begin."""
        if ITCPTransport.providedBy(self.transport):
            prepare(self.transport)
        self.transport = Wire(self.transport, self._drained)
        self._exchanged = self._exchange_began = self._clock.seconds()
        self._allow_until(self._clock.seconds() + self._owner.login_seconds)
        self._tick_timer = self._clock.callLater(TICK_SECONDS, self._tick)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Handle what came; what Conch cannot make sense of ends the connection."""
        if self.is_closing:
            return
        self._has_heard = True
        self._exchanged_bytes += len(data)
        if not self.is_logged_in and len(self.buf) > MOST_LOGIN_BYTES:
            self.disconnect(PROTOCOL_ERROR, "a packet is too long")
            return
        try:
            super().dataReceived(data)
        except PacketError as error:
            self.disconnect(PROTOCOL_ERROR, str(error))
        except Exception as error:  # noqa: BLE001 - Conch's parsers raise anything on what is no ssh
            if self.is_logged_in:
                _log.failure("A packet of {address} failed", address=self.address)
            else:
                _log.debug("{address} sent what is no ssh: {why!r}", address=self.address, why=error)
            self.disconnect(PROTOCOL_ERROR, "a packet makes no sense")

    def connectionLost(self, reason: Failure | None = None) -> None:
        """End everything that stands on this connection."""
        self.is_closing = True
        for timer in (self._login_timer, self._tick_timer, self._linger_timer):
            self._stop(timer)
        service, self.service = self.service, None
        if service is not None:
            service.serviceStopped()
        self._owner.lost(self)

    def _close(self) -> None:
        self.is_closing = True
        self._stop(self._linger_timer)
        self.transport.loseConnection()
        # A client that does not read must not keep the socket open for ever.
        self._linger_timer = self._clock.callLater(LINGER_SECONDS, self.transport.abortConnection)

    def _drained(self) -> None:
        if not self.is_closing:
            self.transport.read_again()
            self._tell_drained()

    def _stop(self, timer: DelayedCall | None) -> None:
        if timer is not None and timer.active():
            timer.cancel()

    # -- time ------------------------------------------------------------------------

    def _allow_until(self, until: float) -> None:
        self._login_until = until
        self._login_timer = self._clock.callLater(until - self._clock.seconds(), self._took_too_long)

    def _took_too_long(self) -> None:
        self.disconnect(NO_MORE_AUTH_METHODS, "the login took too long")

    def _tick(self) -> None:
        self._tick_timer = self._clock.callLater(TICK_SECONDS, self._tick)
        if self.is_closing:
            return
        now = self._clock.seconds()
        if self._exchange_began is not None and now - self._exchange_began > EXCHANGE_SECONDS:
            self.disconnect(CONNECTION_LOST, "the key exchange took too long")
            return
        if self._exchange_began is None and now - self._exchanged > REKEY_SECONDS:
            self._rekey()
        if self._has_heard or not self.is_logged_in:
            self._has_heard = False
            self._unanswered = 0
            return
        if self._unanswered >= MOST_UNANSWERED:
            _log.debug("{address} gives no sign of life", address=self.address)
            self.give_up()
            return
        self._unanswered += 1
        if self.transport.is_clear:
            self.sendPacket(GLOBAL_REQUEST, string("keepalive@openssh.com") + b"\1")

    def _rekey(self) -> None:
        if self.is_logged_in and self._exchange_began is None and not self.is_closing:
            self.sendKexInit()

    # -- packets out -----------------------------------------------------------------

    def sendPacket(self, messageType: int, payload: bytes) -> None:
        """Send a packet, or hold it while keys are exchanged."""
        if self.is_closing:
            return
        super().sendPacket(messageType, payload)
        # Conch counts on beyond what a packet's number can be.
        self.outgoingPacketSequence &= _SEQUENCE_MASK
        self._exchanged_bytes += len(payload)
        if self._exchanged_bytes > REKEY_BYTES:
            self._rekey()
        if self.transport.unsent > MOST_REPLY_BYTES:
            self.transport.stop_reading()
        if self._blockedByKeyExchange is not None and len(self._blockedByKeyExchange) > MOST_HELD_PACKETS:
            self.disconnect(PROTOCOL_ERROR, "too much during a key exchange")

    def sendKexInit(self) -> None:
        """Begin to exchange keys, or answer the client that does."""
        self._exchange_began = self._clock.seconds()
        super().sendKexInit()

    def sendExtInfo(self, extensions: Any) -> None:
        """Tell which signatures users may log in with; Conch would tell those of the host key."""
        super().sendExtInfo([(b"server-sig-algs", b",".join(USER_KEY_ALGORITHMS))])

    def sendDisconnect(self, reason: int, desc: bytes | str) -> None:
        """Close, for Conch's own reasons."""
        self.disconnect(reason, desc if isinstance(desc, str) else desc.decode("utf-8", "replace"))

    def sendUnimplemented(self) -> None:
        """Say that the packet that is being handled is not known."""
        self.sendPacket(UNIMPLEMENTED, u32((self.incomingPacketSequence - 1) & _SEQUENCE_MASK))

    # -- packets in ------------------------------------------------------------------

    def getPacket(self) -> bytes | None:
        """The next whole packet; nothing once the connection is closing."""
        if self.is_closing:
            return None
        packet: bytes | None = super().getPacket()
        if packet == b"":
            raise PacketError("an empty packet")
        self.incomingPacketSequence &= _SEQUENCE_MASK
        return packet

    def dispatchMessage(self, messageNum: int, payload: bytes) -> None:
        """Handle a packet, if it may come now."""
        self._packets += 1
        if not self.is_logged_in and self._packets > MOST_LOGIN_PACKETS:
            raise PacketError("too many packets before the login")
        if messageNum >= 50 or messageNum == SERVICE_REQUEST:
            if self.sessionID is None or self._exchange != "none":
                raise PacketError(f"packet {messageNum} during a key exchange")
            if messageNum == SERVICE_REQUEST:
                self._service_requested(payload)
            elif self.service is not None:
                self.service.packetReceived(messageNum, payload)
            else:
                self.sendUnimplemented()
        elif messageNum in (1, 2, 3, 4):
            if self._is_strict and self.sessionID is None and messageNum != DISCONNECT:
                raise PacketError(f"packet {messageNum} in a strict key exchange")
            super().dispatchMessage(messageNum, payload)
        elif messageNum == EXT_INFO:
            pass  # nothing that clients tell in it is of use here
        else:
            self._exchange_message(messageNum, payload)

    def _exchange_message(self, number: int, payload: bytes) -> None:
        """A packet of a key exchange: each once, in its order."""
        if self.ignoreNextPacket and KEX_INIT <= number < 50 and self._exchange == "agreed":
            self.ignoreNextPacket = 0  # a guess that was wrong
            return
        expected = {"none": KEXINIT, "agreed": KEX_INIT, "answered": NEWKEYS}[self._exchange]
        if number != expected:
            raise PacketError(f"packet {number} out of order")
        if number == KEXINIT:
            self._agree(payload)
        elif number == KEX_INIT:
            self._exchange = "answered"
            super().dispatchMessage(number, payload)
        else:
            self._exchange = "none"
            super().dispatchMessage(number, payload)

    def _agree(self, payload: bytes) -> None:
        is_first = self.sessionID is None
        if not is_first and not self.is_logged_in:
            raise PacketError("another key exchange before the login")
        reader = Reader(payload[16:])
        lists = [reader.string() for _ in range(10)]
        reader.byte()
        if is_first:
            self._is_strict = _STRICT_CLIENT in lists[0].split(b",")
            if self._is_strict and self._packets != 1:
                raise PacketError("a packet before a strict key exchange")
        self._exchange = "agreed"
        super().dispatchMessage(KEXINIT, payload)

    def _newKeys(self) -> None:
        """The new keys are in force, both ways."""
        if self._is_strict:
            self.incomingPacketSequence = self.outgoingPacketSequence = 0
        self._exchange_began = None
        self._exchanged = self._clock.seconds()
        self._exchanged_bytes = 0
        super()._newKeys()
        if not self.is_closing:
            self._tell_drained()

    def _service_requested(self, payload: bytes) -> None:
        name = Reader(payload).string()
        if name != b"ssh-userauth" or self.service is not None:
            self.disconnect(SERVICE_NOT_AVAILABLE, "there is only ssh-userauth, and once")
            return
        self.sendPacket(SERVICE_ACCEPT, string(name))
        self.setService(self._owner.userauth(self))

    # -- what Conch would log at levels that are not a stranger's to fill --------------

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        """The client has said why it goes."""
        _log.debug("{address} disconnects: {code}", address=self.address, code=reasonCode)

    def receiveUnimplemented(self, seqnum: int) -> None:
        """The client does not know a packet of ours: a keepalive, at most."""

    def receiveDebug(self, alwaysDisplay: bool, message: bytes, lang: bytes) -> None:
        """The client's words for its own log."""


def _key_exchanges() -> list[bytes]:
    return [name for name in KEY_EXCHANGES if name in conch.SSHTransportBase.supportedKeyExchanges]
