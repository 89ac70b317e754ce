"""One console with many people: the writer's echo beside that of a writer alone, and what people cost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from tests.bench.clients import drain, read_all, watch
from tests.bench.measures import ONLY_SHARED, Measure, Samples
from tests.bench.measures.echo import type_keys
from tests.bench.peers import Peer
from tests.bench.peers.hub import HubClient
from tests.bench.peers.shared import Crowd, SharedPeer
from tests.bench.processes import cpu_seconds, pss_bytes
from tests.bench.programs import ECHO, READY, script
from tests.bench.scale import Scale

TYPING = (0.03, 0.09)
"""Seconds between two keys of somebody who types fast, or keeps a key down."""

LINES = 250
"""Of 80 characters, that the console prints a second: twice what the slow ones read."""

_SAMPLE_SECONDS = 0.1


@contextlib.contextmanager
def _shared(peer: SharedPeer, argv: Sequence[str], scale: Scale) -> Iterator[tuple[HubClient, Crowd]]:
    """A console with its writer, and with the crowd where there is one."""
    session = peer.open(argv)
    crowd = Crowd(session, scale)
    try:
        writer = session.connect()
        watch(writer, READY)
        if peer.has_crowd:
            crowd.add_all()
        drain(writer, seconds=1)
        type_keys(writer, 10, TYPING)
        yield writer, crowd
        if peer.has_crowd:
            crowd.check()
    finally:
        crowd.leave()
        session.end()


def typing(peer: Peer, scale: Scale) -> Samples:
    """Nothing moves but what the writer types."""
    assert isinstance(peer, SharedPeer)
    with _shared(peer, ECHO, scale) as (writer, crowd):
        kinds = peer.processes()
        before = {kind: cpu_seconds(pids) for kind, pids in kinds.items()}
        clients = crowd.cpu_seconds()
        start = time.perf_counter()
        typed = type_keys(writer, scale.shared_keys, TYPING)
        span = time.perf_counter() - start
        spent = {kind: cpu_seconds(pids) - before[kind] for kind, pids in kinds.items()}
        spent["others' clients"] = crowd.cpu_seconds() - clients
        return {
            "shared typing": typed,
            "shared hurry": type_keys(writer, scale.shared_keys),
            "shared cost": [spent["hub"] / scale.shared_keys * 1000],
            **{f"shared load: {kind}": [seconds / span * 100] for kind, seconds in spent.items()},
        }


def printing(peer: Peer, scale: Scale) -> Samples:
    """The console prints more than some of its viewers can read."""
    assert isinstance(peer, SharedPeer)
    with _shared(peer, script("chatty", LINES), scale) as (writer, _crowd):
        drain(writer, seconds=1)  # it has begun with the first key
        return {"shared printing": type_keys(writer, scale.shared_keys, TYPING)}


def memory(peer: Peer, scale: Scale) -> Samples:
    """Proportional set size of the hub as people come, by kind; also its most while the console floods."""
    assert isinstance(peer, SharedPeer)
    session = peer.open(script("writer", "plain", 0))
    crowd = Crowd(session, scale)
    hub = peer.processes()["hub"]
    found: dict[str, list[float]] = {}
    try:
        writer = session.connect()
        watch(writer, READY)
        for first in (session.owner(), session.guest_by_ssh("observer")):
            first.close()  # what is loaded once is nobody's
        before_flooded = _most_while_flooded(writer, hub, scale.flood_seconds)
        before = pss_bytes(hub)
        for kind, (count, add) in crowd.kinds().items():
            add()
            now = pss_bytes(hub)
            now_flooded = _most_while_flooded(writer, hub, scale.flood_seconds)
            crowd.check()
            found[f"shared memory {kind}"] = [(now - before) / count / 1000]
            found[f"shared memory {kind}, flooded"] = [(now_flooded - before_flooded) / count / 1000]
            before, before_flooded = pss_bytes(hub), now_flooded
    finally:
        crowd.leave()
        session.end()
    return found


def _most_while_flooded(writer: HubClient, hub: set[int], seconds: float) -> int:
    """The most memory the hub has while the console prints as fast as it can; then it is quiet again."""
    writer.send(b"flood\n")
    most = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        read_all([writer], _SAMPLE_SECONDS)
        most = max(most, pss_bytes(hub))
    writer.send(b"\x03")
    drain(writer, 0.5)
    return most


MEASURES = (
    Measure(
        "shared, memory",
        memory,
        lambda peer: isinstance(peer, SharedPeer) and peer.has_crowd,
        rounds=lambda scale: 1,
        sections=ONLY_SHARED,
    ),
    Measure("shared, typing", typing, sections=ONLY_SHARED),
    Measure("shared, printing", printing, sections=ONLY_SHARED),
)
