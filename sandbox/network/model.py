"""What of the network a console may reach."""

from __future__ import annotations

from typing import Literal, get_args

import attrs

Mode = Literal["none", "allowlist", "full"]

PROXY_PORT = 3128
"""Where programs find the proxy of an allow-list, on the sandbox's own loopback address."""

MODES: tuple[Mode, ...] = get_args(Mode)


@attrs.frozen
class Network:
    """What one console may reach.

    :param mode: ``none``: its own loopback; ``allowlist``: what a list names, by a proxy;
        ``full``: every public address.
    :param kbits: most kilobits a second, each way; None for any.
    """

    mode: Mode = "none"
    kbits: int | None = None

    def environment(self) -> dict[str, str]:
        """What tells programs of the way out: the variables that pip, git, curl and others read."""
        if self.mode != "allowlist":
            return {}
        proxy = f"http://127.0.0.1:{PROXY_PORT}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        env = dict.fromkeys([*names, *map(str.upper, names)], proxy)
        own = "localhost,127.0.0.1,::1"
        return {**env, "no_proxy": own, "NO_PROXY": own}
