"""The load generator's WebSocket client."""

from __future__ import annotations

from struct import pack

import pytest

from tests.bench.websocket import Closed, Messages, client_frame


def server_frame(payload: bytes, first: int = 0x82) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65536:
        return bytes((first, 126)) + pack(">H", length) + payload
    return bytes((first, 127)) + pack(">Q", length) + payload


SIZES = (0, 1, 125, 126, 127, 300, 65535, 65536, 70000)
MESSAGES = [bytes([65 + place]) * size for place, size in enumerate(SIZES)]
STREAM = b"".join(server_frame(message) for message in MESSAGES)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 127, 4096, 65536, len(STREAM)])
def test_messages_come_out_whole_however_the_bytes_are_split(step: int) -> None:
    parser = Messages()
    found = []
    for start in range(0, len(STREAM), step):
        found += parser.feed(STREAM[start : start + step])
    assert found == MESSAGES


def test_a_fragmented_message_is_put_together_around_a_ping() -> None:
    parser = Messages()
    stream = server_frame(b"one ", 0x02) + server_frame(b"ping", 0x89)
    stream += server_frame(b"two ", 0x00) + server_frame(b"three", 0x80)
    assert parser.feed(stream) == [b"one two three"]
    assert parser.replies == [client_frame(b"ping", 10)]


def test_a_close_from_the_server_is_told_with_its_code_and_reason() -> None:
    with pytest.raises(Closed, match="4004 no such console"):
        Messages().feed(server_frame(pack(">H", 4004) + b"no such console", 0x88))


@pytest.mark.parametrize("size", SIZES)
def test_a_client_frame_is_masked_and_says_its_length(size: int) -> None:
    frame = client_frame(b"x" * size)
    assert frame[1] & 0x80
    assert frame.endswith(b"\0\0\0\0" + b"x" * size)
    short = frame[1] & 0x7F
    extended = {126: 2, 127: 8}.get(short, 0)
    assert (int.from_bytes(frame[2 : 2 + extended], "big") if extended else short) == size
