"""The ssh transport: strict order, deadlines, signs of life, new keys, and strangers' garbage."""

from __future__ import annotations

import random
from typing import Any
from unittest.mock import Mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from termhub.config import SshSettings
from termhub.gateways.ssh import transport as ours
from termhub.gateways.ssh.gateway import SshGateway
from termhub.gateways.ssh.packets import Reader, boolean, string, u32
from tests.support.ssh_memory import HOST_KEY, Line, MemoryCase, RawClient, channel_request, outputs, pty

GLOBAL_REQUEST, REQUEST_FAILURE = 80, 82
VERSION = b"SSH-2.0-x\r\n"


class TestOffer(MemoryCase):
    def test_only_algorithms_without_known_weakness_are_offered(self) -> None:
        line = Line(self.gateway, None)
        self.addCleanup(line.lose)
        version, _, rest = line.tcp.take().partition(b"\r\n")
        self.assertTrue(version.startswith(b"SSH-2.0-termhub"))
        reader = Reader(rest[22:])
        lists = [reader.string().split(b",") for _ in range(10)]
        self.assertIn(b"curve25519-sha256", lists[0])
        self.assertIn(b"kex-strict-s-v00@openssh.com", lists[0])
        self.assertEqual(lists[1], [b"ssh-ed25519"])
        offered = b",".join(b",".join(names) for names in lists)
        for weak in (b"sha1", b"cbc", b"md5", b"3des", b"zlib", b"nistp", b"group", b"ssh-rsa", b"dss"):
            self.assertNotIn(weak, offered)
        self.assertEqual(lists[6], [b"none"])

    def test_users_may_sign_with_rsa_but_not_over_sha1(self) -> None:
        line = self.connect()
        assert line.client is not None
        told = line.client.peerExtensions[b"server-sig-algs"].split(b",")
        self.assertIn(b"rsa-sha2-256", told)
        self.assertIn(b"ssh-ed25519", told)
        self.assertNotIn(b"ssh-rsa", told)


