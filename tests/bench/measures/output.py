"""Output: megabytes a second that a program gets rid of."""

from __future__ import annotations

import time

from tests.bench.clients import TookTooLong, await_marker, drain, watch
from tests.bench.measures import Measure, Samples
from tests.bench.peers import Peer
from tests.bench.processes import children, comm
from tests.bench.programs import READY, script
from tests.bench.scale import Scale

KINDS = ("plain", "coloured", "unicode")


def _named(name: str, among: set[int]) -> set[int]:
    return {pid for pid in among if comm(pid) == name}


def _everybody() -> set[int]:
    return {pid for pids in children().values() for pid in pids}


def watched(peer: Peer, scale: Scale) -> Samples:
    """From "go" until the client has seen the end of it; the client acknowledges all it gets."""
    size = scale.megabytes * 1_000_000
    samples = {}
    for kind in KINDS:
        session = peer.open(script("writer", kind, size))
        try:
            client = session.connect()
            watch(client, READY)
            drain(client)
            start = time.perf_counter()
            client.send(b"go 0\n")
            took = await_marker(client, b"END 1", 120) - start
            samples[f"output {kind}"] = [size / took / 1e6]
        finally:
            session.end()
    return samples


def alone(peer: Peer, scale: Scale) -> Samples:
    """The same with nobody attached; the program takes the time."""
    size = scale.megabytes * 1_000_000
    samples = {}
    for kind in KINDS:
        before = _named("bench-done", _everybody())
        session = peer.open(script("writer", kind, size))
        try:
            client = session.connect()
            watch(client, READY)
            client.send(b"go 0.5\n")
            time.sleep(0.1)
            client.close()
            end = time.perf_counter() + 120
            while not _named("bench-done", _everybody()) - before:
                if time.perf_counter() > end:
                    raise TookTooLong("the program did not finish writing")
                time.sleep(0.2)
            client = session.connect()
            drain(client)
            client.send(b"took\n")
            shown = watch(client, b" TAKEN")
            took = float(shown.rpartition(b"TOOK ")[2].split()[0])
            samples[f"output {kind}, nobody attached"] = [size / took / 1e6]
        finally:
            session.end()
    return samples


MEASURES = (
    Measure("output", watched),
    Measure("output, nobody attached", alone, lambda peer: peer.keeps),
)
