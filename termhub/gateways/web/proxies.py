"""Where a request comes from when a proxy stands between.

A proxy that the operator trusts says it in ``X-Forwarded-For``, ``-Proto`` and ``-Host``; anybody
can write these headers, so from others they mean nothing.  (``Forwarded`` of RFC 7239 is not
looked at: a proxy that writes one kind passes the other on as the client wrote it.)

Invariant: an address is taken from what a trusted proxy wrote itself: the list is read from its
end, and only as far as trusted proxies have added to it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import attrs

from termhub.errors import ConfigError

MAX_HOPS = 32
"""Proxies that are followed; what is before them is not looked at."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@attrs.frozen
class Source:
    """Where a request comes from.

    :param address: of the client, as far as that is known.
    :param is_proxied: whether a trusted proxy passed it on.
    :param is_https: whether that proxy was asked by https.
    :param host: what it was asked for (a host, with a port if any); None when it does not say.
    """

    address: str
    is_proxied: bool = False
    is_https: bool = False
    host: str | None = None


class Proxies:
    """The proxies that are trusted.

    :param trusted: their addresses or networks.
    :raises ConfigError: for what is neither.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks: list[_Network] = []
        for text in trusted:
            try:
                self._networks.append(ipaddress.ip_network(text.strip(), strict=False))
            except ValueError:
                raise ConfigError(
                    f"Setting web.trusted_proxies: {text!r} is no address or network; "
                    "write for example 127.0.0.1 or 10.0.0.0/8."
                ) from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def has(self, address: str) -> bool:
        """Whether a connection from here is one of a trusted proxy."""
        if not self._networks:
            return False
        parsed = _parsed(address)
        return parsed is not None and self._has(parsed)

    def _has(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)

    def source(
        self, peer: str, forwarded: Sequence[str] = (), proto: Sequence[str] = (), host: Sequence[str] = ()
    ) -> Source:
        """Where a request comes from.

        :param peer: the other end of the connection.
        :param forwarded: the values of all headers ``X-Forwarded-For``, in their order.
        :param proto: those of ``X-Forwarded-Proto``.
        :param host: those of ``X-Forwarded-Host``.
        """
        if not self.has(peer):
            return Source(peer)
        return Source(
            self._client(peer, forwarded),
            is_proxied=True,
            is_https=_last(proto).lower() == "https",
            host=_last(host) or None,
        )

    def _client(self, peer: str, forwarded: Sequence[str]) -> str:
        found = peer
        hops = ",".join(forwarded).rsplit(",", MAX_HOPS)
        for hop in reversed(hops[-MAX_HOPS:]):
            address = _parsed(hop)
            if address is None:
                break
            found = str(address)
            if not self._has(address):
                break
        return found


def _last(values: Sequence[str]) -> str:
    return values[-1].rpartition(",")[2].strip() if values else ""


def _parsed(text: str) -> _Address | None:
    """An address as proxies write it: also with a port, and an IPv6 one in brackets."""
    text = text.strip()
    if len(text) > 64 or not text.isascii():
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
