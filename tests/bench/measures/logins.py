"""Logging in with a key: how fast, and what an idle login costs in memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.bench.clients import drain, environment, watch
from tests.bench.measures import ONLY_SSH, Measure, Samples
from tests.bench.peers import Peer, Session
from tests.bench.peers.ssh import SshPeer
from tests.bench.processes import pss_bytes
from tests.bench.programs import ECHO, READY
from tests.bench.scale import Scale

AT_A_TIME = 4


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, env=environment(), timeout=120, check=False
    )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"logging in failed ({done.returncode}): {done.stderr[-500:]!r}")


def logins(peer: Peer, scale: Scale) -> Samples:
    """From starting the client: to the list of sessions and the end, and to a session on the screen."""
    assert isinstance(peer, SshPeer)
    session = peer.open(ECHO)
    try:
        command = peer.listing()
        _run(command)
        shown = []
        for _number in range(scale.logins):
            start = time.perf_counter()
            client = session.connect()
            watch(client, READY)
            shown.append((time.perf_counter() - start) * 1000)
            client.close()
        start = time.perf_counter()
        for _number in range(scale.logins):
            _run(command)
        alone = scale.logins / (time.perf_counter() - start)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            start = time.perf_counter()
            list(pool.map(_run, [command] * scale.logins))
            together = scale.logins / (time.perf_counter() - start)
    finally:
        session.end()
    return {"login": shown, "logins": [alone], "logins together": [together]}


def memory(peer: Peer, scale: Scale) -> Samples:
    """Proportional set size of every server process with N idle logins, less what there was without them."""
    sessions: list[Session] = []
    try:
        for _number in range(scale.idle_logins + 1):
            sessions.append(peer.open(ECHO))
        watch(sessions[0].connect(), READY)
        time.sleep(1.0)
        before = {kind: pss_bytes(pids) for kind, pids in peer.processes().items()}
        for session in sessions[1:]:
            client = session.connect()
            watch(client, READY)
            drain(client)
        time.sleep(1.0)
        after = {kind: pss_bytes(pids) for kind, pids in peer.processes().items()}
    finally:
        for session in sessions:
            session.end()
    each = {kind: (size - before.get(kind, 0)) / scale.idle_logins / 2**20 for kind, size in after.items()}
    return {
        "login memory": [sum(each.values())],
        **{f"login memory: {kind}": [size] for kind, size in each.items()},
    }


MEASURES = (
    Measure("logins", logins, sections=ONLY_SSH),
    Measure("logins, memory", memory, rounds=lambda scale: 1, sections=ONLY_SSH),
)
