"""What people do together at one console: who may type, where they look, what they say and offer.

Owned by the console, which tells it who comes, goes and types, and asks it who may.  Only the chat and
the mode of control outlive the hub.

Invariant: every viewer's ``may_type`` is what its role and the control say now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.errors import BadRequest, NotAllowed
from termhub.hub.asks import Asks
from termhub.hub.backing import Backing
from termhub.hub.chat import Chat
from termhub.hub.control import Control
from termhub.hub.drafts import Drafts
from termhub.hub.looks import Looks
from termhub.hub.people import People
from termhub.hub.viewers import event_frame
from termhub.store import ControlMode, Role, User

if TYPE_CHECKING:
    from termhub.hub.audience import Audience
    from termhub.hub.console import Console
    from termhub.hub.viewers import Viewer


class Together:
    """The people at one console and what they share.

    :param console: whose they are.
    :param backing: keeps what is said, and knows the shares.
    :param now: the wall clock, seconds since 1970.
    :param mode: who may type.
    """

    def __init__(
        self,
        console: Console,
        audience: Audience,
        backing: Backing,
        now: Callable[[], float],
        mode: ControlMode,
    ) -> None:
        clock = console.clock
        self._console = console
        self._audience = audience
        self._backing = backing
        self.people = People(audience, clock, now, backing.member)
        self.control = Control(self._control_changed, mode)
        self.looks = Looks(audience, clock)
        self.chat = Chat(backing, audience, clock, now)
        self.drafts = Drafts(console, audience, clock)
        self.asks = Asks(backing.grant, self._answer, self._tell_owners, clock)

    def hello(self, viewer: Viewer) -> dict[str, Any]:
        """What a viewer is told of it at first."""
        user = viewer.user
        return {
            "you": {
                "id": viewer.id,
                "person": viewer.person,
                "name": user.name,
                "is_guest": user.is_guest,
            },
            "people": self.people.listed(),
            "control": self._describe_control(),
            "drafts": self.drafts.describe(),
        }

    def greeted(self, viewer: Viewer) -> None:
        """A viewer has been told HELLO: tell it what waits."""
        self.looks.tell(viewer)
        if viewer.role == "owner":
            for event in self.asks.events():
                viewer.tell(frames.CONSOLE, _ask_key(event), event_frame(frames.CONSOLE, event))

    # -- who comes and goes ------------------------------------------------------------

    def came(self, viewer: Viewer) -> None:
        """A viewer is there."""
        if viewer.can_write:
            self.control.came(viewer.person)
        viewer.may_type = self.control.may_type(viewer.person, viewer.role)
        self.people.changed()

    def left(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        self._may_have_left(viewer.person)
        self.people.left(viewer)
        self.looks.left(viewer)
        if not self._audience.viewers:
            self.quiet()

    def role_changed(self, viewer: Viewer) -> None:
        """A viewer has another role."""
        if viewer.can_write:
            self.control.came(viewer.person)
        else:
            self._may_have_left(viewer.person)
        self._update()
        self.people.changed()

    def _may_have_left(self, person: str) -> None:
        if self.people.role(person) in (None, "observer"):
            self.control.left(person)

    def quiet(self) -> None:
        """The console ends or is closed: set no timers."""
        self.people.quiet()
        self.looks.quiet()

    def ended(self) -> None:
        """The console has ended, or its hub stops."""
        self.quiet()
        self.asks.close()

    # -- what programs ask -------------------------------------------------------------

    async def _answer(self, answer: dict[str, Any]) -> None:
        await self._console.request("answer", **answer)

    def _tell_owners(self, event: dict[str, Any]) -> int:
        return self._audience.tell_owners(frames.CONSOLE, event, _ask_key(event))

    # -- who may type --------------------------------------------------------------------

    def typed(self, viewer: Viewer) -> None:
        """A viewer who may has typed."""
        self.control.typed(viewer.person)
        self.people.typed(viewer)

    def check_may_type(self, user: User, role: Role) -> None:
        """Refuse whoever may not type now.

        :raises NotAllowed: to them.
        """
        person = self.people.person_id(user)
        if role == "observer":
            raise NotAllowed("You may look at this console, not change it.")
        if not self.control.may_type(person, role):
            raise NotAllowed(self._who_types(), "not_in_control")

    def check_may_act(self, user: User, role: Role) -> None:
        """Refuse whoever may not change what runs: as with typing, but owners always may.

        :raises NotAllowed: to them.
        """
        if role != "owner":
            self.check_may_type(user, role)

    def _who_types(self) -> str:
        holder = self.control.holder
        if self.control.mode == "owner" or holder is None:
            return "Only owners type here now."
        return f"Only {self.people.name(holder) or 'somebody else'} types here now. Ask for control."

    async def set_mode(self, viewer: Viewer, mode: ControlMode) -> None:
        """An owner lets other people type than before, at once; returns when that is kept."""
        self.control.set_mode(mode, viewer.person)
        await self._backing.set_control(mode)

    def give_control(self, viewer: Viewer, person: str | None) -> None:
        """Give control to a person; None: let go.

        :raises BadRequest: when that person is not here, or may only look.
        :raises NotAllowed: unless the viewer's person holds it, or is an owner.
        """
        if person is not None and self.people.role(person) in (None, "observer"):
            raise BadRequest("Nobody who is here and may write has this id.", "no_such_person")
        self.control.give(viewer.person, viewer.role, person)

    def _control_changed(self) -> None:
        self._update()
        self._audience.tell(frames.CONSOLE, {"type": "control", **self._describe_control()})

    def _update(self) -> None:
        for viewer in list(self._audience.viewers.values()):
            may_type = self.control.may_type(viewer.person, viewer.role)
            if may_type != viewer.may_type:
                viewer.may_type = may_type
                self._console.may_type_changed(viewer)

    def _describe_control(self) -> dict[str, Any]:
        control, name = self.control, self.people.name
        return {
            "mode": control.mode,
            "holder": control.holder,
            "name": control.holder and name(control.holder),
            "waiting": [{"person": person, "name": name(person)} for person in control.waiting],
        }


def _ask_key(event: dict[str, Any]) -> str:
    return f"ask {event['ask']}"
