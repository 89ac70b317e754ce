"""What the viewers of a console are told of the limits it comes near to.

Invariant: whoever attaches hears the same of each limit as those who are here have heard last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sandbox.guest import frames
from termhub.hub.audience import Audience
from termhub.hub.viewers import event_frame

if TYPE_CHECKING:
    from termhub.hub.viewers import Viewer

LimitName = Literal["cpu", "memory", "home", "idle", "lifetime", "plan"]
LimitState = Literal["near", "over", "ok"]


class LimitNotices:
    """The notices about limits at one console.

    :param audience: who is told.
    """

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._told: dict[str, dict[str, Any]] = {}

    def tell(self, name: LimitName, state: LimitState, message: str, until: float | None = None) -> None:
        """Tell all how it stands with a limit; see :meth:`.console.Console.tell_limit`."""
        event = _event(name, state, message, until)
        before = self._told.pop(name, None)
        if state != "ok":
            self._told[name] = event
        elif before is None:
            return
        if event != before:
            self._tell(event)

    def tell_once(self, name: LimitName, message: str) -> None:
        """Tell those who are here that a limit was met, and that is over already."""
        self._tell(_event(name, "over", message, None))

    def greeted(self, viewer: Viewer) -> None:
        """A viewer has come: tell it what lasts."""
        for event in self._told.values():
            viewer.tell(frames.CONSOLE, _key(event), event_frame(frames.CONSOLE, event))

    def _tell(self, event: dict[str, Any]) -> None:
        self._audience.tell(frames.CONSOLE, event, _key(event))


def _event(name: LimitName, state: LimitState, message: str, until: float | None) -> dict[str, Any]:
    return {"type": "limit", "name": name, "state": state, "message": message, "until": until}


def _key(event: dict[str, Any]) -> str:
    return f"limit {event['name']}"
