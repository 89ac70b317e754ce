"""Anything that somebody who has logged in can send: it is answered, or ends their connection."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from termhub.gateways.ssh.packets import PacketError, Reader, boolean, string, u32
from tests.support.ssh_memory import MemoryCase, pty

SEEDS = [
    (80, string("keepalive@openssh.com") + boolean(True)),
    (90, string("session") + u32(5) + u32(1000) + u32(1000)),
    (93, u32(0) + u32(1000)),
    (94, u32(0) + string("typed")),
    (95, u32(0) + u32(1) + string("typed")),
    (96, u32(0)),
    (97, u32(0)),
    (98, u32(0) + string("pty-req") + boolean(True) + pty()),
    (98, u32(0) + string("env") + boolean(True) + string("LANG") + string("C.UTF-8")),
    (98, u32(0) + string("shell") + boolean(True)),
    (98, u32(0) + string("exec") + boolean(True) + string("ls --json")),
    (98, u32(0) + string("exec") + boolean(True) + string("scp -t x")),
    (98, u32(0) + string("subsystem") + boolean(True) + string("sftp")),
    (98, u32(0) + string("window-change") + boolean(False) + u32(90) + u32(30) + u32(0) + u32(0)),
    (98, u32(0) + string("signal") + boolean(False) + string("TERM")),
    (98, u32(0) + string("break") + boolean(True) + u32(1)),
    (100, u32(0)),
]


class TestAfterTheLogin(MemoryCase):
    def test_packets_in_any_order_and_changed(self) -> None:
        luck = random.Random(11)
        for _ in range(150):
            line = self.connect()
            client = self.log_in(line)
            self.open_channel(line)
            for _ in range(12):
                kind, payload = luck.choice(SEEDS)
                changed = bytearray(payload)
                if luck.random() < 0.4:
                    changed[luck.randrange(len(changed))] = luck.randrange(256)
                if luck.random() < 0.1:
                    del changed[luck.randrange(len(changed)) :]
                if luck.random() < 0.05:
                    kind = luck.randrange(50, 256)
                if not line.is_lost:
                    client.send(kind, bytes(changed))
                    line.pump()
            line.lose()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])


@settings(deadline=None)
@given(
    st.binary(max_size=60),
    st.lists(st.sampled_from(["byte", "boolean", "u32", "string", "text", "name", "rest"])),
)
def test_a_reader_stays_within_its_packet(data: bytes, fields: list[str]) -> None:
    reader = Reader(data)
    read = 0
    for field in fields:
        try:
            value = getattr(reader, field)()
        except PacketError:
            return
        if field in ("string", "rest"):
            read += len(value)
    assert read <= len(data)
