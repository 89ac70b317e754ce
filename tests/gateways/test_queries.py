"""The query filter: nothing that a terminal answers passes, everything else does, in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.queries import QueryFilter

ST = b"\x1b\\"

QUERIES = [
    b"\x1b[c",
    b"\x1b[0c",
    b"\x1b[>c",
    b"\x1b[=c",
    b"\x1bZ",
    b"\x05",
    b"\x1b[5n",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b[?996n",
    b"\x1b[?25$p",
    b"\x1b[4$p",
    b"\x1b[14t",
    b"\x1b[18t",
    b"\x1b[8;10;10t",
    b"\x1b[>q",
    b"\x1b[?u",
    b"\x1b[?4m",
    b"\x1b[1;1$w",
    b"\x1b[x",
    b"\x1b[5i",
    b"\x1b[\nc",
    b"\xc2\x9bc",
    b"\x1b]11;?\x07",
    b"\x1b]11;?" + ST,
    b"\x1b]4;1;?" + ST,
    b"\x1b]52;c;?\x07",
    b"\xc2\x9d10;?\xc2\x9c",
    b"\x1bP$qm" + ST,
    b"\x1bP+q544e" + ST,
    b"\xc2\x90$qm\xc2\x9c",
    b"\x1b_Gi=31,s=1,v=1,a=q;AAAA" + ST,
    b"\x1b^private" + ST,
    b"\x1bPtmux;\x1b\x1b[c" + ST,
]

HARMLESS = [
    b"\x1b[m",
    b"\x1b[1;38:2::1:2:3m",
    b"\x1b[>4;2m",
    b"\x1b[?2004h",
    b"\x1b[2 q",
    b"\x1b[!p",
    b"\x1b[22;0t",
    b"\x1b[u",
    b"\x1b7\x1b8\x1bM",
    b"\x1b(B",
    b"\x1b]0;is it?\x07",
    b"\x1b]52;c;aGk=\x07",
    b"\x1b]8;;http://example/?a=1" + ST,
    b"\x1bPq#0;2;0;0;0~~" + ST,
    "é © … 日本\u00a0".encode(),
    b"\r\n\t\b\x07",
]


@pytest.mark.parametrize("query", QUERIES)
def test_queries_go(query: bytes) -> None:
    assert QueryFilter().feed(b"before" + query + b"after") == b"beforeafter"


@pytest.mark.parametrize("harmless", HARMLESS)
def test_the_rest_stays(harmless: bytes) -> None:
    assert QueryFilter().feed(b"before" + harmless + b"after") == b"before" + harmless + b"after"


def test_plain_output_is_not_copied() -> None:
    data = b"x" * 1000
    assert QueryFilter().feed(data) is data


def test_a_cut_query_is_held_until_it_can_be_judged() -> None:
    filter_ = QueryFilter()
    assert filter_.feed(b"a\x1b[") == b"a"
    assert filter_.feed(b"6") == b""
    assert filter_.feed(b"nb") == b"b"


def test_a_long_string_flows_and_is_not_held() -> None:
    filter_ = QueryFilter()
    picture = b"\x1bPq" + b"~" * 10_000
    assert filter_.feed(picture) == picture
    assert filter_.feed(b"~~" + ST + b"x") == b"~~" + ST + b"x"


def test_an_endless_sequence_is_not_held_without_bound() -> None:
    filter_ = QueryFilter()
    filter_.feed(b"\x1b[")
    for _ in range(100):
        filter_.feed(b"1" * 1000)
    assert len(filter_.feed(b"x")) < 5000


def test_escape_ends_a_string_and_begins_the_next_sequence() -> None:
    assert QueryFilter().feed(b"\x1b]0;t\x1b[cx") == b"\x1b]0;tx"


PIECES = st.sampled_from(
    [*QUERIES, *HARMLESS, b"text", b"\x1b", b"[", b"]", b"P", b";", b"?", b"\xc2", b"\x18"]
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(1, 7)))
def test_cutting_changes_nothing(pieces: list[bytes], sizes: list[int]) -> None:
    data = b"".join(pieces) + b"\x18\x1b\\" * 2 + b"END"
    whole = QueryFilter().feed(data)
    filter_, position, passed = QueryFilter(), 0, b""
    for size in [*sizes, len(data)]:
        passed += filter_.feed(data[position : position + size])
        position += size
    assert passed == whole
    assert whole.endswith(b"END")
