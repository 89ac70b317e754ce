"""What the commands do.

Invariant: every :class:`~.bindings.Command` has a function here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import attrs

from termhub.gateways.tui import drafting, picking, roles, together
from termhub.gateways.tui.bindings import PREFIXES, TABLES, Action, Command, Preset
from termhub.gateways.tui.encode import paste_bytes
from termhub.gateways.tui.events import Paste
from termhub.gateways.tui.overlay import Help
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.settings import SettingsScreen
from termhub.gateways.tui.window_commands import WINDOW_COMMANDS, InConsole
from termhub.hub.sizes import POLICIES

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

READ_ONLY = roles.READ_ONLY


def run(ui: TerminalUI, action: Action) -> None:
    """Do what was asked for."""
    session = ui.session
    plain = _EVERYWHERE.get(action.command)
    if plain is not None:
        plain(ui)
        return
    if session is None:
        ui.say("There is no console here; choose one first.")
        return
    if action.command in _CHANGES and session.role == "observer":
        ui.say(READ_ONLY)
    elif action.command in _OWNERS and session.role != "owner":
        ui.say(roles.OWNERS_ONLY)
    elif action.command in _CHANGES and session.has_ended:
        ui.say(f"{session.name} has ended.")
    else:
        ui.cover(None)
        if action.command in _GOES_ELSEWHERE and ui.shown is not None:
            ui.shown.following.stop()
        _IN_CONSOLE[action.command](ui, session, action)


def keys_of(preset: Preset, command: Command) -> str:
    """How a command is typed, for a message; empty where it has no key."""
    keys = TABLES[preset].get(command)
    if not keys:
        return ""
    return PREFIXES[preset] + ("" if preset == "none" else " ") + keys[0]


# -- everywhere ------------------------------------------------------------------------


def _detach(ui: TerminalUI) -> None:
    name = ui.session.name if ui.session is not None else ""
    ui.finish(f"[detached from {name}]" if name else "[left]")


def _help(ui: TerminalUI) -> None:
    lines = []
    if ui.services.link():
        lines.append(f"In a browser: {ui.services.link()}")
    lines.append("On the list of people: f follow, g give control, p d promote and demote, x remove,")
    lines.append("m who may type, s share, l shares. In the status line * is who typed last.")
    lines.append("Shift with the mouse selects as if this were not here.")
    ui.cover(Help(ui.settings.preset, lines, lambda: ui.cover(None)))


def _settings(ui: TerminalUI) -> None:
    ui.cover(SettingsScreen(ui.settings, ui.change_settings, lambda: ui.cover(None)))


def _hide_status(ui: TerminalUI) -> None:
    ui.change_settings(attrs.evolve(ui.settings, status=not ui.settings.status))


def _redraw(ui: TerminalUI) -> None:
    ui.display.redraw()
    if ui.session is not None:
        ui.session.redraw()


_EVERYWHERE: Mapping[Command, Callable[[TerminalUI], None]] = {
    Command.DETACH: _detach,
    Command.HELP: _help,
    Command.SETTINGS: _settings,
    Command.HIDE_STATUS: _hide_status,
    Command.REDRAW: _redraw,
    Command.PICK_CONSOLE: picking.pick_console,
}

# -- in a console ----------------------------------------------------------------------


def _detach_others(ui: TerminalUI, session: Session, action: Action) -> None:
    session.ask("detach_others", lambda reply: ui.say("The other viewers were sent away."))


def _rename_console(ui: TerminalUI, session: Session, action: Action) -> None:
    picking.rename_console(ui, session.console)


def _kill_console(ui: TerminalUI, session: Session, action: Action) -> None:
    picking.end_console(ui, session.console)


def _policy(ui: TerminalUI, session: Session, action: Action) -> None:
    # A size of its own, "manual", is for the browser to choose.
    choices = [policy for policy in POLICIES if policy != "manual"]
    place = choices.index(session.policy) if session.policy in choices else -1
    session.ask("policy", policy=choices[(place + 1) % len(choices)])


def _people(ui: TerminalUI, session: Session, action: Action) -> None:
    together.show_people(ui, session)


def _chat(ui: TerminalUI, session: Session, action: Action) -> None:
    together.show_chat(ui, session)


def _follow(ui: TerminalUI, session: Session, action: Action) -> None:
    together.choose_whom_to_follow(ui, session)


def _control(ui: TerminalUI, session: Session, action: Action) -> None:
    together.change_control(ui, session)


def _drafts(ui: TerminalUI, session: Session, action: Action) -> None:
    drafting.show_drafts(ui, session)


def _answer(ui: TerminalUI, session: Session, action: Action) -> None:
    together.answer(ui, session)


def _copy_mode(ui: TerminalUI, session: Session, action: Action) -> None:
    if session.focused is not None and ui.shown is not None:
        ui.shown.copying.enter(session.focused)


def _page_back(ui: TerminalUI, session: Session, action: Action) -> None:
    if session.focused is not None and ui.shown is not None:
        ui.shown.copying.page_back(session.focused)


def _paste(ui: TerminalUI, session: Session, action: Action) -> None:
    pane, text = session.focused, ui.clipboard.text
    if not text:
        ui.say("Nothing was copied yet.")
    elif pane is not None and pane.history is None and not pane.notice:
        # As a terminal does it: the end of a line is the key Enter, and nothing ends the paste early.
        data = text.replace("\x1b", "").replace("\n", "\r").encode(errors="replace")
        ui.type(pane.window, paste_bytes(Paste(data, begins=True, ends=True), pane.modes))


def _allow_copy(ui: TerminalUI, session: Session, action: Action) -> None:
    ui.clipboard.allow()


_IN_CONSOLE: Mapping[Command, InConsole] = {
    **WINDOW_COMMANDS,
    Command.DETACH_OTHERS: _detach_others,
    Command.RENAME_CONSOLE: _rename_console,
    Command.KILL_CONSOLE: _kill_console,
    Command.POLICY: _policy,
    Command.PEOPLE: _people,
    Command.CHAT: _chat,
    Command.FOLLOW: _follow,
    Command.CONTROL: _control,
    Command.DRAFTS: _drafts,
    Command.ANSWER: _answer,
    Command.COPY_MODE: _copy_mode,
    Command.PAGE_BACK: _page_back,
    Command.PASTE: _paste,
    Command.ALLOW_COPY: _allow_copy,
}

_CHANGES = frozenset(
    {
        Command.DETACH_OTHERS,
        Command.RENAME_CONSOLE,
        Command.KILL_CONSOLE,
        Command.POLICY,
        Command.NEW_WINDOW,
        Command.KILL_WINDOW,
        Command.KILL_PANE,
        Command.SPLIT_DOWN,
        Command.SPLIT_RIGHT,
        Command.PASTE,
        Command.CONTROL,
    }
)

_OWNERS = frozenset({Command.DETACH_OTHERS, Command.RENAME_CONSOLE, Command.KILL_CONSOLE, Command.ANSWER})
"""What only owners of a console may do."""

_GOES_ELSEWHERE = frozenset(
    {
        Command.NEW_WINDOW,
        Command.NEXT_WINDOW,
        Command.PREVIOUS_WINDOW,
        Command.LAST_WINDOW,
        Command.SELECT_WINDOW,
        Command.PICK_WINDOW,
        Command.SPLIT_DOWN,
        Command.SPLIT_RIGHT,
        Command.NEXT_PANE,
        Command.FOCUS_LEFT,
        Command.FOCUS_RIGHT,
        Command.FOCUS_UP,
        Command.FOCUS_DOWN,
        Command.COPY_MODE,
    }
)
"""What takes a person where whoever they follow is not."""

# -- what has ended --------------------------------------------------------------------


def ended_key(ui: TerminalUI, session: Session, name: str) -> None:
    """A key typed to a console that has ended."""
    if name == "n":
        console = session.console
        new = attrs.evolve(ui.new_console(), program=console.program, image=console.image)
        picking.make_console(ui, new)
    elif name in ("s", "Enter", "Escape"):
        picking.pick_console(ui)
    elif name in ("q", "d", "C-d", "C-c"):
        ui.finish(f"[{session.name} has ended: {session.reason}]")


def exited_key(ui: TerminalUI, session: Session, pane: Pane, name: str) -> None:
    """A key typed to a window whose program has exited."""
    if session.role == "observer":
        ui.say(READ_ONLY)
    elif name == "Enter":
        session.restart(pane.window)
    elif name in ("q", "C-d"):
        session.close_windows([pane.window])
