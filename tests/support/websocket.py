"""A WebSocket client by hand, for tests that send what no library would."""

from __future__ import annotations

import struct


def client_frame(payload: bytes, first: int = 0x82, mask: bytes = b"\x81\x02\x00\xff") -> bytes:
    """A masked frame with this first byte (RFC 6455, section 5.2)."""
    length = len(payload)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 65536:
        head = struct.pack(">BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack(">BBQ", first, 0x80 | 127, length)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def attach_request(console: str, token: str, *more: str) -> bytes:
    """The opening handshake of an attach, with more header lines."""
    lines = (
        f"GET /api/v1/consoles/{console}/attach HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        "Sec-WebSocket-Protocol: termhub.v1",
        f"Authorization: Bearer {token}",
        *more,
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()
