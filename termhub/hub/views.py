"""Views: the windows that clients of one console are shown drawn, and what they ask of them.

The host draws (:mod:`termhub.host.views`); here drawings only pass through, unread but for their first
bytes.  A client returns a credit for each, and only then does the host send the next: so a client that
does not read costs one drawing, and then gets the latest state.

Invariant: what a host sends of a view that no credit is out for breaks its link; after a link is made
every view is asked for on it again, and a client hears of each that the host does not draw any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError
from termhub.host.search import Lines, find
from termhub.hub.ended import Ended, EndedWindow
from termhub.hub.host_messages import CopiedText, FoundText, Viewed
from termhub.hub.last_screen import copy_last_screen, draw_last_screen, last_lines
from termhub.hub.link import Link
from termhub.screen.drawing import DrawingError, drawing_head, encode_ready, parse_ready

if TYPE_CHECKING:
    from termhub.hub.viewers import Viewer

_decode_viewed = msgspec.json.Decoder(Viewed).decode
_decode_found = msgspec.json.Decoder(FoundText).decode
_decode_copied = msgspec.json.Decoder(CopiedText).decode
_log = Logger()


@attrs.define(eq=False)
class View:
    """One window as one client is shown it.

    :param number: what host and drawings know it by.
    :param is_ready: the client waits for a drawing: none is under way.
    :param offset: of the window's stream, where the last drawing was made.
    """

    number: int
    viewer: Viewer
    window: int
    cols: int
    rows: int
    back: int = 0
    is_ready: bool = True
    offset: int = -1


class Views:
    """The views of one console.

    :param read_ended: reads what is left of it once it has ended.
    """

    def __init__(self, read_ended: Callable[[], Awaitable[Ended | None]]) -> None:
        self._read_ended = read_ended
        self._has_ended = False
        self._link: Link | None = None
        self._next = 1
        self._views: dict[int, View] = {}
        self._of_viewer: dict[Viewer, dict[int, View]] = {}

    # -- what clients ask for ------------------------------------------------------

    async def view(self, viewer: Viewer, window: int, cols: int, rows: int, back: int) -> int:
        """Show a window drawn, or in another size or place than before; :meth:`show` follows.

        :param cols: of the viewport, in cells.
        :param back: how many lines above the live screen it is.
        :returns: how many lines of history there are.
        :raises BadRequest: when there is no such window.
        :raises ConsoleError: when the host refuses.
        """
        if self._has_ended:
            await self._last(window)
            if not viewer.is_attached:
                raise ConsoleError("The viewer has left.", "left")
        else:
            viewer.console.window(window)
        views = self._of_viewer.setdefault(viewer, {})
        view = views.get(window)
        is_new = view is None
        if view is None:
            view = views[window] = self._views[self._next] = View(self._next, viewer, window, cols, rows)
            self._next += 1
        view.cols, view.rows, view.back, view.offset = cols, rows, back, -1
        if self._link is None:
            return 0
        asked = self._ask(self._link, view)
        if is_new:
            self._link.send(_ready(view))
        try:
            viewed: Viewed = await asked
        except ConsoleError as error:
            if error.code == "recovering":
                return 0  # It is asked for again on the next link.
            if is_new:
                self._forget(view)
            raise
        return viewed.history

    def show(self, viewer: Viewer, window: int) -> None:
        """The client knows that it has the view: of a console that has ended it gets the last screen."""
        if self._has_ended:
            self._show_last(self._named(viewer, window))

    def unview(self, viewer: Viewer, window: int) -> None:
        """Show a window drawn no longer."""
        view = self._of_viewer.get(viewer, {}).get(window)
        if view is not None:
            self._forget(view)
            if self._link is not None:
                asked = self._link.request("unview", window, {"view": view.number})
                asked.addErrback(_refused)

    async def find(self, viewer: Viewer, window: int, text: str, line: int, forward: bool) -> dict[str, Any]:
        """Where a text stands in the history and the screen, from a line on."""
        view = self._named(viewer, window)
        if self._has_ended:
            found = find(Lines(last_lines(await self._last(window))), text, line, forward=forward)
            return {"line": None} if found is None else found._asdict()
        arguments = {"view": view.number, "text": text, "line": line, "forward": forward}
        reply: FoundText = await self._linked().request("find", window, arguments, _decode_found)
        return {"line": None} if reply.line is None else msgspec.to_builtins(reply)

    async def copy(
        self, viewer: Viewer, window: int, start: tuple[int, int], end: tuple[int, int]
    ) -> dict[str, Any]:
        """The text from one cell ``(line, x)`` to another."""
        view = self._named(viewer, window)
        if self._has_ended:
            return {"text": copy_last_screen(await self._last(window), start, end)}
        arguments = {"view": view.number, "from": start, "to": end}
        reply: CopiedText = await self._linked().request("copy", window, arguments, _decode_copied)
        return {"text": reply.text}

    def ready(self, viewer: Viewer, payload: bytes) -> None:
        """A client has shown a drawing.

        :raises FrameError: when its ROWS frame is none of a client.
        """
        try:
            view = self._views.get(parse_ready(payload))
        except DrawingError as error:
            raise frames.FrameError(str(error)) from None
        if view is None or view.viewer is not viewer or view.is_ready:
            return
        view.is_ready = True
        if self._link is not None:
            self._link.send(_ready(view))
        elif self._has_ended:
            self._show_last(view)

    def windows_of(self, viewer: Viewer) -> list[int]:
        """The windows that a viewer is shown drawn."""
        return list(self._of_viewer.get(viewer, ()))

    def is_behind(self, viewer: Viewer) -> bool:
        """Whether a viewer has yet to show a drawing."""
        return any(not view.is_ready for view in self._of_viewer.get(viewer, {}).values())

    def _named(self, viewer: Viewer, window: int) -> View:
        view = self._of_viewer.get(viewer, {}).get(window)
        if view is None:
            raise BadRequest(f"Window {window} is not shown drawn: ask to view it first.", "no_such_view")
        return view

    def _linked(self) -> Link:
        if self._link is None:
            raise ConsoleError("The console is recovering.", "recovering")
        return self._link

    # -- the host's side -----------------------------------------------------------

    def drawing_came(self, window: int, payload: bytes) -> None:
        """A drawing from the host.

        :raises FrameError: when nobody has asked for it.
        """
        try:
            number, offset = drawing_head(payload)
        except DrawingError as error:
            raise frames.FrameError(str(error)) from None
        view = self._views.get(number)
        if view is None and number < self._next:
            return  # The client has gone on while the drawing was under way.
        if view is None or view.window != window or not view.is_ready:
            raise frames.FrameError(f"a drawing of view {number}, which nobody waits for")
        view.is_ready = False
        view.offset = offset
        view.viewer.send(frames.encode(frames.ROWS, window, payload))

    def link_made(self, link: Link) -> None:
        """There is a link: ask for all views."""
        self._link = link
        for view in list(self._views.values()):
            self._ask(link, view).addErrback(self._lost, view)
            if view.is_ready:
                link.send(_ready(view))

    def link_lost(self) -> None:
        """Clients keep what they see until there is a link again."""
        self._link = None

    def ended(self) -> None:
        """The console has ended: who has not seen its last screen yet is shown it."""
        self._has_ended = True
        self._link = None
        for view in list(self._views.values()):
            self._show_last(view)

    def viewer_left(self, viewer: Viewer) -> None:
        """A viewer looks at nothing any longer."""
        for window in self.windows_of(viewer):
            self.unview(viewer, window)

    def window_closed(self, window: int) -> None:
        """A window is gone; the host knows."""
        for view in [view for view in self._views.values() if view.window == window]:
            self._forget(view)

    def _ask(self, link: Link, view: View) -> Deferred[Viewed]:
        arguments = {"view": view.number, "cols": view.cols, "rows": view.rows, "back": view.back}
        return link.request("view", view.window, arguments, _decode_viewed)

    def _lost(self, failure: Failure, view: View) -> None:
        error = failure.value
        if not isinstance(error, ConsoleError):
            error = ConsoleError("Something went wrong here; the log says what.")
            _log.failure("Asking for a view again failed", failure)
        if error.code == "recovering" or self._views.get(view.number) is not view:
            return  # It is asked for again on the next link, or nobody wants it any more.
        self._forget(view)
        event = {"type": "unviewed", "code": error.code, "error": error.message}
        view.viewer.tell(view.window, "unviewed", frames.encode_json(frames.EVENT, view.window, event))
        view.viewer.looks_away(view.window)

    def _forget(self, view: View) -> None:
        self._views.pop(view.number, None)
        views = self._of_viewer.get(view.viewer, {})
        if views.get(view.window) is view:
            del views[view.window]
        if not views:
            self._of_viewer.pop(view.viewer, None)

    # -- consoles that have ended ----------------------------------------------------

    async def _last(self, window: int) -> EndedWindow:
        return (await self._read_ended() or Ended()).window(window)

    def _show_last(self, view: View) -> None:
        shown = Deferred.fromCoroutine(self._draw_last(view))
        shown.addErrback(lambda why: _log.failure("Showing a last screen failed", why))

    async def _draw_last(self, view: View) -> None:
        try:
            window = await self._last(view.window)
        except BadRequest:
            return
        if view.is_ready and view.offset != window.offset:
            view.is_ready = False
            view.offset = window.offset
            payload = draw_last_screen(window, view.number, view.cols, view.rows, view.back)
            view.viewer.send(frames.encode(frames.ROWS, view.window, payload))


def _ready(view: View) -> bytes:
    return frames.encode(frames.ROWS, view.window, encode_ready(view.number))


def _refused(failure: Failure) -> Failure | None:
    """Nothing is to be done when the host is gone, or has forgotten the view before."""
    return None if isinstance(failure.value, ConsoleError) else failure
