"""Connections out of consoles whose network is an allow-list, made by the hub.

A program asks the proxy in its sandbox, the agent and the host pass that on, and here it is
decided: the name and port must be on the operator's list, the addresses are looked up once, only
public ones that are not this machine's are taken, and exactly those are dialled.

Invariant: nothing is dialled that was not checked, and a console has no more connections than
it may.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from attrs import frozen
from twisted.internet import error, protocol
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, connectProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from sandbox.network import is_public, own_addresses
from termhub.errors import TooMany
from termhub.hub.allow_list import AllowList, literal
from termhub.hub.clock import Clock
from termhub.hub.relay import Pace, Relay
from termhub.hub.streams import Stream
from termhub.threads import Threads

RESOLVE_SECONDS = 10.0
DIAL_SECONDS = 10.0
MOST_TRIES = 3
"""Addresses of a host that are tried, one after the other."""

_RESOLVERS = 8
_MOST_LOOKUPS = 128

_log = Logger()

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The public addresses of a host; raises OSError when there is no such host."""

Dial = Callable[[str, int, protocol.Protocol], Awaitable[Any]]
"""Connects a protocol to an address and port; fails with what Twisted's endpoints fail with."""


@frozen
class Allowance:
    """What a console may have of the network now.

    :param plan: the name of its owner's plan.
    :param why_not: why it reaches nothing, in words; None: it reaches what is on the list.
    :param kbits: most kilobits a second each way; None for any.
    """

    plan: str
    why_not: str | None = None
    kbits: int | None = None


class Refused(Exception):
    """There will be no connection.

    :param code: one of ``not_allowed``, ``unreachable``, ``timeout``, ``busy``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Outside:
    """All connections that consoles have to the outside.

    :param allow: the operator's list.
    :param connections: most of one console at a time.
    :param connections_total: most of all.
    :param resolve: looks up names; None: the system's resolver, in threads.
    :param dial: connects; None: over TCP.
    :param own: the addresses of this machine.
    """

    def __init__(
        self,
        allow: AllowList,
        connections: int,
        connections_total: int,
        reactor: Any,
        resolve: Resolve | None = None,
        dial: Dial | None = None,
        own: Callable[[], frozenset[Any]] = own_addresses,
    ) -> None:
        self.allow = allow
        self.connections = connections
        self.connections_total = connections_total
        self.open = 0
        """Connections that there are or are being made."""
        self.clock: Clock = reactor
        self.own = own
        self._threads = Threads(reactor, "names", _RESOLVERS, _MOST_LOOKUPS, "Too many names are looked up.")
        self.resolve: Resolve = resolve or self._look_up
        self.dial: Dial = dial or _Dialler(reactor)

    def start(self) -> None:
        """Let names be looked up."""
        self._threads.start()

    def stop(self) -> None:
        """Look up nothing any more."""
        self._threads.stop()

    def way_out(self, allowance: Callable[[], Awaitable[Allowance]]) -> WayOut:
        """What one console uses it by; :param allowance: asked for each connection."""
        return WayOut(self, allowance)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be dialled.

        :raises Refused: when there are none.
        """
        try:
            looked_up = Deferred.fromCoroutine(_coroutine(self.resolve(host, port)))
            found = await looked_up.addTimeout(RESOLVE_SECONDS, self.clock)  # type: ignore[arg-type]
        except (TookTooLong, CancelledError):
            raise Refused("timeout", f"the name {host} could not be looked up in time") from None
        except TooMany:
            raise Refused("busy", "too many names are being looked up; try again") from None
        except OSError as problem:
            raise Refused("unreachable", f"{host}: {problem.strerror or 'no such host'}") from None
        own = self.own()
        usable = []
        for text in found:
            address = ipaddress.ip_address(text)
            if is_public(address) and address not in own:
                usable.append(str(address))
        if not usable:
            raise Refused("not_allowed", f"{host} has no public address, and consoles reach no other")
        return usable[:MOST_TRIES]

    async def _look_up(self, host: str, port: int) -> list[str]:
        if literal(host) is not None:
            return [host]
        found = await self._threads.run(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class WayOut:
    """How one console reaches the outside.

    :ivar bytes_in: what all its connections have brought, since the hub began.
    :ivar bytes_out: what they took out.
    """

    def __init__(self, outside: Outside, allowance: Callable[[], Awaitable[Allowance]]) -> None:
        self.outside = outside
        self.kbits: int | None = None
        """Most kilobits a second of all its connections, each way; None for any."""
        self._allowance = allowance
        self.bytes_in = 0
        self.bytes_out = 0
        self.open = 0
        self.clock = outside.clock
        self.pace_in = Pace(self.clock.seconds)
        self.pace_out = Pace(self.clock.seconds)

    def wanted(self, stream: Stream, host: str, port: int) -> Relay:
        """A program wants a connection; who owns its stream from now on."""
        relay = Relay(self, stream)
        self.open += 1
        self.outside.open += 1
        made = Deferred.fromCoroutine(self._connect(relay, stream, host.lower(), port))
        if not made.called:
            relay.making = made
        made.addErrback(self._failed, relay)
        return relay

    def closed(self) -> None:
        """A connection is gone, or was not made."""
        self.open -= 1
        self.outside.open -= 1

    async def _connect(self, relay: Relay, stream: Stream, host: str, port: int) -> None:
        try:
            allowance = await self._allowance()
            self.kbits = allowance.kbits
            self._check(allowance, host, port)
            addresses = await self.outside.addresses(host, port)
            await self._dial(relay, addresses, host, port)
        except Refused as why:
            relay.making = None
            if not relay.is_over:
                relay.finish()
                stream.refuse(why.code, str(why))
            return
        relay.made()

    def _check(self, allowance: Allowance, host: str, port: int) -> None:
        outside, plan = self.outside, allowance.plan
        if allowance.why_not is not None:
            raise Refused("not_allowed", allowance.why_not)
        if not outside.allow.permits(host, port):
            target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            raise Refused(
                "not_allowed",
                f"{target} is not on the list of hosts for the plan {plan}. The list: {outside.allow}. "
                "Whoever runs termhub may add it (setting network.allow)",
            )
        if self.open > outside.connections:
            raise Refused("busy", f"this console has {outside.connections} connections; close one")
        if outside.open > outside.connections_total:
            raise Refused("busy", "too many consoles are connected to the outside; try again later")

    async def _dial(self, relay: Relay, addresses: list[str], host: str, port: int) -> None:
        why = Refused("unreachable", f"{host}:{port} cannot be reached")
        for address in addresses:
            try:
                await self.outside.dial(address, port, relay)
            except error.TimeoutError:
                why = Refused("timeout", f"{host}:{port} does not answer")
            except (error.ConnectError, OSError) as problem:
                why = Refused("unreachable", f"{host}:{port}: {problem}")
            else:
                return
            if relay.is_over:
                break
        raise why

    def _failed(self, failure: Failure, relay: Relay) -> None:
        """It was cancelled, as nobody wants it any more; or something is wrong with us."""
        if not relay.is_over:
            relay.making = None
            _log.failure("A connection to the outside failed", failure)
            relay.give_up()


class _Dialler:
    """Connects over TCP to an address as it is, without looking anything up."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __call__(self, address: str, port: int, to: protocol.Protocol) -> Awaitable[Any]:
        kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        endpoint = kind(self._reactor, address, port, DIAL_SECONDS)
        made: Awaitable[Any] = connectProtocol(endpoint, to)  # type: ignore[no-untyped-call]
        return made


async def _coroutine(awaitable: Awaitable[Sequence[str]]) -> Sequence[str]:
    return await awaitable
