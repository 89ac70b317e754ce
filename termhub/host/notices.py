"""What a console tells its links unasked: titles, bells and prompts at a bounded rate, and activity.

A program may ring its bell a million times a second.  Each window may send some notices at once and
then ever so many a second; of a title, a folder and the bell the latest is sent when there is room
again, other notices beyond that are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from sandbox.guest import frames

if TYPE_CHECKING:
    from termhub.host.console import Surroundings, Timer
    from termhub.host.hub_link import HubLink

NOTICE_SECONDS = 0.1
NOTICES_AT_ONCE = 50
ACTIVITY_SECONDS = 1.0

_LATEST_WINS = ("title", "cwd", "bell")


@define(eq=False)
class _Allowance:
    """Of one window: how many more may go out at once, and those that wait."""

    left: int = NOTICES_AT_ONCE
    latest: dict[str, dict[str, Any]] = field(factory=dict)
    timer: Timer | None = None


@define(eq=False)
class Notices:
    """The notices of one console.

    :param links: who is told.
    """

    links: list[HubLink]
    _around: Surroundings
    _windows: dict[int, _Allowance] = field(factory=dict)
    _active: set[int] = field(factory=set)
    _activity_timer: Timer | None = None

    def broadcast(self, number: int, event: dict[str, Any]) -> None:
        """Tell every link of an event of a window at once."""
        frame = frames.encode_json(frames.EVENT, number, event)
        for link in self.links:
            link.tell(frame)

    def notice(self, number: int, event: dict[str, Any]) -> None:
        """Pass on what a program told its terminal, at a bounded rate."""
        allowance = self._windows.get(number)
        if allowance is None:
            allowance = self._windows[number] = _Allowance()
        if allowance.left > 0:
            allowance.left -= 1
            self.broadcast(number, event)
        elif event["type"] in _LATEST_WINS:
            allowance.latest[event["type"]] = event
        if allowance.timer is None:
            allowance.timer = self._around.call_later(NOTICE_SECONDS, self._more, number)

    def _more(self, number: int) -> None:
        allowance = self._windows[number]
        latest, allowance.latest, allowance.timer = allowance.latest, {}, None
        for event in latest.values():
            self.broadcast(number, event)
        allowance.left = min(allowance.left + NOTICES_AT_ONCE // 10, NOTICES_AT_ONCE)
        if allowance.left < NOTICES_AT_ONCE:
            allowance.timer = self._around.call_later(NOTICE_SECONDS, self._more, number)

    def window_closed(self, number: int) -> None:
        """A window is gone."""
        self._active.discard(number)
        allowance = self._windows.pop(number, None)
        if allowance is not None and allowance.timer is not None:
            allowance.timer.cancel()

    # -- activity ------------------------------------------------------------

    def active(self, number: int) -> None:
        """A window had output: links that are not subscribed to it hear so, once a second at most."""
        self._active.add(number)
        self._plan_activity()

    def _plan_activity(self) -> None:
        if self._activity_timer is None and any(self._active - link.cursors.keys() for link in self.links):
            self._tell_activity()

    def _tell_activity(self) -> None:
        active, self._active = self._active, set()
        for link in self.links:
            for number in active - link.cursors.keys():
                link.tell(frames.encode_json(frames.EVENT, number, {"type": "activity"}))
        self._activity_timer = self._around.call_later(ACTIVITY_SECONDS, self._after_activity)

    def _after_activity(self) -> None:
        self._activity_timer = None
        self._plan_activity()
