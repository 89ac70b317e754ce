"""The company at a console: its people, who has control, what they say, point at and offer.

Keeps what the hub tells, and tells the person what is news.  Pure but for that.

Invariant: what is shown of it is drawn anew only when it has changed; with many people at a console the
list of them comes several times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from termhub.gateways.durations import duration_text
from termhub.gateways.tui.chat import Chat, Message
from termhub.gateways.tui.control import Control
from termhub.gateways.tui.drafts import Drafts
from termhub.gateways.tui.people import Person, arrivals, brief, came_and_went, people_of, short
from termhub.gateways.tui.pointers import Pointer, Pointers
from termhub.store import Role

Event = Mapping[str, Any]

ASK_SECONDS = 60.0
"""After so long the hub takes no answer for an owner's yes or no."""

ROLE_WORDS: Mapping[Role, str] = {
    "observer": "You may look at this console now, not type.",
    "writer": "You may type in this console now.",
    "owner": "You are an owner of this console now.",
}


class CompanyOwner(Protocol):
    """The UI, as the company is shown by it."""

    def changed(self) -> None:
        """What shows has changed."""

    def say(self, words: str) -> None:
        """Tell the person something."""

    def hint(self, words: str) -> None:
        """Tell the person something in passing."""

    def asked(self, ask: Ask) -> None:
        """A program in the console wants to share it; this person may say whether it may."""

    def answered(self, ask: str) -> None:
        """Somebody has answered what a program asked, or it is too late."""

    def pointed(self, pointer: Pointer) -> None:
        """One of the others looks elsewhere."""

    def people_changed(self) -> None:
        """Somebody came or left, or typed."""


class Ask(NamedTuple):
    """A program wants to share the console.

    :param seconds: for how long, ``uses`` how often it may be used; None: any number of times.
    """

    id: str
    role: str
    seconds: float
    uses: int | None

    @property
    def words(self) -> str:
        """What it wants."""
        times = "" if self.uses is None else ", once" if self.uses == 1 else f", {self.uses} times"
        return f"make a link for {self.role}s for {duration_text(self.seconds)}{times}"


class Company:
    """Everybody at one console, as one of them sees it.

    :param role: of the person this is shown to, until the hub tells.
    :ivar you: the person this is shown to, ``id`` this attachment.
    :ivar count: of attachments.
    :ivar brief: who else is here, for the status line.
    """

    def __init__(self, role: Role, owner: CompanyOwner) -> None:
        self.you = self.id = ""
        self.role = role
        self.count = 1
        self.people: tuple[Person, ...] = ()
        self.brief = ""
        self.control = Control()
        self.chat = Chat()
        self.drafts = Drafts()
        self.pointers = Pointers()
        self._owner = owner

    @property
    def is_alone(self) -> bool:
        """Whether nobody else is attached."""
        return self.count <= 1

    @property
    def is_whole(self) -> bool:
        """Whether everybody is listed."""
        return len(self.people) == self.count

    @property
    def may_type(self) -> bool:
        """Whether this person's keys count now."""
        return self.control.lets(self.you, self.role)

    def person(self, id: str) -> Person | None:
        """The attachment of this id."""
        return next((person for person in self.people if person.id == id), None)

    # -- what the hub tells --------------------------------------------------------

    def greeted(self, hello: Event) -> None:
        """The hub's HELLO."""
        you = hello["you"]
        self.you, self.id = str(you["person"]), str(you["id"])
        self.role = hello["role"]
        self.people = people_of(hello["people"])
        self.count = max(len(self.people), int(hello["console"]["viewers"]))
        self.brief = brief(self.people, self.count, self.you)
        self.control = Control.of(hello["control"])
        self.drafts.begin(hello.get("drafts") or ())

    def happened(self, event: Event) -> None:
        """An event of the whole console."""
        handler = _EVENTS.get(str(event.get("type")))
        if handler is not None:
            handler(self, event)

    def _viewers(self, event: Event) -> None:
        before, was_whole = self.people, self.is_whole
        count_before = self.count
        self.people, self.count = event["people"], int(event["count"])
        if self.people == before and self.count == count_before:
            return
        if self.is_whole:
            self.pointers.keep({person.id for person in self.people})
        # Of more than are listed nobody knows who came.
        if self.is_whole and was_whole:
            news = came_and_went(*arrivals(before, self.people, self.you))
            if news:
                self._owner.hint(news)
        words = brief(self.people, self.count, self.you)
        if words != self.brief:
            self.brief = words
            self._owner.changed()
        self._owner.people_changed()

    def _role(self, event: Event) -> None:
        self.role = event["role"]
        self._owner.say(ROLE_WORDS[self.role])
        self._owner.changed()

    def _control(self, event: Event) -> None:
        before, self.control = self.control, Control.of(event)
        news = self._control_news(before, self.control)
        if news:
            self._owner.say(news)
        if self.control != before:
            self._owner.changed()

    def _control_news(self, before: Control, now: Control) -> str:
        if now.mode != before.mode:
            return {
                "anyone": "Everybody who may type may type at any time now.",
                "one": f"One at a time types now. {self._holder(now)}.",
                "owner": "Only owners type now.",
            }.get(now.mode, "")
        if now.mode != "one":
            return ""
        if now.holder != before.holder:
            return f"{self._holder(now)}."
        new = [name for person, name in now.waiting if (person, name) not in before.waiting]
        if new and self.you == now.holder:
            return f"{short(new[0])} asks for control."
        return ""

    def _holder(self, control: Control) -> str:
        if control.holder is None:
            return "Nobody has control"
        if control.holder == self.you:
            return "You have control"
        return f"{short(control.name)} has control"

    def _looks(self, event: Event) -> None:
        before = self.pointers.of(str(event["id"]))
        pointer = self.pointers.heard(event)
        if pointer != before:
            self._owner.pointed(pointer)
            if pointer.start is not None or (before is not None and before.start is not None):
                self._owner.changed()

    def _said(self, event: Event) -> None:
        message = Message.of(event)
        if self.chat.heard(message, self.you):
            self._owner.hint(message.hint)
        self._owner.changed()

    def _draft(self, event: Event) -> None:
        draft = self.drafts.heard(event)
        if draft.person != self.you or draft.state == "run":
            self._owner.hint(draft.news)
        self._owner.changed()

    def _asks(self, event: Event) -> None:
        uses = event.get("uses")
        self._owner.asked(
            Ask(
                str(event["ask"]),
                str(event["role"]),
                float(event["expires"]),
                int(uses) if uses is not None else None,
            )
        )

    def _answered(self, event: Event) -> None:
        self._owner.answered(str(event["ask"]))


_EVENTS: Mapping[str, Callable[[Company, Event], None]] = {
    "viewers": Company._viewers,
    "role": Company._role,
    "control": Company._control,
    "looks": Company._looks,
    "chat": Company._said,
    "draft": Company._draft,
    "asks": Company._asks,
    "answered": Company._answered,
}
