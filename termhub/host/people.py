"""Who stands behind a viewer's number, as the hubs' links say.

Invariant: a link can speak only of its own viewers, and of :data:`MOST_PEOPLE` at most.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.host.typed import NAME_CHARACTERS

if TYPE_CHECKING:
    from termhub.host.hub_link import HubLink

MOST_PEOPLE = 4096

_VIEWER = re.compile("[0-9a-f]{16}")


class People:
    """The names of those who type into one console."""

    def __init__(self) -> None:
        self._names: dict[HubLink, OrderedDict[int, str]] = {}

    def operations(self) -> dict[str, Callable[[HubLink, int, dict[str, Any]], None]]:
        """What a link may ask for, by name."""
        return {"person": self._person}

    def name(self, link: HubLink, viewer: int) -> str:
        """Who a viewer of a link is; empty when it has not said."""
        names = self._names.get(link)
        return names.get(viewer, "") if names else ""

    def link_closed(self, link: HubLink) -> None:
        """A link is gone, and its viewers with it."""
        self._names.pop(link, None)

    def _person(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        viewer, name = request.get("viewer"), request.get("name")
        if not isinstance(viewer, str) or not _VIEWER.fullmatch(viewer) or not isinstance(name, str):
            link.refuse(
                request, frames.CONSOLE, "bad_request", "a person has a viewer, 16 hex digits, and a name"
            )
            return
        names = self._names.setdefault(link, OrderedDict())
        key = int(viewer, 16)
        names[key] = name[:NAME_CHARACTERS]
        names.move_to_end(key)
        if len(names) > MOST_PEOPLE:
            names.popitem(last=False)
        link.reply(request)
