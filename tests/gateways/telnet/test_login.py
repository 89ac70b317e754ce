"""The login dialogue, key by key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.telnet.login import MAX_LINE_BYTES, Login


class Terminal:
    """What is shown and what becomes of it."""

    def __init__(self, echoes: bool = True) -> None:
        self.shown = ""
        self.answers: list[tuple[str, str]] = []
        self.has_left = False
        self.login = Login(self, lambda: echoes)
        self.login.begin()

    def write(self, data: bytes) -> None:
        self.shown += data.decode("utf-8", "replace")

    def entered(self, name: str, password: str) -> None:
        self.answers.append((name, password))

    def left(self) -> None:
        self.has_left = True


def test_name_is_echoed_and_password_is_not() -> None:
    terminal = Terminal()
    assert terminal.login.receive(b"alice\rsecret word\r") == b""
    assert terminal.shown == "termhub login: alice\r\nPassword: \r\n"
    assert terminal.answers == [("alice", "secret word")]


def test_client_that_echoes_itself_sees_nothing_twice() -> None:
    terminal = Terminal(echoes=False)
    terminal.login.receive(b"alice\r\nsecret\r\n")
    assert terminal.shown == "termhub login: Password: "
    assert terminal.answers == [("alice", "secret")]


def test_what_follows_the_password_is_given_back() -> None:
    terminal = Terminal()
    assert terminal.login.receive(b"alice\rsecret\rprint(1)\r") == b"print(1)\r"
    assert terminal.login.receive(b"more") == b"more"


def test_lines_can_be_edited() -> None:
    terminal = Terminal()
    terminal.login.receive(b"alx\x7fice\x15bx\x08ob\xc3\xa9\x7f\x1b[A\x1bOP\x1bx\x1b[15~\x01\r")
    terminal.login.receive("gehé\x17geé\x7fheim\n".encode())
    assert terminal.answers == [("bob", "geheim")]


def test_erasing_takes_back_what_was_shown() -> None:
    terminal = Terminal()
    terminal.login.receive("日\x7f\x7fa\x7f".encode())
    assert terminal.shown == "termhub login: 日\b \b\b \ba\b \b"
    terminal.login.receive(b"alice\rx\x7f\x7f")
    assert terminal.shown.endswith("Password: ")


def test_three_wrong_passwords_are_enough() -> None:
    terminal = Terminal()
    for attempt in range(3):
        assert not terminal.has_left
        terminal.login.receive(b"alice\rguess\r")
        assert len(terminal.answers) == attempt + 1
        terminal.login.failed("The name or the password is wrong.")
    assert terminal.has_left
    assert terminal.shown.count("termhub login: ") == 3
    assert terminal.shown.endswith("wrong.\r\n")
    terminal.login.receive(b"alice\rguess\r")
    assert len(terminal.answers) == 3


def test_names_left_out_are_counted_too() -> None:
    terminal = Terminal()
    assert terminal.login.receive(b"\r \r\r\r\r") == b"\r\r"
    assert terminal.has_left
    assert terminal.shown.count("termhub login: ") == 3


@pytest.mark.parametrize("key", [b"\x03", b"\x04", b"\x1d"])
def test_keys_that_leave(key: bytes) -> None:
    terminal = Terminal()
    terminal.login.receive(b"alice\rsec" + key + b"ret\r")
    assert terminal.has_left
    assert terminal.answers == []


def test_long_lines_are_cut() -> None:
    terminal = Terminal()
    terminal.login.receive(b"a" * 100_000 + b"\r" + b"b" * 100_000 + b"\r")
    assert terminal.answers == [("a" * MAX_LINE_BYTES, "b" * MAX_LINE_BYTES)]
    assert len(terminal.shown) < 2 * MAX_LINE_BYTES


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_keys_are_taken_however_they_are_cut(keys: bytes, cut: int) -> None:
    whole, parts = Terminal(), Terminal()
    rest = whole.login.receive(keys)
    left = parts.login.receive(keys[:cut])
    left += parts.login.receive(keys[cut:])
    assert left == rest
    assert parts.answers == whole.answers
    assert parts.has_left == whole.has_left
    assert len(whole.answers) <= 1
