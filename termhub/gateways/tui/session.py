"""One console on the screen: its windows in panes, as its hub tells of them.

Between the stream client, which speaks with the hub, and the UI, which paints and reads keys.  Keeps
the views it has asked for in step with the panes there are.

Invariant: every pane on the screen has been asked for as a view of its size, and nothing else has.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.logger import Logger

from sandbox.guest.frames import CONSOLE
from termhub.gateways.tui import tree
from termhub.gateways.tui.client import Answered, StreamClient
from termhub.gateways.tui.encode import focus_bytes
from termhub.gateways.tui.events import Focus
from termhub.gateways.tui.layout import Layout
from termhub.gateways.tui.looks import Look, Looks
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.status import Tab
from termhub.gateways.tui.text import clean
from termhub.gateways.tui.tree import Rect
from termhub.gateways.tui.window_state import SHELLS, WindowState, tabs_of
from termhub.hub.console import Console
from termhub.hub.viewers import Role
from termhub.screen.drawing import Drawing

_log = Logger()


class SessionOwner(Protocol):
    """The UI, as a session sees it."""

    def drawn(self, pane: Pane, drawing: Drawing, suffices: bool) -> None:
        """A pane has changed; ``suffices``: nothing but what the drawing says."""

    def changed(self) -> None:
        """Something else that shows has changed."""

    def say(self, words: str) -> None:
        """Tell the person something."""

    def rang(self) -> None:
        """A program rang the bell."""

    def wants_copied(self, text: str) -> None:
        """A program on the screen wants to put a text into the clipboard."""

    def greeted(self) -> None:
        """The console is there."""

    def opening(self, is_so: bool) -> None:
        """A window is being opened for the person, or no longer."""

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the attachment."""

    def pause_input(self) -> None:
        """Programs do not take their input."""

    def resume_input(self) -> None:
        """They take input again."""


