"""A whole hub with its gateways, as one Twisted service: what ``termhub up`` and ``twistd`` run.

Invariant: sockets are bound and everything that needs root is done in
:meth:`TermhubService.privilegedStartService`; nothing is served before the consoles are found.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.cli.gateways import Gateways, Name, check_telnet, listening_addresses
from termhub.config import Address, Settings
from termhub.errors import TermhubError
from termhub.hub.service import Hub

BACKLOG = 512

_log = Logger()


@attrs.frozen
class Running:
    """What people need to know of a hub that runs.

    :param addresses: how to come in, by gateway: a URL for ``web``, a command line for others.
    :param login: a link to log in with, on the very first start.
    :param warnings: what whoever starts it should think about.
    """

    addresses: dict[str, str]
    login: str | None
    warnings: Sequence[str] = ()

    def lines(self) -> list[str]:
        """One address a line."""
        shown = {**self.addresses, **({"login": self.login} if self.login else {})}
        lines = [f"{name:5} {address}" for name, address in shown.items()]
        return lines + [f"warning: {warning}" for warning in self.warnings]


class TermhubService(Service):
    """The hub and its gateways.

    :param reactor: Twisted's.
    :param tell: told when everything is served, or why it is not.
    """

    name = "termhub"

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        tell: Callable[[Running | Failure], None],
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._tell = tell
        self._hub = Hub(settings, reactor)
        self._gateways = Gateways(self._hub, settings, reactor)
        self._sockets: dict[Name, socket.socket] = {}
        self._warnings: list[str] = []
        self._ports: list[Any] = []

    def privilegedStartService(self) -> None:
        """Everything that may need root; blocks.

        :raises TermhubError: when something is missing.
        """
        if any(gateway == "web" for gateway, _ in listening_addresses(self._settings)):
            self._gateways.open_certificate()  # what the hub prepares may put closed folders out of reach
        self._hub.prepare()
        for gateway, address in listening_addresses(self._settings):
            self._sockets[gateway] = listening_socket(gateway, address)
        if "telnet" in self._sockets:
            warning = check_telnet(self._settings, self._sockets["telnet"])
            if warning is not None:
                self._warnings.append(warning)
        self._hub.drop()
        certificate = self._gateways.certificate
        if certificate is not None and (unreadable := certificate.warning()) is not None:
            self._warnings.append(unreadable)

    def startService(self) -> None:
        """Find the consoles, then serve."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None]:
        """Send the clients away and let go of everything; consoles live on."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    def _begin(self) -> None:
        Deferred.fromCoroutine(self._start()).addCallbacks(self._tell, self._tell)

    async def _start(self) -> Running:
        await self._hub.start()
        self._follow_certificate()
        for gateway, listening in self._sockets.items():
            self._ports.append(self._gateways.serve(gateway, listening))
        addresses = self._gateways.addresses
        if "web" in addresses:
            self._hub.reached_at(addresses["web"])
        login = None
        if self._hub.login_secret is not None and "web" in addresses:
            login = f"{addresses['web']}#login={self._hub.login_secret}"
        # What is loaded by now stays: collections that look at it would only delay somebody's key.
        gc.collect()
        gc.freeze()
        _log.info("The hub serves {data}", data=str(self._settings.data_path), **addresses)
        for warning in self._warnings:
            _log.warn("{warning}", warning=warning)
        return Running(addresses, login, self._warnings)

    def _follow_certificate(self) -> None:
        certificate = self._gateways.certificate
        if certificate is None:
            return
        certificate.follow(self._reactor)
        if not os.isatty(0):
            # At a terminal SIGHUP says that it is gone.
            signal.signal(
                signal.SIGHUP, lambda number, frame: self._reactor.callFromThread(certificate.check)
            )

    async def _stop(self) -> None:
        if self._gateways.certificate is not None:
            self._gateways.certificate.stop()
        for port in self._ports:
            await port.stopListening()
        gateways_stopped = Deferred.fromCoroutine(self._gateways.stop())
        await self._hub.stop()
        await gateways_stopped
        _log.info("The hub has stopped; consoles live on")


def listening_socket(gateway: str, address: Address) -> socket.socket:
    """A socket that listens at ``address``.

    :raises TermhubError: when it cannot.
    """
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        raise TermhubError(
            f"The {gateway} gateway cannot listen at {address}: {error.strerror or error}. "
            f"Choose another with --{gateway} HOST:PORT; port 0 takes a free one.",
            "cannot_listen",
        ) from None
    return listening
