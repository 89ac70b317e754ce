"""The drafts at a console: the list of them, and what is done with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from termhub.gateways.tui.choices import Choice, Choices
from termhub.gateways.tui.drafts import Draft
from termhub.gateways.tui.pager import Pager
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.text import counted

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI


def show_drafts(ui: TerminalUI, session: Session) -> None:
    """Show the drafts on offer."""
    drafts = session.company.drafts

    def rows() -> list[Choice]:
        return [
            Choice(draft.id, draft.title, f"{draft.name} · {counted(len(draft.text.splitlines()), 'line')}")
            for draft in drafts.offered
        ]

    def on(do: Callable[[TerminalUI, Session, Draft], None]) -> Callable[[str], None]:
        def chosen(key: str) -> None:
            draft = drafts.get(key)
            if draft is not None:
                do(ui, session, draft)

        return chosen

    ui.cover(
        Choices(
            lambda: f"Drafts at {session.name}",
            "Enter shows · r run · w withdraw · o offer what was copied last · q back",
            rows,
            {
                "Enter": on(_view),
                "r": on(_run),
                "w": on(_withdraw),
                "o": lambda key: _offer(ui, session),
            },
            lambda: ui.cover(None),
            "no drafts; o offers what was copied last",
        )
    )


def _view(ui: TerminalUI, session: Session, draft: Draft) -> None:
    ui.cover(
        Pager(
            f"A draft of {draft.name}",
            "r run · w withdraw · q back",
            draft.lines,
            {
                "r": lambda: _run(ui, session, draft),
                "w": lambda: _withdraw(ui, session, draft),
            },
            lambda: show_drafts(ui, session),
            wraps=False,
        )
    )


def _run(ui: TerminalUI, session: Session, draft: Draft) -> None:
    """Have it typed into the window with the focus."""
    window = session.layout.focus
    if window is not None:
        ui.cover(None)
        session.ask("run_draft", draft=draft.id, window=window)


def _withdraw(ui: TerminalUI, session: Session, draft: Draft) -> None:
    session.ask("withdraw", lambda reply: show_drafts(ui, session), draft=draft.id)


def _offer(ui: TerminalUI, session: Session) -> None:
    """Offer what was copied last."""
    text = ui.clipboard.text
    if not text.strip():
        ui.say("Nothing was copied yet.")
    else:
        session.ask("offer", lambda reply: ui.say("Offered what was copied last."), text=text)
