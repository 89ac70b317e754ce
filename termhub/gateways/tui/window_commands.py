"""Commands for windows and panes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from termhub.gateways.tui import picking, tree
from termhub.gateways.tui.bindings import Action, Command
from termhub.gateways.tui.prompts import Confirm, TextPrompt
from termhub.gateways.tui.session import Session

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

InConsole = Callable[["TerminalUI", Session, Action], None]
"""What a command does in a console."""


def _open(session: Session, side_by_side: bool | None = None) -> None:
    """A new window with a shell: by itself, or beside the focused pane.

    :param side_by_side: None for a window by itself.
    """
    layout, area = session.layout, session.area
    beside = layout.focus

    def opened(reply: dict[str, Any]) -> None:
        if not session.was_refused(reply):
            show(int(reply["window"]))
        session.owner.opening(False)

    def show(number: int) -> None:
        session.opened(number)
        if side_by_side is not None and beside in session.windows and beside != number:
            layout.select(beside)
            layout.split(number, side_by_side)
        else:
            layout.select(number)
        session.arrange()

    rows, cols = max(tree.LEAST_ROWS, area.rows), max(tree.LEAST_COLS, area.cols)
    session.owner.opening(True)
    session.request("open", opened, cols=cols, rows=rows)


def _new_window(ui: TerminalUI, session: Session, action: Action) -> None:
    _open(session)


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
            _open(session, side_by_side)
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


WINDOW_COMMANDS: Mapping[Command, InConsole] = {
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
}
