"""``cat`` of a large text file: from the command until the terminal shows that it is through."""

from __future__ import annotations

import time

from tests.bench.clients import await_marker, drain, watch
from tests.bench.measures import ONLY_SSH, Measure, Samples
from tests.bench.peers import Peer
from tests.bench.programs import READY, script
from tests.bench.scale import Scale


def shown(peer: Peer, scale: Scale) -> Samples:
    """Seconds, and how much the terminal got meanwhile; who skips what nobody can read gets less."""
    session = peer.open(script("text_file", scale.text_megabytes * 1_000_000))
    try:
        client = session.connect()
        watch(client, READY, 120)
        drain(client)
        before = client.received
        start = time.perf_counter()
        client.send(b"cat\n")
        took = await_marker(client, b"END 1", 300) - start
        return {"text": [took], "text megabytes": [(client.received - before) / 1e6]}
    finally:
        session.end()


MEASURES = (Measure("text", shown, sections=ONLY_SSH),)
