"""A session channel: flow control both ways, and the order of its end."""

from __future__ import annotations

import pytest

from termhub.gateways.ssh import channel as module
from termhub.gateways.ssh.channel import WINDOW_BYTES, Channel
from termhub.gateways.ssh.packets import PacketError, Reader

PEER = 9


class FakeConnection:
    """Keeps what a channel sends; can be full."""

    def __init__(self) -> None:
        self.is_writable = True
        self.is_clear = True
        self.sent: list[tuple[int, bytes]] = []
        self.closed_channels: list[Channel] = []

    def send(self, kind: int, payload: bytes) -> None:
        reader = Reader(bytes(payload))
        assert reader.u32() == PEER
        self.sent.append((kind, reader.rest()))

    def closed(self, channel: Channel) -> None:
        self.closed_channels.append(channel)

    def kinds(self) -> list[int]:
        return [kind for kind, _ in self.sent]

    def data(self) -> bytes:
        return b"".join(rest[4:] for kind, rest in self.sent if kind == module.CHANNEL_DATA)

    def widened(self) -> int:
        """How far the client's window was opened since the last call."""
        adjusted = [rest for kind, rest in self.sent if kind == module.CHANNEL_WINDOW_ADJUST]
        self.sent = [entry for entry in self.sent if entry[0] != module.CHANNEL_WINDOW_ADJUST]
        return sum(Reader(rest).u32() for rest in adjusted)


class FakeReceiver:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.data = b""

    def receive(self, data: bytes) -> None:
        self.data += data

    def ended_input(self) -> None:
        self.events.append("ended")

    def drained(self) -> None:
        self.events.append("drained")

    def lost(self) -> None:
        self.events.append("lost")


def made(window: int = 100_000, most_packet: int = 32768) -> tuple[Channel, FakeConnection, FakeReceiver]:
    connection, receiver = FakeConnection(), FakeReceiver()
    channel = Channel(connection, 1, PEER, window, most_packet)
    channel.receiver = receiver
    return channel, connection, receiver


# -- outward -----------------------------------------------------------------------------


def test_output_goes_in_packets_that_the_client_takes() -> None:
    channel, connection, _ = made(most_packet=1000)
    channel.write(b"x" * 2500)
    assert [len(rest) - 4 for _, rest in connection.sent] == [1000, 1000, 500]
    assert channel.is_writable


def test_no_packet_is_longer_than_the_rfc_has_them() -> None:
    channel, connection, _ = made(window=1 << 31, most_packet=1 << 31)
    channel.write(b"x" * 100_000)
    assert max(len(rest) for _, rest in connection.sent) == 4 + 32768


def test_output_waits_for_the_window() -> None:
    channel, connection, receiver = made(window=10)
    channel.write(b"0123456789abcdef")
    assert connection.data() == b"0123456789"
    assert not channel.is_writable
    assert not channel.is_clear
    channel.window_adjusted(3)
    assert connection.data() == b"0123456789abc"
    assert not channel.is_writable
    channel.window_adjusted(100)
    assert connection.data() == b"0123456789abcdef"
    assert channel.is_writable
    assert receiver.events[-1] == "drained"


def test_a_window_that_is_just_used_up_is_no_room() -> None:
    channel, _, receiver = made(window=10)
    channel.write(b"0123456789")
    assert not channel.is_writable
    assert channel.is_clear  # all of it has left
    channel.window_adjusted(1)
    assert channel.is_writable
    assert receiver.events == ["drained"]


def test_output_waits_for_the_connection_however_large_the_window() -> None:
    channel, connection, receiver = made(window=1 << 31)
    connection.is_writable = False
    channel.write(b"hello")
    assert connection.sent == []
    assert not channel.is_writable
    channel.window_adjusted(10)
    assert connection.sent == []
    assert not channel.is_writable
    connection.is_writable = True
    channel.drained()
    assert connection.data() == b"hello"
    assert receiver.events == ["drained", "drained"]


def test_a_connection_that_fills_up_stops_in_the_middle() -> None:
    channel, connection, _ = made(window=1 << 31)
    send = connection.send

    def fill(kind: int, payload: bytes) -> None:
        send(kind, payload)
        connection.is_writable = len(connection.sent) < 2

    connection.send = fill  # type: ignore[method-assign]
    channel.write(bytes(200_000))
    assert len(connection.sent) == 2
    connection.is_writable = True
    connection.send = send  # type: ignore[method-assign]
    channel.drained()
    assert len(connection.data()) == 200_000


def test_standard_error_keeps_its_place() -> None:
    channel, connection, _ = made(window=4)
    channel.write(b"ab")
    channel.write(b"cdef", to_stderr=True)
    channel.write(b"g")
    channel.window_adjusted(100)
    told = [(kind, rest[-2:]) for kind, rest in connection.sent]
    assert told == [(94, b"ab"), (95, b"cd"), (95, b"ef"), (94, b"\x01g")]