class Session:
    """An attachment to a console and its picture.

    :param user: the number of the user.
    :param layout: how the windows are arranged; changed by this.
    """

    def __init__(self, console: Console, user: int, role: Role, layout: Layout, owner: SessionOwner) -> None:
        self.console = console
        self.role = role
        self.layout = layout
        self.name = console.name
        self.state = console.state
        self.reason = ""
        self.viewers = 1
        self.policy = str(console.policy)
        self.windows: dict[int, WindowState] = {}
        self.panes: dict[int, Pane] = {}
        self.area = Rect(0, 0, 80, 24)
        self.is_greeted = False
        self._has_keyboard: int | None = None
        self._owner = owner
        self._client = StreamClient(console, user, role, self)
        self._looks = Looks(self._ask_view, self._ask_unview)
        self._resized: set[int] = set()

    def attach(self, area: Rect) -> None:
        """Begin to show it.

        :param area: the part of the screen for panes.
        """
        self.area = area
        self._client.attach()

    def detach(self, reason: str) -> None:
        """Show it no longer."""
        self._client.detach(reason)

    @property
    def has_ended(self) -> bool:
        """Whether its sandbox is gone."""
        return self.state == "ended"

    @property
    def focused(self) -> Pane | None:
        """The pane that keys go to."""
        return None if self.layout.focus is None else self.panes.get(self.layout.focus)

    @property
    def title(self) -> str:
        """What the focused window calls itself."""
        window = self.windows.get(self.layout.focus) if self.layout.focus is not None else None
        return window.title or window.program if window is not None else ""

    @property
    def tabs(self) -> list[Tab]:
        """The windows for the status line."""
        return tabs_of(self.windows, self.layout, self.panes)

    # -- panes ---------------------------------------------------------------------

    def set_area(self, area: Rect) -> None:
        """There is another part of the screen for panes."""
        self.area = area
        self.arrange()

    def arrange(self) -> None:
        """Bring panes and views in step with the layout."""
        places = self.layout.places(self.area) if self.is_greeted else {}
        for number in [number for number in self.panes if number not in places]:
            del self.panes[number]
            if number in self.windows:
                self._looks.leave(number)
        for number, place in places.items():
            pane = self.panes.get(number)
            if pane is None:
                pane = self.panes[number] = Pane(number, place)
                self._note_exit(number)
                self._view(pane)
            elif pane.place != place:
                has_size = pane.place[2:] == place[2:]
                pane.place = place
                if not has_size:
                    if pane.history is not None:
                        pane.history.resized(place.cols, place.rows)
                    self._view(pane)
            state = self.windows[number]
            state.has_activity = state.has_bell = False
        self._move_keyboard()
        self._owner.changed()

    def _move_keyboard(self) -> None:
        """Programs that asked for it hear when the focus goes, and when it comes."""
        before, self._has_keyboard = self._has_keyboard, self.layout.focus
        if before == self._has_keyboard or self.role == "observer":
            return
        for window, has_it in ((before, False), (self._has_keyboard, True)):
            state = self.windows.get(window) if window is not None else None
            if window is not None and state is not None and state.exit is None:
                data = focus_bytes(Focus(has_it), state.modes)
                if data:
                    self._client.type(window, data)

    def _view(self, pane: Pane) -> None:
        self._resized.add(pane.window)
        self.look(pane)

    def look(self, pane: Pane, answered: Answered | None = None) -> None:
        """Ask for a pane's picture, of the present or as far back as its copy mode is."""
        back = pane.history.back if pane.history is not None else 0
        self._looks.want(pane.window, Look(pane.place.cols, pane.place.rows, back), answered)

    def _ask_view(self, window: int, look: Look, answered: Answered) -> None:
        self._client.request("view", answered, window=window, **look._asdict())
        if window in self._resized:
            self._resized.discard(window)
            cols, rows = max(tree.LEAST_COLS, look.cols), max(tree.LEAST_ROWS, look.rows)
            self._client.resize(window, cols, rows)

    def _ask_unview(self, window: int, answered: Answered) -> None:
        self._client.request("unview", answered, window=window)

    def redraw(self) -> None:
        """Ask for every picture anew."""
        for pane in list(self.panes.values()):
            self.look(pane)

    def give_credit(self) -> None:
        """What was drawn is on its way to the terminal: ask for what changed since."""
        # The hub may tell of windows that come and go out of these calls.
        for pane in list(self.panes.values()):
            if pane.is_ready_due and pane.view is not None and self.panes.get(pane.window) is pane:
                pane.is_ready_due = False
                self._client.ready(pane.window, pane.view)

    def _note_exit(self, number: int) -> None:
        pane, state = self.panes.get(number), self.windows[number]
        if pane is None:
            return
        pane.notice = state.notice if not self.has_ended else ""

    # -- what a person does --------------------------------------------------------

    def type(self, window: int, data: bytes) -> None:
        """Input for a window's program."""
        self._client.type(window, data)

    def select(self, window: int | None) -> None:
        """Give a window the focus."""
        if window is None or window not in self.windows:
            self._owner.say("There is no such window.")
            return
        self.layout.select(window)
        self.arrange()

    def open_window(self, side_by_side: bool | None = None) -> None:
        """A new window with a shell: by itself, or beside the focused pane.

        :param side_by_side: None for a window by itself.
        """
        beside = self.layout.focus

        def opened(reply: dict[str, Any]) -> None:
            if not self._was_refused(reply):
                show(int(reply["window"]))
            self._owner.opening(False)

        def show(number: int) -> None:
            self.windows.setdefault(number, WindowState([]))
            self.layout.opened(number)
            if side_by_side is not None and beside in self.windows and beside != number:
                self.layout.select(beside)
                self.layout.split(number, side_by_side)
            else:
                self.layout.select(number)
            self.arrange()

        rows, cols = max(tree.LEAST_ROWS, self.area.rows), max(tree.LEAST_COLS, self.area.cols)
        self._owner.opening(True)
        self._client.request("open", opened, cols=cols, rows=rows)

    def restart(self, window: int) -> None:
        """Run the program of an exited window again."""
        argv = self.windows[window].argv
        arguments: dict[str, Any] = {"argv": argv} if argv else {}
        self.ask("open", window=window, **arguments)

    def close_windows(self, windows: Iterable[int]) -> None:
        """Hang up the programs of some windows."""
        for window in windows:
            self.ask("close", window=window)

    def ask(self, op: str, answered: Answered | None = None, **arguments: Any) -> None:
        """Ask the hub for something; a refusal is told to the person.

        :param answered: called with the reply, unless it is a refusal.
        """

        def check(reply: dict[str, Any]) -> None:
            if not self._was_refused(reply) and answered is not None:
                answered(reply)

        self._client.request(op, check, **arguments)

    def _was_refused(self, reply: dict[str, Any]) -> bool:
        if not reply.get("ok"):
            self._owner.say(clean(str(reply.get("error"))))
            return True
        return False

    # -- what the client hears -----------------------------------------------------

    def greeted(self, hello: dict[str, Any]) -> None:
        """The hub's HELLO."""
        self.is_greeted = True
        console = hello["console"]
        self.state, self.viewers = console["state"], console["viewers"]
        self.reason = clean(console["reason"] or "")
        self.policy = hello["policy"]
        for window in hello["windows"]:
            self.windows[window["window"]] = WindowState(window["argv"], window["title"], window["exit"])
        self.layout.windows_are(self.windows)
        self.arrange()
        self._owner.greeted()

    def drawn(self, window: int, drawing: Drawing) -> None:
        """A pane changed."""
        pane = self.panes.get(window)
        if pane is None:
            return
        if pane.is_still and not drawing.whole:
            self._client.ready(window, drawing.view)
            return
        suffices = pane.apply(drawing)
        self.windows[window].modes = drawing.modes
        self._owner.drawn(pane, drawing, suffices and pane.history is None and not pane.notice)

    def happened(self, window: int, event: dict[str, Any]) -> None:
        """An event."""
        handler = _EVENTS.get(str(event.get("type")))
        if handler is not None:
            handler(self, window, event)

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the attachment."""
        self._owner.closed(code, reason)

    def pause_input(self) -> None:
        """Programs do not take their input."""
        self._owner.pause_input()

    def resume_input(self) -> None:
        """They take input again."""
        self._owner.resume_input()

    def _opened(self, window: int, event: dict[str, Any]) -> None:
        state = self.windows.setdefault(window, WindowState([]))
        state.argv = [str(word) for word in event.get("argv") or state.argv]
        state.exit = None
        self.layout.opened(window)
        self._note_exit(window)
        self.arrange()

    def _exited(self, window: int, event: dict[str, Any]) -> None:
        state = self.windows.get(window)
        if state is None:
            return
        state.exit = {"signal": event["signal"]} if event.get("signal") else {"code": event.get("code") or 0}
        others_run = any(other.exit is None for number, other in self.windows.items() if number != window)
        # As a shell's terminal closes with it. What failed stays to be read; the console's own program also.
        is_own_program = window == 0 and state.program not in SHELLS
        is_done = window in self.panes and not is_own_program and state.has_closed
        if is_done and others_run and self.role != "observer":
            self._client.request("close", window=window)
        self._note_exit(window)
        self._owner.changed()

    def _window_closed(self, window: int, event: dict[str, Any]) -> None:
        self.windows.pop(window, None)
        self.panes.pop(window, None)
        self._looks.forget(window)
        self.layout.closed(window)
        self.arrange()

    def _titled(self, window: int, event: dict[str, Any]) -> None:
        if window in self.windows:
            self.windows[window].title = clean(str(event.get("title")))
            self._owner.changed()

    def _rang(self, window: int, event: dict[str, Any]) -> None:
        if window in self.panes:
            self._owner.rang()
        elif window in self.windows:
            self.windows[window].has_bell = True
            self._owner.changed()

    def _was_active(self, window: int, event: dict[str, Any]) -> None:
        if window in self.windows and window not in self.panes and not self.windows[window].has_activity:
            self.windows[window].has_activity = True
            self._owner.changed()

    def _wants_copied(self, window: int, event: dict[str, Any]) -> None:
        if window not in self.panes:
            return
        try:
            text = base64.b64decode(str(event.get("data"))).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
        if text:
            self._owner.wants_copied(text)

    def _changed_state(self, window: int, event: dict[str, Any]) -> None:
        if window != CONSOLE:
            return
        self.state = str(event.get("state"))
        self.reason = clean(str(event.get("reason") or ""))
        if self.has_ended:
            for pane in self.panes.values():
                pane.notice = ""
            self._owner.resume_input()
        self._owner.changed()

    def _counted(self, window: int, event: dict[str, Any]) -> None:
        self.viewers = int(event.get("count") or 0)
        self._owner.changed()

    def _renamed(self, window: int, event: dict[str, Any]) -> None:
        self.name = clean(str(event.get("name")))
        self._owner.changed()

    def _policy_changed(self, window: int, event: dict[str, Any]) -> None:
        self.policy = clean(str(event.get("policy")))
        self._owner.changed()


_EVENTS: dict[str, Callable[[Session, int, dict[str, Any]], None]] = {
    "opened": Session._opened,
    "exit": Session._exited,
    "closed": Session._window_closed,
    "title": Session._titled,
    "bell": Session._rang,
    "activity": Session._was_active,
    "clipboard": Session._wants_copied,
    "state": Session._changed_state,
    "viewers": Session._counted,
    "renamed": Session._renamed,
    "policy": Session._policy_changed,
}
