"""How much of everything a run does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Counts and sizes; the same for all peers of a run."""

    rounds: int = 3
    keys: int = 200
    """Keystrokes a round."""
    neighbours: int = 50
    megabytes: int = 16
    """Written in one measurement of output."""
    interrupts: int = 3
    """Ctrl-C a round, of each kind."""
    flood_seconds: float = 1.0
    """How long the flood runs before Ctrl-C."""
    patience_seconds: float = 15.0
    """How long anything may take before it counts as this long."""
    history_lines: int = 10_000
    attaches: int = 15
    viewers: int = 500
    broadcasts: int = 2
    creations: int = 8
    crowd: int = 500
    crowd_seconds: float = 15.0
    crowd_rounds: int = 1
    idle_consoles: int = 20
    text_megabytes: int = 50
    """Of the file that ``cat`` shows."""
    cells: int = 20
    """Changes of one cell."""
    logins: int = 20
    """One after another; and as many again, some at a time."""
    idle_logins: int = 40
    shared_keys: int = 300
    """Keystrokes a round of the writer of a shared console."""
    browsers: int = 100
    terminals: int = 50
    laggards: int = 50
    """Viewers of a shared console: browsers, people with ssh, and browsers that read slowly."""
    laggard_bytes: int = 10_000
    """What a slow one reads in a second."""
    requests: int = 500
    people: int = 300
    """Users with a console each."""
    rest_seconds: float = 60.0
    """How long they do nothing."""
    abuses: int = 100
    """Of those there are, the first so many."""


FULL = Scale()

QUICK = Scale(
    rounds=1,
    keys=30,
    neighbours=5,
    megabytes=2,
    interrupts=1,
    flood_seconds=0.5,
    patience_seconds=10.0,
    history_lines=2_000,
    attaches=3,
    viewers=20,
    broadcasts=1,
    creations=2,
    crowd=20,
    crowd_seconds=3.0,
    idle_consoles=3,
    text_megabytes=2,
    cells=3,
    logins=4,
    idle_logins=3,
    shared_keys=20,
    browsers=4,
    terminals=2,
    laggards=2,
    requests=30,
    people=4,
    abuses=3,
    rest_seconds=12.0,
)
"""Enough to see that everything works; its figures mean little."""
