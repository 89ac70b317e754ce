"""What a person types and does with the mouse, on its way to whoever it is for.

A prompt takes keys first, then the commands, then what lies over the panes, then copy mode, then the
program of the focused pane.

Reading from the terminal stops while there is a reason to, such as programs that take no input.

Invariant: what is for the program reaches it whole and in order, a paste the pane it began in; of
much input at once as much is taken in one turn as leaves others theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from termhub.gateways.tui import commands
from termhub.gateways.tui.bindings import PREFIXES, Action, Command, Unbound, key_name
from termhub.gateways.tui.encode import focus_bytes, key_bytes, paste_bytes
from termhub.gateways.tui.events import Event, Focus, Key, Mouse, Paste, Report
from termhub.gateways.tui.interface import Transport
from termhub.gateways.tui.keys import KeyReader
from termhub.gateways.tui.mouse import WHEEL_LINES
from termhub.gateways.tui.pointing import WHEEL_UP
from termhub.screen import Modes

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

ESCAPE_SECONDS = 0.05
"""After so long an ESC is the Escape key and no longer the beginning of another one."""


HELD_BYTES = 4096
"""How much is typed ahead of what it is meant for, before reading stops."""

HELD_SECONDS = 5.0
"""For so long it is waited for."""

PIECE_BYTES = 256
TURN_SECONDS = 0.003
"""After so long the rest of what was typed waits until others have had their turn."""


class Input:
    """Reads one person's terminal.

    :param utf8: it sends UTF-8.
    :param source: what can be told to read no more for a while.
    """

    def __init__(self, ui: TerminalUI, utf8: bool, source: Transport) -> None:
        self._ui = ui
        self._source = source
        self._pauses: set[str] = set()
        self._reader = KeyReader(utf8)
        self._paste_window: int | None = None
        self._unread = b""
        self._is_reading = False
        self._waiting: deque[Event] = deque()
        self._waiting_bytes = 0
        self._is_held = False
        self._typed = bytearray()
        self._typed_window = 0

    def receive(self, data: bytes) -> None:
        """Bytes of the terminal, in any pieces."""
        if self._is_held:
            self._waiting_bytes += len(data)
            if self._waiting_bytes > HELD_BYTES:
                self.pause("held")
        self._unread += data
        self._read()

    def _read(self) -> None:
        """Take what has come; what takes long goes on in the next turn."""
        if self._is_reading:
            return
        self._is_reading = True
        try:
            self._read_until(self._ui.services.clock.seconds() + TURN_SECONDS)
        finally:
            self._is_reading = False
        ui = self._ui
        if ui.is_over:
            return
        if self._unread or (self._waiting and not self._is_held):
            self.pause("reading")
            ui.timers.later("reading", 0, self._read)
            return
        ui.timers.cancel("reading")
        if self._reader.is_waiting:
            ui.timers.later("escape", ESCAPE_SECONDS, self._flush)
        # Last, because it may bring more.
        self.resume("reading")

    def _read_until(self, end: float) -> None:
        ui = self._ui
        ui.timers.cancel("escape")
        while not ui.is_over:
            if self._waiting and not self._is_held:
                self._handle(self._waiting.popleft())
            elif self._unread:
                piece, self._unread = self._unread[:PIECE_BYTES], self._unread[PIECE_BYTES:]
                self._sort(self._reader.feed(piece))
            else:
                break
            if ui.services.clock.seconds() >= end:
                break
        self._send_typed()

    def hold(self, seconds: float | None = HELD_SECONDS) -> None:
        """Keep what is typed: it is meant for what is not there yet.

        :param seconds: for how long at most; None: until :meth:`release`.
        """
        self._is_held = True
        if seconds is not None:
            self._ui.timers.later("held", seconds, self.release)

    def release(self) -> None:
        """Go on with what was typed meanwhile."""
        self._ui.timers.cancel("held")
        self._is_held = False
        self._waiting_bytes = 0
        self._read()
        if not self._is_held:
            self.resume("held")

    def pause(self, reason: str) -> None:
        """Read no more of what is typed, until every reason is gone."""
        if not self._ui.is_over:
            self._pauses.add(reason)
            self._source.pause_input()

    def resume(self, reason: str) -> None:
        """A reason to read no more is gone."""
        if reason in self._pauses and not self._ui.is_over:
            self._pauses.remove(reason)
            if not self._pauses:
                self._source.resume_input()

    def _flush(self) -> None:
        self._sort(self._reader.flush())
        self._read()

    def _sort(self, events: list[Event]) -> None:
        """Answers of the terminal are for now; everything else waits for its turn."""
        for event in events:
            if isinstance(event, Report):
                self._ui.display.report(event)
            else:
                self._waiting.append(event)

    def _handle(self, event: Event) -> None:
        if isinstance(event, Key):
            self._key(event)
        elif isinstance(event, Paste):
            self._paste(event)
        elif isinstance(event, Mouse):
            self._send_typed()
            self._mouse(event)
        elif isinstance(event, Focus):
            self._focus(event)

    def _type(self, window: int, data: bytes) -> None:
        """Input for a program; that of many keys and pieces in a row is sent together."""
        if window != self._typed_window:
            self._send_typed()
        self._typed_window = window
        self._typed += data

    def _send_typed(self) -> None:
        if self._typed:
            data = bytes(self._typed)
            self._typed.clear()
            self._ui.type(self._typed_window, data)

    # -- keys ----------------------------------------------------------------------

    def _key(self, key: Key) -> None:
        ui = self._ui
        ui.say("")
        prompt = ui.prompt
        if prompt is not None:
            self._send_typed()
            # Its answer may bring the next prompt.
            ui.prompt = None
            if not prompt.key(key_name(key), key.text):
                ui.prompt = prompt
            ui.display.stale()
            return
        awaited = ui.bindings.awaits
        for typed in ui.bindings.feed(key, ui.services.clock.seconds()):
            if isinstance(typed, Action):
                self._send_typed()
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
        if pane is not None and pane.history is not None and ui.shown is not None:
            ui.shown.copying.key(pane, pane.history, name)
        elif session is not None and session.has_ended:
            commands.ended_key(ui, session, name)
        elif session is not None and not session.is_greeted:
            # Its host is not reached yet; the hub keeps what is typed until then.
            ui.bindings.passed_on(key)
            self._type(session.layout.focus or 0, key_bytes(key, Modes()))
        elif session is None or pane is None:
            return
        elif pane.notice:
            commands.exited_key(ui, session, pane, name)
        else:
            ui.bindings.passed_on(key)
            self._type(pane.window, key_bytes(key, pane.modes))

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
        ui.bindings.passed_on(None)
        if pane is not None and pane.history is None and not pane.notice:
            self._type(pane.window, paste_bytes(paste, pane.modes))

    def _mouse(self, event: Mouse) -> None:
        ui, session = self._ui, self._ui.session
        if ui.covering is not None:
            if event.kind == "wheel":
                ui.covering.wheel(-WHEEL_LINES if event.button == WHEEL_UP else WHEEL_LINES)
            elif event.kind == "press" and event.button == 1:
                ui.covering.click(event.x, event.y)
            ui.display.stale()
        elif session is None or ui.prompt is not None or ui.shown is None:
            return
        elif ui.has_status and event.kind == "press" and event.y == ui.display.canvas.rows - 1:
            for columns, window in ui.tab_places:
                if event.x in columns:
                    ui.shown.following.stop()
                    session.select(window)
        else:
            ui.shown.pointing.mouse(event)

    def _focus(self, event: Focus) -> None:
        session = self._ui.session
        pane = session.focused if session is not None else None
        if pane is not None and session is not None and session.company.may_type:
            self._type(pane.window, focus_bytes(event, pane.modes))
