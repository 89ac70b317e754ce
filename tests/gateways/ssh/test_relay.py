"""A program behind a channel: bytes as fast as the slower end takes them, and how it ended."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from termhub.errors import ConsoleError, NoSandbox
from termhub.gateways.ssh.packets import string, u32
from termhub.gateways.ssh.relay import WINDOW_BYTES
from tests.support.ssh_memory import FakeStream, MemoryCase, channel_request, exits, outputs, unpack_u32


class RelayCase(MemoryCase):
    window = 1 << 20

    def setUp(self) -> None:
        super().setUp()
        self.line = self.connect()
        self.client = self.log_in(self.line)
        self.channel = self.open_channel(self.line, self.window)

    def begin(self) -> FakeStream:
        """Ask for sftp; the program that runs."""
        streams: list[FakeStream] = []

        def run(owner: Any) -> FakeStream:
            streams.append(FakeStream(owner))
            return streams[-1]

        self.consoles.run = run
        channel_request(self.client, self.channel, "subsystem", string("sftp"))
        self.line.pump()
        return streams[-1]

    def send(self, data: bytes) -> None:
        self.client.send(94, u32(self.channel) + string(data))
        self.line.pump()

    def widened(self) -> int:
        return sum(unpack_u32(packet, 4) for kind, packet in self.client.packets if kind == 93)


class TestRelay(RelayCase):
    def test_sftp_is_run_for_the_user(self) -> None:
        self.begin()
        ((user, argv, _),) = self.consoles.ran
        self.assertEqual((user, argv[0]), ("alice", "sftp-server"))
        self.assertEqual(self.widened(), WINDOW_BYTES - (64 << 10))

    def test_bytes_go_both_ways(self) -> None:
        stream = self.begin()
        self.send(b"question")
        self.assertEqual(stream.written, b"question")
        stream.owner.stream_data(b"answer")
        self.line.pump()
        self.assertEqual(outputs(self.client.packets), b"answer")
        self.assertEqual(stream.given_back, 6)

    def test_the_client_waits_for_the_program(self) -> None:
        stream = self.begin()
        self.client.packets.clear()
        for _ in range(WINDOW_BYTES // 32768):
            self.send(b"x" * 32768)
        self.assertEqual(len(stream.written), 1000)
        self.assertEqual(self.widened(), 0)
        self.assertEqual(self.line.tcp.disconnecting, False)
        while len(stream.written) < WINDOW_BYTES:
            stream.take(100_000)
            self.line.pump()
        self.assertGreaterEqual(self.widened(), WINDOW_BYTES // 2)
        self.client.send(96, u32(self.channel))
        self.line.pump()
        self.assertTrue(stream.is_ended)

    def test_the_end_of_input_comes_behind_it(self) -> None:
        stream = self.begin()
        self.send(b"x" * 1500)
        self.client.send(96, u32(self.channel))
        self.line.pump()
        self.assertFalse(stream.is_ended)
        stream.take(1000)
        self.assertEqual(len(stream.written), 1500)
        self.assertTrue(stream.is_ended)

    def test_input_before_the_program_runs(self) -> None:
        waiting: Deferred[FakeStream] = Deferred()

        async def slowly(*arguments: object) -> FakeStream:
            return await waiting

        self.consoles.run_for_files = slowly  # type: ignore[method-assign]
        channel_request(self.client, self.channel, "subsystem", string("sftp"))
        self.send(b"early")
        self.client.send(96, u32(self.channel))
        self.line.pump()
        stream = FakeStream(None)
        waiting.callback(stream)
        self.assertEqual(stream.written, b"early")
        self.assertTrue(stream.is_ended)

    def test_a_client_that_goes_before_the_program_runs(self) -> None:
        waiting: Deferred[FakeStream] = Deferred()

        async def slowly(*arguments: object) -> FakeStream:
            return await waiting

        self.consoles.run_for_files = slowly  # type: ignore[method-assign]
        channel_request(self.client, self.channel, "subsystem", string("sftp"))
        self.line.pump()
        self.line.lose()
        self.assertTrue(waiting.called)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_client_that_goes(self) -> None:
        stream = self.begin()
        self.line.lose()
        self.assertTrue(stream.is_closed)
        stream.owner.stream_data(b"late")


class TestSlowClient(RelayCase):
    window = 10

    def test_the_program_waits_for_the_client(self) -> None:
        stream = self.begin()
        stream.owner.stream_data(b"0123456789abcdef")
        self.line.pump()
        self.assertEqual(stream.given_back, 0)
        self.client.send(93, u32(self.channel) + u32(6))
        self.line.pump()
        self.assertEqual(stream.given_back, 0, "all of it fitted, but there is room for no more")
        self.client.send(93, u32(self.channel) + u32(1))
        self.line.pump()
        self.assertEqual(stream.given_back, 16)

    def test_the_program_waits_for_the_connection(self) -> None:
        self.channel = self.open_channel(self.line, 1 << 31)
        stream = self.begin()
        self.line.tcp.is_stuck = True
        sent = 0
        while stream.given_back == sent:
            stream.owner.stream_data(b"x" * 4096)
            sent += 4096
        self.assertLess(len(self.line.tcp.dataBuffer), 128 << 10)
        before = stream.given_back
        self.line.tcp.release()
        self.assertGreater(stream.given_back, before)

    def test_input_for_a_program_that_is_over_is_dropped(self) -> None:
        """The client has yet to read how it ended, and may still send."""
        stream = self.begin()
        stream.owner.stream_data(b"0123456789abcdef")
        stream.owner.stream_ended({"code": 1, "said": ""})
        self.send(b"late")
        self.client.send(93, u32(self.channel) + u32(100))
        self.line.pump()
        self.assertEqual(outputs(self.client.packets), b"0123456789abcdef")
        self.assertEqual(exits(self.client.packets), [1])
        self.assertEqual(self.flushLoggedErrors(), [])


class TestEnds(RelayCase):
    def test_its_status(self) -> None:
        stream = self.begin()
        stream.owner.stream_ended({"code": 7, "said": "it failed\n"})
        self.line.pump()
        self.assertEqual(exits(self.client.packets), [7])
        self.assertEqual(outputs(self.client.packets, stderr=True), b"it failed\n")

    def test_its_signal(self) -> None:
        stream = self.begin()
        stream.owner.stream_ended({"signal": "SIGKILL", "said": ""})
        self.line.pump()
        self.assertEqual(exits(self.client.packets), ["KILL"])

    def test_a_sandbox_that_goes_away(self) -> None:
        stream = self.begin()
        stream.owner.stream_ended(None)
        self.line.pump()
        self.assertEqual(exits(self.client.packets), [255])

    def test_what_cannot_be_started_is_said(self) -> None:
        for error in (NoSandbox("There is no sandbox here."), ConsoleError("Install sftp-server.")):

            def refuse(owner: object, error: Exception = error) -> None:
                raise error

            self.consoles.run = refuse
            channel = self.open_channel(self.line)
            channel_request(self.client, channel, "subsystem", string("sftp"))
            self.line.pump()
            self.assertIn(str(error).encode(), outputs(self.client.packets, stderr=True))
            self.assertEqual(exits(self.client.packets), [255])
            self.client.packets.clear()

    def test_a_defect_is_logged_and_the_connection_goes_on(self) -> None:
        def fail(owner: object) -> None:
            raise ZeroDivisionError

        self.consoles.run = fail
        channel_request(self.client, self.channel, "subsystem", string("sftp"))
        self.line.pump()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(exits(self.client.packets), [255])
        self.open_channel(self.line)
