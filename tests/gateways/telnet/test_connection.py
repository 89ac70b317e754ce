"""A telnet connection, from the first byte to the last, on a transport in memory."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from termhub.accounts import Password
from termhub.config import TelnetSettings
from termhub.errors import NotLoggedIn, TermhubError, TooMany
from termhub.gateways import tcp
from termhub.gateways.telnet import gateway as gateway_module
from termhub.gateways.telnet.connection import MAX_EARLY, MAX_UNREAD_ANSWERS, SETTLE_SECONDS
from termhub.gateways.telnet.gateway import make_gateway
from termhub.gateways.telnet.machine import AYT, CHARSET, DO, IAC, NAWS, SB, SE, WILL, WONT
from termhub.store import User
from tests.support.telnet_memory import ALICE, SETTLED, FakeUI, Telnet

UTF_8_ACCEPTED = bytes((IAC, DO, CHARSET, IAC, SB, CHARSET, 2)) + b"UTF-8" + bytes((IAC, SE))
UTF_8_REFUSED = bytes((IAC, DO, CHARSET, IAC, SB, CHARSET, 3, IAC, SE))


def test_the_way_to_the_first_screen() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    assert telnet.shown == b"termhub login: alice\r\nPassword: \r\nscreen\r\n"
    assert telnet.tried == [(Password("alice", "right"), "127.0.0.1")]
    assert telnet.came == ["alice"]
    assert (ui.user, ui.term, ui.sizes) == (ALICE, "xterm", [(132, 43)])
    telnet.types(b"6*7\r\0")
    assert ui.keys == b"6*7\r"
    telnet.types(bytes((IAC, SB, NAWS, 0, 100, 0, 30, IAC, SE)))
    assert ui.sizes[-1] == (100, 30)


def test_socket_is_set_up() -> None:
    telnet = Telnet()
    assert telnet.transport.bufferSize <= 4096  # each byte of it costs: others have their turn
    options = telnet.transport.handle.options
    assert options[socket.SOL_SOCKET, socket.SO_OOBINLINE]
    assert options[socket.SOL_SOCKET, socket.SO_KEEPALIVE]
    assert options[socket.IPPROTO_TCP, socket.TCP_NODELAY]
    assert options[socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT] == tcp.UNSENT_BYTES


def test_first_screen_waits_for_a_client_that_says_nothing_but_not_for_ever() -> None:
    telnet = Telnet()
    telnet.types(b"alice\rright\rtyped ahead")
    assert telnet.uis == []
    telnet.clock.advance(SETTLE_SECONDS)
    assert telnet.uis[0].sizes == [(80, 24)]
    assert telnet.uis[0].term == ""
    assert telnet.uis[0].keys == b"typed ahead"


def test_first_screen_has_what_came_while_it_waited() -> None:
    telnet = Telnet()
    telnet.types(b"alice\rright\r")
    telnet.types(SETTLED)
    telnet.clock.advance(SETTLE_SECONDS)
    assert telnet.uis[0].sizes == [(132, 43)]
    assert telnet.uis[0].term == "xterm"


def test_sizes_that_cannot_be_are_brought_near() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    for size in (bytes(4), b"\xff\xff\xff\xff\xff\xff\xff\xff", bytes((0, 1, 0, 1))):
        telnet.types(bytes((IAC, SB, NAWS)) + size + bytes((IAC, SE)))
    assert ui.sizes[1:] == [(80, 24), (1000, 500), (2, 1)]


def test_wrong_passwords() -> None:
    telnet = Telnet()
    telnet.types(SETTLED)
    for _ in range(3):
        assert not telnet.transport.disconnecting
        telnet.types(b"alice\rwrong\r")
    assert telnet.transport.disconnecting
    assert telnet.shown.count(b"The name or the password is wrong.") == 3
    assert telnet.uis == []
    telnet.types(b"alice\rright\r")
    assert len(telnet.tried) == 3


def test_guesses_sent_at_once_are_tried_one_after_the_other() -> None:
    telnet = Telnet()
    telnet.hold = held = Deferred[None]()
    telnet.types(b"alice\ra\ralice\rb\ralice\rc\ralice\rright\r")
    assert len(telnet.tried) == 1
    assert telnet.transport.is_paused
    telnet.hold = None
    held.callback(None)
    assert [password.password for password, _ in telnet.tried] == ["a", "b", "c"]
    assert telnet.transport.disconnecting
    assert telnet.uis == []


def test_keys_typed_while_the_password_is_verified_are_kept() -> None:
    telnet = Telnet()
    telnet.hold = held = Deferred[None]()
    telnet.types(SETTLED + b"alice\rright\rone ")
    telnet.types(b"two ")
    telnet.hold = None
    held.callback(None)
    telnet.types(b"three")
    assert telnet.uis[0].keys == b"one two three"
    assert not telnet.transport.is_paused


def test_too_many_attempts_close_with_words() -> None:
    telnet = Telnet()
    for telnet.error in (
        TooMany("Too many failed attempts; try later.", "x", 9.0),
        TermhubError("No store."),
    ):
        telnet.connection, telnet.transport = telnet.connect()
        telnet.types(b"alice\rwrong\r")
        assert telnet.error.message.encode() in telnet.shown  # type: ignore[attr-defined]
        assert telnet.transport.disconnecting


def test_client_that_goes_while_the_password_is_verified() -> None:
    telnet = Telnet()
    telnet.hold = held = Deferred[None]()
    telnet.types(SETTLED + b"alice\rright\r")
    telnet.connection.connectionLost()
    held.callback(None)
    assert telnet.uis == []
    assert telnet.clock.getDelayedCalls() == []


def test_login_has_a_time() -> None:
    telnet = Telnet(login_seconds=5)
    telnet.types(SETTLED + b"alice\rwrong\r")
    telnet.clock.advance(5)
    assert b"Nobody has logged in in time." in telnet.shown
    assert telnet.transport.disconnecting
    assert not telnet.transport.is_aborted
    telnet.clock.advance(tcp.CLOSE_SECONDS)
    assert telnet.transport.is_aborted


def test_idle_time() -> None:
    telnet = Telnet(idle_seconds=10)
    ui = telnet.log_in()
    telnet.clock.advance(9)
    telnet.types(b"x")
    telnet.clock.advance(9)
    ui.transport.write(b"output is not typing")
    assert not telnet.transport.disconnecting
    telnet.clock.advance(1)
    assert telnet.transport.disconnecting
    assert b"Nobody has typed" in telnet.shown
    assert ui.events[-1].startswith("finish: Nobody has typed")
    assert telnet.shown.endswith(b"<end>Nobody has typed for a long time. The console goes on.\r\n")


def test_without_idle_time_a_person_may_be_away() -> None:
    telnet = Telnet()
    telnet.log_in()
    telnet.clock.pump([60.0] * 1000)
    assert not telnet.transport.disconnecting


def test_end_of_the_ui() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    ui.transport.finish(0, "[detached from demo]")
    assert telnet.shown.endswith(b"screen\r\n[detached from demo]\r\n")
    assert telnet.transport.disconnecting
    assert telnet.transport.producer is None
    ui.transport.write(b"too late")
    telnet.connection.connectionLost()
    assert not telnet.shown.endswith(b"too late")
    assert "lost" not in " ".join(ui.events)
    assert telnet.clock.getDelayedCalls() == []


def test_end_of_the_connection() -> None:
    telnet = Telnet(idle_seconds=10)
    ui = telnet.log_in()
    telnet.connection.connectionLost()
    assert ui.events[-1] == "lost: the connection was lost"
    assert telnet.clock.getDelayedCalls() == []
    assert telnet.gateway.connections == set()


def test_output_is_escaped_and_waits_for_its_reader() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    assert ui.transport.is_clear
    telnet.transport.is_reading = False
    ui.transport.write(b"\xff")
    assert telnet.transport.value().endswith(b"\xff\xff")
    assert not ui.transport.is_clear
    assert "drained" not in ui.events
    telnet.transport.read()
    assert ui.transport.is_clear
    assert ui.events == ["begin", "drained"]


def test_ui_pauses_its_client() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    ui.transport.pause_input()
    assert telnet.transport.is_paused
    ui.transport.resume_input()
    assert not telnet.transport.is_paused


def is_unread_bounded(telnet: Telnet, data: bytes) -> bool:
    """Whether a client that sends this again and again and reads nothing is read no more in the end."""
    telnet.transport.is_reading = False
    sent = len(telnet.transport.value())
    for _ in range(100):
        if not telnet.transport.is_paused:
            telnet.types(data)
    return len(telnet.transport.value()) - sent < 3 * len(data) + MAX_UNREAD_ANSWERS


def test_client_that_does_not_read_the_dialogue_is_not_read() -> None:
    telnet = Telnet()
    telnet.types(SETTLED)
    assert is_unread_bounded(telnet, b"a\x7f" * 500)
    telnet.transport.read()
    assert not telnet.transport.is_paused


def test_client_that_does_not_read_its_answers_is_not_read() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    assert is_unread_bounded(telnet, bytes((IAC, WILL, 99)) * 500)
    ui.transport.pause_input()
    ui.transport.resume_input()
    assert telnet.transport.is_paused
    telnet.transport.read()
    assert not telnet.transport.is_paused


def test_keys_typed_ahead_of_the_first_screen_are_bounded_and_whole() -> None:
    telnet = Telnet()
    telnet.types(b"alice\rright\r")
    telnet.types(b"x" * (MAX_EARLY + 1))
    assert telnet.transport.is_paused
    telnet.clock.advance(SETTLE_SECONDS)
    assert not telnet.transport.is_paused
    assert telnet.uis[0].keys == b"x" * (MAX_EARLY + 1)


def test_sign_of_life() -> None:
    telnet = Telnet()
    telnet.log_in()
    telnet.types(bytes((IAC, AYT)))
    assert telnet.shown.endswith(b"\a")


def test_connections_are_counted() -> None:
    telnet = Telnet(connections=3, connections_per_address=2)
    telnet.connect()
    telnet.connection, telnet.transport = telnet.connect()
    assert telnet.shown == b"\r\nToo many connections; try again later.\r\n"
    assert telnet.transport.disconnecting
    telnet.connection.connectionLost()
    third, _ = telnet.connect("127.0.0.2")
    _, refused = telnet.connect("127.0.0.3")
    assert refused.disconnecting
    third.connectionLost()
    _, taken = telnet.connect("127.0.0.3")
    assert not taken.disconnecting


def test_stop_says_why_and_waits_for_all() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    other, other_transport = telnet.connect()
    stopped: list[None] = []
    telnet.gateway.stop().addCallback(stopped.append)
    assert b"The hub restarts" in telnet.shown
    assert b"The hub restarts" in other_transport.value()
    assert ui.events[-1].startswith("finish: ")
    telnet.connection.connectionLost()
    assert stopped == []
    other.connectionLost()
    assert stopped == [None]
    telnet.gateway.stop().addCallback(stopped.append)
    assert stopped == [None, None]


def test_who_may_not_use_the_account_is_told_why_and_who_may_is_noted() -> None:
    telnet = Telnet()
    telnet.error = NotLoggedIn("Your account is suspended.", "suspended")
    telnet.types(SETTLED + b"alice\rwrong\r")
    assert b"Your account is suspended." in telnet.shown
    assert telnet.noted == []
    telnet.types(b"alice\rright\r")
    assert telnet.noted == [("alice", "telnet, by a password", "127.0.0.1")]


def test_login_that_is_worth_nothing_any_more() -> None:
    telnet = Telnet()
    ui = telnet.log_in()
    telnet.look()
    assert not telnet.transport.disconnecting
    telnet.has_other_password = True
    telnet.look()
    assert telnet.transport.disconnecting
    assert b"Your password has changed." in telnet.shown
    assert ui.events[-1].startswith("finish: ")


@pytest.mark.parametrize(
    ("said", "term", "utf8"),
    [
        (SETTLED, "xterm", True),
        (SETTLED + UTF_8_REFUSED, "xterm", False),
        (b"", "vt100", False),
        (UTF_8_ACCEPTED, "vt100", True),
    ],
)
def test_terminal_is_what_the_client_says(
    monkeypatch: pytest.MonkeyPatch, said: bytes, term: str, utf8: bool
) -> None:
    made: list[Any] = []

    def make_ui(services: Any, user: User, terminal: Any, cols: int, rows: int, *more: Any) -> FakeUI:
        made.append((services, user, terminal.term, terminal.utf8, cols))
        return FakeUI(user, None, "", "", (cols, rows), more[0])

    monkeypatch.setattr(gateway_module, "TerminalUI", make_ui)
    telnet = Telnet()
    services: Any = "services"
    accounts: Any = telnet
    consoles: Any = SimpleNamespace(shares=telnet.shares, logged_in=lambda user: None)
    telnet.gateway = make_gateway(services, accounts, consoles, TelnetSettings(), telnet.clock)
    telnet.connection, telnet.transport = telnet.connect()
    telnet.types(said + b"alice\rright\r")
    telnet.clock.advance(SETTLE_SECONDS)
    assert made == [("services", ALICE, term, utf8, 132 if said.startswith(SETTLED) else 80)]


PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([SETTLED, b"alice\r", b"right\r", b"wrong\r", b"\x03", bytes((IAC, WONT, NAWS))]),
)


@given(st.lists(PIECES, max_size=15), st.booleans())
def test_no_client_can_break_it(pieces: list[bytes], is_reading: bool) -> None:
    telnet = Telnet(idle_seconds=60)
    telnet.transport.is_reading = is_reading
    steps: list[Callable[[], object]] = [telnet.transport.read, lambda: telnet.clock.advance(1)]
    for number, piece in enumerate(pieces):
        telnet.types(piece)
        steps[number % 2]()
    telnet.connection.connectionLost()
    assert telnet.clock.getDelayedCalls() == []
    assert telnet.gateway.connections == set()
