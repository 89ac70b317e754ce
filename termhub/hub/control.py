"""Who may type at a console when several are there: anyone, one at a time, or only owners.

One at a time, the *holder* may, until it gives that on, lets go or leaves; then whoever waits
longest has it, or it is free and the next who asks or types has it.  Persons are known by the ids
that :mod:`termhub.hub.people` made.  Pure.

Invariant: without mode ``one`` nobody holds and nobody waits; nobody waits while it is free.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.errors import BadRequest, NotAllowed, TooMany
from termhub.store import ControlMode, Role

MAX_WAITING = 64
"""People who may wait for control."""


class Control:
    """Who may type.

    :param changed: called after each change.
    """

    def __init__(self, changed: Callable[[], None], mode: ControlMode = "anyone") -> None:
        self.mode: ControlMode = mode
        self.holder: str | None = None
        self._changed = changed
        self._waiting: dict[str, None] = {}
        self._left: str | None = None

    @property
    def waiting(self) -> list[str]:
        """Who has asked for it, the longest first."""
        return list(self._waiting)

    @property
    def is_free(self) -> bool:
        """Whether the next who asks or types has it."""
        return self.mode == "one" and self.holder is None

    def may_type(self, person: str, role: Role) -> bool:
        """Whether what somebody with this role types now is written."""
        if role == "observer":
            return False
        if self.mode == "owner":
            return role == "owner"
        return self.mode == "anyone" or self.holder in (None, person)

    def set_mode(self, mode: ControlMode, by: str) -> None:
        """Let other people type than before; with ``one`` the first holder is who says so."""
        if mode != self.mode:
            self.mode = mode
            self._waiting.clear()
            self._hold(by if mode == "one" else None)

    def ask(self, person: str, role: Role) -> bool:
        """Somebody wants to type.

        :returns: whether they may now, or else wait.
        :raises NotAllowed: when it cannot be had by asking.
        :raises TooMany: when very many wait.
        """
        if self.may_type(person, role):
            self.typed(person)
            return True
        if role == "observer" or self.mode == "owner":
            raise NotAllowed("Only owners type here now." if self.mode == "owner" else "You may only look.")
        if person not in self._waiting:
            if len(self._waiting) >= MAX_WAITING:
                raise TooMany("Too many people wait for control.", "too_many_wait", 10)
            self._waiting[person] = None
            self._changed()
        return False

    def typed(self, person: str) -> None:
        """Somebody who may has typed: what is free is theirs now."""
        if self.is_free:
            self._hold(person)

    def give(self, by: str, role: Role, to: str | None) -> None:
        """Give control to somebody who may write; None: let go.

        :param role: of ``by``.
        :raises BadRequest: when control is not given to one at a time.
        :raises NotAllowed: unless ``by`` holds it or is an owner.
        """
        if self.mode != "one":
            raise BadRequest("Control is not given to one person at a time here.", "bad_control")
        if role != "owner" and self.holder != by:
            raise NotAllowed("Control is not yours to give.")
        if to is None:
            self._pass_on()
        else:
            self._waiting.pop(to, None)
            self._hold(to)

    def came(self, person: str) -> None:
        """Somebody who may write is there; who held it when they left has it again if it is free."""
        if self.is_free and self._left == person:
            self._hold(person)

    def left(self, person: str) -> None:
        """Somebody is not there any more, or may not write any more."""
        if self.mode == "one" and self.holder == person:
            self._pass_on()
            self._left = person
        elif person in self._waiting:
            del self._waiting[person]
            self._changed()

    def _pass_on(self) -> None:
        following = next(iter(self._waiting), None)
        if following is not None:
            del self._waiting[following]
        self._hold(following)

    def _hold(self, person: str | None) -> None:
        self.holder, self._left = person, None
        self._changed()
