"""What plans, limits and counting cost: a request, and many users with a console each."""

from __future__ import annotations

import time

from termhub.config import Plan, Settings
from termhub.hub.plans import Plans
from termhub.store import User
from tests.bench.clients import Client, read_all, watch
from tests.bench.measures import Measure, Samples
from tests.bench.measures.crowd import type_in_turn
from tests.bench.peers import Peer
from tests.bench.peers.limits import LimitsPeer, Person
from tests.bench.processes import cpu_seconds, pss_bytes
from tests.bench.programs import ECHO, READY
from tests.bench.scale import Scale

_LOOKUPS = 1000


def plan_checks(peer: Peer, scale: Scale) -> Samples:
    """What the hub does of plans for a request, here: find the user's, and the limits it means just now."""
    assert isinstance(peer, LimitsPeer)
    plan = peer.plan_of()
    known = {name: plan[name] for name in Plan.__struct_fields__}
    plans = Plans(Settings(plans={"pro": Plan(**known)}, default_plan="pro"))  # type: ignore[arg-type]
    user = User(1, "bench", 0.0, "pro")
    plans.users[1] = user
    took = []
    for _round in range(20):
        start = time.perf_counter()
        for _number in range(_LOOKUPS):
            plans.limits(user)
            plans.check_windows(1, 0)
        took.append((time.perf_counter() - start) / _LOOKUPS * 1e6)
    return {"plan check": took}


def requests(peer: Peer, scale: Scale) -> Samples:
    """One after the other, over one connection."""
    assert isinstance(peer, LimitsPeer)
    took = []
    for _number in range(scale.requests):
        start = time.perf_counter()
        peer.request("GET", "/me")
        took.append((time.perf_counter() - start) * 1000)
    return {"request": took}


def people(peer: Peer, scale: Scale) -> Samples:
    """Users with a console each: what they hold and use at rest, and how fast they are when all type."""
    assert isinstance(peer, LimitsPeer)
    tokens = peer.people(scale.people)
    before = {kind: pss_bytes(pids) for kind, pids in peer.processes().items()}
    consoles = [Person(peer, token, ECHO) for token in tokens]
    try:
        clients: list[Client] = []
        for console in consoles:
            client = console.connect()
            watch(client, READY, 60)
            client.close()
        time.sleep(2.0)
        kinds = peer.processes()
        held = {kind: pss_bytes(pids) - before.get(kind, 0) for kind, pids in kinds.items()}
        used = {kind: cpu_seconds(pids) for kind, pids in kinds.items()}
        start = time.perf_counter()
        time.sleep(scale.rest_seconds)
        span = time.perf_counter() - start
        rest = {kind: (cpu_seconds(pids) - used[kind]) / span * 100 for kind, pids in kinds.items()}
        for console in consoles:
            clients.append(console.connect())
            if len(clients) % 25 == 0:
                read_all(clients, 0.02)
        read_all(clients, 2.0)
        type_in_turn(clients, 1.0)
        echo = type_in_turn(clients, scale.crowd_seconds)
        for client in clients:
            client.close()
    finally:
        for console in consoles:
            console.end()
    each = {kind: size / len(consoles) / 2**20 for kind, size in held.items()}
    return {
        "people memory": [sum(each.values())],
        "people rest": [sum(rest.values())],
        "people echo": echo,
        **{f"people memory: {kind}": [size] for kind, size in each.items()},
        **{f"people rest: {kind}": [share] for kind, share in rest.items()},
    }


_ONLY_LIMITS = frozenset({"limits"})

MEASURES = (
    Measure("plan check", plan_checks, sections=_ONLY_LIMITS),
    Measure("request", requests, sections=_ONLY_LIMITS),
    Measure("people", people, rounds=lambda scale: 1, sections=_ONLY_LIMITS),
)
