"""Where viewers look and what they have selected, for others to follow and see.

Only the latest of each viewer counts.  What has changed is passed on in rounds; a round costs at most
:data:`ROUND_VIEWERS` events for each viewer, and the next comes later the more there were to send.

Invariant: no more waits here than one event for each viewer that has looked, and no timer runs while
nothing waits.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.hub.clock import Clock, DelayedCall

if TYPE_CHECKING:
    from termhub.hub.audience import Audience
    from termhub.hub.viewers import Viewer

LOOK_SECONDS = 0.1
"""Shortest time between two events about one viewer."""

SECONDS_EACH = 0.0002
"""What each event sent adds to that: at most 5,000 of them a second."""

ROUND_VIEWERS = 16
"""Viewers whose looks are passed on in one round."""

MOST_TOLD = 64
"""Looks that a viewer is told when it comes."""

MOST_WAITING = 256

Cell = tuple[int, int]


class Looks:
    """The looks of the viewers of one console."""

    def __init__(self, audience: Audience, clock: Clock) -> None:
        self._audience = audience
        self._clock = clock
        self._latest: dict[str, bytes] = {}
        self._changed: dict[str, bytes] = {}
        self._timer: DelayedCall | None = None

    def look(self, viewer: Viewer, window: int, back: int, start: Cell | None, end: Cell | None) -> None:
        """A viewer looks at lines ``back`` above the live screen, and has selected ``start`` to ``end``.

        :param start: row, counted from the first of the live screen, and column; None: nothing.
        """
        frame = _event(viewer, window, back, start, end)
        self._latest.pop(viewer.id, None)
        self._latest[viewer.id] = frame
        self._change(viewer.id, frame)

    def left(self, viewer: Viewer) -> None:
        """A viewer looks at nothing any longer, unless it has come again."""
        if viewer.id in self._latest and viewer.key not in self._audience.viewers:
            del self._latest[viewer.id]
            self._change(viewer.id, _event(viewer, 0, 0, None, None))

    def tell(self, viewer: Viewer) -> None:
        """Tell a viewer that has just come where the others look."""
        for id in list(self._latest)[-MOST_TOLD:]:
            if id != viewer.id:
                viewer.tell(frames.CONSOLE, f"looks {id}", self._latest[id])

    def quiet(self) -> None:
        """Nobody needs to know."""
        self._changed.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _change(self, id: str, frame: bytes) -> None:
        if not self._audience.viewers:
            self.quiet()
            return
        self._changed[id] = frame
        if len(self._changed) > MOST_WAITING:
            del self._changed[next(iter(self._changed))]
        if self._timer is None:
            self._pass_on()

    def _pass_on(self) -> None:
        self._timer = None
        changed = dict(islice(self._changed.items(), ROUND_VIEWERS))
        viewers = list(self._audience.viewers.values())
        if not changed or not viewers:
            self._changed.clear()
            return
        for id in changed:
            del self._changed[id]
        for viewer in viewers:
            for id, frame in changed.items():
                if id != viewer.id:
                    viewer.keep(frames.CONSOLE, f"looks {id}", frame)
        self._audience.tell_kept()
        seconds = LOOK_SECONDS + SECONDS_EACH * len(changed) * len(viewers)
        self._timer = self._clock.callLater(seconds, self._pass_on)


def _event(viewer: Viewer, window: int, back: int, start: Cell | None, end: Cell | None) -> bytes:
    fields: dict[str, Any] = {
        "type": "looks",
        "id": viewer.id,
        "person": viewer.person,
        "name": viewer.user.label,
        "window": window,
        "back": back,
        "from": start,
        "to": end,
    }
    return frames.encode_json(frames.EVENT, frames.CONSOLE, fields)
