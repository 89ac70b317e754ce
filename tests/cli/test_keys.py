"""Keys of an attached terminal: input arrives whole, commands are recognised however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.cli.keys import PASTE_END, PASTE_START, Command, Key, Keys, ShowWindow, parse_prefix


def typed(*pieces: bytes, prefix: bytes | None = b"\x02") -> list[Key]:
    keys = Keys(prefix)
    return [key for piece in pieces for key in keys.feed(piece)]


def joined(keys: list[Key]) -> bytes:
    return b"".join(key for key in keys if isinstance(key, bytes))


def test_text_is_input() -> None:
    assert typed(b"print(1)\r") == [b"print(1)\r"]


@pytest.mark.parametrize(
    ("keys", "meaning"),
    [
        (b"d", Command.DETACH),
        (b"\x04", Command.DETACH),
        (b"r", Command.REDRAW),
        (b"?", Command.HELP),
        (b"c", Command.NEW_WINDOW),
        (b"n", Command.NEXT_WINDOW),
        (b"p", Command.PREVIOUS_WINDOW),
        (b"3", ShowWindow(3)),
    ],
)
def test_after_the_prefix_a_key_is_a_command(keys: bytes, meaning: Key) -> None:
    assert typed(b"\x02" + keys) == [meaning]
    assert typed(b"\x02", keys) == [meaning]


def test_the_prefix_twice_sends_it_once() -> None:
    assert typed(b"a\x02\x02b") == [b"a\x02b"]


def test_an_unknown_key_after_the_prefix_is_sent_with_it() -> None:
    assert typed(b"\x02x") == [b"\x02x"]


def test_another_prefix() -> None:
    assert typed(b"\x02d", b"\x01d", prefix=b"\x01") == [b"\x02d", Command.DETACH]


def test_no_prefix() -> None:
    assert typed(b"\x02d\x01d", prefix=None) == [b"\x02d\x01d"]


@pytest.mark.parametrize("sequence", [b"\x1b[98;5u", b"\x1b[27;5;98~"])
def test_the_prefix_of_extended_keyboards(sequence: bytes) -> None:
    assert typed(sequence + b"d") == [Command.DETACH]
    assert typed(sequence[:4], sequence[4:] + b"d") == [Command.DETACH]
    assert typed(sequence + sequence) == [sequence]


def test_tilde_dot_detaches_only_at_the_start_of_a_line() -> None:
    assert typed(b"~.") == [Command.DETACH]
    assert typed(b"a~.") == [b"a~."]
    assert typed(b"a\r~", b".") == [b"a\r", Command.DETACH]


def test_a_tilde_is_sent_with_what_follows() -> None:
    assert joined(typed(b"\r~/bin\r")) == b"\r~/bin\r"
    assert joined(typed(b"\r~~.")) == b"\r~."


def test_a_lone_escape_key_is_sent_at_once() -> None:
    assert typed(b"\x1b") == [b"\x1b"]


def test_arrow_keys_are_sent_at_once() -> None:
    assert typed(b"\x1b[A") == [b"\x1b[A"]


def test_nothing_in_a_paste_is_a_command() -> None:
    pasted = PASTE_START + b"\x02d\r~.\r" + PASTE_END
    assert typed(pasted) == [pasted]
    assert typed(pasted + b"\x02d") == [pasted, Command.DETACH]


@given(st.lists(st.integers(1, 20)))
def test_a_paste_may_be_cut_anywhere(sizes: list[int]) -> None:
    data = b"x" + PASTE_START + b"\x02d~.\x1b[20" + PASTE_END + b"y\x02d"
    keys, position, found = Keys(), 0, []
    for size in [*sizes, len(data)]:
        found += keys.feed(data[position : position + size])
        position += size
    assert joined(found) == data[:-2]
    assert found[-1] is Command.DETACH


@given(st.binary(), st.lists(st.integers(1, 9)))
def test_cutting_changes_nothing(data: bytes, sizes: list[int]) -> None:
    whole = Keys()
    expected = whole.feed(data + b"\x02d")
    keys, position, found = Keys(), 0, []
    for size in [*sizes, len(data) + 2]:
        found += keys.feed((data + b"\x02d")[position : position + size])
        position += size
    assert joined(found) == joined(expected)
    assert [k for k in found if not isinstance(k, bytes)] == [k for k in expected if not isinstance(k, bytes)]


@pytest.mark.parametrize(
    ("text", "byte"), [("C-b", b"\x02"), ("c-A", b"\x01"), ("^a", b"\x01"), ("none", None), ("C-]", b"\x1d")]
)
def test_prefix_names(text: str, byte: bytes | None) -> None:
    assert parse_prefix(text) == byte


@pytest.mark.parametrize("text", ["", "b", "C-bb", "M-b", "C-1"])
def test_what_is_no_prefix_name(text: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        parse_prefix(text)
