"""Input as keys: what is text, what ends a line, and what nobody typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.host.keys import Key, Keys


def keys(*pieces: bytes) -> list[Key]:
    reader = Keys()
    return [key for piece in pieces for key in reader.feed(piece)]


def kinds(*pieces: bytes) -> list[str]:
    return [kind for kind, _ in keys(*pieces)]


def test_text_and_enter():
    assert keys(b"x = 1\r") == [("text", b"x = 1"), ("enter", b"\r")]
    assert keys("é\n".encode()) == [("text", "é".encode()), ("enter", b"\n")]


def test_edits():
    assert kinds(b"ab\x7f\x08\x01\x15\t\x04") == ["text", "rubout", "rubout", "edit", "edit", "edit", "edit"]
    assert kinds(b"\x1b[A", b"\x1bOB", b"\x1b[1;5C", b"\x1bf", b"\x1b[3~") == ["edit"] * 5


@pytest.mark.parametrize("stop", [b"\x03", b"\x1a", b"\x1c"])
def test_giving_a_line_up(stop: bytes):
    assert kinds(b"ab" + stop) == ["text", "stop"]


def test_escape_and_enter_is_enter():
    assert kinds(b"a\x1b\r") == ["text", "edit", "enter"]


@pytest.mark.parametrize(
    "report", [b"\x1b[I", b"\x1b[O", b"\x1b[<0;10;5M", b"\x1b[<35;10;5m", b"\x1b[M !!", b"\x1b[32;10;5M"]
)
def test_what_a_terminal_sends_by_itself_is_nobodys(report: bytes):
    assert keys(b"a" + report + b"b") == [("text", b"a"), ("text", b"b")]


def test_a_paste_has_lines_but_no_enter():
    paste = b"\x1b[200~a = 1\r\nb\x03 = 2\n\x1b[Ac\x1b[201~\r"
    assert kinds(paste) == ["text", "break", "text", "text", "break", "text", "enter"]
    assert b"".join(data for kind, data in keys(paste) if kind == "text") == b"a = 1b = 2[Ac"


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [b"x = 1", b"\r", b"\x1b[A", b"\x1b[I", b"\x1b[<0;1;1M", b"\x1b[200~a\rb\x1b[201~", b"\x7f"]
            ),
            st.binary(max_size=6),
        )
    ).map(b"".join),
    st.lists(st.integers(0, 60)),
)
def test_where_input_is_cut_changes_nothing(data: bytes, cuts: list[int]):
    reader = Keys()
    whole = list(reader.feed(data))
    pieces = [data[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True)]
    assert _merged(keys(*pieces)) == _merged(whole)


def _merged(found: list[Key]) -> list[Key]:
    """Texts in a row as one; a line end of a paste that was cut may be two."""
    merged: list[Key] = []
    for kind, data in found:
        if merged and kind == merged[-1][0] and kind in ("text", "break"):
            merged[-1] = (kind, merged[-1][1] + data)
        else:
            merged.append((kind, data))
    return merged


@given(st.lists(st.binary(max_size=100)))
def test_little_is_held_of_anything(pieces: list[bytes]):
    reader = Keys()
    for piece in pieces:
        for _, data in reader.feed(piece):
            assert data
        assert len(reader._partial) <= 48
