"""Drafts: texts that somebody offers at a console and anybody who may type can run there, once.

Invariant: a draft is typed at most once, by whoever was first; at most :data:`MOST_DRAFTS` are kept and
:data:`MOST_BYTES` of them, so that all of them fit into one HELLO.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs
from twisted.internet.defer import Deferred

from sandbox.guest import frames
from termhub.accounts.attempts import Attempts
from termhub.errors import BadRequest, ConsoleError, NotAllowed, TooMany
from termhub.hub.clean_text import clean_text
from termhub.hub.clock import Clock
from termhub.hub.draft_text import as_lines, as_paste
from termhub.hub.host_messages import Modes
from termhub.store import User

if TYPE_CHECKING:
    from termhub.hub.audience import Audience
    from termhub.hub.viewers import Viewer

MOST_DRAFTS = 20
MOST_BYTES = 256 * 1024
"""What is kept of one console's drafts."""

DRAFT_BYTES = 64 * 1024
"""The longest draft."""

BURST, SECONDS_EACH = 5, 2.0
BURST_OF_ALL, SECONDS_EACH_OF_ALL = 20, 1.0
"""Drafts that a person, and all at one console, may offer at once, and the time for one more."""

State = Literal["offered", "run", "withdrawn"]


class Typewriter(Protocol):
    """The console, as drafts need it."""

    async def modes(self, window: int) -> Modes:
        """What the program in a window has asked of its terminal; raises BadRequest and ConsoleError."""

    async def type(self, user: User, window: int, data: bytes) -> None:
        """Type, whole; returns when it is written."""

    def used(self, viewer: Viewer, number: int) -> None:
        """A viewer has typed into a window."""


@attrs.define(eq=False)
class Draft:
    """A text that somebody offers.

    :param by: the name of who has run or withdrawn it.
    :param is_taken: somebody is running it.
    """

    id: str
    person: str
    name: str
    text: str
    size: int
    state: State = "offered"
    by: str | None = None
    is_taken: bool = False

    def describe(self) -> dict[str, Any]:
        """What clients are told."""
        return {
            "draft": self.id,
            "person": self.person,
            "name": self.name,
            "text": self.text,
            "state": self.state,
            "by": self.by,
        }


class Drafts:
    """The drafts of one console.

    :param typewriter: types them.
    """

    def __init__(self, typewriter: Typewriter, audience: Audience, clock: Clock) -> None:
        self._typewriter = typewriter
        self._audience = audience
        self._drafts: dict[str, Draft] = {}
        self._numbers = count(1)
        seconds, what = clock.seconds, "drafts"
        self._by_person = Attempts(seconds, burst=BURST, refill_seconds=SECONDS_EACH, capacity=256, what=what)
        self._of_all = Attempts(seconds, burst=BURST_OF_ALL, refill_seconds=SECONDS_EACH_OF_ALL, what=what)

    def describe(self) -> list[dict[str, Any]]:
        """Those that can be run, the oldest first."""
        return [draft.describe() for draft in self._drafts.values() if draft.state == "offered"]

    def offer(self, viewer: Viewer, text: str) -> str:
        """Offer a text.

        :returns: the id of the draft.
        :raises BadRequest: for too much text, or none.
        :raises TooMany: when very many are offered, or all there is room for are just being run.
        """
        kept = clean_text(text).strip("\n")
        size = len(kept.encode())
        if not kept.strip():
            raise BadRequest("There is nothing in the draft.", "empty")
        if size > DRAFT_BYTES:
            raise BadRequest(f"A draft has at most {DRAFT_BYTES >> 10} KiB.", "too_long")
        self._by_person.spend(viewer.person)
        self._of_all.spend("")
        draft = Draft(str(next(self._numbers)), viewer.person, viewer.user.label, kept, size)
        self._make_room(size)
        self._drafts[draft.id] = draft
        self._tell(draft)
        return draft.id

    def withdraw(self, viewer: Viewer, id: str) -> None:
        """Take a draft back.

        :raises BadRequest: when there is none of this id any more.
        :raises NotAllowed: unless the viewer's person has offered it, or is an owner.
        """
        draft = self._offered(id)
        if viewer.role != "owner" and viewer.person != draft.person:
            raise NotAllowed("Only who has offered a draft, or an owner, can withdraw it.")
        self._settle(draft, "withdrawn", viewer.user.label)

    async def run(self, viewer: Viewer, id: str, window: int, check: Callable[[], None]) -> None:
        """Type a draft into a window; returns when it is written.

        :param check: raises NotAllowed when the viewer may not type any more.
        :raises BadRequest: when there is no such draft or window, or somebody was first.
        :raises ConsoleError: when the console cannot be reached; then it can be tried again.
        """
        draft = self._offered(id)
        draft.is_taken = True
        try:
            modes = await self._modes(window)
            check()
            if not viewer.is_attached:
                raise ConsoleError("The viewer has left.", "left")
            keys = as_paste(draft.text) if modes.bracketed_paste else as_lines(draft.text)
        except BaseException:
            draft.is_taken = False
            raise
        written = Deferred.fromCoroutine(self._typewriter.type(viewer.user, window, keys))
        self._typewriter.used(viewer, window)
        self._settle(draft, "run", viewer.user.label)
        await written

    async def _modes(self, window: int) -> Modes:
        try:
            return await self._typewriter.modes(window)
        except ConsoleError as error:
            if error.code == "unknown_op":  # a host of an earlier version
                return Modes()
            raise

    def _offered(self, id: str) -> Draft:
        draft = self._drafts.get(id)
        if draft is None:
            raise BadRequest("There is no such draft any more.", "no_such_draft")
        if draft.state != "offered" or draft.is_taken:
            what = "withdrawn" if draft.state == "withdrawn" else "run"
            whose = f" by {draft.by}" if draft.by else ""
            raise BadRequest(f"The draft was {what} already{whose}.", "draft_gone")
        return draft

    def _make_room(self, size: int) -> None:
        kept = list(self._drafts.values())
        taken = [draft.size for draft in kept if draft.is_taken and draft.state == "offered"]
        if len(taken) >= MOST_DRAFTS or size + sum(taken) > MOST_BYTES:
            raise TooMany("Too many drafts are being run; try again in a moment.", "busy", 1)
        total = size + sum(draft.size for draft in kept)
        # Those that are done go first, the oldest of them before the others.
        for draft in sorted(kept, key=lambda draft: draft.state == "offered"):
            if len(self._drafts) < MOST_DRAFTS and total <= MOST_BYTES:
                return
            if draft.state == "offered":
                if draft.is_taken:
                    continue
                self._settle(draft, "withdrawn", None)
            del self._drafts[draft.id]
            total -= draft.size

    def _settle(self, draft: Draft, state: State, by: str | None) -> None:
        draft.state, draft.by = state, by
        self._tell(draft)

    def _tell(self, draft: Draft) -> None:
        event = {"type": "draft", **draft.describe()}
        self._audience.tell(frames.CONSOLE, event, f"draft {draft.id}")
