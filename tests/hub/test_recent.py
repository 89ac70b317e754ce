"""The end of a stream as frames that all viewers share."""

import random

import pytest

from sandbox.guest import frames
from termhub.hub.recent import FRAME_BYTES, Recent


def read(recent: Recent, offset: int, limit: int = 1 << 20) -> bytes:
    data = b""
    while offset < recent.end:
        frame, end = recent.frame_at(offset, limit)
        (decoded,) = frames.Decoder().feed(frame)
        start, piece = frames.parse_output(decoded.payload)
        assert start == offset
        assert len(piece) == end - offset <= limit
        data += piece
        offset = end
    return data


def test_one_chunk_is_one_frame_object() -> None:
    recent = Recent(3, 100)
    frame = recent.append(100, b"hello")
    assert frame == frames.output(3, 100, b"hello")
    assert recent.frame_at(100, 1000)[0] is frame


def test_overlap_is_trimmed_and_a_hole_is_refused() -> None:
    recent = Recent(0, 10)
    recent.append(10, b"abc")
    assert recent.append(11, b"bcde") == frames.output(0, 13, b"de")
    assert recent.append(10, b"abc") is None
    assert read(recent, 10) == b"abcde"
    with pytest.raises(ValueError, match="output at 16"):
        recent.append(16, b"x")


def test_large_chunk_is_cut() -> None:
    recent = Recent(0, 0)
    data = random.Random(1).randbytes(3 * FRAME_BYTES + 5)
    assert recent.append(0, data) is None
    assert recent.frame_at(0, 1 << 20)[1] == FRAME_BYTES
    assert read(recent, 0) == data
    assert read(recent, 12_345, limit=777) == data[12_345:]


def test_what_is_not_held_cannot_be_read() -> None:
    recent = Recent(0, 5)
    recent.append(5, b"abc")
    for offset in (4, 8, 100):
        with pytest.raises(ValueError, match=f"offset {offset}"):
            recent.frame_at(offset, 10)


@pytest.mark.parametrize("size", [1, 7, 4096, 100_000])
def test_memory_is_bounded_and_the_end_is_kept(size: int) -> None:
    recent = Recent(0, 0, limit_bytes=50_000)
    offset = 0
    for turn in range(10_000):
        data = bytes([turn % 251]) * size
        recent.append(offset, data)
        offset += size
        assert recent.end == offset
        assert recent.end - recent.start <= max(100_000, 50_000 + size)
        assert len(recent._frames) <= 4096 + size // FRAME_BYTES + 1
        if recent.end > 200_000:
            break
    assert recent.end - recent.start >= min(offset, 3000 if size == 1 else 20_000)
    assert len(read(recent, recent.start)) == recent.end - recent.start


def test_restart_forgets() -> None:
    recent = Recent(0, 0)
    recent.append(0, b"abc")
    recent.restart(1000)
    assert (recent.start, recent.end) == (1000, 1000)
    recent.append(1000, b"z")
    assert read(recent, 1000) == b"z"
