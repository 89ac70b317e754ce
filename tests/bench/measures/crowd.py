"""Many consoles, a person at each who types a key a second."""

from __future__ import annotations

import select
import time

from tests.bench.clients import Client, read_all, watch
from tests.bench.measures import Measure, Samples
from tests.bench.measures.echo import KEYS
from tests.bench.peers import Peer, Session
from tests.bench.processes import cpu_seconds
from tests.bench.programs import ECHO, READY
from tests.bench.scale import Scale


def type_in_turn(clients: list[Client], seconds: float) -> list[float]:
    """A key a second to each, evenly spread; milliseconds until each key shows."""
    poll = select.epoll()
    places = {}
    for place, client in enumerate(clients):
        places[client.fileno()] = place
        poll.register(client.fileno(), select.EPOLLIN)
    interval = 1 / len(clients)
    waiting: dict[int, tuple[bytes, float]] = {}
    took = []
    start = time.perf_counter()
    number = 0
    while True:
        now = time.perf_counter()
        due = start + number * interval
        if due - start >= seconds and (not waiting or now > start + seconds + 5):
            break
        if due - start < seconds and now >= due:
            place = number % len(clients)
            number += 1
            if place not in waiting:
                key = KEYS[(number // len(clients)) % len(KEYS) :][:1]
                waiting[place] = (key, time.perf_counter())
                clients[place].send(key)
            continue
        for fd, _events in poll.poll(max(0.0, min(due - now, 0.1))):
            place = places[fd]
            data = clients[place].read()
            if place in waiting and waiting[place][0] in data:
                took.append((time.perf_counter() - waiting.pop(place)[1]) * 1000)
    poll.close()
    took.extend([5000.0] * len(waiting))
    return took


def crowd(peer: Peer, scale: Scale) -> Samples:
    """Echo times, and what share of a core each kind of process used meanwhile."""
    sessions: list[Session] = []
    try:
        clients: list[Client] = []
        for _number in range(scale.crowd):
            sessions.append(peer.open(ECHO))
            clients.append(sessions[-1].connect())
            watch(clients[-1], READY, 60)
            if len(clients) % 25 == 0:  # servers send pings and give up who does not answer
                read_all(clients, 0.02)
        read_all(clients, 2.0)
        type_in_turn(clients, 1.0)
        kinds = peer.processes()
        before = {kind: cpu_seconds(pids) for kind, pids in kinds.items()}
        start = time.perf_counter()
        took = type_in_turn(clients, scale.crowd_seconds)
        span = time.perf_counter() - start
        shares = {kind: (cpu_seconds(pids) - before[kind]) / span * 100 for kind, pids in kinds.items()}
    finally:
        for session in sessions:
            session.end()
    return {
        "crowd": took,
        "crowd cpu": [sum(shares.values())],
        **{f"crowd cpu: {kind}": [share] for kind, share in shares.items()},
    }


MEASURES = (Measure("crowd", crowd, lambda peer: peer.name != "raw pty", lambda scale: scale.crowd_rounds),)
