"""A stream is its newest bytes by offset, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.host.stream import BLOCK_BYTES, Stream


def test_reads_back_what_was_appended():
    stream = Stream(1000)
    stream.append(b"hello ")
    stream.append(b"world")
    assert (stream.start, stream.end) == (0, 11)
    assert stream.read(0, 100) == b"hello world"
    assert stream.read(6, 3) == b"wor"
    assert stream.read(11, 5) == b""


def test_starts_at_any_offset():
    stream = Stream(1000, offset=10**12)
    stream.append(b"abc")
    assert stream.read(10**12 + 1, 10) == b"bc"


def test_an_offset_that_is_not_held_is_an_error():
    stream = Stream(1000, offset=5)
    stream.append(b"abc")
    for offset in (4, 9, -1):
        with pytest.raises(LookupError):
            stream.read(offset, 1)


def test_restart_forgets():
    stream = Stream(1000)
    stream.append(b"abc")
    stream.restart(50)
    stream.append(b"x")
    assert (stream.start, stream.end, stream.read(50, 9)) == (50, 51, b"x")


@given(
    st.lists(st.integers(0, 3 * BLOCK_BYTES), max_size=12),
    st.integers(0, 4 * BLOCK_BYTES),
    st.data(),
)
def test_any_appends_and_reads(sizes, limit, data):
    stream = Stream(limit)
    whole = b""
    for number, size in enumerate(sizes):
        piece = bytes([number]) * size
        whole += piece
        stream.append(piece)
        assert stream.end == len(whole)
        assert stream.end - stream.start >= min(limit, len(whole))
        assert stream.end - stream.start <= limit + BLOCK_BYTES
    offset = data.draw(st.integers(stream.start, stream.end))
    length = data.draw(st.integers(0, 3 * BLOCK_BYTES))
    assert stream.read(offset, length) == whole[offset : offset + length]
