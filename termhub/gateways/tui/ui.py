"""The terminal UI of one person: keys in, pictures out, one console at a time.

Joins the parts: the session shows a console's panes, the bindings find commands among the keys, the
display paints when the terminal has taken the last picture.  Knows no socket; a gateway calls it and
gives it a :class:`~.interface.Transport`.

Invariant: after :meth:`TerminalUI._finish` nothing is written and no timer runs.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import TermhubError
from termhub.gateways.tui import beginning, picking, picture
from termhub.gateways.tui.bindings import Bindings
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.clipboard import Clipboard
from termhub.gateways.tui.copying import Copying
from termhub.gateways.tui.display import Display
from termhub.gateways.tui.input import Input
from termhub.gateways.tui.interface import Services, Start, Transport
from termhub.gateways.tui.messages import Messages
from termhub.gateways.tui.overlay import Overlay
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.pointing import Pointing
from termhub.gateways.tui.prompts import Prompt
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.settings import TerminalSettings
from termhub.gateways.tui.status import TabPlace
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.text import clean
from termhub.gateways.tui.timers import Timers
from termhub.gateways.tui.tree import Rect
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.viewers import CLOSE_DETACHED, CLOSE_NO_CONSOLE, CLOSE_RESTART
from termhub.screen import clamp_size
from termhub.screen.drawing import Drawing
from termhub.store import Role, User

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
        self.clipboard = Clipboard(self)
        self._start = start
        self._terminal = terminal
        self._transport = transport
        self._input = Input(self, terminal.utf8, transport)
        self.display = Display(
            terminal,
            cols,
            rows,
            transport,
            services.clock,
            services.turns,
            self._compose,
            self._picture_left,
        )
        self.pointing: Pointing | None = None
        self.covering: Overlay | None = None
        self.prompt: Prompt | None = None
        self.previews = picking.Previews()
        self.tab_places: list[TabPlace] = []
        self.timers = Timers(services.clock)
        self.messages = Messages(self.timers, self.display.stale)
        self._detaches_others = start.detach_others
        self.is_over = False

    # -- what a gateway calls ------------------------------------------------------

    def begin(self) -> None:
        """Show the first picture."""
        if self._terminal.dumb:
            self.is_over = True
            name = clean(self._terminal.term) or "unknown"
            self._transport.finish(
                1,
                f"A terminal of the kind {name!r} cannot show consoles. Set TERM, or use commands that need "
                "no screen: ls, logs NAME, screen NAME.",
            )
            return
        self.display.begin()
        self.display.stale()
        self.run(beginning.begin(self, self._start.console, self._input))

    def receive(self, data: bytes) -> None:
        """What the person's terminal sent, in any pieces."""
        if not self.is_over:
            self._input.receive(data)
            self.display.hurry()

    def resized(self, cols: int, rows: int) -> None:
        """The terminal has another size."""
        if not self.is_over:
            self.display.resize(max(1, cols), max(1, rows))
            self.arrange()

    def signal(self, name: str) -> None:
        """Send a signal, such as ``SIGTERM``, to the foreground programs of the pane with the focus."""
        session = self.session
        pane = session.focused if session is not None else None
        if session is not None and pane is not None:
            session.ask("signal", window=pane.window, signal=name)

    def drained(self) -> None:
        """Everything written has left for the terminal."""
        if not self.is_over:
            self.display.drained()

    def lost(self, reason: str) -> None:
        """The terminal is gone."""
        if not self.is_over:
            self._leave(reason)
            self.display.stop()

    # -- beginning and end ---------------------------------------------------------

    def new_console(self) -> NewConsole:
        """A console that fits this terminal."""
        cols, rows = clamp_size(self.area.cols, self.area.rows)
        return NewConsole(cols=cols, rows=rows)

    def finish(self, words: str, status: int = 0) -> None:
        """Give the terminal back.

        :param words: what is left on its normal screen.
        """
        if not self.is_over:
            self._leave("detached")
            self.display.end()
            self._transport.finish(status, words)

    def _leave(self, reason: str) -> None:
        self.is_over = True
        self.timers.stop()
        self._drop_session(reason)

    def _drop_session(self, reason: str) -> None:
        session, self.session, self.copying, self.pointing = self.session, None, None, None
        if session is not None:
            if session.is_greeted and not session.has_ended:
                self.services.memory.keep_layout(self.user.number, session.console.id, session.layout)
            session.detach(reason)

    # -- what is shown -------------------------------------------------------------

    @property
    def area(self) -> Rect:
        """The part of the screen for panes."""
        canvas = self.display.canvas
        return Rect(0, 0, canvas.cols, canvas.rows - 1 if self.has_status else canvas.rows)

    @property
    def has_status(self) -> bool:
        """Whether the last row is the status line."""
        return self.settings.status and self.display.canvas.rows > 1

    def show_console(self, console: Console) -> None:
        """Show a console instead of what is shown."""
        self._drop_session("another console")
        self.cover(None)
        layout = self.services.memory.layout(self.user.number, console.id)
        role: Role = "observer" if self._start.read_only else "owner"
        session = Session(console, self.user.number, role, layout, self)
        self.session = session
        self.copying = Copying(session, self)
        self.pointing = Pointing(session, self.copying, self)
        self.display.stale()
        session.attach(self.area)

    def cover(self, overlay: Overlay | None) -> None:
        """Lay a screen over the panes; None: take it away."""
        self.covering = overlay
        self.timers.cancel("refresh")
        self.display.stale()

    def refresh_every(self, seconds: float, call: Callable[[], None]) -> None:
        """Call something again and again while the present overlay is shown."""

        def refresh() -> None:
            call()
            self.display.stale()
            self.timers.later("refresh", seconds, refresh)

        self.timers.later("refresh", seconds, refresh)

    def ask(self, prompt: Prompt) -> None:
        """Ask in place of the status line."""
        self.prompt = prompt
        self.display.stale()

    def say(self, words: str) -> None:
        """Tell the person something, in place of the status line until the next key; nothing: no more."""
        if not self.is_over:
            self.messages.say(words)

    def hint(self, words: str) -> None:
        """Tell the person something in passing, within the status line."""
        if not self.is_over:
            self.messages.hint(words)

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

    def type(self, window: int, data: bytes) -> None:
        """Input for a window's program."""
        session = self.session
        if session is None or not data or session.has_ended:
            return
        if session.role == "observer":
            self.say("You look at this console read-only; typing does nothing.")
            return
        session.type(window, data)

    # -- what the session tells ----------------------------------------------------

    def drawn(self, pane: Pane, drawing: Drawing, suffices: bool) -> None:
        """A pane has changed."""
        if self.copying is not None:
            self.copying.drawn(pane)
        bare = self.covering is None and (self.has_status or not (self.messages.words or self.prompt))
        if suffices and bare and not self.display.is_stale:
            pane.draw_changes(self.display.canvas, drawing)
            picture.place_cursor(self, self.display.canvas)
            picture.tell_modes(self)
            self.display.changed()
        else:
            self.display.stale()

    def changed(self) -> None:
        """Something that shows has changed."""
        if not self.is_over:
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
        self.clipboard.wanted(text)

    def copied(self, text: str) -> None:
        """The person has copied a text."""
        self.clipboard.copied(text)

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
        self._input.pause("programs")

    def resume_input(self) -> None:
        """They take it again."""
        self._input.resume("programs")

    def opening(self, is_so: bool) -> None:
        """A window is being opened for the person: what is typed meanwhile is meant for it."""
        if is_so:
            self._input.hold()
        else:
            self._input.release()

    def _picture_left(self) -> None:
        if self.session is not None:
            self.session.give_credit()

    def _compose(self, canvas: Canvas) -> None:
        picture.compose(self, canvas)

    # -- timers --------------------------------------------------------------------

    def tick(self) -> None:
        """The clock shows minutes."""
        self.timers.later("clock", 60 - self.services.now() % 60, self.tick)
        self.display.stale()
