"""The gateways of a hub, put on top of it: what they need of the hub and of each other.

Invariant: a gateway is imported only where it is served, so that a hub without one does not pay for it.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred

from termhub import __version__
from termhub.config import Address, Settings, parse_address
from termhub.errors import ConfigError
from termhub.hub.service import Hub
from termhub.store import User

if TYPE_CHECKING:
    from termhub.gateways.tui.interface import Services as UIServices
    from termhub.gateways.tui.interface import Start, Transport
    from termhub.gateways.tui.ui import TerminalUI
    from termhub.gateways.web.tls import Certificate

Name = Literal["web", "ssh", "telnet"]


class _Leavable(Protocol):
    """A gateway whose connections do not end by themselves."""

    def stop(self) -> Deferred[None]:
        """End all connections; fires when they are over."""


class Gateways:
    """What a hub is reached by.

    :param reactor: Twisted's.
    """

    certificate: Certificate | None = None
    """What browsers are shown; None: the web is served without TLS."""

    def __init__(self, hub: Hub, settings: Settings, reactor: Any) -> None:
        self.addresses = hub.addresses
        self._hub = hub
        self._settings = settings
        self._reactor = reactor
        self._leavable: list[_Leavable] = []
        self._memory: Any = None

    def serve(self, name: Name, listening: socket.socket) -> Any:
        """Serve a gateway at a socket that listens; the port, to be closed at the end."""
        host, number = listening.getsockname()[:2]
        make = {"web": self._web, "ssh": self._ssh, "telnet": self._telnet}[name]
        factory = make()
        with listening:
            port = self._reactor.adoptStreamPort(listening.fileno(), listening.family, factory)
        self.addresses[name] = self._address(name, str(host), int(number))
        return port

    def open_certificate(self) -> None:
        """Read what TLS needs, where the settings want it; blocks.

        :raises ConfigError: when it cannot be used.
        """
        web = self._settings.web
        if web.tls_certificate or web.tls_key:
            from termhub.gateways.web.tls import Certificate

            self.certificate = Certificate(web.tls_certificate, web.tls_key)

    async def stop(self) -> None:
        """End the connections that would not end by themselves."""
        stopping = [gateway.stop() for gateway in self._leavable]
        for stopped in stopping:
            await stopped

    def _address(self, name: Name, host: str, number: int) -> str:
        public_url = self._settings.web.public_url
        if name == "web":
            scheme = "http" if self.certificate is None else "https"
            return public_url.rstrip("/") + "/" if public_url else f"{scheme}://{Address(host, number)}/"
        if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
            host = urlsplit(public_url).hostname or socket.gethostname()
        if name == "telnet":
            return f"telnet {host} {number}"
        return f"ssh console@{host}" if number == 22 else f"ssh -p {number} console@{host}"

    # -- each of them ----------------------------------------------------------------------

    def _web(self) -> Any:
        from termhub.gateways.web import Services, guards_of, make_site

        hub, web = self._hub, self._settings.web
        # A fake directory in the gateway's tests is as good to it as the hub's.
        directory: Any = hub.consoles
        services = Services(
            consoles=directory,
            accounts=hub.accounts,
            shares=hub.shares,
            audit=hub.audit,
            visitors=hub.visitors,
            images=hub.consoles.images.listed,
            version=__version__,
            exports=hub.exports,
            removals=hub.removals,
            admin=hub.admin,
            reports=hub.reports,
            address=self._link,
            invitation=hub.consoles.invitation,
            logged_in=hub.consoles.logged_in,
            logged_out=hub.consoles.logged_out,
            ssh_address=lambda: self.addresses.get("ssh"),
        )
        site = make_site(services, self._reactor, guards=guards_of(web, self._reactor.seconds))
        return site if self.certificate is None else self.certificate.wrap(site, self._reactor)

    def _ssh(self) -> Any:
        from termhub.gateways.ssh import PersonTerminal, Services, make_gateway

        ui_services = self._ui_services("ssh")

        def make_ui(user: User, person: PersonTerminal, transport: Transport, start: Start) -> TerminalUI:
            from termhub.gateways.tui.terminal import Terminal
            from termhub.gateways.tui.ui import TerminalUI

            terminal = Terminal.of(person.term, person.colorterm, person.lang)
            return TerminalUI(ui_services, user, terminal, person.cols, person.rows, transport, start)

        services = Services(
            consoles=self._hub.consoles,
            accounts=self._hub.accounts,
            make_ui=make_ui,
            link=self._link,
            now=time.time,
        )
        settings = self._settings
        gateway = make_gateway(services, settings.ssh, settings.ssh_host_key_path, self._reactor)
        self._leavable.append(gateway)
        return gateway

    def _telnet(self) -> Any:
        from termhub.gateways.telnet import make_gateway

        gateway = make_gateway(
            self._ui_services("telnet"),
            self._hub.accounts,
            self._hub.consoles,
            self._settings.telnet,
            self._reactor,
        )
        self._leavable.append(gateway)
        return gateway

    def _ui_services(self, via: Literal["ssh", "telnet"]) -> UIServices:
        from termhub.gateways.tui.interface import Services
        from termhub.gateways.tui.memory import Memory

        if self._memory is None:
            self._memory = Memory()
        return Services(
            consoles=self._hub.consoles,
            store=self._hub.store,
            clock=self._reactor,
            now=time.time,
            via=via,
            link=self._link,
            memory=self._memory,
            shares=self._hub.shares,
        )

    # -- what they need of each other --------------------------------------------------------

    def _link(self) -> str:
        return self.addresses.get("web", "")


def listening_addresses(settings: Settings) -> Sequence[tuple[Name, Address]]:
    """Where each gateway listens; those that are off are left out."""
    listen: Sequence[tuple[Name, str]] = (
        ("web", settings.web.listen),
        ("ssh", settings.ssh.listen),
        ("telnet", settings.telnet.listen),
    )
    found = [(name, parse_address(text)) for name, text in listen]
    return [(name, address) for name, address in found if address is not None]


def check_telnet(settings: Settings, listening: socket.socket) -> str | None:
    """What whoever starts a hub should know of where telnet listens; None when that is this machine only.

    :raises ConfigError: when other machines could reach it and were not allowed to.
    """
    host, number = listening.getsockname()[:2]
    ip = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    if (mapped or ip).is_loopback:
        return None
    if not settings.telnet.allow_remote:
        raise ConfigError(
            f"Telnet encrypts nothing, and at {Address(host, number)} other machines reach it: passwords "
            "and all that is typed would cross the network in clear. Use ssh; or, where the network is "
            "yours alone, add --telnet-allow-remote."
        )
    return (
        f"telnet at {Address(host, number)} is open to other machines and encrypts nothing: "
        "passwords and all that is typed cross the network in clear. Prefer ssh."
    )
