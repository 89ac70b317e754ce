"""What a neighbour feels while somebody does their worst in a small console."""

from __future__ import annotations

import contextlib
import statistics
import time

from tests.bench.clients import Drainer, drain, watch
from tests.bench.measures import Measure, Samples
from tests.bench.measures.echo import type_keys
from tests.bench.peers import Peer
from tests.bench.peers.limits import LimitsPeer, Person
from tests.bench.programs import ECHO, READY
from tests.bench.scale import Scale
from tests.bench.websocket import Closed
from tests.support.abuse import ABUSES, TERMINAL

_SETTLE_SECONDS = 1.0


def neighbour(peer: Peer, scale: Scale) -> Samples:
    """Echo of one user's keys: alone, then beside each abuse of another's, whose terminal somebody reads."""
    assert isinstance(peer, LimitsPeer)
    token, *abusers = peer.people(1 + min(scale.abuses, len(ABUSES)))
    console = Person(peer, token, ECHO)
    samples: dict[str, list[float]] = {}
    try:
        client = console.connect()
        watch(client, READY, 60)
        drain(client)
        type_keys(client, 10)
        samples["abuse none"] = type_keys(client, scale.keys)
        together: list[float] = []
        # A user each: what one has filled would keep the next from its work.
        for abuser, (name, program) in zip(abusers, ABUSES.items(), strict=False):
            abuse = Person(peer, abuser, ["python3", "-u", "-c", program])
            theirs = abuse.connect()
            watcher = None
            # A program that is ended for what it does, as when memory runs out, takes its console along.
            with contextlib.suppress(Closed, RuntimeError):
                if name not in TERMINAL:
                    watch(theirs, b"BEGUN", 120)
                watcher = Drainer([theirs])
                time.sleep(_SETTLE_SECONDS)
            drain(client)
            took = type_keys(client, scale.keys)
            if watcher is not None:
                watcher.stop()
            with contextlib.suppress(RuntimeError):
                abuse.end()
            together += took
            samples[f"abuse each: {name}"] = [statistics.quantiles(took, n=100)[98]]
        samples["abuse"] = together
        client.close()
    finally:
        console.end()
    return samples


MEASURES = (
    Measure(
        "abuse",
        neighbour,
        # Without limits it would be the machine that suffers.
        applies=lambda peer: isinstance(peer, LimitsPeer) and peer.has_all,
        rounds=lambda scale: 1,
        sections=frozenset({"limits"}),
    ),
)
