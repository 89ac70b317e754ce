"""Other roles for the people at a console; and that only owners change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from termhub.gateways.tui.people import Person
from termhub.gateways.tui.prompts import Confirm
from termhub.gateways.tui.session import Session
from termhub.hub.console import Console
from termhub.store import ROLES, Role

if TYPE_CHECKING:
    from termhub.gateways.tui.interface import Shares
    from termhub.gateways.tui.ui import TerminalUI

READ_ONLY = "You look at this console read-only."
OWNERS_ONLY = "Only owners of this console may do that."


def is_refused(ui: TerminalUI, console: Console) -> bool:
    """Whether somebody is no owner of a console, or only looks, and is told so."""
    if ui.is_read_only:
        ui.say("You look at consoles read-only.")
    elif ui.services.consoles.role_of(ui.user, console) != "owner":
        ui.say(OWNERS_ONLY)
    else:
        return False
    return True


def shares_of(ui: TerminalUI, session: Session) -> Shares | None:
    """The shares, for who may change those of this console; others are told that they may not."""
    if ui.services.shares is None:
        ui.say("Consoles cannot be shared here.")
        return None
    return None if is_refused(ui, session.console) else ui.services.shares


def change(ui: TerminalUI, session: Session, person: Person, step: int) -> None:
    """Promote somebody, or demote them.

    :param step: 1 or -1.
    """
    shares, member = _member(ui, session, person)
    if shares is None or member is None:
        return
    place = ROLES.index(person.role) + step if person.role in ROLES else -1
    if not 0 <= place < len(ROLES):
        ui.say(f"{person.name} is {article(person.role)} already.")
        return
    ui.run(_set_role(ui, session, shares, person, member, ROLES[place]))


async def _set_role(
    ui: TerminalUI, session: Session, shares: Shares, person: Person, member: int, role: Role
) -> None:
    await shares.set_role(session.console.id, member, role)
    ui.say(f"{person.name} is {article(role)} now.")


def remove(ui: TerminalUI, session: Session, person: Person) -> None:
    """Ask, and send somebody away for good."""
    shares, member = _member(ui, session, person)
    if shares is None or member is None:
        return

    def agreed() -> None:
        # It may be another matter by now who is asked.
        if not is_refused(ui, session.console):
            ui.run(shares.remove(session.console.id, member))

    ui.ask(Confirm(f"Send {person.called} away? The same share does not let them in again.", agreed))


def _member(ui: TerminalUI, session: Session, person: Person) -> tuple[Shares | None, int | None]:
    shares = shares_of(ui, session)
    if shares is not None and person.member is None:
        ui.say("That is you." if person.person == session.company.you else f"{person.name} owns it.")
    return shares, person.member


def article(role: str) -> str:
    """``a writer``, ``an owner``."""
    return f"{'a' if role == 'writer' else 'an'} {role}"
