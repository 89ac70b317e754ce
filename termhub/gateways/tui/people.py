"""Who is at a console, as its hub tells.

Pure values: what is shown of them in the status line, and who came and went between two lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sandbox.guest import frames
from termhub.gateways.tui.text import clipped, told

NAME_CHARACTERS = 64
BRIEF_CELLS = 10
"""Of a name in the status line."""

BRIEF_NAMES = 2

GUEST = " (guest)"
"""How the hub marks whoever has only said a name."""

SHARED_BYTES = 32 * 1024
"""Longer events are not kept for the next who gets the same."""


class Person(NamedTuple):
    """One attachment of somebody.

    :param id: of the attachment, ``person`` of who it is: the same for all of theirs.
    :param via: ``browser``, ``terminal``, ``ssh``, ``telnet``.
    :param member: the number of a member, by which an owner changes the role; None for who is no member.
    :param typed: when they typed last, seconds since 1970; None: not yet.
    """

    id: str
    person: str
    name: str
    role: str
    via: str
    is_guest: bool = False
    member: int | None = None
    typed: float | None = None

    @property
    def called(self) -> str:
        """The name, and whether it is only what a guest said."""
        return self.name + GUEST if self.is_guest else self.name


def short(called: str) -> str:
    """How somebody is called where there is little room; a guest, who has only said a name, has a ``?``."""
    if called.endswith(GUEST):
        return clipped(called.removesuffix(GUEST), BRIEF_CELLS - 1) + "?"
    return clipped(called, BRIEF_CELLS)


def people_of(told_of: Iterable[Mapping[str, Any]]) -> tuple[Person, ...]:
    """The people in a HELLO or a ``viewers`` event."""
    return tuple(
        Person(
            str(each["id"]),
            str(each["person"]),
            told(str(each["name"]), NAME_CHARACTERS),
            str(each["role"]),
            told(str(each["via"]), NAME_CHARACTERS),
            bool(each.get("is_guest")),
            each.get("member"),
            each.get("typed"),
        )
        for each in told_of
    )


def parse_event(payload: bytes) -> Mapping[str, Any]:
    """An event; its ``people`` are a tuple of :class:`Person`.

    All viewers of a console are told the same, so this is read once for all of them, and must not be changed.

    :raises FrameError: when it is none.
    """
    return _shared_event(payload) if len(payload) <= SHARED_BYTES else _event(payload)


@lru_cache(maxsize=16)
def _shared_event(payload: bytes) -> Mapping[str, Any]:
    return _event(payload)


def _event(payload: bytes) -> Mapping[str, Any]:
    event = frames.parse_json(payload)
    if "people" in event:
        event["people"] = people_of(event["people"])
    return event


def others(people: Sequence[Person], you: str) -> list[Person]:
    """Everybody else, once each, who typed last first; of several attachments the one last typed at.

    :param you: the person who is shown this.
    """
    found: dict[str, Person] = {}
    for person in people:
        known = found.get(person.person)
        if person.person != you and (known is None or _typed(person) > _typed(known)):
            found[person.person] = person
    last = last_typed(people)
    return sorted(found.values(), key=lambda person: last is None or person.person != last.person)


def last_typed(people: Sequence[Person]) -> Person | None:
    """Who typed last, if anybody has."""
    last = max(people, key=_typed, default=None)
    return last if last is not None and last.typed is not None else None


def _typed(person: Person) -> float:
    return person.typed if person.typed is not None else -1.0


def brief(people: Sequence[Person], count: int, you: str) -> str:
    """Who else is here, in few cells: ``bob* carol+2``; who typed last has the star.

    Where it is all the same person, how many attachments there are.

    :param count: of all attachments; the list may be shorter.
    """
    here = others(people, you)
    if not here:
        return f"{count} viewers" if count > 1 else ""
    last = last_typed(people)
    names = [
        short(person.called) + ("*" if last is not None and last.person == person.person else "")
        for person in here[:BRIEF_NAMES]
    ]
    more = len(here) - len(names) + max(0, count - len(people))
    return " ".join(names) + (f"+{more}" if more else "")


def arrivals(
    before: Sequence[Person], after: Sequence[Person], you: str
) -> tuple[list[Person], list[Person]]:
    """Who came and who left between two whole lists, once each."""
    return _missing(after, before, you), _missing(before, after, you)


def _missing(present: Sequence[Person], other: Sequence[Person], you: str) -> list[Person]:
    known = {person.person for person in other} | {you}
    return list({person.person: person for person in present if person.person not in known}.values())


def came_and_went(came: Sequence[Person], went: Sequence[Person]) -> str:
    """That in words, for a moment in the status line."""
    said = [f"{_names(group)} {words}" for group, words in ((came, "joined"), (went, "left")) if group]
    return ", ".join(said)


def _names(group: Sequence[Person]) -> str:
    first = short(group[0].called)
    if len(group) == 1:
        return first
    return f"{first} and {len(group) - 1} more"
