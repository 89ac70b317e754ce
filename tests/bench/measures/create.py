"""A new console: from asking for it to Python's prompt on the terminal, in milliseconds."""

from __future__ import annotations

import time

from tests.bench.clients import watch
from tests.bench.measures import Measure, Samples
from tests.bench.peers import Peer
from tests.bench.scale import Scale


def creations(peer: Peer, scale: Scale) -> Samples:
    """One at a time; each is ended before the next."""
    took = []
    for _number in range(scale.creations):
        start = time.perf_counter()
        session = peer.open_python()
        try:
            watch(session.connect(), b">>> ")
            took.append((time.perf_counter() - start) * 1000)
        finally:
            session.end()
        time.sleep(0.05)
    return {"create": took}


MEASURES = (Measure("create", creations),)
