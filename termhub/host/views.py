"""Views: windows that a client is shown drawn, as changed rows instead of output.

A link opens views by number.  Each has a viewport; when its window has changed and the link has asked
for more, it gets one drawing of the present state, at once after quiet and else at most 60 times a
second (240 just after input: whoever typed shall see at once what it did).  Nothing is queued: what
happened in between is only in the next drawing's difference.  Where many views change at once some are
drawn at a time, so that what is typed and printed meanwhile does not wait for all of them.
Scrolling back shows a frozen screen (:class:`~termhub.screen.History`), which can be searched and copied.

Invariant: at most one drawing of a view is under way, and at most :data:`MOST_FROZEN` screens are frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from sandbox.guest import frames
from termhub.host.search import Lines, find
from termhub.host.viewport import Changes, Viewport
from termhub.screen.drawing import DrawingError, encode_drawing, parse_ready

if TYPE_CHECKING:
    from termhub.host.console import Surroundings, Timer
    from termhub.host.hub_link import HubLink
    from termhub.host.window import Window
    from termhub.screen import History

FRAME_SECONDS = 1 / 60
HURRIED_FRAME_SECONDS = 1 / 240
HURRY_SECONDS = 0.1
"""For so long after input drawings may follow each other as hurried ones."""

REST = 3.0
"""How many times as long as a drawing took nothing is drawn after it."""

TURN_SECONDS = 0.001
"""How much drawing there is before everything else that waits has its turn."""

SYNCHRONIZED_SECONDS = 0.2
"""How long a program may keep its screen from being drawn (mode 2026)."""

MOST_VIEWS = 512
MOST_FROZEN = 4
FROZEN_LINES = 10_000
FROZEN_CELLS = 2_000_000
COPY_BYTES = 100_000
FIND_CHARACTERS = 1000


@define(eq=False)
class Frozen:
    """A frozen screen and, once it is searched, its text."""

    history: History
    lines: Lines | None = None

    @property
    def last_line(self) -> int:
        """The number of its last line."""
        return self.history.history_lines + self.history.rows - 1


@define(eq=False)
class View:
    """One view of a window.

    :param is_ready: the link has asked for a drawing.
    :param is_stale: something may have changed since the last one.
    :param rested_at: before that nothing is drawn, before ``due_at`` only in a hurry.
    """

    link: HubLink
    window: Window
    viewport: Viewport
    back: int = 0
    frozen: Frozen | None = None
    is_ready: bool = False
    is_stale: bool = True
    rested_at: float = 0.0
    due_at: float = 0.0
    hurries_until: float = 0.0
    held_since: float | None = None
    timer: Timer | None = None

    def stop(self) -> None:
        """Nothing is drawn any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.frozen is not None:
            self.frozen.history.close()
            self.frozen = None


