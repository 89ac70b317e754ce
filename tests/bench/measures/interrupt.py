"""Ctrl-C under a flood: from the key to the sign that the program has stopped, in milliseconds."""

from __future__ import annotations

import time

from tests.bench.clients import Client, TookTooLong, await_marker, drain, paced, watch
from tests.bench.measures import BOTH, Measure, Samples
from tests.bench.peers import Peer
from tests.bench.programs import READY, script
from tests.bench.scale import Scale

SLOW = 1_000_000
"""Bytes a second that the slow client reads."""


def _interrupts(client: Client, scale: Scale, pace: int) -> list[float]:
    watch(client, READY)
    drain(client)
    took = []
    for number in range(1, scale.interrupts + 1):
        client.send(b"flood\n")
        for _data in paced(client, scale.flood_seconds, pace):
            pass
        start = time.perf_counter()
        client.send(b"\x03")
        try:
            end = await_marker(client, b"STOPPED %d" % number, scale.patience_seconds, pace=pace)
        except TookTooLong:
            took.append(scale.patience_seconds * 1000)
            break
        took.append((end - start) * 1000)
        if took[-1] > 2000:
            break
        drain(client)
    return took


def interrupts(peer: Peer, scale: Scale) -> Samples:
    """With a client that reads all there is, and one that reads 1 MB a second."""
    samples = {}
    for kind, pace, key in (
        ("plain", 0, "ctrl-c"),
        ("plain", SLOW, "ctrl-c slow client"),
        ("long", SLOW, "ctrl-c slow client, long lines"),
    ):
        session = peer.open(script("writer", kind, 0))
        try:
            samples[key] = _interrupts(session.connect(), scale, pace)
        finally:
            session.end()
    return samples


MEASURES = (Measure("ctrl-c", interrupts, sections=BOTH),)
