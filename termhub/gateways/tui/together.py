"""What people do together at a console: who is here, control, following, the chat, a program's questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from termhub.gateways.listing import age
from termhub.gateways.tui import roles, sharing
from termhub.gateways.tui.chat_panel import ChatPanel
from termhub.gateways.tui.choices import Choice, Choices
from termhub.gateways.tui.control import MODE_WORDS, MODES
from termhub.gateways.tui.people import Person, others, short
from termhub.gateways.tui.prompts import Confirm
from termhub.gateways.tui.session import Session

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

REFRESH_SECONDS = 5.0
"""How often the list of people says anew how long ago they typed."""

# -- people ----------------------------------------------------------------------------


def show_people(ui: TerminalUI, session: Session) -> None:
    """Show who is here, and what can be done about them."""
    company = session.company

    def rows() -> Sequence[Choice]:
        now = ui.services.now()
        found = [
            Choice(person.id, _name(session, person), _about(session, person, now))
            for person in company.people
        ]
        more = company.count - len(company.people)
        return [*found, Choice("", f"and {more} more")] if more > 0 else found

    def on(do: Callable[[Person], None]) -> Callable[[str], None]:
        def chosen(key: str) -> None:
            person = company.person(key)
            if person is not None:
                do(person)

        return chosen

    footer = "f follow · c chat · "
    if session.role != "observer":
        footer += "g give control · "
    if session.role == "owner":
        footer += "p promote · d demote · x remove · m who may type · s share · l shares · "
    footer += "q back"
    choices = Choices(
        lambda: _title(session),
        footer,
        rows,
        {
            "Enter": on(lambda person: follow(ui, session, person)),
            "f": on(lambda person: follow(ui, session, person)),
            "g": on(lambda person: give_control(ui, session, person)),
            "p": on(lambda person: roles.change(ui, session, person, 1)),
            "d": on(lambda person: roles.change(ui, session, person, -1)),
            "x": on(lambda person: roles.remove(ui, session, person)),
            "c": lambda key: show_chat(ui, session),
            "m": lambda key: change_mode(ui, session),
            "s": lambda key: sharing.share(ui, session),
            "l": lambda key: sharing.show_shares(ui, session),
        },
        lambda: ui.cover(None),
    )
    ui.cover(choices, shows_people=True)
    ui.refresh_every(REFRESH_SECONDS, lambda: None)


def _title(session: Session) -> str:
    mode = MODE_WORDS.get(session.company.control.mode, "")
    return f"People at {session.name} · {mode}" if mode else f"People at {session.name}"


def _name(session: Session, person: Person) -> str:
    company = session.company
    marks = " (you)" if person.id == company.id else ""
    if company.control.mode == "one" and company.control.holder == person.person:
        marks += " · has control"
    elif any(person.person == waiting for waiting, _ in company.control.waiting):
        marks += " · asks for control"
    return person.called + marks


def _about(session: Session, person: Person, now: float) -> str:
    typed = f"typed {_ago(now - person.typed)}" if person.typed is not None else ""
    return " · ".join(words for words in (person.role, person.via, typed) if words)


def _ago(seconds: float) -> str:
    span = age(max(0.0, seconds))
    return span if span == "now" else f"{span} ago"


# -- following -------------------------------------------------------------------------


def follow(ui: TerminalUI, session: Session, person: Person) -> None:
    """Follow this person's view."""
    if ui.shown is None:
        return
    if person.person == session.company.you:
        ui.say("That is you.")
        return
    ui.cover(None)
    ui.shown.following.start(person)
    ui.shown.hint(f"following {short(person.called)}; scroll to end it")


def choose_whom_to_follow(ui: TerminalUI, session: Session) -> None:
    """Follow somebody, or nobody any more."""
    company = session.company
    if ui.shown is not None and ui.shown.following.target is not None:
        ui.shown.following.stop()
        return
    here = others(company.people, company.you)
    if not here:
        ui.say("Nobody else is here.")
    elif len(here) == 1:
        follow(ui, session, here[0])
    else:
        ui.cover(
            Choices(
                lambda: "Follow whom?",
                "Enter follows · q back",
                lambda: [
                    Choice(person.id, person.called, person.role)
                    for person in others(company.people, company.you)
                ],
                {"Enter": lambda key: _follow_id(ui, session, key)},
                lambda: ui.cover(None),
                "nobody else is here",
            ),
            shows_people=True,
        )


def _follow_id(ui: TerminalUI, session: Session, key: str) -> None:
    person = session.company.person(key)
    if person is not None:
        follow(ui, session, person)


# -- control ---------------------------------------------------------------------------


def change_control(ui: TerminalUI, session: Session) -> None:
    """Ask for control, take it as an owner, or give it on."""
    company = session.company
    control = company.control
    if control.mode == "anyone":
        ui.say("Everybody who may type may type at any time here.")
    elif control.mode == "owner":
        ui.say("Only owners type here now.")
    elif control.holder == company.you:
        to = control.waiting[0][0] if control.waiting else None
        session.ask("control_give", person=to)
    elif session.role == "owner":
        session.ask("control_give", person=company.you)
    else:
        session.ask("control_ask", lambda reply: _asked(ui, session, reply))


def _asked(ui: TerminalUI, session: Session, reply: dict[str, Any]) -> None:
    if not reply.get("granted"):
        ui.say(f"{short(session.company.control.name) or 'Who has control'} sees that you ask for control.")


def give_control(ui: TerminalUI, session: Session, person: Person) -> None:
    """Give control to somebody."""
    session.ask("control_give", person=person.person)


def change_mode(ui: TerminalUI, session: Session) -> None:
    """Let other people type than now."""
    if session.role != "owner":
        ui.say(roles.OWNERS_ONLY)
        return
    mode = session.company.control.mode
    place = MODES.index(mode) if mode in MODES else -1
    session.ask("control", mode=MODES[(place + 1) % len(MODES)])


# -- the chat --------------------------------------------------------------------------


def show_chat(ui: TerminalUI, session: Session) -> None:
    """Show what was said, and a line to write."""
    chat = session.company.chat
    is_asking = False

    def read(before: int | None) -> None:
        nonlocal is_asking
        if is_asking:
            return
        is_asking = True
        arguments = {} if before is None else {"before": before}
        session.request("chat", answered, **arguments)

    def answered(reply: dict[str, Any]) -> None:
        nonlocal is_asking
        is_asking = False
        if reply.get("ok"):
            chat.read_on(reply)
            ui.changed()

    ui.cover(
        ChatPanel(
            chat,
            lambda words: session.ask("say", text=words),
            lambda: read(chat.oldest),
            lambda: ui.cover(None),
        )
    )
    chat.shown(True)
    read(None)


# -- what programs ask -----------------------------------------------------------------


def answer(ui: TerminalUI, session: Session) -> None:
    """Say whether a program may share the console."""
    ask = ui.asks.first
    if ask is None:
        ui.say("No program asks for anything.")
        return

    def say(allow: bool) -> None:
        ui.asks.answered(ask.id)
        session.ask("answer", ask=ask.id, allow=allow)

    question = f"A program here wants to {ask.words}. Let it?"
    ui.ask(Confirm(question, lambda: say(True), lambda: say(False)))
