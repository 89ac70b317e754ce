"""Drafts: texts that somebody offers, for whoever may type to run once.

Pure values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from termhub.gateways.tui.people import NAME_CHARACTERS, short
from termhub.gateways.tui.text import counted, told

MOST_LINES = 2000
"""Of a draft that are shown."""

MOST_COLUMNS = 500


class Draft(NamedTuple):
    """A text on offer.

    :param person: who offers it.
    :param state: ``offered``, ``run`` or ``withdrawn``.
    :param by: who ran or withdrew it.
    """

    id: str
    person: str
    name: str
    text: str
    state: str = "offered"
    by: str = ""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Draft:
        """From an event or a HELLO."""
        return cls(
            str(event["draft"]),
            str(event["person"]),
            told(str(event["name"]), NAME_CHARACTERS),
            str(event["text"]),
            str(event["state"]),
            told(str(event.get("by") or ""), NAME_CHARACTERS),
        )

    @property
    def lines(self) -> list[str]:
        """The text as it can be shown, tabs as blanks."""
        return [
            told(line[:MOST_COLUMNS].expandtabs(4), MOST_COLUMNS)
            for line in self.text.splitlines()[:MOST_LINES]
        ]

    @property
    def title(self) -> str:
        """Its first line that says something."""
        return next((line.strip() for line in self.lines if line.strip()), "(empty)")

    @property
    def news(self) -> str:
        """What happened to it, for a moment in the status line."""
        size = counted(len(self.text.splitlines()), "line")
        name, by = short(self.name), short(self.by)
        if self.state == "offered":
            return f"{name} offers a draft, {size}"
        if self.state == "run":
            return f"{by} ran {name}'s draft"
        return f"{name}'s draft was withdrawn"


class Drafts:
    """The drafts on offer, oldest first."""

    def __init__(self) -> None:
        self._offered: dict[str, Draft] = {}

    def begin(self, told_of: Iterable[Mapping[str, Any]]) -> None:
        """Those in a HELLO."""
        self._offered.clear()
        for each in told_of:
            self.heard(each)

    def heard(self, event: Mapping[str, Any]) -> Draft:
        """Take note of an event."""
        draft = Draft.of(event)
        if draft.state == "offered":
            self._offered[draft.id] = draft
        else:
            self._offered.pop(draft.id, None)
        return draft

    def __len__(self) -> int:
        return len(self._offered)

    @property
    def offered(self) -> list[Draft]:
        """All of them."""
        return list(self._offered.values())

    def get(self, id: str) -> Draft | None:
        """The draft of this id, while it is on offer."""
        return self._offered.get(id)
