"""Following somebody: my view goes where theirs goes, until I scroll or choose a window myself.

Invariant: somebody who is followed is here.
"""

from __future__ import annotations

from typing import Protocol

from termhub.gateways.tui.copying import Copying
from termhub.gateways.tui.people import Person, short
from termhub.gateways.tui.pointers import Pointer
from termhub.gateways.tui.session import Session


class FollowOwner(Protocol):
    """The UI, as following is shown by it."""

    def hint(self, words: str) -> None:
        """Tell the person something in passing."""

    def changed(self) -> None:
        """What shows has changed."""


class Following:
    """Whom one session follows, if anybody."""

    def __init__(self, session: Session, copying: Copying, owner: FollowOwner) -> None:
        self.target: Person | None = None
        self._session = session
        self._copying = copying
        self._owner = owner

    @property
    def brief(self) -> str:
        """For the status line."""
        return f"follow {short(self.target.called)}" if self.target is not None else ""

    def start(self, person: Person) -> None:
        """Go where this person is, and with them."""
        self.target = person
        latest = self._session.company.pointers.of_person(person.person)
        if latest is not None:
            self._go(latest)
        self._owner.changed()

    def stop(self, why: str = "") -> None:
        """Follow nobody.

        :param why: told to the person, unless nobody was followed.
        """
        if self.target is None:
            return
        self.target = None
        self._owner.hint(why or "not following any more")
        self._owner.changed()

    def pointed(self, pointer: Pointer) -> None:
        """Somebody looks elsewhere."""
        if self.target is not None and pointer.person == self.target.person:
            self._go(pointer)

    def people_changed(self) -> None:
        """Somebody came or left."""
        company, target = self._session.company, self.target
        if target is None or not company.is_whole:
            return
        if all(person.person != target.person for person in company.people):
            self.stop(f"{short(target.called)} left; not following any more")

    def _go(self, pointer: Pointer) -> None:
        session = self._session
        if pointer.window not in session.windows:
            return
        if session.layout.focus != pointer.window:
            session.select(pointer.window)
        pane = session.panes.get(pointer.window)
        if pane is None:
            return
        if pointer.back:
            self._copying.show_back(pane, pointer.back)
        else:
            self._copying.leave(pane)