@define(eq=False)
class Views:
    """The views of one console.

    :param windows: its windows by number.
    """

    windows: dict[int, Window]
    _around: Surroundings
    _views: dict[tuple[HubLink, int], View] = field(factory=dict)
    _of_window: dict[int, list[View]] = field(factory=dict)
    _changes: dict[int, Changes] = field(factory=dict)
    _frozen: list[View] = field(factory=list)
    _drawn_seconds: float = 0.0
    _next_turn: Timer | None = None
    _queue: dict[View, None] = field(factory=dict)

    # -- requests ------------------------------------------------------------

    def operations(self) -> dict[str, Callable[[HubLink, int, dict[str, Any]], None]]:
        """What a link may ask for, by name."""
        return {"view": self._view, "unview": self._unview, "find": self._find, "copy": self._copy}

    def _view(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        identity, cols, rows = (_number(request.get(name)) for name in ("view", "cols", "rows"))
        back = _number(request.get("back", 0))
        if not (cols and rows and cols <= frames.MAX_COLS and rows <= frames.MAX_ROWS):
            link.refuse(
                request, number, "bad_request", "a view has columns and rows, within a window's limits"
            )
            return
        if identity is None or identity >= 1 << 32 or back is None:
            link.refuse(request, number, "bad_request", "a view has a number, and may go back by lines")
            return
        view = self._views.get((link, identity))
        if view is None:
            if len(self._views) >= MOST_VIEWS:
                link.refuse(request, number, "busy", "this console is shown too often")
                return
            view = View(link, self.windows[number], Viewport(identity, cols, rows))
            self._views[link, identity] = view
            self._of_window.setdefault(number, []).append(view)
        elif view.window.number != number:
            link.refuse(request, number, "bad_request", f"view {identity} is of another window")
            return
        else:
            view.viewport.reset(cols, rows)
        self._go_back(view, back)
        screen = view.window.screen
        history = 0 if screen.modes.alternate_screen else screen.history_lines
        if view.frozen is not None:
            history = view.frozen.history.history_lines
        link.reply(request, number, history=history)
        view.is_stale = True
        self._consider(view)

    def _unview(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        view = self._named(link, number, request)
        if view is not None:
            self._close(view)
            link.reply(request, number)

    def _find(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        view = self._named(link, number, request)
        if view is None:
            return
        text, line = request.get("text"), _number(request.get("line"))
        if not isinstance(text, str) or len(text) > FIND_CHARACTERS or line is None:
            link.refuse(request, number, "bad_request", "find needs a text and a line to begin at")
            return
        frozen = view.frozen or self._freeze(view.window)
        if frozen.lines is None:
            frozen.lines = Lines(frozen.history.text())
        found = find(frozen.lines, text, line, forward=request.get("forward") is not False)
        if frozen is not view.frozen:
            frozen.history.close()
        if found is None:
            link.reply(request, number, line=None)
        else:
            link.reply(request, number, line=found.line, x=found.x, cells=found.cells)

    def _copy(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        view = self._named(link, number, request)
        if view is None:
            return
        start, end = _place(request.get("from")), _place(request.get("to"))
        if start is None or end is None:
            link.refuse(request, number, "bad_request", "copy needs two places, [line, x] each")
            return
        frozen = view.frozen or self._freeze(view.window)
        start, end = sorted((start, end))
        text = ""
        if start[0] <= frozen.last_line:
            last = frozen.history.cols - 1
            if end[0] > frozen.last_line:
                end = (frozen.last_line, last)
            text = frozen.history.copy((start[0], min(start[1], last)), (end[0], min(end[1], last)))
        if frozen is not view.frozen:
            frozen.history.close()
        data = text.encode("utf-8", "replace")[:COPY_BYTES]
        link.reply(request, number, text=data.decode("utf-8", "ignore"))

    def _named(self, link: HubLink, number: int, request: dict[str, Any]) -> View | None:
        identity = _number(request.get("view"))
        view = self._views.get((link, identity)) if identity is not None else None
        if view is None or view.window.number != number:
            link.refuse(request, number, "no_such_view", "there is no such view of this window")
            return None
        return view

    # -- scrolling back ------------------------------------------------------

    @property
    def frozen_count(self) -> int:
        """How many screens are frozen."""
        return len(self._frozen)

    def _go_back(self, view: View, back: int) -> None:
        if not back:
            self._thaw(view)
            return
        if view.frozen is None:
            if len(self._frozen) >= MOST_FROZEN:
                oldest = self._frozen[0]
                self._thaw(oldest)
                self._consider(oldest)
            screen = view.window.screen
            view.viewport.follow(screen.cursor, screen.cols, screen.rows)
            view.frozen = self._freeze(view.window)
            self._frozen.append(view)
        else:
            self._frozen.remove(view)
            self._frozen.append(view)
        view.back = min(back, view.frozen.history.history_lines + view.viewport.top)

    def _thaw(self, view: View) -> None:
        view.back = 0
        if view.frozen is not None:
            view.frozen.history.close()
            view.frozen = None
            view.is_stale = True
            self._frozen.remove(view)

    def _freeze(self, window: Window) -> Frozen:
        lines = min(FROZEN_LINES, max(FROZEN_CELLS // window.screen.cols - window.screen.rows, 0))
        return Frozen(window.screen.freeze(lines))

    # -- drawing -------------------------------------------------------------

    def ready(self, link: HubLink, payload: bytes) -> None:
        """A link asks for a view's next drawing, which may be gone by now.

        :raises FrameError: when the ROWS payload is none of a hub.
        """
        try:
            identity = parse_ready(payload)
        except DrawingError as error:
            raise frames.FrameError(str(error)) from None
        view = self._views.get((link, identity))
        if view is not None:
            view.is_ready = True
            self._consider(view)

    def changed(self, window: Window) -> None:
        """A window's screen may have changed."""
        for view in self._of_window.get(window.number, ()):
            view.is_stale = True
            self._consider(view)

    def typed(self, window: Window) -> None:
        """A window's program gets input: what that changes first is drawn at once, and more in a hurry."""
        now = self._around.clock()
        for view in self._of_window.get(window.number, ()):
            view.rested_at = now
            view.hurries_until = now + HURRY_SECONDS
            if view.timer is not None:
                view.timer.cancel()
                view.timer = None
            self._consider(view)

    def _consider(self, view: View) -> None:
        """Draw, if that is wanted now, or later."""
        if not (view.is_ready and view.is_stale):
            return
        now = self._around.clock()
        wait = (view.rested_at if now < view.hurries_until else view.due_at) - now
        if wait > 0:
            self._wait(view, wait)
        elif view.link.is_full:
            self._wait(view, FRAME_SECONDS)
        elif not self._is_held(view):
            self._draw_in_turn(view)

    def _draw_in_turn(self, view: View) -> None:
        if self._drawn_seconds < TURN_SECONDS:
            self._draw(view)
        else:
            self._queue[view] = None
        if self._drawn_seconds >= TURN_SECONDS and self._next_turn is None:
            self._next_turn = self._around.call_later(0, self._turn)

    def _turn(self) -> None:
        self._next_turn = None
        self._drawn_seconds = 0.0
        queue, self._queue = self._queue, {}
        for view in queue:
            self._consider(view)

    def _wait(self, view: View, seconds: float) -> None:
        if view.timer is None:
            view.timer = self._around.call_later(seconds, self._waited, view)

    def _waited(self, view: View) -> None:
        view.timer = None
        self._consider(view)

    def _is_held(self, view: View) -> bool:
        """Whether the program is in the middle of a change that it wants shown whole."""
        if view.frozen is not None or not view.window.screen.modes.synchronized_output:
            view.held_since = None
            return False
        now = self._around.clock()
        if view.held_since is None:
            view.held_since = now
        left = view.held_since + SYNCHRONIZED_SECONDS - now
        if left <= 0:
            return False
        self._wait(view, left)
        return True

    def _draw(self, view: View) -> None:
        started = self._around.processor_time()
        window, viewport, frozen = view.window, view.viewport, view.frozen
        if frozen is not None:
            drawing = viewport.draw_history(frozen.history, view.back, window.screen.modes, window.parsed)
        else:
            drawing = viewport.draw(self._changes_of(window), window.parsed)
        view.is_stale = viewport.is_unfinished
        if drawing is not None:
            view.link.send(frames.encode(frames.ROWS, window.number, encode_drawing(drawing)))
            view.is_ready = False
        # What it cost, not how long others kept the processor meanwhile.
        took = self._around.processor_time() - started
        self._drawn_seconds += took
        rest = REST * took
        now = self._around.clock()
        view.rested_at = now + max(HURRIED_FRAME_SECONDS, rest)
        view.due_at = now + max(FRAME_SECONDS, rest)

    def _changes_of(self, window: Window) -> Changes:
        changes = self._changes.get(window.number)
        if changes is None:
            changes = self._changes[window.number] = Changes(window.screen)
        return changes

    # -- what goes away ------------------------------------------------------

    def window_closed(self, number: int) -> None:
        """A window is gone, and its views with it."""
        for view in self._of_window.pop(number, []):
            self._close(view)
        self._changes.pop(number, None)

    def link_closed(self, link: HubLink) -> None:
        """A link is gone, and its views with it."""
        for view in [view for view in self._views.values() if view.link is link]:
            self._close(view)

    def close(self) -> None:
        """The console has ended: draw the last state, where one is waited for."""
        for view in list(self._views.values()):
            if view.is_ready and view.frozen is None:
                view.viewport.say_again()
                self._draw(view)
            self._close(view)
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None

    def _close(self, view: View) -> None:
        del self._views[view.link, view.viewport.view]
        self._queue.pop(view, None)
        if view in self._frozen:
            self._frozen.remove(view)
        view.stop()
        number = view.window.number
        left = [other for other in self._of_window.get(number, []) if other is not view]
        if left:
            self._of_window[number] = left
        else:
            self._of_window.pop(number, None)
            self._changes.pop(number, None)


def _number(value: object) -> int | None:
    """A number from 0 on."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _place(value: object) -> tuple[int, int] | None:
    """A cell: ``[line, x]``."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    line, x = _number(value[0]), _number(value[1])
    return None if line is None or x is None else (line, x)
