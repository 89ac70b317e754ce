"""The terminal UI of one person: keys in, pictures out, one console at a time.

Joins the parts: the session shows a console's panes, the bindings find commands among the keys, the
display paints when the terminal has taken the last picture.  Knows no socket; a gateway calls it and
gives it a :class:`~.interface.Transport`.

Invariant: after :meth:`TerminalUI._finish` nothing is written and no timer runs.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import TermhubError
from termhub.gateways.tui import commands, picking
from termhub.gateways.tui.bindings import PREFIXES, Action, Bindings, Command, Unbound, key_name
from termhub.gateways.tui.borders import draw_borders
from termhub.gateways.tui.canvas import Canvas, CanvasCursor
from termhub.gateways.tui.copying import Copying
from termhub.gateways.tui.display import Display
from termhub.gateways.tui.encode import focus_bytes, key_bytes, paste_bytes
from termhub.gateways.tui.events import Event, Focus, Key, Mouse, Paste, Report
from termhub.gateways.tui.interface import Services, Start, Transport
from termhub.gateways.tui.keys import KeyReader
from termhub.gateways.tui.overlay import Overlay
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.pointing import Pointing
from termhub.gateways.tui.prompts import Prompt
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.settings import TerminalSettings
from termhub.gateways.tui.status import Status, draw_status, tab_at
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.text import clean
from termhub.gateways.tui.tree import Rect
from termhub.hub.clock import DelayedCall
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.sizes import checked_size
from termhub.hub.viewers import CLOSE_NO_CONSOLE, CLOSE_RESTART, Role
from termhub.screen.drawing import Drawing
from termhub.store import User

ESCAPE_SECONDS = 0.05
"""After so long an ESC is the Escape key and no longer the beginning of another one."""

MESSAGE_SECONDS = 4.0
EARLY_BYTES = 64 * 1024
"""What may be typed before there is a console."""

CLOSE_DETACHED = 4001
"""Another viewer has sent this one away."""

_log = Logger()


class TerminalUI:
    """One person at one terminal.

    :param terminal: what it can do.
    :param cols: its width in cells, ``rows`` its height.
    :param start: what to show first.
    """

    def __init__(
        self,
        services: Services,
        user: User,
        terminal: Terminal,
        cols: int,
        rows: int,
        transport: Transport,
        start: Start,
    ) -> None:
        self.services = services
        self.user = user
        self.settings = TerminalSettings()
        self.stored: dict[str, Any] = {}
        self.bindings = Bindings()
        self.session: Session | None = None
        self.copying: Copying | None = None
        self.to_copy: str | None = None
        self._start = start
        self._terminal = terminal
        self._transport = transport
        self._reader = KeyReader(terminal.utf8)
        self.display = Display(
            terminal, cols, rows, transport, services.clock, self._compose, self._picture_left
        )
        self._pointing: Pointing | None = None
        self._overlay: Overlay | None = None
        self._prompt: Prompt | None = None
        self._message = ""
        self._timers: dict[str, DelayedCall] = {}
        self._early: bytearray | None = bytearray()
        self._detaches_others = start.detach_others
        self._paste_goes_to: Pane | None = None
        self._is_over = False

    # -- what a gateway calls ------------------------------------------------------

    def begin(self) -> None:
        """Show the first picture."""
        if self._terminal.dumb:
            self._is_over = True
            name = clean(self._terminal.term) or "unknown"
            self._transport.finish(
                1,
                f"A terminal of the kind {name!r} cannot show consoles. Set TERM, or use commands that need "
                "no screen: ls, logs NAME, screen NAME.",
            )
            return
        self.display.begin()
        self.display.stale()
        self.run(self._begin())

    def receive(self, data: bytes) -> None:
        """What the person's terminal sent, in any pieces."""
        if self._is_over:
            return
        if self._early is not None:
            self._early += data
            if len(self._early) > EARLY_BYTES:
                self._transport.pause_input()
            return
        self._cancel("escape")
        self._handle(self._reader.feed(data))
        if self._reader.is_waiting and not self._is_over:
            self._later("escape", ESCAPE_SECONDS, self._flush_keys)

    def resized(self, cols: int, rows: int) -> None:
        """The terminal has another size."""
        if not self._is_over:
            self.display.resize(max(1, cols), max(1, rows))
            self.arrange()

    def drained(self) -> None:
        """Everything written has left for the terminal."""
        if not self._is_over:
            self.display.drained()

    def lost(self, reason: str) -> None:
        """The terminal is gone."""
        if not self._is_over:
            self._leave(reason)
            self.display.stop()

    # -- beginning and end ---------------------------------------------------------

    async def _begin(self) -> None:
        try:
            self.stored = await self.services.store.settings(self.user.number)
        except TermhubError as error:
            self.say(error.message)
        self.settings = TerminalSettings.of(self.stored)
        self.bindings.use(self.settings.preset)
        console = self._start.console
        try:
            if console is None and not self._start.picker:
                console = await self._console_to_begin_with()
        except TermhubError as error:
            self.say(error.message)
        if self._is_over:
            return
        if console is not None:
            self.show_console(console)
        if console is None or self._start.picker:
            picking.pick_console(self)
        self._tick()
        early, self._early = bytes(self._early or b""), None
        if len(early) > EARLY_BYTES:
            self._transport.resume_input()
        if early:
            self.receive(early)

    async def _console_to_begin_with(self) -> Console:
        """The one used last, or a new one."""
        living = [console for console in self.services.consoles.of(self.user) if not console.has_ended]
        if living:
            return max(living, key=lambda console: console.last_activity)
        return await self.services.consoles.create(self.user, self.new_console())

    def new_console(self) -> NewConsole:
        """A console that fits this terminal."""
        area = self.area
        size = checked_size(min(1000, max(2, area.cols)), min(500, max(1, area.rows)))
        return NewConsole(cols=size.cols, rows=size.rows)

    def finish(self, words: str, status: int = 0) -> None:
        """Give the terminal back.

        :param words: what is left on its normal screen.
        """
        if not self._is_over:
            self._leave("detached")
            self.display.end()
            self._transport.finish(status, words)

    def _leave(self, reason: str) -> None:
        self._is_over = True
        for name in list(self._timers):
            self._cancel(name)
        self._drop_session(reason)

    def _drop_session(self, reason: str) -> None:
        session, self.session, self.copying, self._pointing = self.session, None, None, None
        self._paste_goes_to = None
        if session is not None:
            if session.is_greeted and not session.has_ended:
                self.services.memory.keep_layout(self.user.number, session.console.id, session.layout)
            session.detach(reason)

    # -- what is shown -------------------------------------------------------------

    @property
    def area(self) -> Rect:
        """The part of the screen for panes."""
        canvas = self.display.canvas
        return Rect(0, 0, canvas.cols, canvas.rows - 1 if self._has_status else canvas.rows)

    @property
    def _has_status(self) -> bool:
        return self.settings.status and self.display.canvas.rows > 1

    def show_console(self, console: Console) -> None:
        """Show a console instead of what is shown."""
        self._drop_session("another console")
        self.overlay(None)
        layout = self.services.memory.layout(self.user.number, console.id)
        role: Role = "observer" if self._start.read_only else "owner"
        session = Session(console, self.user.number, role, layout, self)
        self.session = session
        self.copying = Copying(session, self)
        self._pointing = Pointing(session, self.copying, self)
        self.display.stale()
        session.attach(self.area)

    def overlay(self, overlay: Overlay | None) -> None:
        """Lay a screen over the panes; None: take it away."""
        self._overlay = overlay
        self._cancel("refresh")
        self.display.stale()

    def refresh_every(self, seconds: float, call: Any) -> None:
        """Call something again and again while the present overlay is shown."""

        def refresh() -> None:
            call()
            self.display.stale()
            self._later("refresh", seconds, refresh)

        self._later("refresh", seconds, refresh)

    def ask(self, prompt: Prompt) -> None:
        """Ask in place of the status line."""
        self._prompt = prompt
        self.display.stale()

    def say(self, words: str) -> None:
        """Tell the person something, in place of the status line for a moment."""
        if self._is_over:
            return
        self._message = clean(words)
        self._later("message", MESSAGE_SECONDS, self._unsay)
        self.display.stale()

    def _unsay(self) -> None:
        self._message = ""
        self.display.stale()

    def arrange(self) -> None:
        """Sizes or settings have changed."""
        if self.session is not None:
            self.session.set_area(self.area)
        self.display.stale()

    def change_settings(self, settings: TerminalSettings) -> None:
        """Take other settings, and keep them."""
        self.settings = settings
        self.bindings.use(settings.preset)
        self.stored = settings.stored_in(self.stored)
        self.arrange()
        self.run(self.services.store.set_settings(self.user.number, self.stored))

    def run(self, steps: Coroutine[Any, Any, Any]) -> None:
        """Do something in steps; what goes wrong is told."""
        Deferred.fromCoroutine(steps).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, TermhubError):
            self.say(failure.value.message)
        else:
            _log.failure("The terminal UI failed", failure)
            self.say("Something went wrong here; the log says what.")

    # -- keys ----------------------------------------------------------------------

    def _flush_keys(self) -> None:
        self._handle(self._reader.flush())

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if self._is_over:
                return
            if isinstance(event, Key):
                self._key(event)
            elif isinstance(event, Paste):
                self._paste(event)
            elif isinstance(event, Mouse):
                self._mouse(event)
            elif isinstance(event, Focus):
                self._focus(event)
            elif isinstance(event, Report):
                self.display.report(event)

    def _key(self, key: Key) -> None:
        if self._prompt is not None:
            prompt = self._prompt
            if prompt.key(key_name(key), key.text) and self._prompt is prompt:
                self._prompt = None
            self.display.stale()
            return
        awaited = self.bindings.awaits
        for typed in self.bindings.feed(key, self.services.clock.seconds()):
            if isinstance(typed, Action):
                commands.run(self, typed)
            elif isinstance(typed, Unbound):
                self.say(
                    f"{PREFIXES[self.settings.preset]} {typed.key} is no command; "
                    f"{PREFIXES[self.settings.preset]} ? shows them."
                )
            else:
                self._plain_key(typed)
        if awaited or self.bindings.awaits:
            self.display.stale()

    def _plain_key(self, key: Key) -> None:
        """A key that is no command."""
        if self._overlay is not None:
            self._overlay.key(key_name(key), key.text)
            self.display.stale()
            return
        session = self.session
        if session is None:
            return
        if session.has_ended:
            commands.ended_key(self, key_name(key))
            return
        pane = session.focused
        if pane is None:
            return
        if pane.history is not None and self.copying is not None:
            self.copying.key(pane, pane.history, key_name(key))
        elif pane.notice:
            commands.exited_key(self, pane, key_name(key))
        else:
            self.type(pane, key_bytes(key, pane.modes))

    def type(self, pane: Pane, data: bytes) -> None:
        """Input for a pane's program."""
        session = self.session
        if session is None or not data or session.has_ended:
            return
        if session.role == "observer":
            self.say("You look at this console read-only; typing does nothing.")
            return
        session.type(pane.window, data)

    def _paste(self, paste: Paste) -> None:
        if self._prompt is not None or self._overlay is not None:
            text = paste.data.decode(errors="replace")
            (self._prompt or self._overlay).paste(text)  # type: ignore[union-attr]
            self.display.stale()
            return
        if paste.begins:
            self._paste_goes_to = self.session.focused if self.session is not None else None
        pane = self._paste_goes_to
        if paste.ends:
            self._paste_goes_to = None
        self.bindings.pasted()
        if pane is not None and pane.history is None and not pane.notice:
            self.type(pane, paste_bytes(paste, pane.modes))

    def _mouse(self, event: Mouse) -> None:
        canvas = self.display.canvas
        if self._overlay is not None:
            if event.kind == "wheel":
                self._overlay.wheel(-3 if event.button == 4 else 3)
            elif event.kind == "press" and event.button == 1:
                self._overlay.click(event.x, event.y)
            self.display.stale()
        elif self.session is None or self._prompt is not None:
            return
        elif self._has_status and event.y == canvas.rows - 1 and event.kind == "press":
            window = tab_at(self.session.tabs, self.session.name, event.x)
            if window is not None:
                self.session.select(window)
        elif self._pointing is not None:
            self._pointing.mouse(event)

    def _focus(self, event: Focus) -> None:
        session = self.session
        pane = session.focused if session is not None else None
        if pane is not None and session is not None and session.role != "observer":
            self.type(pane, focus_bytes(event, pane.modes))

    # -- what the session tells ----------------------------------------------------

    def drawn(self, pane: Pane, drawing: Drawing, suffices: bool) -> None:
        """A pane has changed."""
        bare = self._overlay is None and (self._has_status or not (self._message or self._prompt))
        if suffices and bare and not self.display.is_stale:
            pane.draw_changes(self.display.canvas, drawing)
            self._place_cursor(self.display.canvas)
            self._tell_modes()
            self.display.changed()
        else:
            self.display.stale()

    def changed(self) -> None:
        """Something that shows has changed."""
        if not self._is_over:
            self.display.stale()

    def greeted(self) -> None:
        """The console is there."""
        if self._detaches_others and self.session is not None:
            self._detaches_others = False
            self.session.ask("detach_others")

    def rang(self) -> None:
        """A program rang."""
        self.display.ring()

    def wants_copied(self, text: str) -> None:
        """A program wants to put a text into the clipboard."""
        copying = self.settings.copying
        if copying == "always":
            self.copied(text)
        elif copying == "ask":
            self.to_copy = text
            keys = commands.keys_of(self.settings.preset, Command.ALLOW_COPY)
            if keys:
                self.say(f"A program wants to copy {len(text)} characters; {keys} lets it.")

    def copied(self, text: str) -> None:
        """A text was copied: keep it, and give it to the person's device."""
        if not text:
            return
        self.services.memory.keep_copied(self.user.number, text)
        where = "" if self.display.set_clipboard(text) else "; this terminal's clipboard cannot be reached"
        keys = commands.keys_of(self.settings.preset, Command.PASTE)
        how = f"; {keys} types it" if keys else ""
        self.say(f"Copied {len(text)} characters{how}{where}.")

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the attachment."""
        session = self.session
        name = session.name if session is not None else ""
        if code == CLOSE_RESTART:
            self.finish(f"[{name}: the hub restarts; the console goes on]", 1)
        elif code == CLOSE_DETACHED:
            self.finish(f"[detached from {name} by another viewer]")
        else:
            self._drop_session(reason)
            picking.pick_console(self)
            missing = code == CLOSE_NO_CONSOLE
            self.say(f"{name} was removed." if missing else f"{name}: {clean(reason)}.")

    def pause_input(self) -> None:
        """Programs do not take their input."""
        if not self._is_over:
            self._transport.pause_input()

    def resume_input(self) -> None:
        """They take it again."""
        if not self._is_over:
            self._transport.resume_input()

    # -- pictures ------------------------------------------------------------------

    def _picture_left(self) -> None:
        if self.session is not None:
            self.session.give_credit()

    def _compose(self, canvas: Canvas) -> None:
        area = self.area
        cursor = None
        if self._overlay is not None:
            cursor = self._overlay.draw(canvas, area)
        elif self.session is not None:
            self._draw_session(canvas, self.session, area)
        y = canvas.rows - 1
        if self._prompt is not None:
            cursor = self._prompt.draw(canvas, y)
        elif self._has_status or self._message:
            draw_status(canvas, y, self._status())
        if cursor is not None:
            canvas.cursor = CanvasCursor(*cursor)
        elif self._overlay is None:
            self._place_cursor(canvas)
        self._tell_modes()

    def _draw_session(self, canvas: Canvas, session: Session, area: Rect) -> None:
        for pane in session.panes.values():
            pane.draw(canvas)
        node = session.layout.fitting(area)
        if node is not None and len(session.panes) > 1:
            draw_borders(canvas, node, area, session.layout.focus)
        if session.has_ended:
            commands.draw_ended(canvas, session, area)

    def _place_cursor(self, canvas: Canvas) -> None:
        pane = self.session.focused if self.session is not None else None
        if self._prompt is not None or self.session is None or self.session.has_ended or pane is None:
            return
        x, y, visible = pane.cursor_on_screen
        shape = pane.cursor
        if pane.history is not None:
            canvas.cursor = CanvasCursor(x, y, visible)
        else:
            canvas.cursor = CanvasCursor(x, y, visible and not pane.notice, shape.shape, shape.blinking)

    def _tell_modes(self) -> None:
        """The terminal's mouse and title, by what is shown."""
        mouse = self.settings.mouse
        if self._overlay is None and self._pointing is not None:
            self.display.set_mouse(self._pointing.tracking(mouse))
        else:
            self.display.set_mouse("button" if mouse else "off")
        session = self.session
        if session is not None:
            window = session.windows.get(session.layout.focus if session.layout.focus is not None else -1)
            title = window.title or window.program if window is not None else ""
            self.display.set_title(f"{title} · {session.name}" if title else session.name)

    def _status(self) -> Status:
        session = self.session
        clock = time.strftime("%H:%M", time.localtime(self.services.now()))
        if session is None:
            return Status("termhub", clock=clock, message=self._message)
        notes = []
        if self.bindings.awaits:
            notes.append(f"{PREFIXES[self.settings.preset]} …")
        if session.role == "observer":
            notes.append("read-only")
        pane = session.focused
        if pane is not None and pane.size is not None and pane.size != pane.place[2:]:
            notes.append(f"{pane.size[0]}x{pane.size[1]}")
        if session.policy != "latest":
            notes.append(session.policy)
        if session.viewers > 1:
            notes.append(f"{session.viewers} viewers")
        warning = "" if session.state == "running" else session.state
        return Status(session.name, session.tabs, notes, warning, clock, self._message)

    # -- timers --------------------------------------------------------------------

    def _tick(self) -> None:
        """The clock shows minutes."""
        self._later("clock", 60 - self.services.now() % 60, self._tick)
        self.display.stale()

    def _later(self, name: str, seconds: float, call: Any) -> None:
        self._cancel(name)

        def due() -> None:
            del self._timers[name]
            call()

        self._timers[name] = self.services.clock.callLater(seconds, due)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


__all__ = ["Services", "Start", "TerminalUI", "Transport"]
