"""One megabyte to many viewers of one console: seconds until all have seen the end."""

from __future__ import annotations

import time

from tests.bench.clients import Client, TookTooLong, read_all, watch
from tests.bench.measures import Measure, Samples
from tests.bench.peers import Peer
from tests.bench.programs import READY, script
from tests.bench.scale import Scale


def broadcast(peer: Peer, scale: Scale) -> Samples:
    """All viewers read as fast as they can, in one process."""
    session = peer.open(script("broadcast"))
    took: list[float] = []
    megabytes: list[float] = []
    try:
        first = session.connect()
        watch(first, READY)
        clients: list[Client] = [first, *(session.connect() for _number in range(scale.viewers - 1))]
        read_all(clients, 2.0)
        for number in range(1, scale.broadcasts + 1):
            before = sum(client.received for client in clients)
            tails = [b""] * len(clients)
            marker = b"END %d" % number

            def seen(place: int, data: bytes, tails: list[bytes] = tails, marker: bytes = marker) -> bool:
                if marker in tails[place] + data[-100:] or marker in data:
                    return True
                tails[place] = data[-len(marker) :]
                return False

            start = time.perf_counter()
            first.send(b"go\n")
            if not read_all(clients, scale.patience_seconds * 2, seen):
                raise TookTooLong("not all viewers have seen the end")
            took.append(time.perf_counter() - start)
            megabytes.append((sum(client.received for client in clients) - before) / 1e6)
        for client in clients:
            client.close()
    finally:
        session.end()
    return {"viewers": took, "viewers megabytes": megabytes}


MEASURES = (Measure("viewers", broadcast, lambda peer: peer.shares, lambda scale: min(2, scale.rounds)),)
