"""What a host said before it left is heard, also by a hub that was writing to it meanwhile."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from sandbox.guest import frames
from termhub.hub.host_messages import HostEvent, HostHello
from termhub.hub.link import ACK_BYTES, HostLink, Link
from termhub.hub.sockets import adopt
from tests.support.hub_fakes import CONSOLE

PIECE = b"x" * (ACK_BYTES - 100)


class Listener:
    """Counts what a host says, and asks for something at each piece of output."""

    def __init__(self) -> None:
        self.received = 0
        self.events: list[HostEvent] = []
        self.link: Link | None = None
        self.refused: list[Any] = []

    def linked(self, link: Link, hello: HostHello) -> None:
        self.link = link

    def unlinked(self, reason: str) -> None:
        self.link = None

    def host_output(self, window: int, offset: int, data: bytes) -> None:
        assert offset == self.received
        assert self.link is not None
        self.received += len(data)
        self.link.request("signal", window, {"signal": "SIGINT"}).addErrback(self.refused.append)

    def host_accepted(self, window: int, viewer: int, sequence: int) -> None: ...

    def host_resized(self, window: int, cols: int, rows: int) -> None: ...

    def host_redrawn(self, window: int, keyframe: Any) -> None: ...

    def host_event(self, window: int, event: HostEvent) -> None:
        self.events.append(event)


class LastWordsTests(TestCase):
    timeout = 120

    async def test_output_and_the_end_are_read_though_the_host_takes_nothing_any_more(self) -> None:
        window = {"window": 0, "offset": 0, "cols": 80, "rows": 24}
        hello = {"version": 1, "console": CONSOLE, "windows": [window], "isolation": "none"}
        said = [frames.encode_json(frames.HELLO, frames.CONSOLE, hello)]
        said += [frames.output(0, number * len(PIECE), PIECE) for number in range(2)]
        said.append(frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "ended", "reason": "enough"}))
        host, hub = socket.socketpair()
        with host, hub:
            host.setblocking(False)
            data = b"".join(said)
            # More than the reactor reads at once, so that it writes in between.
            assert host.send(data) == len(data) > 1 << 16
            host.close()
            listener = Listener()
            link = HostLink(CONSOLE, listener, Clock())
            adopt(hub, link, reactor)
        await link.lost
        self.assertEqual(listener.received, 2 * len(PIECE))
        self.assertEqual([(event.type, event.reason) for event in listener.events], [("ended", "enough")])
        self.assertEqual(len(listener.refused), 2)
