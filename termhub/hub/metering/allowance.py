"""The day's allowance of CPU time: who nears it, who is over it, and who has it anew.

Whoever is over it is slowed until the day ends (UTC), or until their plan gives them more.  Pure; what
it remembers outlives the hub as text, so that nobody is told twice and a new day is noticed by the
next hub too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs
import msgspec
from msgspec import Struct

from termhub.hub.plans import Plans
from termhub.store import User

State = Literal["ok", "near", "over"]


def state_of(used: float, limit: float, near_percent: int) -> State:
    """How near what was used is to a limit.

    :param limit: 0 for none.
    """
    if not limit:
        return "ok"
    if used >= limit:
        return "over"
    return "near" if used * 100 >= limit * near_percent else "ok"


@attrs.frozen
class Change:
    """A user is nearer to the allowance than before, or has it anew."""

    user: User
    before: State
    state: State
    used: float
    limit: int


class _Kept(Struct):
    day: str
    near: list[int] = []
    over: list[int] = []


class Allowances:
    """Everybody's state.

    :param near_percent: from when on a user is near the allowance.
    """

    def __init__(self, near_percent: int) -> None:
        self._near_percent = near_percent
        self._day = ""
        self._states: dict[int, State] = {}

    @property
    def over(self) -> frozenset[int]:
        """The numbers of those who are over it."""
        return frozenset(number for number, state in self._states.items() if state == "over")

    def state(self, user: User) -> State:
        """How a user stood at the last look."""
        return self._states.get(user.number, "ok")

    def update(self, day: str, plans: Plans, used: Mapping[int, float]) -> list[Change]:
        """Look at what was used on a day; what is new.

        :param used: CPU seconds by user; whoever is missing used none.
        """
        begins = day != self._day
        self._day = day
        changes = []
        states: dict[int, State] = {}
        for number in used.keys() | self._states.keys():
            user = plans.users.get(number)
            if user is None:
                continue
            seconds, limit = used.get(number, 0.0), plans.of(user).cpu_seconds_a_day
            state = state_of(seconds, limit, self._near_percent)
            before = self._states.get(number, "ok")
            if state != "ok":
                states[number] = state
            if state != before or (begins and before != "ok"):
                changes.append(Change(user, before, state, seconds, limit))
        self._states = states
        return changes

    def kept(self) -> str:
        """What to remember."""
        listed = {
            word: sorted(number for number, state in self._states.items() if state == word)
            for word in ("near", "over")
        }
        return msgspec.json.encode(_Kept(self._day, **listed)).decode()

    def restore(self, kept: str | None) -> None:
        """Go on where :meth:`kept` was asked; None: from the beginning."""
        if kept is not None:
            before = msgspec.json.decode(kept, type=_Kept)
            self._day = before.day
            self._states = dict.fromkeys(before.near, "near")
            self._states.update(dict.fromkeys(before.over, "over"))
