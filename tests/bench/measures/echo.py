"""Keystroke echo: from the key to the character on the terminal, in milliseconds."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence

from tests.bench.clients import Client, Drainer, await_marker, drain, watch
from tests.bench.measures import BOTH, Measure, Samples
from tests.bench.peers import Peer, Session
from tests.bench.programs import ECHO, READY, script
from tests.bench.scale import Scale

KEYS = b"wxvQY#&@"
"""Characters that are in no control sequence a peer would send around the echo."""


def type_keys(client: Client, keys: int, pauses: tuple[float, float] = (0.004, 0.016)) -> list[float]:
    """Type keys one after the other; milliseconds until each shows.

    :param pauses: the shortest and the longest rest before a key, in seconds.
    """
    chance = random.Random(1)
    took = []
    for number in range(keys):
        time.sleep(chance.uniform(*pauses))
        key = KEYS[number % len(KEYS) : number % len(KEYS) + 1]
        start = time.perf_counter()
        client.send(key)
        took.append((await_marker(client, key, 30) - start) * 1000)
    return took


def _measure(peer: Peer, keys: int) -> list[float]:
    session = peer.open(ECHO)
    try:
        client = session.connect()
        watch(client, READY)
        drain(client)
        type_keys(client, 10)
        return type_keys(client, keys)
    finally:
        session.end()


@contextlib.contextmanager
def _neighbours(peer: Peer, programs: Sequence[Sequence[str]], first: bytes = b"") -> Iterator[None]:
    """Sessions with a client each, read by a process of their own."""
    sessions: list[Session] = []
    drainer = None
    try:
        clients = []
        for argv in programs:
            sessions.append(peer.open(argv))
            clients.append(sessions[-1].connect())
            watch(clients[-1], READY)
        if first:
            for client in clients:
                client.send(first)
        drainer = Drainer(clients)
        time.sleep(0.3)
        yield
    finally:
        if drainer is not None:
            drainer.stop()
        for session in sessions:
            session.end()


def idle(peer: Peer, scale: Scale) -> Samples:
    """Nobody else is there."""
    return {"echo idle": _measure(peer, scale.keys)}


def busy(peer: Peer, scale: Scale) -> Samples:
    """Neighbours print 20 lines a second each, and somebody watches each of them."""
    with _neighbours(peer, [script("busy")] * scale.neighbours, b"\n"):
        return {"echo busy": _measure(peer, scale.keys)}


def flooded(peer: Peer, scale: Scale) -> Samples:
    """One neighbour prints as fast as it can, to somebody who reads as fast as they can."""
    with _neighbours(peer, [script("writer", "plain", 0)], b"flood\n"):
        return {"echo flooded": _measure(peer, scale.keys)}


MEASURES = (
    Measure("echo idle", idle, sections=BOTH),
    Measure("echo busy", busy, sections=BOTH),
    Measure("echo flooded", flooded, sections=BOTH),
)
