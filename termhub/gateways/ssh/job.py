"""What a session runs, as types: the terminal UI, a command, or a relayed program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from termhub.accounts import Accounts
from termhub.gateways.tui.interface import UI, Start
from termhub.gateways.tui.interface import Transport as UITransport
from termhub.hub.consoles import Consoles
from termhub.store import User

FAILED = 1
"""The exit status of what could not be done."""

USAGE = 2
"""The exit status of what is no command."""

BROKEN = 255
"""The exit status of what did not come to its end, as ssh's own for a broken connection."""


class Job(Protocol):
    """What runs behind a channel; it ends by closing the channel."""

    def begin(self) -> None:
        """Start; the channel is paused, and is resumed by whatever takes input."""

    def receive(self, data: bytes) -> None:
        """What the client sent."""

    def ended_input(self) -> None:
        """The client will send nothing more."""

    def drained(self) -> None:
        """Look again whether the channel is writable or clear."""

    def resized(self, cols: int, rows: int) -> None:
        """The client's terminal has another size."""

    def signal(self, name: str) -> bool:
        """The client sends a signal (without ``SIG``); False when it cannot be passed on."""

    def end(self, reason: str) -> None:
        """Say that it is ended from here; the channel is closed after this."""

    def lost(self) -> None:
        """The channel is gone."""


@attrs.frozen
class PersonTerminal:
    """The terminal that a client has told of.

    :param term: its ``TERM``.
    """

    term: str
    colorterm: str
    lang: str
    cols: int
    rows: int


MakeUI = Callable[[User, PersonTerminal, UITransport, Start], UI]


@attrs.frozen
class Services:
    """What the ssh gateway uses of the hub.

    :param make_ui: makes the terminal UI of one session.
    :param link: the hub's web address, ending in ``/``; or empty.
    :param now: seconds since 1970.
    """

    consoles: Consoles
    accounts: Accounts
    make_ui: MakeUI
    link: Callable[[], str]
    now: Callable[[], float]
