"""What is measured: each module holds one kind of measurement, for any peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.peers import Peer
from tests.bench.scale import Scale

ONLY_WEB, ONLY_SSH, ONLY_SHARED = frozenset({"web"}), frozenset({"ssh"}), frozenset({"shared"})
BOTH = ONLY_WEB | ONLY_SSH

Samples = Mapping[str, Sequence[float]]
"""Figures by their keys; a figure may have many samples in one round."""


@dataclass(frozen=True)
class Measure:
    """One kind of measurement.

    :param run: takes one peer through one round.
    :param applies: whether a peer can do what is measured.
    :param sections: the tables it belongs to; peers of others are left out.
    :param rounds: how many rounds a run has of it; None for as many as of the others.
    """

    key: str
    run: Callable[[Peer, Scale], Samples]
    applies: Callable[[Peer], bool] = lambda peer: True
    rounds: Callable[[Scale], int] = lambda scale: scale.rounds
    sections: frozenset[str] = ONLY_WEB

    def takes(self, peer: Peer) -> bool:
        """Whether it is measured of this peer."""
        return peer.section in self.sections and self.applies(peer)


def all_measures() -> list[Measure]:
    """Every measure, in the order of the report."""
    from tests.bench.measures import (
        abuse,
        attach,
        create,
        crowd,
        echo,
        interrupt,
        limits,
        logins,
        memory,
        output,
        shared,
        text,
        traffic,
        viewers,
    )

    return [
        *echo.MEASURES,
        *output.MEASURES,
        *interrupt.MEASURES,
        *attach.MEASURES,
        *viewers.MEASURES,
        *create.MEASURES,
        *crowd.MEASURES,
        *memory.MEASURES,
        *text.MEASURES,
        *traffic.MEASURES,
        *logins.MEASURES,
        *shared.MEASURES,
        *limits.MEASURES,
        *abuse.MEASURES,
    ]
