"""Attaching to a console with a history: how long, how many bytes, and whether the screen is right."""

from __future__ import annotations

import time
from collections.abc import Sequence

from termhub.screen import open_screen
from tests.bench.clients import COLS, ROWS, drain, watch
from tests.bench.measures import Measure, Samples
from tests.bench.peers import Peer
from tests.bench.programs import script
from tests.bench.scale import Scale


def lines_screen(lines: int) -> list[str]:
    """What the terminal shows after ``history.py LINES``."""
    first = lines - (ROWS - 1)
    shown = [f"{n:06d} a line of ordinary text that fills most of a row" for n in range(first, lines)]
    return [*shown, "READY"]


def full_screen() -> list[str]:
    """What the terminal shows after ``history.py full``."""
    rows = [" known header"] + [""] * (ROWS - 2) + ["known footer"]
    for number in range(5980, 6000):
        rows[2 + number % 20] = f"    row {number % 20} value {number:06d}"
    rows[11] = rows[11].ljust(39) + "READY"
    return rows


def shows(data: bytes, rows: Sequence[str]) -> bool:
    """Whether ``data`` draws ``rows`` on an empty terminal."""
    screen = open_screen(COLS, ROWS, scrollback=1000)
    screen.feed(data)
    return [line.rstrip() for line in screen.text()] == [row.rstrip() for row in rows]


def attaches(peer: Peer, scale: Scale) -> Samples:
    """Time until the last thing on the screen has come; bytes until nothing more comes."""
    samples: dict[str, list[float]] = {"attach": [], "attach bytes": [], "attach right": []}
    session = peer.open(script("history", scale.history_lines))
    try:
        first = session.connect()
        watch(first, b"READY", 60)
        drain(first, 0.3)
        first.close()
        rows = lines_screen(scale.history_lines)
        for _number in range(scale.attaches):
            start = time.perf_counter()
            client = session.connect()
            shown = watch(client, b"READY")
            samples["attach"].append((time.perf_counter() - start) * 1000)
            rest = []
            end = time.perf_counter() + 0.1
            while time.perf_counter() < end:
                rest.append(client.read())
                time.sleep(0.005)
            samples["attach bytes"].append(client.received)
            samples["attach right"].append(float(shows(shown + b"".join(rest), rows)))
            client.close()
    finally:
        session.end()
    session = peer.open(script("history", "full"))
    try:
        first = session.connect()
        watch(first, b"READY", 60)
        first.close()
        client = session.connect()
        shown = watch(client, b"READY")
        samples["attach right, full screen"] = [float(shows(shown, full_screen()))]
        client.close()
    finally:
        session.end()
    return samples


MEASURES = (Measure("attach", attaches, lambda peer: peer.keeps),)
