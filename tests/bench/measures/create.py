"""A new console: from asking for it to Python's prompt on the terminal, in milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.bench.clients import watch
from tests.bench.measures import ONLY_WEB, Measure, Samples
from tests.bench.peers import Peer, Session
from tests.bench.peers.hub import HubPeer
from tests.bench.programs import PROMPT
from tests.bench.scale import Scale

PREPARE_SECONDS = 3.0


def _creation(create: Callable[[], Session]) -> float:
    start = time.perf_counter()
    session = create()
    try:
        watch(session.connect(), PROMPT)
        return (time.perf_counter() - start) * 1000
    finally:
        session.end()


def creations(peer: Peer, scale: Scale) -> Samples:
    """One at a time; each is ended before the next."""
    took = []
    for _number in range(scale.creations):
        took.append(_creation(peer.open_python))
        time.sleep(0.05)
    return {"create": took}


def prepared(peer: Peer, scale: Scale) -> Samples:
    """The console that a hub keeps ready for a person; time enough to prepare the next one."""
    assert isinstance(peer, HubPeer)
    peer.log_in()
    took = []
    for _number in range(scale.creations):
        time.sleep(PREPARE_SECONDS)
        took.append(_creation(peer.open_prepared))
    return {"create prepared": took}


MEASURES = (
    Measure("create", creations, sections=ONLY_WEB | {"limits"}),
    Measure("create, prepared", prepared, lambda peer: isinstance(peer, HubPeer)),
)
