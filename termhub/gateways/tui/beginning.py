"""How somebody's terminal UI begins: with settings, and the console to show first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from termhub.errors import TermhubError
from termhub.gateways.tui import picking
from termhub.gateways.tui.settings import TerminalSettings
from termhub.hub.console import Console

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI


async def begin(ui: TerminalUI, console: Console | None) -> None:
    """Show a console; where there is none, the list of them.

    :param console: None for the one used last, or a new one when there is none.
    """
    # What is typed meanwhile waits.
    ui.input.hold(None)
    try:
        if not ui.user.is_guest:
            ui.stored = await ui.services.store.settings(ui.user.number)
        ui.settings = TerminalSettings.of(ui.stored)
        ui.bindings.use(ui.settings.preset)
        if console is None:
            console = await _console_to_begin_with(ui)
        if console is not None and not ui.is_over:
            ui.show_console(console)
    except TermhubError as error:
        ui.say(error.message)
    finally:
        if not ui.is_over:
            if ui.session is None:
                picking.pick_console(ui)
            ui.tick()
            ui.input.release()


async def _console_to_begin_with(ui: TerminalUI) -> Console | None:
    """The one used last, or a new one; for guests the one shared with them."""
    directory = ui.services.consoles
    own = directory.shared(ui.user) if ui.user.is_guest else directory.of(ui.user)
    living = [console for console in own if not console.has_ended]
    if living:
        return max(living, key=lambda console: console.last_activity)
    if ui.user.is_guest:
        return None
    return await ui.services.consoles.create(ui.user, ui.new_console())
