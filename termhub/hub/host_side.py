"""What a console hears of its host, as the owner of its links.

Invariant: after a link is made the console's windows are those of the host it leads to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from termhub.host.memory import limit_words
from termhub.hub.audience import Audience
from termhub.hub.cursors import Keyframe
from termhub.hub.host_messages import HostEvent, HostHello
from termhub.hub.inputs import Inputs
from termhub.hub.link import Link
from termhub.hub.requests import Requests
from termhub.hub.table import WindowTable

if TYPE_CHECKING:
    from termhub.hub.console import Console


class HostSide:
    """A :class:`~termhub.hub.link.LinkOwner`: passes on to each part of the console what is for it.

    :param console: told of links, activity and the end.
    """

    def __init__(
        self, console: Console, table: WindowTable, inputs: Inputs, requests: Requests, audience: Audience
    ) -> None:
        self.views = console.views
        self._console = console
        self._clock = console.clock
        self._table = table
        self._windows = table.windows
        self._inputs = inputs
        self._requests = requests
        self._audience = audience
        self._streams = console.streams

    def linked(self, link: Link, hello: HostHello) -> None:
        """There is a link, and the host has said HELLO."""
        if self._console.has_ended:
            link.close("the console has ended")
            return
        told = {entry.window for entry in hello.windows}
        for number in [number for number in self._windows if number not in told]:
            self._remove_window(number)
        self._table.link_made(link, hello.windows)
        self._inputs.link_made(link, self._windows)
        self._streams.link_made(link)
        self._console.linked(link, hello.isolation)
        self._table.apply_sizes()
        # Last, because who waits for the link goes on in here.
        self._requests.link_made(link)

    def unlinked(self, reason: str) -> None:
        """The link is gone."""
        self._table.link_lost()
        self._inputs.link_lost()
        self._requests.link_lost()
        self._console.unlinked()
        self._streams.lost()

    def host_output(self, window: int, offset: int, data: bytes) -> None:
        """Output of a window."""
        target = self._windows.get(window)
        if target is not None:
            self._console.active_at = now = self._clock.seconds()
            target.output_came(offset, data, now)
            self._requests.output_came(window)

    def host_accepted(self, window: int, viewer: int, sequence: int) -> None:
        """Input was written."""
        stream = self._inputs.accepted(viewer, window, sequence)
        if stream is not None:
            attached = self._audience.viewers.get(viewer)
            if attached is not None:
                attached.input_accepted(window, stream)

    def host_resized(self, window: int, cols: int, rows: int) -> None:
        """The size changed; a keyframe follows."""
        target = self._windows.get(window)
        if target is not None:
            target.resized(cols, rows)

    def host_redrawn(self, window: int, keyframe: Keyframe) -> None:
        """A keyframe that no request asked for."""
        target = self._windows.get(window)
        if target is not None:
            target.redrawn(keyframe, self._clock.seconds())

    def host_event(self, window: int, event: HostEvent) -> None:
        """Something happened."""
        if event.type == "ended":
            self._console.has_gone(event.reason)
        elif event.type == "stream":
            self._streams.ended(event)
        elif event.type == "connect":
            self._streams.wanted(event)
        elif event.type == "ask":
            self._console.together.asks.asked(event)
        elif event.type == "memory" and event.limit is not None:
            words = f"A program was ended: {limit_words(event.limit)}."
            self._console.limits.tell_once("memory", words)
        elif self._table.event(window, event):
            if event.type == "activity":
                self._console.active_at = self._clock.seconds()
                self._requests.output_came(window)
            self._audience.tell(window, event.describe())
            if event.type == "closed":
                self._remove_window(window)

    def host_stream(self, kind: int, payload: bytes) -> None:
        """What a program on pipes or a connection wrote, or room for its input."""
        self._streams.receive(kind, payload)

    def _remove_window(self, number: int) -> None:
        for viewer in list(self._audience.viewers.values()):
            viewer.window_closed(number)
        self._inputs.window_closed(number)
        self._table.remove(number)
