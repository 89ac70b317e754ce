"""One console on the screen: its windows in panes, as its hub tells of them.

Between the stream client, which speaks with the hub, and the UI, which paints and reads keys.  Keeps
the views it has asked for in step with the panes there are.

Invariant: every pane on the screen has been asked for as a view of its size, and nothing else has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from termhub.gateways.tui import hub_events, tree
from termhub.gateways.tui.client import Answered, StreamClient
from termhub.gateways.tui.company import Company
from termhub.gateways.tui.encode import focus_bytes
from termhub.gateways.tui.events import Focus
from termhub.gateways.tui.layout import Layout
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.session_owner import SessionOwner
from termhub.gateways.tui.status import Tab
from termhub.gateways.tui.text import clean, told
from termhub.gateways.tui.tree import Rect
from termhub.gateways.tui.viewports import Viewport, Viewports
from termhub.gateways.tui.window_state import WindowState, tabs_of
from termhub.hub.console import Console
from termhub.screen.drawing import Drawing
from termhub.store import Role, User


class Session:
    """An attachment to a console and its picture.

    :param role: what the user may do here; the hub's HELLO has the last word.
    :param layout: how the windows are arranged; changed by this.
    :param is_read_only: the user only wants to look.
    :param owner_name: whose console it is, when it is another's.
    """

    def __init__(
        self,
        console: Console,
        user: User,
        role: Role,
        layout: Layout,
        owner: SessionOwner,
        is_read_only: bool = False,
        owner_name: str = "",
    ) -> None:
        self.console = console
        self.layout = layout
        self.short_name = console.name
        self._owner_name = owner_name
        self.state = console.state
        self.reason = ""
        self.company = Company("observer" if is_read_only else role, owner)
        self.policy = str(console.policy)
        self.windows: dict[int, WindowState] = {}
        self.panes: dict[int, Pane] = {}
        self.limits: dict[str, Mapping[str, Any]] = {}
        self.area = Rect(0, 0, 80, 24)
        self.is_greeted = False
        self._has_keyboard: int | None = None
        self.owner = owner
        self._client = StreamClient(console, user, role, self, is_read_only)
        self._viewports = Viewports(self._ask_view, self._ask_unview)
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
    def name(self) -> str:
        """What it is called for this person: the consoles of others with their owner."""
        return f"{told(self._owner_name)}/{self.short_name}" if self._owner_name else self.short_name

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
    def role(self) -> Role:
        """What the person may do here."""
        return self.company.role

    def label(self, window: int) -> str:
        """How messages name a window."""
        state = self.windows.get(window)
        return f"{window}:{self.layout.labels.get(window) or (state.program if state is not None else '')}"

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
                self._viewports.leave(number)
        for number, place in places.items():
            pane = self.panes.get(number)
            if pane is None:
                pane = self.panes[number] = Pane(number, place)
                self.note_exit(number)
                self._view(pane)
            elif pane.place != place:
                has_size = pane.place[2:] == place[2:]
                pane.place = place
                if not has_size:
                    if pane.history is not None:
                        pane.history.resized(place.cols, place.rows)
                    self._view(pane)
            self.windows[number].looked_at()
        self.place_pointers()
        self._move_keyboard()
        self.owner.changed()

    def place_pointers(self) -> None:
        """Have the panes show what the others point at in them."""
        for pane in self.panes.values():
            pane.pointers = self.company.pointers.in_window(pane.window)

    def _move_keyboard(self) -> None:
        """Programs that asked for it hear when the focus goes, and when it comes."""
        before, self._has_keyboard = self._has_keyboard, self.layout.focus
        if before == self._has_keyboard or not self.company.may_type:
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
        self._viewports.want(pane.window, Viewport(pane.place.cols, pane.place.rows, back), answered)

    def _ask_view(self, window: int, viewport: Viewport, answered: Answered) -> None:
        self._client.request("view", answered, window=window, **viewport._asdict())
        if window in self._resized:
            self._resized.discard(window)
            cols, rows = max(tree.LEAST_COLS, viewport.cols), max(tree.LEAST_ROWS, viewport.rows)
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

    def note_exit(self, number: int) -> None:
        """A window's program has exited, or runs."""
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
            self.owner.say("There is no such window.")
            return
        self.layout.select(window)
        self.arrange()

    def opened(self, window: int) -> None:
        """A window is there, if nothing was told of it yet."""
        self.windows.setdefault(window, WindowState([]))
        self.layout.opened(window)

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
            if not self.was_refused(reply) and answered is not None:
                answered(reply)

        self._client.request(op, check, **arguments)

    def request(self, op: str, answered: Answered | None = None, **arguments: Any) -> None:
        """Ask the hub for something; a refusal is not told to the person."""
        self._client.request(op, answered, **arguments)

    def was_refused(self, reply: dict[str, Any]) -> bool:
        """Whether the hub has refused something; the person is told why."""
        if not reply.get("ok"):
            self.owner.say(clean(str(reply.get("error"))))
            return True
        return False

    # -- what the client hears -----------------------------------------------------

    def greeted(self, hello: dict[str, Any]) -> None:
        """The hub's HELLO."""
        self.is_greeted = True
        console = hello["console"]
        self.state = console["state"]
        self.company.greeted(hello)
        self.reason = clean(console["reason"] or "")
        self.policy = hello["policy"]
        for window in hello["windows"]:
            self.windows[window["window"]] = WindowState(window["argv"], window["title"], window["exit"])
        self.layout.windows_are(self.windows)
        self.arrange()
        self.owner.greeted()

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
        self.owner.drawn(pane, drawing, suffices and pane.is_plain)

    def happened(self, window: int, event: Mapping[str, Any]) -> None:
        """An event."""
        hub_events.happened(self, window, event)

    def window_closed(self, window: int) -> None:
        """A window is gone."""
        self.windows.pop(window, None)
        self.panes.pop(window, None)
        self._viewports.forget(window)
        self.layout.closed(window)
        self.arrange()

    def entered(self, state: str, reason: str) -> None:
        """The console is in another state."""
        self.state, self.reason = state, reason
        if self.has_ended:
            for pane in self.panes.values():
                pane.notice = ""
            self.owner.resume_input()
        self.owner.changed()

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the attachment."""
        self.owner.closed(code, reason)

    def pause_input(self) -> None:
        """Programs do not take their input."""
        self.owner.pause_input()

    def resume_input(self) -> None:
        """They take input again."""
        self.owner.resume_input()
