"""The name and the place in the plan that a console has while it is being made.

Invariant: no two consoles of a user get one name, and no more of theirs live or are being made
than their plan has, however many are asked for at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from termhub.errors import NameTaken, TooMany
from termhub.hub.directory import Directory
from termhub.hub.names import checked_name, free_name
from termhub.hub.plans import Plans
from termhub.store import User


class Reservations:
    """What is held for consoles that are not in the directory yet."""

    def __init__(self, directory: Directory, plans: Plans) -> None:
        self._directory = directory
        self._plans = plans
        self._names: dict[int, set[str]] = {}

    @contextmanager
    def hold(self, user: User, name: str | None, program: str) -> Iterator[str]:
        """Hold a name and a place while a console is made; the name.

        :param name: None for a free one after the program.
        :raises BadRequest: when it cannot be a name.
        :raises NameTaken: when the user has another of this name.
        :raises TooMany: when the user has as many as their plan has.
        """
        own = self._directory.of(user)
        held = self._names.get(user.number, set())
        taken = {console.name for console in own}
        if name is None:
            name = free_name(program, taken | held)
        elif checked_name(name) in taken | held:
            raise NameTaken(f"You have a console {name} already.")
        most = self._plans.of(user).consoles
        living = sum(not console.has_ended for console in own)
        if living + len(held - taken) >= most:  # one may be in both while it waits for its first link
            raise TooMany(
                f"You have all the consoles that the plan {self._plans.name(user)} has ({most}). "
                "End one first.",
                "too_many_consoles",
                60,
            )
        self._names[user.number] = held | {name}
        try:
            yield name
        finally:
            left = self._names.pop(user.number) - {name}
            if left:
                self._names[user.number] = left
