"""The connection of `termhub attach`, to a hub that a test plays by hand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sandbox.guest.loop import Loop
from termhub.cli.connection import Connection, End
from termhub.cli.profile import Profile


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


class Hub(threading.Thread):
    """Accepts one connection, sends it messages and a close frame in one go, and is gone.

    :param close: the close frame.
    """

    def __init__(self, messages: list[bytes], close: Close) -> None:
        super().__init__(daemon=True)
        self._frames = [Frame(Opcode.BINARY, message) for message in messages]
        self._frames.append(Frame(Opcode.CLOSE, close.serialize()))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.has_left = threading.Event()

    def run(self) -> None:
        with self._server, self._server.accept()[0] as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            protocol = ServerProtocol(subprotocols=["termhub.v1"])  # type: ignore[list-item]
            requests: list[object] = []
            while not requests:
                protocol.receive_data(connection.recv(65536))
                requests = protocol.events_received()
            assert isinstance(requests[0], Request)
            protocol.send_response(protocol.accept(requests[0]))
            said = [*protocol.data_to_send(), *(frame.serialize(mask=False) for frame in self._frames)]
            connection.sendall(b"".join(said))
        self.has_left.set()


@pytest.mark.parametrize("size", [10, 20_000])
def test_what_the_hub_said_last_is_heard_by_who_is_sending(loop: Loop, size: int) -> None:
    messages = [bytes([number]) * size for number in range(5)]
    hub = Hub(messages, Close(4001, "detached by another viewer"))
    hub.start()
    received: list[bytes] = []
    ends: list[End] = []

    def take(data: bytes) -> None:
        assert hub.has_left.wait(60)
        received.append(data)
        connection.send(b"received")

    def end(why: End) -> None:
        ends.append(why)
        loop.stop()

    profile = Profile(host=hub.url, token="th_token")
    connection = Connection(loop, profile, "main", lambda: None, take, end)
    loop.run()
    hub.join(60)
    assert b"".join(received) == b"".join(messages)
    assert ends == [End("detached by another viewer", code=4001)]
    connection.close()