def test_a_window_beyond_what_a_number_holds() -> None:
    channel, _, _ = made(window=0xFFFFFFF0)
    with pytest.raises(PacketError):
        channel.window_adjusted(16)


# -- inward ------------------------------------------------------------------------------


def test_the_window_opens_again_as_input_is_taken() -> None:
    channel, connection, receiver = made()
    channel.data_received(b"x" * 1000)
    assert connection.widened() == 0  # not for every key
    channel.data_received(b"x" * (WINDOW_BYTES // 2))
    assert connection.widened() == WINDOW_BYTES // 2 + 1000
    assert len(receiver.data) == WINDOW_BYTES // 2 + 1000


def test_a_paused_session_gets_nothing_and_the_window_stays_shut() -> None:
    channel, connection, receiver = made()
    channel.pause()
    for _ in range(WINDOW_BYTES // 1024):
        channel.data_received(b"y" * 1024)
    assert receiver.data == b""
    assert connection.widened() == 0
    with pytest.raises(PacketError):
        channel.data_received(b"z")
    channel.resume()
    assert receiver.data == b"y" * WINDOW_BYTES
    assert connection.widened() == WINDOW_BYTES


def test_a_session_that_pauses_while_it_takes() -> None:
    channel, _, receiver = made()
    receiver.receive = lambda data: channel.pause()  # type: ignore[method-assign]
    channel.data_received(b"a")
    seen: list[bytes] = []
    receiver.receive = seen.append  # type: ignore[method-assign, assignment]
    channel.data_received(b"b")
    channel.data_received(b"c")
    assert seen == []
    channel.resume()
    assert seen == [b"bc"]


def test_a_larger_window_for_files() -> None:
    channel, connection, _ = made()
    channel.pause()
    channel.enlarge_window(1 << 20)
    assert connection.widened() == (1 << 20) - WINDOW_BYTES
    channel.data_received(b"x" * 32768)
    assert connection.widened() == 0


def test_the_end_of_input_comes_behind_it() -> None:
    channel, _, receiver = made()
    channel.pause()
    channel.data_received(b"last")
    channel.ended_input()
    assert receiver.events == []
    channel.resume()
    assert (receiver.data, receiver.events) == (b"last", ["ended"])
    with pytest.raises(PacketError):
        channel.data_received(b"more")


def test_data_of_another_kind_is_dropped_but_counted() -> None:
    channel, connection, receiver = made()
    for _ in range(10):
        channel.discard(b"x" * 32768)
    assert connection.widened() == 10 * 32768
    assert receiver.data == b""
    with pytest.raises(PacketError):
        channel.discard(b"x" * (WINDOW_BYTES + 1))


# -- the end -----------------------------------------------------------------------------


def test_the_status_comes_behind_all_output() -> None:
    channel, connection, receiver = made(window=3)
    channel.write(b"hello")
    channel.exit(3)
    assert connection.kinds() == [94]
    channel.window_adjusted(100)
    assert connection.kinds() == [94, 94, 96, 98, 97]
    assert connection.sent[3][1].endswith(b"exit-status\0\0\0\0\3")
    assert receiver.events == ["lost"]
    channel.write(b"too late")
    channel.exit(4)
    assert len(connection.sent) == 5
    assert connection.closed_channels == []
    channel.close_received()
    assert connection.closed_channels == [channel]


def test_a_signal_instead_of_a_status() -> None:
    channel, connection, _ = made()
    channel.exit_signal("TERM")
    reader = Reader(connection.sent[1][1])
    assert (reader.name(), reader.boolean(), reader.name(), reader.boolean()) == (
        "exit-signal",
        False,
        "TERM",
        False,
    )


def test_a_client_that_closes_is_answered_and_nothing_waits_for_it() -> None:
    channel, connection, receiver = made(window=0)
    channel.write(b"never seen")
    channel.close_received()
    assert connection.kinds() == [97]
    assert receiver.events == ["lost"]
    assert connection.closed_channels == [channel]
    channel.answer(True)
    channel.write(b"x")
    channel.exit(0)
    assert connection.kinds() == [97]


def test_a_connection_that_is_lost() -> None:
    channel, _, receiver = made()
    channel.pause()
    channel.data_received(b"x")
    channel.connection_lost()
    channel.resume()
    assert (receiver.data, receiver.events) == (b"", ["lost"])


def test_what_still_comes_after_our_close_is_dropped() -> None:
    channel, connection, receiver = made()
    channel.exit(0)
    connection.sent.clear()
    channel.data_received(b"x" * WINDOW_BYTES)
    channel.ended_input()
    assert receiver.data == b""
    assert receiver.events == ["lost"]
    assert connection.sent == []
