"""Coming by telnet with the link of a share: its token in the place of a name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from termhub.config import TelnetSettings
from termhub.errors import NoSuchConsole
from termhub.gateways.telnet import gateway as gateway_module
from termhub.gateways.telnet.gateway import make_gateway
from tests.support.telnet_memory import CONSOLE, GUEST, SETTLED, TOKEN, FakeUI, Telnet


def come(telnet: Telnet, token: str = TOKEN, passphrase: str = "sesame") -> None:
    telnet.types(SETTLED + f"{token}\r{passphrase}\r".encode())


def test_a_guest_sees_the_shared_console() -> None:
    telnet = Telnet()
    come(telnet)
    (ui,) = telnet.uis
    assert (ui.user, ui.console) == (GUEST, CONSOLE)
    assert telnet.shares.tried == [(TOKEN, "sesame", "127.0.0.1")]
    assert telnet.came == []  # no console is made ready for a guest
    telnet.look()
    assert telnet.transport.disconnecting is False


def test_a_wrong_pass_phrase_and_a_wrong_link_ask_again() -> None:
    telnet = Telnet()
    come(telnet, passphrase="barley")
    assert b"The pass-phrase is wrong.\r\ntermhub login: " in telnet.shown
    come(telnet, token="thsh_b")
    assert b"This link is wrong.\r\ntermhub login: " in telnet.shown
    assert telnet.uis == []
    come(telnet, token="thsh_b")
    assert telnet.transport.disconnecting


def test_the_end_of_the_share_is_the_end_of_the_connection() -> None:
    telnet = Telnet()
    come(telnet)
    telnet.shares.revoke()
    assert telnet.transport.disconnecting
    assert telnet.uis[0].events[-1] == "finish: The console is no longer shared with you."


def test_a_share_that_ends_before_the_first_screen() -> None:
    telnet = Telnet()
    telnet.shares.now = None
    come(telnet)
    assert telnet.uis == []
    assert b"no longer shared with you" in telnet.shown
    assert telnet.transport.disconnecting


def test_the_first_screen_is_the_console_of_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def make_ui(services: Any, user: Any, terminal: Any, cols: int, rows: int, *more: Any) -> FakeUI:
        started.append(more[1])
        return FakeUI(user, None, "", "", (cols, rows), more[0])

    def get(user: Any, key: str, at_least: str) -> Any:
        assert (user, key, at_least) == (GUEST, CONSOLE, "observer")
        if found is None:
            raise NoSuchConsole("You have no console of this name.")
        return found

    monkeypatch.setattr(gateway_module, "TerminalUI", make_ui)
    telnet = Telnet()
    consoles: Any = SimpleNamespace(shares=telnet.shares, logged_in=None, get=get)
    services: Any = None
    accounts: Any = telnet
    telnet.gateway = make_gateway(services, accounts, consoles, TelnetSettings(), telnet.clock)
    found: Any = "the console"
    telnet.connection, telnet.transport = telnet.connect()
    come(telnet)
    assert started[0].console == "the console"
    found = None
    telnet.connection, telnet.transport = telnet.connect()
    come(telnet)
    assert len(started) == 1
    assert b"You have no console of this name." in telnet.shown
    assert telnet.transport.disconnecting
