"""One console on a person's screen: its session, and what the person does with it that is theirs alone.

Hears what the session tells, and passes it on to whatever shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from termhub.gateways.limit_words import limit_notice
from termhub.gateways.tui import commands, picking, picture
from termhub.gateways.tui.bindings import Command
from termhub.gateways.tui.company import Ask
from termhub.gateways.tui.copying import Copying
from termhub.gateways.tui.following import Following
from termhub.gateways.tui.notices import Notices
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.pointers import Pointer
from termhub.gateways.tui.pointing import Pointing
from termhub.gateways.tui.prompts import Prompt
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.session_owner import NoticeKind
from termhub.gateways.tui.telling import Telling
from termhub.gateways.tui.text import clean
from termhub.hub.console import Console
from termhub.hub.viewers import CLOSE_DETACHED, CLOSE_NO_CONSOLE, CLOSE_RESTART
from termhub.screen.drawing import Drawing
from termhub.store import Role

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

NARROW_COLS = 40
"""In a status line of fewer columns there is no room for anything in passing."""


class Shown:
    """A console as one person has it on the screen.

    :param role: what the person may do in it.
    :param detaches_others: send the others away once it is there.
    """

    def __init__(self, ui: TerminalUI, console: Console, role: Role, detaches_others: bool) -> None:
        self._ui = ui
        self._detaches_others = detaches_others
        layout = ui.services.memory.layout(ui.user.number, console.id)
        is_own = console.owner == ui.user.number
        owner_name = "" if is_own else ui.services.consoles.owner_name(console)
        self.session = Session(console, ui.user, role, layout, self, ui.is_read_only, owner_name)
        self.copying = Copying(self.session, self)
        self.pointing = Pointing(self.session, self.copying, self)
        self.following = Following(self.session, self.copying, self)
        self.telling = Telling(self.session, ui.timers)
        self.notices = Notices(self.session, lambda: ui.settings, self, ui.timers, ui.services.clock)

    @property
    def _is_over(self) -> bool:
        return self._ui.shown is not self or self._ui.is_over

    def leave(self, reason: str) -> None:
        """Show it no longer."""
        ui, session = self._ui, self.session
        for name in ("look", "silence"):
            ui.timers.cancel(name)
        ui.asks.forget()
        if session.is_greeted and not session.has_ended:
            ui.services.memory.keep_layout(ui.user.number, session.console.id, session.layout)
        session.detach(reason)

    # -- what the person does --------------------------------------------------------

    def type(self, window: int, data: bytes) -> None:
        """Input for a window's program."""
        self._ui.type(window, data)

    def ask(self, prompt: Prompt) -> None:
        """Show a prompt."""
        self._ui.ask(prompt)

    def copied(self, text: str) -> None:
        """The person has copied a text."""
        self._ui.copied(text)

    def scrolled(self) -> None:
        """The person has moved the view."""
        self.following.stop()

    # -- what the session tells ------------------------------------------------------

    def drawn(self, pane: Pane, drawing: Drawing, suffices: bool) -> None:
        """A pane has changed."""
        ui = self._ui
        self.copying.drawn(pane)
        self.notices.output(pane.window)
        bare = ui.covering is None and (ui.has_status or not (ui.messages.words or ui.prompt))
        if suffices and bare and not ui.display.is_stale:
            pane.draw_changes(ui.display.canvas, drawing)
            picture.place_cursor(ui, ui.display.canvas)
            picture.tell_modes(ui)
            ui.display.changed()
        else:
            ui.display.stale()

    def changed(self) -> None:
        """Something that shows has changed."""
        self._ui.changed()

    def greeted(self) -> None:
        """The console is there."""
        if self._detaches_others:
            self._detaches_others = False
            self.session.ask("detach_others")

    def rang(self) -> None:
        """A program rang."""
        self._ui.display.ring()

    def wants_copied(self, text: str) -> None:
        """A program wants to put a text into the clipboard."""
        self._ui.clipboard.wanted(text)

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the attachment."""
        ui, name = self._ui, self.session.name
        if code == CLOSE_RESTART:
            ui.finish(f"[{name}: the hub restarts; the console goes on]", 1)
        elif code == CLOSE_DETACHED:
            ui.finish(f"[detached from {name} by another viewer]")
        else:
            words = f"{name} was removed." if code == CLOSE_NO_CONSOLE else f"{name}: {clean(reason)}."
            ui.leave_console(reason)
            if ui.user.is_guest and not ui.services.consoles.shared(ui.user):
                ui.finish(f"[{words}]", 1)
                return
            picking.pick_console(ui)
            ui.say(words)

    def pause_input(self) -> None:
        """Programs do not take their input."""
        self._ui.input.pause("programs")

    def resume_input(self) -> None:
        """They take it again."""
        self._ui.input.resume("programs")

    def opening(self, is_so: bool) -> None:
        """A window is being opened for the person: what is typed meanwhile is meant for it."""
        if is_so:
            self._ui.input.hold()
        else:
            self._ui.input.release()

    # -- and of the others -------------------------------------------------------------

    def say(self, words: str) -> None:
        """Tell the person something."""
        self._ui.say(words)

    def hint(self, words: str) -> None:
        """Tell the person something in passing; where there is no room for it, nothing."""
        if self._ui.has_status and not self._is_over:
            self.notify(words)

    def notify(self, words: str) -> None:
        """Tell the person something that they asked to be told."""
        ui = self._ui
        if ui.has_status and ui.display.canvas.cols >= NARROW_COLS:
            ui.messages.hint(words)
        else:
            ui.say(words)

    def noticed(self, kind: NoticeKind, window: int, event: Mapping[str, Any]) -> None:
        """Something happened in a window that the person may want to be told of."""
        notices = self.notices
        if kind == "bell":
            notices.bell(window)
        elif kind == "activity":
            notices.activity(window)
        elif kind == "output":
            notices.output(window)
        else:
            notices.prompt(window, str(event.get("mark")), event.get("seconds"), event.get("exit"))

    def refused(self) -> None:
        """What was typed was not taken: somebody else has control."""
        company = self.session.company
        if company.role == "observer":
            self.say(commands.READ_ONLY)
        else:
            keys = commands.keys_of(self._ui.settings.preset, Command.CONTROL)
            self.say(company.control.refusal(keys))

    def limit_told(self, event: Mapping[str, Any]) -> None:
        """The console comes near to a limit, has met it, or is well below again."""
        words = clean(limit_notice(event, self._ui.services.now()))
        if words:
            self.say(words)
        self.changed()

    def asked(self, ask: Ask) -> None:
        """A program in the console wants to share it."""
        ui = self._ui
        # A question in place of the line would take a key that was meant for a program as its answer.
        if ui.asks.add(ask):
            keys = commands.keys_of(ui.settings.preset, Command.ANSWER)
            ui.say(f"A program here wants to {ask.words}; {keys} answers.")

    def answered(self, ask: str) -> None:
        """Somebody has answered what a program asked, or it is too late."""
        self._ui.asks.answered(ask)

    def pointed(self, pointer: Pointer) -> None:
        """One of the others looks elsewhere."""
        self.session.place_pointers()
        self.following.pointed(pointer)

    def people_changed(self) -> None:
        """Somebody came or left, or typed."""
        self.session.place_pointers()
        self.following.people_changed()
        self.telling.tell()
        if self._ui.shows_people:
            self.changed()
