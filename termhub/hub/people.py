"""Who is at one console, as everybody there may know it.

Viewers and persons have public ids here, made with a secret of this console: they stay the same over
reconnects, and nothing can be derived from them.

Invariant: the list that is told has at most :data:`MAX_TOLD` entries and is encoded once for all,
and with many viewers it is told less often.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.guest import frames
from termhub.hub.clock import Clock, DelayedCall
from termhub.store import Role, User, rank

if TYPE_CHECKING:
    from termhub.hub.audience import Audience
    from termhub.hub.viewers import Viewer

MAX_TOLD = 64
"""Viewers that are listed."""

PRESENCE_SECONDS = 0.2
PRESENCE_SECONDS_EACH = 0.01
"""Shortest time between two ``viewers`` events, and what each viewer adds to it."""

QUIET_SECONDS = 30.0
"""Who has not typed for so long begins to type anew."""


class People:
    """The people at one console.

    :param now: the wall clock, seconds since 1970.
    :param member_of: the number by which a user is a member, if they are one.
    """

    def __init__(
        self,
        audience: Audience,
        clock: Clock,
        now: Callable[[], float],
        member_of: Callable[[User], int | None],
    ) -> None:
        self._audience = audience
        self._clock = clock
        self._now = now
        self._member_of = member_of
        self._secret = token_bytes(32)
        self._typed_last: Viewer | None = None
        self._told: msgspec.Raw | None = None
        self._timer: DelayedCall | None = None

    # -- ids -----------------------------------------------------------------------

    def person_id(self, user: User) -> str:
        """The public id of a user."""
        return self._public(b"person %d" % user.number)

    def viewer_id(self, key: int) -> str:
        """The public id of the viewer with this key."""
        return self._public(b"viewer %d" % key)

    def _public(self, what: bytes) -> str:
        return blake2b(what, key=self._secret, digest_size=8).hexdigest()

    # -- who is here -----------------------------------------------------------------

    def role(self, person: str) -> Role | None:
        """The most that any viewer of a person may do; None: they are not here."""
        roles = [each.role for each in self._audience.viewers.values() if each.person == person]
        return max(roles, key=rank, default=None)

    def name(self, person: str) -> str | None:
        """What a person who is here is called, guests marked."""
        viewers = self._audience.viewers.values()
        return next((each.user.label for each in viewers if each.person == person), None)

    def listed(self) -> msgspec.Raw:
        """The viewers, owners first and then writers, as JSON."""
        if self._told is None:
            viewers = self._audience.viewers.values()
            first = heapq.nsmallest(MAX_TOLD, viewers, key=lambda each: -rank(each.role))
            self._told = msgspec.Raw(msgspec.json.encode([self._describe(each) for each in first]))
        return self._told

    def _describe(self, viewer: Viewer) -> dict[str, Any]:
        return {
            "id": viewer.id,
            "person": viewer.person,
            "name": viewer.user.name,
            "role": viewer.role,
            "via": viewer.via,
            "is_guest": viewer.user.is_guest,
            "member": self._member_of(viewer.user),
            "typed": viewer.typed,
        }

    # -- what changes ------------------------------------------------------------------

    def typed(self, viewer: Viewer) -> None:
        """A viewer typed; the others hear of it when somebody else did before."""
        now = self._now()
        begins = self._typed_last is not viewer or viewer.typed is None or now - viewer.typed > QUIET_SECONDS
        viewer.typed = round(now, 3)
        self._told = None
        if begins:
            self._typed_last = viewer
            if len(self._audience.viewers) > 1:
                self.changed()

    def left(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        if self._typed_last is viewer:
            self._typed_last = None
        self.changed()

    def changed(self) -> None:
        """Tell all who they are, soon: not each time when many come at once."""
        self._told = None
        many = len(self._audience.viewers)
        if not many:
            self.quiet()
        elif self._timer is None:
            seconds = PRESENCE_SECONDS + PRESENCE_SECONDS_EACH * (many - 1)
            self._timer = self._clock.callLater(seconds, self._tell)

    def quiet(self) -> None:
        """Nobody needs to know who they are."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        self._timer = None
        count = len(self._audience.viewers)
        self._audience.tell(frames.CONSOLE, {"type": "viewers", "count": count, "people": self.listed()})
