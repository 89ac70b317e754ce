"""What two samples add to the store: what counters have grown by, and what was held in between.

CPU time and traffic are counters of the kernel, so the store adds what is new in them, however long
ago they were read before.  Memory, space and time are held, not counted: each sample adds what it
finds for the time since the one before, and where too long has passed, as while no hub ran, nothing.
Everything goes to the day of the sample, also what began before midnight.  Pure.

Consoles kept ready for their owner hold nothing at the owner's cost; what they compute counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import attrs

from termhub.store import Reading, Usage

from .days import day_of
from .samples import Sample

LONGEST_GAP_SECONDS = 60.0
"""Samples farther apart say nothing about the time between them."""

_MEBIBYTE = 1 << 20

Traffic = Mapping[str, tuple[int, int]]
"""Bytes that came in and went out, by console; they only grow."""


@attrs.frozen
class Addition:
    """What is to be added to the store.

    :param ended: consoles whose last counters are in it.
    """

    time: float
    day: str
    readings: Sequence[Reading]
    held: Sequence[Usage]
    ended: Sequence[str]
    at: float
    relayed: Traffic

    @property
    def is_empty(self) -> bool:
        """Whether the store has it all."""
        return not (self.readings or self.held)


class Counting:
    """Remembers what was added.

    Invariant: what :meth:`added` was not told of is in the next addition again, but for what was held.
    """

    def __init__(self) -> None:
        self._read: dict[str, Reading] = {}
        self._relayed: Traffic = {}
        self._at: float | None = None
        self.totals = Usage(0, "")
        """What was added since the hub began: CPU time and traffic."""

    def addition(
        self,
        sample: Sample,
        homes: Mapping[int, int],
        relayed: Traffic,
        hidden: Collection[str],
        at: float,
        now: float,
    ) -> Addition:
        """What a sample adds.

        :param homes: MiB in each user's home.
        :param relayed: what the hub itself relayed for consoles.
        :param hidden: consoles that are kept ready.
        :param at: the time, from any start.
        :param now: the time, seconds since 1970.
        """
        seconds = 0.0 if self._at is None else at - self._at
        if not 0 < seconds < LONGEST_GAP_SECONDS:
            seconds = 0.0
        day = day_of(now)
        readings = []
        held: defaultdict[int, Usage] = defaultdict(lambda: Usage(0, day))
        for figures in sample.consoles:
            reading = Reading(
                figures.console,
                figures.owner,
                now,
                figures.cpu_seconds or 0.0,
                figures.network_in or 0,
                figures.network_out or 0,
            )
            if figures.ended or self._is_news(reading):
                readings.append(reading)
            if not figures.ended and figures.console not in hidden:
                _hold(held, figures.owner, seconds, memory=figures.memory_bytes or 0, consoles=1)
            came, went = relayed.get(figures.console, (0, 0))
            before = self._relayed.get(figures.console, (0, 0))
            if (came, went) != before:
                _hold(held, figures.owner, 0.0, came=came - before[0], went=went - before[1])
        for owner, megabytes in homes.items():
            _hold(held, owner, seconds, disk=megabytes)
        listed = [attrs.evolve(usage, user=owner) for owner, usage in held.items() if usage != Usage(0, day)]
        ended = [figures.console for figures in sample.consoles if figures.ended]
        return Addition(now, day, readings, listed, ended, at, dict(relayed))

    def added(self, addition: Addition) -> None:
        """It is in the store."""
        self._at = addition.at
        for reading in addition.readings:
            self._add_up(reading)
        for held in addition.held:
            self._sum(0.0, held.network_in, held.network_out)
        self._relayed = addition.relayed
        self._read.update((reading.console, reading) for reading in addition.readings)

    def _add_up(self, now: Reading) -> None:
        """What a counter had when it was first seen was counted by an earlier hub, or is little."""
        before = self._read.get(now.console, now)
        self._sum(
            now.cpu_seconds - before.cpu_seconds,
            now.network_in - before.network_in,
            now.network_out - before.network_out,
        )

    def _sum(self, cpu_seconds: float, came: int, went: int) -> None:
        self.totals = attrs.evolve(
            self.totals,
            cpu_seconds=self.totals.cpu_seconds + max(0.0, cpu_seconds),
            network_in=self.totals.network_in + max(0, came),
            network_out=self.totals.network_out + max(0, went),
        )

    def forget(self, consoles: Collection[str]) -> None:
        """These have ended, and their last counters are in the store."""
        for console in consoles:
            self._read.pop(console, None)

    def _is_news(self, reading: Reading) -> bool:
        before = self._read.get(reading.console)
        return before is None or attrs.evolve(before, time=reading.time) != reading


def _hold(
    held: defaultdict[int, Usage],
    owner: int,
    seconds: float,
    memory: int = 0,
    disk: int = 0,
    consoles: int = 0,
    came: int = 0,
    went: int = 0,
) -> None:
    so_far = held[owner]
    held[owner] = attrs.evolve(
        so_far,
        memory_mb_seconds=so_far.memory_mb_seconds + memory / _MEBIBYTE * seconds,
        disk_mb_seconds=so_far.disk_mb_seconds + disk * seconds,
        console_seconds=so_far.console_seconds + consoles * seconds,
        network_in=so_far.network_in + max(0, came),
        network_out=so_far.network_out + max(0, went),
    )
