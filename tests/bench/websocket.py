"""A WebSocket client (RFC 6455) that does as little as a load generator can.

One non-blocking socket, no compression, and a masking key of zero, so that neither
side of a measurement spends time on masking.
"""

from __future__ import annotations

import base64
import os
import select
import socket
from collections.abc import Iterable
from struct import Struct
from types import TracebackType

TEXT = 1
BINARY = 2

_CONTINUATION, _CLOSE, _PING, _PONG = 0, 8, 9, 10
_U16 = Struct(">H")
_U64 = Struct(">Q")
_NO_MASK = b"\0\0\0\0"


class Closed(ConnectionError):
    """The other side has ended the connection."""


class HandshakeRefused(ConnectionError):
    """The server did not switch to the WebSocket protocol."""


def client_frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """One whole message from a client."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, 0x80 | length)) + _NO_MASK + payload
    if length < 65536:
        return bytes((0x80 | opcode, 0x80 | 126)) + _U16.pack(length) + _NO_MASK + payload
    return bytes((0x80 | opcode, 0x80 | 127)) + _U64.pack(length) + _NO_MASK + payload


class Messages:
    """Cuts what a server sends into messages, however the bytes are split."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._needed = 2
        self._parts: list[bytes] = []
        self.replies: list[bytes] = []
        """Pongs that the owner of the socket has to send."""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that ``data`` completes.

        :raises Closed: when the server says that it closes.
        """
        buffer = self._buffer
        buffer += data
        end = len(buffer)
        if end < self._needed:
            return []
        messages: list[bytes] = []
        position = 0
        view = memoryview(buffer)
        try:
            while True:
                if end - position < 2:
                    self._needed = 2
                    break
                length = buffer[position + 1] & 0x7F
                start = position + 2
                if length >= 126:
                    size = 2 if length == 126 else 8
                    if end - start < size:
                        self._needed = 2 + size
                        break
                    length = (_U16 if size == 2 else _U64).unpack_from(buffer, start)[0]
                    start += size
                stop = start + length
                if stop > end:
                    self._needed = stop - position
                    break
                self._frame(buffer[position], bytes(view[start:stop]), messages)
                position = stop
        finally:
            view.release()
        if position:
            del buffer[:position]
        return messages

    def _frame(self, first: int, payload: bytes, messages: list[bytes]) -> None:
        opcode = first & 0x0F
        if opcode == _CLOSE:
            code = _U16.unpack_from(payload)[0] if len(payload) >= 2 else 1005
            raise Closed(f"closed by the server: {code} {payload[2:].decode(errors='replace')}")
        if opcode == _PING:
            self.replies.append(client_frame(payload, _PONG))
        elif opcode != _PONG:
            if not first & 0x80:
                self._parts.append(payload)
            elif opcode == _CONTINUATION:
                self._parts.append(payload)
                messages.append(b"".join(self._parts))
                self._parts.clear()
            else:
                messages.append(payload)


class WebSocket:
    """A connected WebSocket.

    :param path: the request target, with its query.
    :param headers: further request headers, ``("Name", "value")``.
    :param seconds: how long connecting may take.
    :raises HandshakeRefused: when the server answers anything but 101.
    """

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        *,
        subprotocol: str = "",
        headers: Iterable[tuple[str, str]] = (),
        seconds: float = 20,
    ) -> None:
        self.received = 0
        """Bytes read from the socket since the handshake."""
        self._messages = Messages()
        self._early: list[bytes] = []
        self.socket = socket.create_connection((host, port), seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
            *(f"{name}: {value}" for name, value in headers),
        ]
        try:
            self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
            self._handshake()
        except BaseException:
            self.socket.close()
            raise
        self.socket.setblocking(False)

    def _handshake(self) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            data = self.socket.recv(4096)
            if not data:
                raise HandshakeRefused(f"the server hung up: {answer[:200]!r}")
            answer += data
        head, _, rest = answer.partition(b"\r\n\r\n")
        if head.split(b" ", 2)[1:2] != [b"101"]:
            raise HandshakeRefused((head + b"\n" + rest[:300]).decode(errors="replace"))
        if rest:
            self.received += len(rest)
            self._early = self._messages.feed(rest)

    def fileno(self) -> int:
        """The socket's descriptor, for a poll."""
        return self.socket.fileno()

    def send(self, payload: bytes, opcode: int = BINARY) -> None:
        """Send one message; waits while the socket is full."""
        self._write(client_frame(payload, opcode))

    def _write(self, data: bytes) -> None:
        while data:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                select.select([], [self.socket], [], 10)
                continue
            data = data[sent:]

    def messages(self, limit: int = 262_144) -> list[bytes]:
        """What one read of at most ``limit`` bytes brings; never waits.

        :raises Closed: at the end of the connection.
        """
        if self._early:
            early, self._early = self._early, []
            return early
        try:
            data = self.socket.recv(limit)
        except BlockingIOError:
            return []
        except ConnectionResetError as error:
            raise Closed("connection reset") from error
        if not data:
            raise Closed("the server hung up")
        self.received += len(data)
        found = self._messages.feed(data)
        if self._messages.replies:
            self._write(b"".join(self._messages.replies))
            self._messages.replies.clear()
        return found

    @property
    def has_early(self) -> bool:
        """Whether messages that came with the handshake are still to be read."""
        return bool(self._early)

    def close(self) -> None:
        """End the connection without ceremony."""
        self.socket.close()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
