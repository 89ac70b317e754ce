"""What of the network a console may reach."""

from __future__ import annotations

from typing import Literal, get_args

import attrs

Mode = Literal["none", "allowlist", "full"]

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
