"""What the commands do.

Invariant: every :class:`~.bindings.Command` has a function here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import attrs

from termhub.gateways.tui import picking, tree
from termhub.gateways.tui.bindings import PREFIXES, TABLES, Action, Command, Preset
from termhub.gateways.tui.encode import paste_bytes
from termhub.gateways.tui.events import Paste
from termhub.gateways.tui.overlay import Help
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.prompts import Confirm, TextPrompt
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.settings import SettingsScreen
from termhub.hub.sizes import POLICIES

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

READ_ONLY = "You look at this console read-only."


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
    elif action.command in _CHANGES and session.has_ended:
        ui.say(f"{session.name} has ended.")
    else:
        ui.cover(None)
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


def _new_window(ui: TerminalUI, session: Session, action: Action) -> None:
    session.open_window()


def _next_window(ui: TerminalUI, session: Session, action: Action) -> None:
    _select(ui, session, session.layout.step(1))


def _previous_window(ui: TerminalUI, session: Session, action: Action) -> None:
    _select(ui, session, session.layout.step(-1))


def _last_window(ui: TerminalUI, session: Session, action: Action) -> None:
    _select(ui, session, session.layout.before)


def _select(ui: TerminalUI, session: Session, window: int | None) -> None:
    if window is None:
        ui.say("There is no other window.")
    else:
        session.select(window)


def _select_window(ui: TerminalUI, session: Session, action: Action) -> None:
    session.select(int(action.argument))


def _pick_window(ui: TerminalUI, session: Session, action: Action) -> None:
    picking.pick_window(ui, session)


def _rename_window(ui: TerminalUI, session: Session, action: Action) -> None:
    focus = session.layout.focus
    if focus is None:
        return

    def answered(text: str) -> None:
        if text.strip():
            session.layout.labels[focus] = text.strip()
        else:
            session.layout.labels.pop(focus, None)
        ui.changed()

    label = session.layout.labels.get(focus) or session.windows[focus].program
    ui.ask(TextPrompt("name of this window:", label, answered))


def _kill_window(ui: TerminalUI, session: Session, action: Action) -> None:
    focus = session.layout.focus
    group = session.layout.group_of(focus) if focus is not None else None
    if group is not None:
        _close(ui, session, tree.windows(group))


def _kill_pane(ui: TerminalUI, session: Session, action: Action) -> None:
    if session.layout.focus is not None:
        _close(ui, session, [session.layout.focus])


def _close(ui: TerminalUI, session: Session, windows: list[int]) -> None:
    def agreed() -> None:
        session.close_windows(windows)

    if set(windows) >= set(session.windows):
        ui.ask(Confirm(f"Close the last window? {session.name} ends with it.", agreed))
        return
    labels = session.layout.labels
    names = ", ".join(
        f"{number}:{labels.get(number) or session.windows[number].program}" for number in windows
    )
    ui.ask(Confirm(f"Close {names}?", agreed))


def _split(side_by_side: bool) -> Callable[[TerminalUI, Session, Action], None]:
    def split(ui: TerminalUI, session: Session, action: Action) -> None:
        if session.layout.is_zoomed:
            session.layout.zoom()
        if session.layout.can_split(session.area, side_by_side):
            session.open_window(side_by_side)
        else:
            ui.say("There is no room for another pane.")

    return split


def _next_pane(ui: TerminalUI, session: Session, action: Action) -> None:
    session.layout.focus_next()
    session.arrange()


def _focus(direction: tree.Direction) -> Callable[[TerminalUI, Session, Action], None]:
    def focus(ui: TerminalUI, session: Session, action: Action) -> None:
        session.layout.focus_towards(direction, session.area)
        session.arrange()

    return focus


def _grow(direction: tree.Direction) -> Callable[[TerminalUI, Session, Action], None]:
    def grow(ui: TerminalUI, session: Session, action: Action) -> None:
        session.layout.grow(direction, 1 if action.argument.startswith("C-") else 5, session.area)
        session.arrange()

    return grow


def _zoom(ui: TerminalUI, session: Session, action: Action) -> None:
    session.layout.zoom()
    session.arrange()


def _break_out(ui: TerminalUI, session: Session, action: Action) -> None:
    if session.layout.break_out():
        session.arrange()
    else:
        ui.say("This pane is a window of its own already.")


def _copy_mode(ui: TerminalUI, session: Session, action: Action) -> None:
    if session.focused is not None and ui.copying is not None:
        ui.copying.enter(session.focused)


def _page_back(ui: TerminalUI, session: Session, action: Action) -> None:
    if session.focused is not None and ui.copying is not None:
        ui.copying.page_back(session.focused)


def _paste(ui: TerminalUI, session: Session, action: Action) -> None:
    pane, text = session.focused, ui.services.memory.copied(ui.user.number)
    if not text:
        ui.say("Nothing was copied yet.")
    elif pane is not None and pane.history is None and not pane.notice:
        # As a terminal does it: the end of a line is the key Enter, and nothing ends the paste early.
        data = text.replace("\x1b", "").replace("\n", "\r").encode(errors="replace")
        ui.type(pane.window, paste_bytes(Paste(data, begins=True, ends=True), pane.modes))


def _allow_copy(ui: TerminalUI, session: Session, action: Action) -> None:
    text, ui.to_copy = ui.to_copy, None
    if text is None:
        ui.say("No program wants to copy anything.")
    else:
        ui.copied(text)


_IN_CONSOLE: Mapping[Command, Callable[[TerminalUI, Session, Action], None]] = {
    Command.DETACH_OTHERS: _detach_others,
    Command.RENAME_CONSOLE: _rename_console,
    Command.KILL_CONSOLE: _kill_console,
    Command.POLICY: _policy,
    Command.NEW_WINDOW: _new_window,
    Command.NEXT_WINDOW: _next_window,
    Command.PREVIOUS_WINDOW: _previous_window,
    Command.LAST_WINDOW: _last_window,
    Command.SELECT_WINDOW: _select_window,
    Command.PICK_WINDOW: _pick_window,
    Command.RENAME_WINDOW: _rename_window,
    Command.KILL_WINDOW: _kill_window,
    Command.KILL_PANE: _kill_pane,
    Command.SPLIT_DOWN: _split(False),
    Command.SPLIT_RIGHT: _split(True),
    Command.NEXT_PANE: _next_pane,
    Command.FOCUS_LEFT: _focus("left"),
    Command.FOCUS_RIGHT: _focus("right"),
    Command.FOCUS_UP: _focus("up"),
    Command.FOCUS_DOWN: _focus("down"),
    Command.GROW_LEFT: _grow("left"),
    Command.GROW_RIGHT: _grow("right"),
    Command.GROW_UP: _grow("up"),
    Command.GROW_DOWN: _grow("down"),
    Command.ZOOM: _zoom,
    Command.BREAK_OUT: _break_out,
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
    }
)

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
