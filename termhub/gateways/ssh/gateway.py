"""The ssh gateway: makes a connection of each that comes, and ends them all when the hub stops.

Invariant: a connection has a place in the counts from when it is made until it is lost; one that
has logged in is closed when what it logged in with is worth nothing any more, and a guest's at
once when nothing is shared with them any more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.conch.ssh.keys import Key
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from termhub.config import SshSettings
from termhub.hub.viewers import CLOSE_RESTART

from ..attached import Attached
from ..connections import Connections, Place
from ..guests import Guests
from .channel import Channel
from .connection import SessionConnection
from .host_key import fingerprint, host_key
from .job import Services
from .link_login import LinkLogin
from .login import Login
from .session import Session
from .transport import Transport
from .userauth import UserAuth

_log = Logger()


class SshGateway(Factory):
    """Listens for ssh clients.

    :param key: the host key.
    """

    noisy = False

    def __init__(self, services: Services, settings: SshSettings, key: Key, reactor: Any) -> None:
        self.clock = reactor
        self.login_seconds = float(settings.login_seconds)
        self.publicKeys = {b"ssh-ed25519": key.public()}
        self.privateKeys = {b"ssh-ed25519": key}
        self.fingerprint = fingerprint(key)
        self._services = services
        self._channels = settings.channels
        self._connections: dict[Transport, _Places] = {}
        self._attached = Attached(services.accounts)
        self._guests = Guests(services.consoles.shares)
        self._counted = Connections(settings.connections, settings.connections_per_address)
        # One address must not keep everybody else from logging in.
        strangers = settings.unauthenticated
        self._strangers = Connections(strangers, (strangers + 1) // 2)
        self._all_gone: Deferred[None] | None = None

    # -- connections come and go -----------------------------------------------------------

    def buildProtocol(self, address: IAddress | None) -> Transport | None:
        """The protocol of a new connection; None when there are too many."""
        host = str(getattr(address, "host", ""))
        place = self._counted.take(host)
        if place is None:
            return None
        stranger = self._strangers.take(host)
        if stranger is None:
            place.free()
            return None
        transport = Transport(self, host)
        transport.factory = self  # type: ignore[assignment]
        self._connections[transport] = _Places(place, stranger)
        return transport

    def lost(self, transport: Transport) -> None:
        """A connection is over."""
        places = self._connections.pop(transport, None)
        if places is not None:
            places.free()
        self._attached.discard(transport)
        self._guests.discard(transport)
        if not self._connections and self._all_gone is not None:
            self._all_gone.callback(None)
            self._all_gone = None

    def stop(self) -> Deferred[None]:
        """End all connections; fires when they are over, a few seconds later at most."""
        if not self._connections:
            return succeed(None)
        gone = self._all_gone = Deferred()
        for transport in list(self._connections):
            transport.close(CLOSE_RESTART, "The hub restarts; your consoles go on.")
        return gone

    # -- what a transport asks for ---------------------------------------------------------

    def userauth(self, transport: Transport) -> UserAuth:
        """What asks who the client is."""
        services = self._services
        links = LinkLogin(services.consoles.shares, transport.address)
        return UserAuth(transport, services.accounts, links, services.link, self._logged_in)

    def _logged_in(self, transport: Transport, login: Login) -> None:
        self._connections[transport].stranger.free()
        self._attached.add(transport, login.user, login.credentials)

        def open_session(channel: Channel) -> Session:
            return Session(self._services, login.user, channel, login.console)

        connection = SessionConnection(transport, self._channels, open_session)
        transport.logged_in(connection, connection.drained, connection.end)
        if login.user.is_guest and login.console is not None:
            self._guests.add(transport, login.user, login.console)
        else:
            self._services.accounts.logged_in(login.user, f"ssh, by {login.way}", transport.address)
            self._services.consoles.logged_in(login.user)


class _Places:
    """What one connection takes of the counts."""

    def __init__(self, place: Place, stranger: Place) -> None:
        self.stranger = stranger
        self._place = place

    def free(self) -> None:
        self.stranger.free()
        self._place.free()


def make_gateway(services: Services, settings: SshSettings, host_key_path: Path, reactor: Any) -> SshGateway:
    """The gateway to listen with.

    :param host_key_path: the private key that clients know the hub by; made when it is missing.
    :raises ConfigError: when the key cannot be used.
    """
    gateway = SshGateway(services, settings, host_key(host_key_path), reactor)
    _log.info("ssh clients know this hub by the key {fingerprint}", fingerprint=gateway.fingerprint)
    return gateway
