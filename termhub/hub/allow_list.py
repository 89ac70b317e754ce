"""The operator's list of hosts that consoles of an allow-list reach (setting ``network.allow``)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import attrs

from sandbox.network import is_public
from termhub.errors import ConfigError

HTTPS = 443
SHOWN_CHARACTERS = 200
"""How much of the list a refusal tells."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")
_PATTERN = re.compile(r"(?P<any>\*\.)?(?P<host>\[[^\]]*\]|[^:*\[\]]*)(?::(?P<port>\d{1,5}))?")


@attrs.frozen
class Allowed:
    """One entry: a host, or with ``is_suffix`` every name below it, and a port."""

    host: str
    port: int
    is_suffix: bool = False

    def permits(self, host: str, port: int) -> bool:
        """Whether a host, in lower case, and port are meant."""
        if port != self.port:
            return False
        return host.endswith("." + self.host) if self.is_suffix else host == self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == HTTPS else f":{self.port}"
        return f"{'*.' if self.is_suffix else ''}{host}{port}"


class AllowList:
    """What may be reached.

    :param patterns: ``pypi.org``, ``*.github.com``, ``git.example.org:8443``, a public address;
        without a port 443.
    :raises ConfigError: for what is none of these.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self.entries = tuple(map(parse, patterns))

    def permits(self, host: str, port: int) -> bool:
        """Whether a host, in lower case and ASCII, may be reached at a port."""
        if literal(host) is None and not _NAME.fullmatch(host):
            return False  # such as ".github.com": below a listed name, and nothing that can be looked up
        return any(entry.permits(host, port) for entry in self.entries)

    def __str__(self) -> str:
        """The list in words, shortened."""
        text = ", ".join(map(str, self.entries))
        if len(text) <= SHOWN_CHARACTERS:
            return text or "nothing"
        return text[:SHOWN_CHARACTERS].rpartition(", ")[0] + " and more"


def parse(text: str) -> Allowed:
    """One entry of the list; :raises ConfigError: saying what is wrong with it."""
    found = _PATTERN.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(
            f"Setting network.allow: {text!r} is no host: write pypi.org, *.github.com (a * only at the "
            "start) or git.example.org:8443."
        )
    port = int(found["port"] or HTTPS)
    if not 1 <= port <= 65535:
        raise ConfigError(f"Setting network.allow: {text!r} has no port from 1 to 65535.")
    host = found["host"]
    address = literal(host.strip("[]"))
    if address is not None:
        if found["any"] or not is_public(address):
            raise ConfigError(
                f"Setting network.allow: {text!r} is not a public address, and consoles reach no other."
            )
        return Allowed(str(address), port)
    try:
        host = host.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not _NAME.fullmatch(host):
        raise ConfigError(f"Setting network.allow: {text!r} is no whole name of a host, such as pypi.org.")
    return Allowed(host, port, bool(found["any"]))


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
