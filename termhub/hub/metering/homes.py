"""Homes and their limits: who nears one, and who goes on writing beyond it.

Where the file system keeps to the limit, it refuses what is too much by itself.  Elsewhere the home is
only watched: whoever is over the limit is told, and when it has still grown at the next look, what
writes there is ended.  Consoles still open then, so that files can be deleted.  Pure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import attrs
import msgspec

from termhub.config import Plan

from .allowance import State, state_of
from .samples import HomeFigures

GROWN_BYTES = 1 << 20
GROWN_FILES = 100
"""A home that has grown by less is only tidied up."""

_MEBIBYTE = 1 << 20
_NOTHING: State = "ok"


@attrs.frozen
class HomeState:
    """How a home stands to its limits.

    :param before: the state at the last look.
    :param name: of the limit that it is nearest to, as the plan has it: ``home_mb`` or ``home_files``.
    :param used: MiB or files.
    :param is_watched: whether nothing keeps it to that limit.
    :param is_growing: whether it is over a limit that is only watched, and has grown since the last look.
    """

    before: State
    state: State
    name: str
    used: int
    limit: int
    is_watched: bool
    is_growing: bool


class Homes:
    """What homes held at the last look.

    :param near_percent: from when on a home is near its limit.
    """

    def __init__(self, near_percent: int) -> None:
        self._near_percent = near_percent
        self._last: dict[int, tuple[HomeFigures, State]] = {}

    def look(self, home: HomeFigures, plan: Plan) -> HomeState:
        """A sample has come."""
        last, before = self._last.get(home.owner) or (None, _NOTHING)
        held = [
            _Held(
                "home_mb", (home.bytes or 0) / _MEBIBYTE, plan.home_mb, (home.limit_bytes or 0) / _MEBIBYTE
            ),
            _Held("home_files", home.files or 0, plan.home_files, home.limit_files or 0),
        ]
        fullest = max(held, key=lambda each: each.share)
        state = state_of(fullest.share, 1.0 if fullest.limit else 0.0, self._near_percent)
        self._last[home.owner] = (home, state)
        was_over = state == before == "over" and fullest.is_watched
        is_growing = was_over and last is not None and _has_grown(last, home)
        return HomeState(
            before,
            state,
            fullest.name,
            math.ceil(fullest.used),
            fullest.limit,
            fullest.is_watched,
            is_growing,
        )

    def keep(self, owners: Collection[int]) -> None:
        """Forget all but these users' homes."""
        for owner in self._last.keys() - set(owners):
            del self._last[owner]


@attrs.frozen
class _Held:
    """What is used of one limit of the plan; ``kept`` is what the file system keeps to, 0 for none."""

    name: str
    used: float
    limit: int
    kept: float

    @property
    def is_watched(self) -> bool:
        """Whether the file system lets more in than the plan; it rounds a little."""
        return not 0 < self.kept <= self.limit * 1.05

    @property
    def share(self) -> float:
        """How much of it is used; a volume is full a little before, because it needs room itself."""
        if not self.limit:
            return 0.0
        return self.used / (self.limit if self.is_watched else min(self.limit, self.kept) * 0.99)


def _mib(count: int | None) -> float:
    return (count or 0) / _MEBIBYTE


def _has_grown(last: HomeFigures, home: HomeFigures) -> bool:
    grown_bytes = (home.bytes or 0) - (last.bytes or 0)
    grown_files = (home.files or 0) - (last.files or 0)
    return grown_bytes >= GROWN_BYTES or grown_files >= GROWN_FILES


class Space:
    """What homes held when they were last seen: they take space also while no console of theirs runs."""

    def __init__(self) -> None:
        self.megabytes: dict[int, int] = {}
        """In MiB, rounded up, by user."""

    def seen(self, homes: Iterable[HomeFigures], users: Collection[int]) -> None:
        """A sample has come; who is not a user any more has no home."""
        self.megabytes.update(
            (home.owner, math.ceil(_mib(home.bytes))) for home in homes if home.owner in users
        )
        for gone in self.megabytes.keys() - set(users):
            del self.megabytes[gone]

    def kept(self) -> str:
        """What to remember."""
        return msgspec.json.encode(self.megabytes).decode()

    def restore(self, kept: str | None) -> None:
        """Go on where :meth:`kept` was asked; None: from the beginning.

        :raises MsgspecError: when it makes no sense.
        """
        if kept is not None:
            self.megabytes = msgspec.json.decode(kept, type=dict[int, int])
