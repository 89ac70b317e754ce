"""Where to listen."""

from __future__ import annotations

import re

import attrs

from termhub.errors import ConfigError


@attrs.frozen
class Address:
    """Where to listen: a host and a port; port 0 picks a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address | None:
    """The address in ``HOST:PORT``, ``[IPv6]:PORT`` or ``:PORT`` (loopback); None for ``off``.

    :raises ConfigError: when it is none of these.
    """
    if text.lower() in ("off", "none", ""):
        return None
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\[\]:]*)):(\d{1,5})", text)
    if found is None or int(found[3]) > 65535:
        raise ConfigError(f"{text!r} is not an address: write HOST:PORT, [IPv6]:PORT or off.")
    return Address(found[1] or found[2] or "127.0.0.1", int(found[3]))
