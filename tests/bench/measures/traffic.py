"""Bytes: what a change on the screen costs on its way to the terminal, and on the wire."""

from __future__ import annotations

from tests.bench.clients import PtyClient, drain, watch
from tests.bench.measures import ONLY_SSH, Measure, Samples
from tests.bench.peers import Peer
from tests.bench.processes import bytes_read
from tests.bench.programs import READY, script
from tests.bench.scale import Scale

LINES = 1000
SECONDS_APART = 0.004
QUIET_SECONDS = 0.4


class _Counter:
    """Counts for one client: what its terminal got, and what it took off the wire.

    The client reads nothing but the connection and what is typed.
    """

    def __init__(self, client: PtyClient) -> None:
        self._client = client

    def cost(self, command: bytes) -> tuple[int, int | None]:
        """Bytes that came for a command, until nothing more comes: to the terminal, on the wire."""
        terminal, wire = self._client.received, self._on_wire()
        self._client.send(command)
        drain(self._client, QUIET_SECONDS, 60)
        after = self._on_wire()
        carried = None if wire is None or after is None else after - wire - len(command)
        return self._client.received - terminal, carried

    def _on_wire(self) -> int | None:
        try:
            return bytes_read(self._client.pid)
        except PermissionError:
            return None


def traffic(peer: Peer, scale: Scale) -> Samples:
    """One cell changes; many lines are printed, at once and one after another."""
    samples: dict[str, list[float]] = {}
    session = peer.open(script("drawing"))
    try:
        client = session.connect()
        watch(client, READY)
        drain(client, QUIET_SECONDS)
        assert isinstance(client, PtyClient)
        counter = _Counter(client)
        counter.cost(b"cell\n")  # from wherever the cursor was
        for key, command, times in (
            ("bytes cell", b"cell\n", scale.cells),
            ("bytes lines", b"lines %d 0\n" % LINES, 1),
            ("bytes slow lines", b"lines %d %g\n" % (LINES, SECONDS_APART), 1),
        ):
            for _number in range(times):
                terminal, wire = counter.cost(command)
                samples.setdefault(key, []).append(terminal)
                if wire is not None:
                    samples.setdefault(f"{key}, wire", []).append(wire)
    finally:
        session.end()
    return samples


MEASURES = (Measure("traffic", traffic, sections=ONLY_SSH),)
