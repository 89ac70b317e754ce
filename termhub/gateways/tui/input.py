"""What a person types and does with the mouse, on its way to whoever it is for.

A prompt takes keys first, then the commands, then what lies over the panes, then copy mode, then the
program of the focused pane.

Invariant: what is for the program reaches it whole and in order, a paste the pane it began in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from termhub.gateways.tui import commands
from termhub.gateways.tui.bindings import PREFIXES, Action, Command, Unbound, key_name
from termhub.gateways.tui.encode import focus_bytes, key_bytes, paste_bytes
from termhub.gateways.tui.events import Event, Focus, Key, Mouse, Paste, Report
from termhub.gateways.tui.keys import KeyReader
from termhub.gateways.tui.mouse import WHEEL_LINES
from termhub.gateways.tui.pointing import WHEEL_UP
from termhub.gateways.tui.status import tab_at
from termhub.screen import Modes

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

ESCAPE_SECONDS = 0.05
"""After so long an ESC is the Escape key and no longer the beginning of another one."""


HELD_BYTES = 64 * 1024
"""How much is typed ahead of what it is meant for, before reading stops."""

HELD_SECONDS = 5.0
"""For so long it is waited for."""


class Input:
    """Reads one person's terminal.

    :param utf8: it sends UTF-8.
    """

    def __init__(self, ui: TerminalUI, utf8: bool) -> None:
        self._ui = ui
        self._reader = KeyReader(utf8)
        self._paste_window: int | None = None
        self._waiting: deque[Event] = deque()
        self._waiting_bytes = 0
        self._is_held = False

    def receive(self, data: bytes) -> None:
        """Bytes of the terminal, in any pieces."""
        self._ui.cancel("escape")
        if self._is_held:
            self._waiting_bytes += len(data)
            if self._waiting_bytes > HELD_BYTES:
                self._ui.pause("held")
        self._take(self._reader.feed(data))
        if self._reader.is_waiting and not self._ui.is_over:
            self._ui.later("escape", ESCAPE_SECONDS, self._flush)

    def hold(self, seconds: float | None = HELD_SECONDS) -> None:
        """Keep what is typed: it is meant for what is not there yet.

        :param seconds: for how long at most; None: until :meth:`release`.
        """
        self._is_held = True
        if seconds is not None:
            self._ui.later("held", seconds, self.release)

    def release(self) -> None:
        """Go on with what was typed meanwhile."""
        self._ui.cancel("held")
        self._is_held = False
        self._waiting_bytes = 0
        self._go_on()
        if not self._is_held:
            self._ui.resume("held")

    def _flush(self) -> None:
        self._take(self._reader.flush())

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Report):
                self._ui.display.report(event)
            else:
                self._waiting.append(event)
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self._is_held and not self._ui.is_over:
            event = self._waiting.popleft()
            if isinstance(event, Key):
                self._key(event)
            elif isinstance(event, Paste):
                self._paste(event)
            elif isinstance(event, Mouse):
                self._mouse(event)
            elif isinstance(event, Focus):
                self._focus(event)

    # -- keys ----------------------------------------------------------------------

    def _key(self, key: Key) -> None:
        ui = self._ui
        ui.say("")
        prompt = ui.prompt
        if prompt is not None:
            # Its answer may bring the next prompt.
            ui.prompt = None
            if not prompt.key(key_name(key), key.text):
                ui.prompt = prompt
            ui.display.stale()
            return
        awaited = ui.bindings.awaits
        for typed in ui.bindings.feed(key, ui.services.clock.seconds()):
            if isinstance(typed, Action):
                commands.run(ui, typed)
            elif isinstance(typed, Unbound):
                self._unbound(typed)
            else:
                self._plain(typed)
        if awaited or ui.bindings.awaits:
            ui.display.stale()

    def _unbound(self, unbound: Unbound) -> None:
        preset = self._ui.settings.preset
        shows = commands.keys_of(preset, Command.HELP)
        self._ui.say(f"{PREFIXES[preset]} {unbound.key} is no command; {shows} shows which are.")

    def _plain(self, key: Key) -> None:
        """A key that is no command."""
        ui, session = self._ui, self._ui.session
        name = key_name(key)
        if ui.covering is not None:
            ui.covering.key(name, key.text)
            ui.display.stale()
            return
        pane = session.focused if session is not None else None
        if pane is not None and pane.history is not None and ui.copying is not None:
            ui.copying.key(pane, pane.history, name)
        elif session is not None and session.has_ended:
            commands.ended_key(ui, session, name)
        elif session is not None and not session.is_greeted:
            # Its host is not reached yet; the hub keeps what is typed until then.
            ui.type(session.layout.focus or 0, key_bytes(key, Modes()))
        elif session is None or pane is None:
            return
        elif pane.notice:
            commands.exited_key(ui, session, pane, name)
        else:
            ui.type(pane.window, key_bytes(key, pane.modes))

    # -- everything else -----------------------------------------------------------

    def _paste(self, paste: Paste) -> None:
        ui = self._ui
        takes: Callable[[str], None] | None = None
        if ui.prompt is not None:
            takes = ui.prompt.paste
        elif ui.covering is not None:
            takes = ui.covering.paste
        if takes is not None:
            takes(paste.data.decode(errors="replace"))
            ui.display.stale()
            return
        session = ui.session
        if paste.begins:
            self._paste_window = session.layout.focus if session is not None else None
        pane = session.panes.get(self._paste_window) if session and self._paste_window is not None else None
        if paste.ends:
            self._paste_window = None
        ui.bindings.pasted()
        if pane is not None and pane.history is None and not pane.notice:
            ui.type(pane.window, paste_bytes(paste, pane.modes))

    def _mouse(self, event: Mouse) -> None:
        ui, session = self._ui, self._ui.session
        if ui.covering is not None:
            if event.kind == "wheel":
                ui.covering.wheel(-WHEEL_LINES if event.button == WHEEL_UP else WHEEL_LINES)
            elif event.kind == "press" and event.button == 1:
                ui.covering.click(event.x, event.y)
            ui.display.stale()
        elif session is None or ui.prompt is not None or ui.pointing is None:
            return
        elif ui.has_status and event.kind == "press" and event.y == ui.display.canvas.rows - 1:
            window = tab_at(session.tabs, session.name, event.x)
            if window is not None:
                session.select(window)
        else:
            ui.pointing.mouse(event)

    def _focus(self, event: Focus) -> None:
        session = self._ui.session
        pane = session.focused if session is not None else None
        if pane is not None and session is not None and session.role != "observer":
            self._ui.type(pane.window, focus_bytes(event, pane.modes))
