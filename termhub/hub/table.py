"""The windows of one console, their sizes, and what they ask the host for.

Invariant: after a link is made every window somebody looks at is subscribed on it, and has the
size that its policy wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from twisted.logger import Logger
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError
from termhub.hub.clock import Clock
from termhub.hub.cursors import Keyframe
from termhub.hub.host_messages import MAX_WINDOWS, HostEvent, HostWindow, Resumed
from termhub.hub.link import Link
from termhub.hub.sizes import POLICIES, Policy, Size
from termhub.hub.views import Views
from termhub.hub.windows import Window

if TYPE_CHECKING:
    from termhub.hub.viewers import Viewer

_decode_resumed = msgspec.json.Decoder(Resumed).decode
_PASSED_ON = frozenset(
    {"title", "bell", "cwd", "prompt", "clipboard", "activity", "opened", "exit", "closed"}
)
_log = Logger()


class WindowTable:
    """The windows by number; also their :class:`~termhub.hub.windows.Source`.

    :param clock: the time.
    :param views: those windows that are shown drawn.
    """

    def __init__(self, clock: Clock, views: Views) -> None:
        self.windows: dict[int, Window] = {}
        self._coming = 0
        self._views = views
        self._clock = clock
        self._policy: Policy = "latest"
        self._manual: Size | None = None
        self._link: Link | None = None

    # -- which there are -----------------------------------------------------------

    def add(self, entry: HostWindow) -> Window:
        """A window is there."""
        window = self.windows[entry.window] = Window(entry.window, self, self._clock)
        window.sizes.set_policy(self._policy, self._manual)
        self._update(window, entry)
        return window

    @contextmanager
    def opening(self, check: Callable[[int], None]) -> Iterator[None]:
        """While one more window is being opened.

        :param check: raises when there may be no more than so many, also counted that are being opened.
        """
        check(len(self.windows) + self._coming)
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1

    def remove(self, number: int) -> None:
        """A window is gone."""
        self.windows.pop(number, None)
        self._views.window_closed(number)

    def link_made(self, link: Link, told: Iterable[HostWindow]) -> None:
        """There is a link to a host that has these windows."""
        self._link = link
        for entry in told:
            window = self.windows.get(entry.window)
            if window is None:
                self.add(entry)
            else:
                window.relink()
                self._update(window, entry)
        self._views.link_made(link)

    def link_lost(self) -> None:
        """Ask for nothing until there is a link again."""
        self._link = None
        self._views.link_lost()

    def event(self, number: int, event: HostEvent) -> bool:
        """Note what happened in a window; whether viewers are to know."""
        if event.type not in _PASSED_ON:
            return False
        window = self.windows.get(number)
        if window is None:
            if event.type != "opened" or len(self.windows) >= MAX_WINDOWS or number == frames.CONSOLE:
                return False
            window = self.add(HostWindow(number, 0, event.cols or 80, event.rows or 24))
        if event.type == "opened":
            window.argv = event.argv or window.argv
            window.exit = None
        elif event.type == "title":
            window.title = event.title
        elif event.type == "exit":
            window.exit = {"signal": event.signal} if event.signal else {"code": event.code or 0}
            if event.out_of_memory is not None:
                window.exit["out_of_memory"] = event.out_of_memory
        return True

    def _update(self, window: Window, entry: HostWindow) -> None:
        window.argv = entry.argv
        window.offset = max(window.offset, entry.offset)
        window.title = entry.title
        window.exit = None if entry.exit is None else msgspec.to_builtins(entry.exit)
        if (window.cols, window.rows) != (entry.cols, entry.rows):
            window.resized(entry.cols, entry.rows)
            window.draw_again(self._clock.seconds())
        window.wanted_size = Size(entry.cols, entry.rows)

    # -- sizes ---------------------------------------------------------------------

    def area_changed(self, viewer: Viewer, area: Size, windows: Iterable[int]) -> None:
        """A viewer shows these windows in an area of this size."""
        for number in windows:
            window = self.windows.get(number)
            if window is not None:
                window.sizes.set_area(viewer, area, viewer.may_type, viewer.person)
                self._apply(window)

    def counts_changed(self, viewer: object, counts: bool) -> None:
        """A viewer has a say in the sizes from now on, or no longer."""
        for window in self.windows.values():
            window.sizes.set_counts(viewer, counts)
            self._apply(window)

    def area_removed(self, viewer: object, number: int) -> None:
        """A viewer looks at a window no longer."""
        window = self.windows.get(number)
        if window is not None:
            window.sizes.remove(viewer)
            self._apply(window)

    def viewer_left(self, viewer: Viewer) -> None:
        """A viewer looks at nothing any longer."""
        self._views.viewer_left(viewer)
        for number in self.windows:
            self.area_removed(viewer, number)

    def used(self, viewer: object, number: int) -> None:
        """A viewer typed into a window."""
        window = self.windows.get(number)
        if window is not None and window.sizes.used(viewer):
            self._apply(window)

    def set_policy(self, policy: str, size: Size | None) -> Policy:
        """Change how the sizes are chosen.

        :raises BadRequest: for what is no policy.
        """
        known = next((known for known in POLICIES if known == policy), None)
        if known is None:
            raise BadRequest(f"{policy!r} is not a size policy: {', '.join(POLICIES)} are.", "bad_policy")
        self._policy, self._manual = known, size
        for window in self.windows.values():
            window.sizes.set_policy(known, size)
            self._apply(window)
        return known

    def resize(self, window: Window, size: Size) -> None:
        """Give a window a size now."""
        if self._policy == "manual":
            window.sizes.set_policy("manual", size)
        self._wish(window, size)

    def apply_sizes(self) -> None:
        """Wish every size again that is not as its policy wants."""
        for window in self.windows.values():
            self._apply(window)

    def _apply(self, window: Window) -> None:
        size = window.sizes.wanted()
        if size is not None and size != window.wanted_size:
            self._wish(window, size)

    def _wish(self, window: Window, size: Size) -> None:
        if self._link is not None:
            window.wanted_size = size
            self._link.send(frames.resize(window.number, size.cols, size.rows))

    # -- what a Source does ----------------------------------------------------------

    def subscribe(self, window: int, since: int | None) -> None:
        """Ask the host for a window's output."""
        if self._link is not None:
            arguments = {} if since is None else {"since": since}
            asked = self._link.request("subscribe", window, arguments, _decode_resumed)
            asked.addCallbacks(self._subscribed, self._refused, callbackArgs=(window,), errbackArgs=(window,))

    def unsubscribe(self, window: int) -> None:
        """Ask the host for a window's output no longer."""
        if self._link is not None:
            self._link.request("unsubscribe", window, {}).addErrback(self._refused, window)

    def request_keyframe(self, window: int) -> None:
        """Ask the host for a keyframe for whoever waits for one."""
        if self._link is not None:
            asked = self._link.request_keyframe(window, 0)
            asked.addCallbacks(self._drawn, self._refused, callbackArgs=(window,), errbackArgs=(window,))

    def _subscribed(self, resumed: Resumed, number: int) -> None:
        window = self.windows.get(number)
        if window is not None:
            window.subscribed_at(resumed.offset, self._clock.seconds())

    def _drawn(self, keyframe: Keyframe, number: int) -> None:
        window = self.windows.get(number)
        if window is not None:
            window.keyframe_came(keyframe, self._clock.seconds())

    def _refused(self, failure: Failure, number: int) -> None:
        # When the link is gone the next one asks again; a window may close at any time.
        if failure.check(ConsoleError) is None:  # type: ignore[no-untyped-call]
            _log.failure("Window {window} failed", failure, window=number)
