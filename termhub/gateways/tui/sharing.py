"""Sharing a console, and what is shared: the form at work, the new link, the list of shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from termhub.gateways.durations import duration_text
from termhub.gateways.sharing import WRITERS
from termhub.gateways.tui import roles
from termhub.gateways.tui.choices import Choice, Choices
from termhub.gateways.tui.pager import Pager
from termhub.gateways.tui.prompts import Confirm
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.share_form import NewShare, ShareForm
from termhub.gateways.tui.text import counted, told
from termhub.store import Share

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI


def share(ui: TerminalUI, session: Session) -> None:
    """Let somebody choose what to share, and make the share."""
    if roles.shares_of(ui, session) is None:
        return
    ui.cover(
        ShareForm(session.name, lambda new: ui.run(_make(ui, session, new)), ui.ask, lambda: ui.cover(None))
    )


async def _make(ui: TerminalUI, session: Session, new: NewShare) -> None:
    shares = roles.shares_of(ui, session)
    if shares is None:
        return
    made, token = await shares.create(
        session.console.id,
        ui.user,
        new.role,
        user=new.user or None,
        seconds=new.seconds,
        uses=None if new.user else new.uses,
        passphrase=(new.passphrase or None) if not new.user else None,
    )
    if ui.session is session:
        _show_made(ui, session, made, token)


def _show_made(ui: TerminalUI, session: Session, made: Share, token: str | None) -> None:
    """What the new share is for; a link is shown this once."""
    span = duration_text(made.expires - ui.services.now())
    url = ssh = None
    if token is None:
        lines = [f"{told(made.label)} is {roles.article(made.role)} of {session.name} for {span}."]
    else:
        invitation = ui.services.consoles.invitation(token)
        url, ssh = invitation.url, invitation.ssh
        uses = made.uses_left
        how = "" if uses is None else ", once" if uses == 1 else f", {uses} times"
        lines = [f"Makes whoever has it {roles.article(made.role)} of {session.name} for {span}{how}:", ""]
        lines += [line for link in (url, ssh) if link for line in (link, "")]
        lines.append("It is shown only now.")
    if made.role != "observer":
        lines += ["", WRITERS]
    commands = {}
    if url:
        commands["c"] = lambda: ui.copied(url or "")
    if ssh:
        commands["s"] = lambda: ui.copied(ssh or "")
    keys = [words for key, words in (("c", "c copies the link"), ("s", "s the command")) if key in commands]
    footer = " · ".join([*keys, "q back"])
    ui.cover(Pager(f"{session.name} is shared", footer, lines, commands, lambda: ui.cover(None)))


def show_shares(ui: TerminalUI, session: Session) -> None:
    """Show the shares of the console."""
    if roles.shares_of(ui, session) is not None:
        ui.run(_show_shares(ui, session))


async def _show_shares(ui: TerminalUI, session: Session) -> None:
    shares = roles.shares_of(ui, session)
    if shares is None:
        return
    known = await shares.of(session.console.id)

    def rows() -> Sequence[Choice]:
        now = ui.services.now()
        return [Choice(each.id, _name(each), _about(each, now)) for each in known]

    def revoke(key: str) -> None:
        found = next((each for each in known if each.id == key), None)
        if found is not None:
            question = f"Revoke {found.id}? Whom it let in is sent away."
            ui.ask(Confirm(question, lambda: ui.run(_revoke(ui, session, found))))

    if ui.session is session:
        ui.cover(
            Choices(
                lambda: f"Shares of {session.name}",
                "x revoke · s make another · q back",
                rows,
                {"x": revoke, "s": lambda key: share(ui, session)},
                lambda: ui.cover(None),
                "nothing is shared; s shares it",
            )
        )


async def _revoke(ui: TerminalUI, session: Session, found: Share) -> None:
    shares = roles.shares_of(ui, session)
    if shares is not None:
        await shares.revoke(session.console.id, found.id, ui.user)
        await _show_shares(ui, session)


def _name(share: Share) -> str:
    who = "link" if share.is_link else told(share.label)
    return f"{who} · {share.role}"


def _about(share: Share, now: float) -> str:
    words = [f"{duration_text(max(0.0, share.expires - now))} left"]
    if share.uses_left is not None:
        words.append(f"{counted(share.uses_left, 'use')} left")
    if share.has_passphrase:
        words.append("pass-phrase")
    return " · ".join([*words, share.id])
