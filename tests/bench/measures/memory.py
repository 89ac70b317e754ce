"""Memory that an idle console with a Python prompt costs, in MiB, by part."""

from __future__ import annotations

import time

from tests.bench.clients import watch
from tests.bench.measures import Measure, Samples
from tests.bench.peers import Peer, Session
from tests.bench.processes import pss_bytes
from tests.bench.programs import PROMPT
from tests.bench.scale import Scale


def memory(peer: Peer, scale: Scale) -> Samples:
    """Proportional set size of every process with N consoles, less what there was without them."""
    sessions: list[Session] = []
    try:
        before = {kind: pss_bytes(pids) for kind, pids in peer.processes().items()}
        for _number in range(scale.idle_consoles):
            sessions.append(peer.open_python())
            watch(sessions[-1].connect(), PROMPT)
        time.sleep(1.0)
        after = {kind: pss_bytes(pids) for kind, pids in peer.processes().items()}
    finally:
        for session in sessions:
            session.end()
    each = {kind: (size - before.get(kind, 0)) / scale.idle_consoles / 2**20 for kind, size in after.items()}
    return {
        "memory": [sum(each.values())],
        **{f"memory: {kind}": [size] for kind, size in each.items()},
    }


MEASURES = (Measure("memory", memory, lambda peer: peer.name != "raw pty", lambda scale: 1),)
