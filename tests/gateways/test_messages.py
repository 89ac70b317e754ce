"""The short way for usual messages takes exactly those, and leaves everything else as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.gateways.web.messages import message_head, unmasked, usual_messages, whole_frames
from tests.support.websocket import client_frame

MASK = b"\x81\x02\x00\xff"

masks = st.binary(min_size=4, max_size=4)


masks = st.binary(min_size=4, max_size=4)


@given(st.lists(st.binary(max_size=300), max_size=5), masks, st.binary(max_size=9))
def test_whole_messages_are_taken_and_the_rest_is_left(
    payloads: list[bytes], mask: bytes, rest: bytes
) -> None:
    data = b"".join(client_frame(payload, mask=mask) for payload in payloads)
    unusual = b"\x81" + rest
    assert usual_messages(data + unusual) == (payloads, len(data))


@given(st.binary(max_size=400))
def test_any_bytes_are_taken_or_left(data: bytes) -> None:
    messages, rest = usual_messages(data)
    assert 0 <= rest <= len(data)
    assert usual_messages(data[rest:]) == ([], 0)
    assert sum(map(len, messages)) <= rest


@pytest.mark.parametrize("size", [0, 1, 3, 4, 125, 126, 127, 1023, 1024])
def test_usual_sizes(size: int) -> None:
    payload = bytes(i % 251 for i in range(size))
    data = client_frame(payload)
    assert usual_messages(data) == ([payload], len(data))
    for cut in {0, 1, 5, 6, 7, 8, len(data) - 1} & set(range(len(data))):
        assert usual_messages(data[:cut]) == ([], 0)


@pytest.mark.parametrize(
    "data",
    [
        client_frame(b"x" * 1025),
        client_frame(b"x" * 65536),
        client_frame(b"text", 0x81),
        client_frame(b"part", 0x02),
        client_frame(b"", 0x88),
        client_frame(b"reserved", 0xC2),
        message_head(6) + b"not masked",
        b"\x82\xfe\x00\x05" + MASK + b"12345",
        b"\x82\xff" + b"\xff" * 8 + MASK,
    ],
)
def test_what_is_unusual_is_left(data: bytes) -> None:
    assert usual_messages(data) == ([], 0)


@given(st.binary(max_size=100), masks)
def test_unmasking(payload: bytes, mask: bytes) -> None:
    assert unmasked(mask, payload) == bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def test_heads_of_messages() -> None:
    assert message_head(0) == b"\x82\x00"
    assert message_head(125) == b"\x82\x7d"
    assert message_head(126) == b"\x82\x7e\x00\x7e"
    assert message_head(65535) == b"\x82\x7e\xff\xff"
    assert message_head(65536) == b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"


def test_frames_of_a_message() -> None:
    one, two = frames.ack(0, 5), frames.resize(3, 80, 24)
    assert whole_frames(one) == frames.Decoder().feed(one)
    assert whole_frames(one + two) == frames.Decoder().feed(one + two)
    assert whole_frames(b"") == []


@given(st.binary(max_size=60))
def test_a_message_is_whole_frames_or_an_error(message: bytes) -> None:
    decoder = frames.Decoder()
    try:
        expected = decoder.feed(message)
    except frames.FrameError:
        expected = None
    if expected is None or decoder.pending_bytes:
        with pytest.raises(frames.FrameError):
            whole_frames(message)
    else:
        assert whole_frames(message) == expected
