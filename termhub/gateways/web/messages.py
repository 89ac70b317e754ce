"""The short way for what nearly every message is: one whole WebSocket frame, with one frame in it.

Keystrokes and acknowledgements come this way many thousand times a second, and autobahn's
general path costs five times as much.  Whatever is not of the usual form is left to
autobahn, which also judges it.  Pure.
"""

from __future__ import annotations

from struct import Struct

from sandbox.guest import frames

BINARY = 0x82
"""First byte of an unfragmented binary message (RFC 6455, section 5.2)."""

MOST_BYTES = 1024
"""Longest usual message; from here on autobahn's native code takes masks off faster."""

_MASKED = 0x80
_HEAD_16, _HEAD_64 = Struct(">BBH"), Struct(">BBQ")


def message_head(length: int) -> bytes:
    """The head of an unmasked binary message of one WebSocket frame."""
    if length < 126:
        return bytes((BINARY, length))
    if length < 65536:
        return _HEAD_16.pack(BINARY, 126, length)
    return _HEAD_64.pack(BINARY, 127, length)


def usual_messages(data: bytes) -> tuple[list[bytes], int]:
    """The messages of the usual form at the beginning of what a client sent.

    :param data: bytes that begin with a WebSocket frame.
    :returns: the payloads of its masked, unfragmented, whole and short binary messages, and
        where the first thing begins that is not one.
    """
    messages: list[bytes] = []
    position, end = 0, len(data)
    while end - position >= 6 and data[position] == BINARY:
        length = data[position + 1] ^ _MASKED
        start = position + 6
        if length == 126:
            length, start = (data[position + 2] << 8) | data[position + 3], position + 8
            if not 126 <= length <= MOST_BYTES:
                break
        elif length > 126:  # longer, or not masked
            break
        if end < start + length:
            break
        position = start + length
        messages.append(unmasked(data[start - 4 : start], data[start:position]))
    return messages, position


def unmasked(mask: bytes, payload: bytes) -> bytes:
    """The payload with its four bytes of mask taken off."""
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(length, "little")


def whole_frames(message: bytes) -> list[frames.Frame]:
    """The frames of a message.

    :raises FrameError: when it holds anything but whole frames.
    """
    if len(message) >= frames.HEADER.size:
        kind, window, length = frames.HEADER.unpack_from(message)
        if length == len(message) - frames.HEADER.size and kind in frames.NAMES:
            return [frames.Frame(kind, window, message[frames.HEADER.size :])]
    decoder = frames.Decoder()
    found = decoder.feed(message)
    if decoder.pending_bytes:
        raise frames.FrameError("a message ends in the middle of a frame")
    return found
