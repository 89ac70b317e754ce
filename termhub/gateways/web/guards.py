"""What stands between the network and the routes: counts, rates, proxies, and https."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from termhub.config import Web

from ..connections import Connections
from .origins import origin_of
from .proxies import Proxies
from .rates import Rates


def _no_time() -> float:
    return 0.0


@attrs.frozen
class Guards:
    """What every connection and request is held to.

    :param connections: counts connections.
    :param rates: counts requests.
    :param proxies: those whose word about a request's origin is taken.
    :param public_url: the address people use; empty: whatever they ask for.
    :param is_tls: whether we speak TLS ourselves.
    :param hsts_seconds: how long browsers are to come by https only; 0: as they like.
    """

    connections: Connections = attrs.field(factory=lambda: Connections(0, 0))
    rates: Rates = attrs.field(factory=lambda: Rates(_no_time))
    proxies: Proxies = attrs.field(factory=Proxies)
    public_url: str = ""
    is_tls: bool = False
    hsts_seconds: int = 0

    @property
    def is_https(self) -> bool:
        """Whether all people come by https, so that cookies are kept to it."""
        return self.is_tls or self.public_url.startswith("https:")

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins that are ours besides the one of the host that is asked."""
        origin = origin_of(self.public_url)
        return () if origin is None else (origin,)

    @property
    def hsts(self) -> dict[str, str]:
        """The header for answers that go out by https (RFC 6797)."""
        if not self.hsts_seconds:
            return {}
        return {"Strict-Transport-Security": f"max-age={self.hsts_seconds}"}


def guards_of(web: Web, seconds: Callable[[], float]) -> Guards:
    """The guards that the settings want.

    With a public address that is not ours, and no proxy that is trusted, everybody comes from one
    address, the proxy's: nothing is counted by address then.

    :param seconds: a clock that never goes back.
    :raises ConfigError: when a setting cannot be used.
    """
    proxies = Proxies(web.trusted_proxies)
    is_tls = bool(web.tls_certificate)
    tells_apart = is_tls or bool(proxies) or not web.public_url
    return Guards(
        Connections(web.connections, web.connections_per_address if tells_apart else 0),
        Rates(seconds, web.requests_per_minute, web.requests_per_minute_address if tells_apart else 0),
        proxies,
        web.public_url,
        is_tls,
        web.hsts_seconds,
    )