class TestDeadlines(MemoryCase):
    settings = SshSettings(login_seconds=30)

    def test_a_client_that_says_nothing_is_sent_away(self) -> None:
        line = Line(self.gateway, None)
        self.addCleanup(line.lose)
        self.clock.advance(29)
        self.assertFalse(line.tcp.disconnecting)
        self.clock.advance(2)
        self.assertTrue(line.tcp.disconnecting)

    def test_a_client_that_does_not_log_in_is_sent_away(self) -> None:
        line = self.connect()
        client = self.ask_login(line)
        self.clock.advance(31)
        line.pump()
        assert client.disconnected is not None
        self.assertIn("too long", client.disconnected[1])
        self.assertTrue(line.is_lost)

    def test_who_has_logged_in_has_no_deadline(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        self.clock.advance(60)
        self.assertFalse(line.tcp.disconnecting)
        self.assertIsNone(client.disconnected)

    def test_last_words_that_nobody_reads_are_not_waited_for(self) -> None:
        line = Line(self.gateway, None)
        self.addCleanup(line.lose)
        line.tcp.is_stuck = True
        line.tcp.loseConnection = lambda: None  # type: ignore[method-assign] # bytes wait: it stays open
        self.clock.advance(31)
        self.assertFalse(line.tcp.aborting)
        self.clock.advance(6)
        self.assertTrue(line.tcp.aborting)

    def test_nothing_is_left_when_the_connection_is_lost(self) -> None:
        line = self.connect()
        self.log_in(line)
        line.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class TestOrder(MemoryCase):
    def refused(self, line: Line) -> str:
        """Why the server has closed the connection."""
        line.pump()
        self.assertTrue(line.is_lost, "the connection goes on")
        assert line.client is not None
        return line.client.disconnected[1] if line.client.disconnected else ""

    def test_no_login_without_keys(self) -> None:
        line = Line(self.gateway, None)
        self.addCleanup(line.lose)
        packet = b"\x05" + string("ssh-userauth")
        padding = 16 - (len(packet) + 5) % 8
        raw = u32(len(packet) + padding + 1) + bytes([padding]) + packet + bytes(padding)
        line.server.dataReceived(b"SSH-2.0-test\r\n" + raw)
        self.assertTrue(line.tcp.disconnecting)
        self.assertIsNone(line.server.service)

    def test_new_keys_out_of_nowhere(self) -> None:
        line = self.connect()
        assert line.client is not None
        line.client.send(21, b"")
        self.assertIn("out of order", self.refused(line))

    def test_a_second_key_exchange_before_the_login(self) -> None:
        line = self.connect()
        assert line.client is not None
        line.client.sendKexInit()  # type: ignore[no-untyped-call]
        self.assertIn("before the login", self.refused(line))

    def test_other_packets_during_a_key_exchange(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        client.sendKexInit()  # type: ignore[no-untyped-call]
        client._keyExchangeState = client._KEY_EXCHANGE_NONE
        client.send(GLOBAL_REQUEST, string("x") + boolean(True))
        self.refused(line)

    def test_login_twice(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        client.send(5, string("ssh-userauth"))
        self.assertIn("once", self.refused(line))

    def test_another_service_than_the_login(self) -> None:
        line = self.connect()
        assert line.client is not None
        line.client.send(5, string("ssh-connection"))
        self.refused(line)

    def test_a_flood_of_packets_before_the_login(self) -> None:
        line = self.connect()
        assert line.client is not None
        for _ in range(ours.MOST_LOGIN_PACKETS + 1):
            line.client.send(2, string(""))
        self.assertIn("too many packets", self.refused(line))

    def test_an_unfinished_packet_before_the_login_is_bounded(self) -> None:
        line = self.connect()
        assert line.client is not None
        encryptions = line.client.currentEncryptions
        head = encryptions.encrypt(u32(900_000) + b"\x04" + bytes(11))
        line.server.dataReceived(head + bytes(40_000))
        line.server.dataReceived(bytes(40_000))
        self.assertFalse(line.tcp.disconnecting)
        line.server.dataReceived(bytes(10))
        self.assertTrue(line.tcp.disconnecting)

    def test_unknown_packets_are_answered_with_their_number(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        unknown: list[int] = []
        client.receiveUnimplemented = unknown.append  # type: ignore[method-assign]
        number = client.outgoingPacketSequence
        client.send(150, b"")
        line.pump()
        self.assertEqual(unknown, [number])


class StrictClient(RawClient):
    """Also asks for the strict order of packets, and counts as that asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.supportedKeyExchanges = [b"curve25519-sha256", b"kex-strict-c-v00@openssh.com"]

    def _newKeys(self) -> None:
        self.incomingPacketSequence = self.outgoingPacketSequence = 0
        super()._newKeys()


class TestStrictExchange(MemoryCase):
    def test_numbers_begin_anew_with_new_keys(self) -> None:
        client = StrictClient()
        line = Line(self.gateway, client)
        self.addCleanup(line.lose)
        line.pump()
        self.assertTrue(client.is_secure)
        self.log_in(line)
        client.sendKexInit()  # type: ignore[no-untyped-call]
        line.pump()
        self.assertEqual(client.exchanges, 2)
        self.open_channel(line)

    def test_nothing_may_come_before_or_between(self) -> None:
        for when in ("before", "between"):
            client = StrictClient()
            line = Line(self.gateway, client)
            self.addCleanup(line.lose)
            ignore = string("")
            if when == "before":
                sent = line.client_tcp.value()
                version, _, kexinit = sent.partition(b"\r\n")
                line.client_tcp.clear()
                raw = u32(12) + b"\x06" + b"\x02" + ignore + bytes(6)
                line.server.dataReceived(version + b"\r\n" + raw + kexinit)
            else:
                line.server.dataReceived(line.client_tcp.value())
                line.client_tcp.clear()
                client.send(2, ignore)
                line.server.dataReceived(line.client_tcp.value())
            self.assertTrue(line.tcp.disconnecting, when)


class TestSignsOfLife(MemoryCase):
    def test_a_silent_client_is_asked_and_then_given_up(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        self.clock.advance(20)
        for _ in range(3):
            self.clock.advance(20)
            line.tcp.clear()  # nothing reaches the client
        self.assertFalse(line.tcp.aborting)
        self.clock.advance(20)
        self.assertTrue(line.tcp.aborting)
        self.assertEqual(client.packets, [])

    def test_a_client_that_answers_stays(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        for _ in range(20):
            self.clock.advance(20)
            line.pump()
            for kind, packet in client.packets:
                self.assertEqual((kind, Reader(packet).name()), (GLOBAL_REQUEST, "keepalive@openssh.com"))
                client.send(REQUEST_FAILURE, b"")
            client.packets.clear()
            line.pump()
        self.assertFalse(line.tcp.disconnecting)

    def test_a_client_that_asks_is_answered(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        client.send(GLOBAL_REQUEST, string("keepalive@openssh.com") + boolean(True))
        line.pump()
        self.assertEqual(client.packets, [(REQUEST_FAILURE, b"")])


class TestNewKeys(MemoryCase):
    def ui(self, line: Line) -> tuple[RawClient, Any]:
        client = self.log_in(line)
        channel = self.open_channel(line, window=1 << 31)
        channel_request(client, channel, "pty-req", pty())
        channel_request(client, channel, "shell")
        line.pump()
        client.packets.clear()
        return client, self.uis[-1].transport

    def test_after_an_hour(self) -> None:
        line = self.connect()
        client, screen = self.ui(line)
        for _ in range(181):
            self.clock.advance(20)
            line.pump()
            client.send(2, string(""))
            line.pump()
        self.assertEqual(client.exchanges, 2)
        screen.write(b"after")
        line.pump()
        self.assertEqual(outputs(client.packets), b"after")

    def test_after_many_bytes_and_no_output_is_held_meanwhile(self) -> None:
        self.patch(ours, "REKEY_BYTES", 100_000)
        line = self.connect()
        client, screen = self.ui(line)
        sent = b""
        for number in range(200):
            piece = bytes([number]) * 2000
            self.assertTrue(screen.is_clear)
            screen.write(piece)
            sent += piece
            if not screen.is_clear:
                self.assertIsNotNone(line.server._blockedByKeyExchange)
            line.pump()
        self.assertGreater(client.exchanges, 2)
        self.assertEqual(outputs(client.packets), sent)
        self.assertIn("drained", self.uis[-1].events)

    def test_an_exchange_that_the_client_does_not_finish(self) -> None:
        self.patch(ours, "REKEY_BYTES", 100_000)
        line = self.connect()
        _, screen = self.ui(line)
        for _ in range(100):
            if screen.is_clear:
                screen.write(bytes(4000))
        held = line.server._blockedByKeyExchange
        assert held is not None
        self.assertLess(len(held), 3)
        for _ in range(5):
            self.clock.advance(20)
        self.assertTrue(line.tcp.disconnecting)

    def test_packet_numbers_wrap(self) -> None:
        line = self.connect()
        client, screen = self.ui(line)
        line.server.outgoingPacketSequence = client.incomingPacketSequence = 0xFFFFFFFF
        line.server.incomingPacketSequence = client.outgoingPacketSequence = 0xFFFFFFFF
        screen.write(b"one")
        line.pump()
        client.incomingPacketSequence = 0
        screen.write(b"two")
        line.pump()
        self.assertEqual(outputs(client.packets), b"onetwo")
        client.send(2, string(""))
        line.pump()
        self.assertEqual(line.server.incomingPacketSequence, 0)


class TestReading(MemoryCase):
    def test_a_client_that_asks_and_does_not_read_is_not_read_either(self) -> None:
        line = self.connect()
        client = self.log_in(line)
        line.tcp.is_stuck = True
        for _ in range(10_000):
            if line.tcp.producerState != "producing":
                break
            client.send(GLOBAL_REQUEST, string("x") + boolean(True))
            line.pump()
        self.assertEqual(line.tcp.producerState, "paused")
        self.assertLess(len(line.tcp.dataBuffer), ours.MOST_REPLY_BYTES + 1000)
        line.tcp.release()
        self.assertEqual(line.tcp.producerState, "producing")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.binary(max_size=200), max_size=4),
    st.sampled_from([b"", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n\0\0"]),
)
def test_garbage_for_a_version_or_a_first_packet(pieces: list[bytes], head: bytes) -> None:
    clock = Clock()
    nobody: Any = Mock()  # a stranger reaches none of it
    line = Line(SshGateway(nobody, SshSettings(), HOST_KEY, clock), None)
    for piece in (head, *pieces):
        if not line.tcp.disconnecting:
            line.server.dataReceived(piece)
    line.lose()
    assert clock.getDelayedCalls() == []


class TestMutations(MemoryCase):
    def test_mutated_packets_before_the_login(self) -> None:
        """Each packet of a login, one byte or length changed: the connection ends or goes on, and
        nothing is logged as a defect.
        """
        luck = random.Random(7)
        for _ in range(300):
            client = RawClient()
            line = Line(self.gateway, client)
            line.pump()
            at = luck.randrange(3)
            send = client.send

            def mutated(kind: int, payload: bytes, send: Any = send) -> None:
                changed = bytearray(payload)
                for _ in range(luck.randint(1, 4)):
                    if changed:
                        changed[luck.randrange(len(changed))] = luck.randrange(256)
                if luck.random() < 0.3:
                    del changed[luck.randrange(len(changed) + 1) :]
                send(luck.choice([kind, kind, luck.randrange(256)]), bytes(changed))

            login = [
                (5, string("ssh-userauth")),
                (
                    50,
                    string("alice")
                    + string("ssh-connection")
                    + string("keyboard-interactive")
                    + string("") * 2,
                ),
                (61, u32(1) + string("x")),
            ]
            for number, (kind, payload) in enumerate(login):
                (mutated if number == at else send)(kind, payload)
                line.pump()
            line.lose()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
