"""Writing at once: what goes to the kernel, what stays behind, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import main
from twisted.internet.testing import StringTransport

from termhub.hub.writing import MOST_BYTES, write_now


class Transport:
    """A Twisted stream transport whose kernel takes ``room`` bytes."""

    def __init__(self, room: int) -> None:
        self.connected = 1
        self.disconnecting = False
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []
        self.room = room
        self.kernel = b""
        self.failure: Any = None

    def writeSomeData(self, data: bytes) -> Any:
        if self.failure is not None:
            return self.failure
        taken = data[: self.room]
        self.room -= len(taken)
        self.kernel += taken
        return len(taken)

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)


def test_a_small_write_goes_to_the_kernel_at_once() -> None:
    transport = Transport(100)
    write_now(transport, b"key")
    assert (transport.kernel, transport._tempDataBuffer) == (b"key", [])


def test_what_the_kernel_does_not_take_waits_and_all_later_writes_wait_behind_it() -> None:
    transport = Transport(2)
    write_now(transport, b"abcd")
    transport.room = 100
    write_now(transport, b"efgh")
    assert transport.kernel == b"ab"
    assert b"".join(transport._tempDataBuffer) == b"cdefgh"


def test_nothing_overtakes_what_a_turn_of_the_reactor_left_unsent() -> None:
    transport = Transport(100)
    transport.dataBuffer = b"left"
    write_now(transport, b"later")
    assert (transport.kernel, transport._tempDataBuffer) == (b"", [b"later"])


@pytest.mark.parametrize("state", ["closing", "lost", "large"])
def test_the_transport_decides_where_writing_at_once_is_not_right(state: str) -> None:
    transport = Transport(1 << 20)
    transport.disconnecting = state == "closing"
    transport.connected = 0 if state == "lost" else 1
    data = b"x" * (MOST_BYTES + 1) if state == "large" else b"x"
    write_now(transport, data)
    assert (transport.kernel, transport._tempDataBuffer) == (b"", [data])


def test_a_broken_connection_is_told_and_the_transport_may_read_on() -> None:
    transport = Transport(100)
    assert write_now(transport, b"key")
    transport.failure = main.CONNECTION_LOST
    assert not write_now(transport, b"key")
    assert transport._tempDataBuffer == []


def test_a_transport_of_another_kind_is_just_written_to() -> None:
    transport = StringTransport()
    write_now(transport, b"key")
    assert transport.value() == b"key"
