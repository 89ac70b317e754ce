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
from termhub.gateways.tui import beginning, commands, picking, picture
from termhub.gateways.tui.asks import Asks
from termhub.gateways.tui.bindings import Bindings
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.chat_panel import ChatPanel
from termhub.gateways.tui.clipboard import Clipboard
from termhub.gateways.tui.display import Display
from termhub.gateways.tui.input import Input
from termhub.gateways.tui.interface import Services, Start, Transport
from termhub.gateways.tui.messages import Messages
from termhub.gateways.tui.overlay import Overlay
from termhub.gateways.tui.prompts import Prompt
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.settings import TerminalSettings
from termhub.gateways.tui.shown import Shown
from termhub.gateways.tui.status import TabPlace
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.text import clean
from termhub.gateways.tui.timers import Timers
from termhub.gateways.tui.tree import Rect
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.screen import clamp_size
from termhub.store import User

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
        self.shown: Shown | None = None
        self.clipboard = Clipboard(self)
        self._start = start
        self._terminal = terminal
        self._transport = transport
        self.input = Input(self, terminal.utf8, transport)
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
        self.covering: Overlay | None = None
        self.shows_people = False
        self.prompt: Prompt | None = None
        self.previews = picking.Previews()
        self.tab_places: list[TabPlace] = []
        self.timers = Timers(services.clock)
        self.messages = Messages(self.timers, self.display.stale)
        self.asks = Asks(self.timers, self.changed)
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
        self.run(beginning.begin(self, self._start.console))

    def receive(self, data: bytes) -> None:
        """What the person's terminal sent, in any pieces."""
        if not self.is_over:
            self.input.receive(data)
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
        self.leave_console(reason)

    def leave_console(self, reason: str) -> None:
        """Show no console."""
        shown, self.shown = self.shown, None
        if shown is not None:
            shown.leave(reason)

    # -- what is shown -------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        """What is shown of a console, if one is."""
        return self.shown.session if self.shown is not None else None

    @property
    def is_read_only(self) -> bool:
        """Whether the person has come only to look."""
        return self._start.read_only

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
        self.leave_console("another console")
        self.cover(None)
        role = self.services.consoles.role_of(self.user, console)
        if role is None:
            picking.pick_console(self)
            self.say(f"{clean(console.name)} is no longer shared with you.")
            return
        detaches_others, self._detaches_others = self._detaches_others, False
        self.shown = Shown(self, console, role, detaches_others)
        self.display.stale()
        self.shown.session.attach(self.area)

    def cover(self, overlay: Overlay | None, shows_people: bool = False) -> None:
        """Lay a screen over the panes; None: take it away.

        :param shows_people: who comes and goes changes it.
        """
        self.covering, self.shows_people = overlay, shows_people
        if self.session is not None:
            self.session.company.chat.shown(isinstance(overlay, ChatPanel))
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

    def arrange(self) -> None:
        """Sizes or settings have changed."""
        if self.session is not None:
            self.session.set_area(self.area)
        self.display.stale()

    def change_settings(self, settings: TerminalSettings) -> None:
        """Take other settings, and keep them for who has an account."""
        self.settings = settings
        self.bindings.use(settings.preset)
        self.stored = settings.stored_in(self.stored)
        self.arrange()
        if not self.user.is_guest:
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
            self.say(f"{commands.READ_ONLY[:-1]}; typing does nothing.")
            return
        session.type(window, data)

    # -- what is shown tells -------------------------------------------------------

    def changed(self) -> None:
        """Something that shows has changed."""
        if not self.is_over:
            self.display.stale()

    def copied(self, text: str) -> None:
        """The person has copied a text."""
        self.clipboard.copied(text)

    def _picture_left(self) -> None:
        shown = self.shown
        if shown is not None:
            shown.session.give_credit()
            shown.telling.tell()

    def _compose(self, canvas: Canvas) -> None:
        picture.compose(self, canvas)

    # -- timers --------------------------------------------------------------------

    def tick(self) -> None:
        """The clock shows minutes."""
        self.timers.later("clock", 60 - self.services.now() % 60, self.tick)
        self.display.stale()
