"""One console: its windows, its agent and the links that watch it, without any I/O.

The process around it (:mod:`termhub.host.host`) brings bytes and takes bytes; a fake
clock and a list of frames are enough to test all of it.  Output from the agent goes to
the links first and is parsed and journaled after, in slices; the agent is told that it
may forget output only then, so a host that dies in between loses nothing.

Invariant: every frame of the agent is handled in order, every request of a link is
answered once, and no queue grows without bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, field, frozen

from sandbox.guest import frames
from termhub.host.agent_link import AgentError, AgentLink
from termhub.host.agent_words import described, program_argv, program_exit
from termhub.host.asks import Asks
from termhub.host.hub_link import HubLink
from termhub.host.journal import Journals
from termhub.host.memory import Memory, Uncounted
from termhub.host.notices import Notices
from termhub.host.out_of_memory import OutOfMemory, original
from termhub.host.people import People
from termhub.host.requests import Requests
from termhub.host.streams import Streams
from termhub.host.views import Views
from termhub.host.window import BACKLOG_BYTES, Window

if TYPE_CHECKING:
    from termhub.host.window import Exit, Mark, OpenScreen

MAX_WINDOWS = 32
ACK_BYTES = 1 << 16
ACK_SECONDS = 1.0  # how long a little output waits to be acknowledged, unless input takes it along
REPLY_WINDOW_BYTES = 1 << 16
TITLE_CHARACTERS = 1000


class Timer(Protocol):
    """What :class:`Surroundings` gives for a call put off."""

    def cancel(self) -> None:
        """Do not call."""


@frozen
class Surroundings:
    """What a console needs of the process around it.

    :param clock: seconds, only differences mean anything.
    :param unix_time: Unix time in seconds.
    :param call_later: puts a call off by seconds.
    :param open_screen: makes a screen of columns and rows.
    :param random_number: a 64-bit number nobody can guess.
    :param kill: ends the sandbox at once.
    :param processor_time: seconds that this process has computed.
    :param memory: how often the console's memory ran out.
    """

    clock: Callable[[], float]
    unix_time: Callable[[], float]
    call_later: Callable[..., Timer]
    open_screen: OpenScreen
    random_number: Callable[[], int]
    kill: Callable[[], None]
    processor_time: Callable[[], float]
    memory: Memory = field(factory=Uncounted)


@define(eq=False)
class Replies:
    """What screens answer to queries, as a viewer's input of its own."""

    sequence: int = 0
    accepted: int = 0


class Console:
    """The state machine of one console.

    :param name: its id, for the HELLO.
    :param isolation: words for people.
    """

    def __init__(self, name: str, isolation: str, journals: Journals, around: Surroundings) -> None:
        self.name = name
        self.isolation = isolation
        self.windows: dict[int, Window] = {}
        self.links: list[HubLink] = []
        self.notices = Notices(self.links, around)
        self.ended: str | None = None
        self.failure: str | None = None
        self.end_reason: str | None = None
        self._journals = journals
        self._around = around
        self._viewer = around.random_number()
        self._replies: dict[int, Replies] = {}
        self.agent = AgentLink(f"{around.random_number():016x}", around.clock)
        self.views = Views(self.windows, around)
        self.people = People()
        self.requests = Requests(self, around)
        self.asks = Asks(self.requests, self.notices, around)
        self.requests.add(self.people.operations(), self.asks.operations())
        self.out_of_memory = OutOfMemory(self, around)
        self.streams = Streams(self.agent, around.call_later)
        self.max_windows = MAX_WINDOWS
        self._passed_on: list[tuple[int, int, str, int, bytes]] = []
        self._acked: dict[int, int] = {}
        self._journaled: set[int] = set()
        self._ack_timer: Timer | None = None
        self._final: dict[int, tuple[int, int, int]] = {}

    # -- beginning -----------------------------------------------------------

    def open_first(self, argv: list[str], cols: int, rows: int) -> None:
        """A new console has window 0 before its agent has said so."""
        self._add_window(0, cols, rows).argv = argv

    def recover(self, *, blank: bool = False) -> None:
        """Take the windows from their journals; :param blank: without what they show."""
        for number in self._journals.found()[:MAX_WINDOWS]:
            journal = self._journals.open(number)
            window = Window.recover(
                number,
                journal,
                self._around.open_screen,
                unix_time=self._around.unix_time,
                clock=self._around.clock,
                blank=blank,
            )
            if window is None:
                self._journals.delete(number)
            else:
                self.windows[number] = window

    def start(self) -> None:
        """Say HELLO to the agent."""
        self.agent.hello({number: window.stream.end for number, window in self.windows.items()})

    def _add_window(self, number: int, cols: int, rows: int, offset: int = 0) -> Window:
        window = Window(
            number,
            self._journals.open(number),
            self._around.open_screen,
            cols=cols,
            rows=rows,
            offset=offset,
            unix_time=self._around.unix_time,
            clock=self._around.clock,
        )
        self.windows[number] = window
        return window

    # -- from the agent ------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the agent's FIFO; after an AgentError the console is ended."""
        if self.failure is not None:
            return
        self.look_at_input()
        try:
            for kind, number, payload in self.agent.feed(data):
                if kind == frames.OUTPUT:
                    window = self.windows.get(number)
                    if window is None:
                        raise AgentError(f"output of window {number}, which is not open")
                    offset, output = frames.parse_output(payload)
                    if offset + len(output) >= 1 << 62:
                        raise AgentError(f"output at offset {offset}")
                    window.receive(offset, output)
                elif kind == frames.ACCEPTED:
                    self._accepted(number, payload)
                elif kind == frames.RESIZE:
                    self._final.pop(number, None)
                    self._mark(number, "resize", frames.parse_resize(payload))
                elif kind == frames.EVENT:
                    self._event(number, frames.parse_json(payload))
                elif kind == frames.REPLY:
                    reply = frames.parse_json(payload)
                    if not self.streams.answered(reply):
                        self.requests.answered(reply)
                elif kind in (frames.STREAM, frames.CREDIT):
                    self.streams.receive(kind, payload)
                elif kind == frames.HELLO:
                    self._hello(frames.parse_json(payload))
        except (AgentError, frames.FrameError) as error:
            self.failure = f"the sandbox's agent broke the protocol: {error}"
            self._around.kill()

    def _mark(self, number: int, kind: str, value: Any) -> None:
        window = self.windows.get(number)
        if window is not None:
            window.mark(kind, value)

    def _hello(self, hello: dict[str, Any]) -> None:
        listed = hello.get("windows")
        if not isinstance(listed, list) or len(listed) > MAX_WINDOWS:
            raise AgentError("a HELLO without a list of at most 32 windows")
        seen = set()
        for entry in listed:
            number, argv, start, end, cols, rows, exit_ = described(entry)
            seen.add(number)
            window = self.windows.get(number)
            if window is None:
                window = self._add_window(number, cols, rows, start)
                self.notices.broadcast(number, {"type": "opened", "argv": argv})
            window.argv = argv
            self.out_of_memory.greeted(number, entry["argv"], end)
            self._final[number] = (end, cols, rows)
            if exit_ is None:
                window.exit = None
        for number in set(self.windows) - seen:
            self._close(number)

    def _event(self, number: int, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "opened":
            argv = program_argv(original(event.get("argv")))
            window = self.windows.get(number)
            if window is None:
                if len(self.windows) >= MAX_WINDOWS or number == frames.CONSOLE:
                    raise AgentError(f"window {number} beyond the {MAX_WINDOWS} there may be")
                cols, rows = self.requests.size_wanted(number)
                window = self._add_window(number, cols, rows)
            window.mark("opened", argv)
            self.out_of_memory.opened(number, event.get("argv"))
        elif kind == "exit":
            exited, exit_ = self.windows.get(number), program_exit(event)
            if exited is not None:
                exited.mark("exit", self.out_of_memory.exited(exited, exit_))
        elif kind == "closed":
            self._close(number)
        elif kind == "stream":
            self.streams.ended(event)
        elif kind == "ask" and number == frames.CONSOLE:
            self.asks.asked(event)
        elif kind == "connect" and number == frames.CONSOLE:
            greeted = [link for link in self.links if link.has_begun]
            self.streams.wanted(event, greeted[-1] if greeted else None)

    def _close(self, number: int) -> None:
        window = self.windows.get(number)
        if window is None:
            return
        while window.has_work:
            self._work(window)
        if self.end_reason is not None:
            return  # its last screen is wanted
        del self.windows[number]
        self.views.window_closed(number)
        window.screen.close()
        self.requests.window_closed(number)
        self.notices.window_closed(number)
        self.out_of_memory.window_closed(number)
        self._replies.pop(number, None)
        self._journals.delete(number)
        self.notices.broadcast(number, {"type": "closed"})
        for link in self.links:
            link.forget(number)

    def _accepted(self, number: int, payload: bytes) -> None:
        viewer, sequence = frames.parse_accepted(payload)
        if viewer == self._viewer:
            replies = self._replies.get(number)
            if replies is not None:
                replies.accepted = max(replies.accepted, min(sequence, replies.sequence))
            return
        for link in self.links:
            link.accepted(number, viewer, sequence)

    # -- work ----------------------------------------------------------------

    @property
    def is_behind(self) -> bool:
        """Whether so much waits to be parsed that the agent should not be read now."""
        return any(window.backlog >= BACKLOG_BYTES for window in self.windows.values())

    def work(self, seconds: float) -> bool:
        """Parse for about ``seconds``, all windows in turn; True when there is more to do."""
        busy = [window for window in self.windows.values() if window.has_work]
        if not busy:
            return False
        deadline = self._around.clock() + seconds
        while busy:
            for window in busy:
                if window.has_work:
                    self._work(window)
                    if self._around.clock() >= deadline:
                        return any(window.has_work for window in self.windows.values())
            busy = [window for window in self.windows.values() if window.has_work]
        return False

    def _work(self, window: Window) -> None:
        number = window.number
        replies, mark = window.work()
        if replies:
            self._answer_program(number, replies)
        if mark is not None:
            self._reached(window, mark)
        for event in window.screen.events():
            fields: dict[str, Any] = dict(event.fields())
            if event.type == "prompt":
                seconds = window.typed.prompted(event.text)
                if event.text in ("A", "D"):
                    fields["seconds"] = None if seconds is None else round(seconds, 3)
            self.notices.notice(number, fields)
        self.requests.reached(window)
        self.out_of_memory.reached(window)
        done = not window.has_work
        if done:
            self._settle(window)
            self.notices.active(number)
            self.out_of_memory.active()
        self.views.changed(window)
        self._journaled.add(number)
        if mark is not None or window.parsed - self._acked.get(number, 0) >= ACK_BYTES:
            self._acknowledge()
        elif done and self._ack_timer is None:
            self._ack_timer = self._around.call_later(ACK_SECONDS, self._acknowledge)

    def _acknowledge(self) -> None:
        if self._ack_timer is not None:
            self._ack_timer.cancel()
            self._ack_timer = None
        for number in self._journaled & self.windows.keys():
            window = self.windows[number]
            # The last byte is left out until the program's end is known, and done with: the agent takes
            # an acknowledgement of all there is for one of the end, and may leave then.
            is_over = window.exit is not None and not self.out_of_memory.holds(number)
            offset = window.parsed if is_over else window.parsed - 1
            if is_over or offset > 0:
                self._acked[number] = offset
                self.agent.ack(number, offset)
        self._journaled.clear()

    def acknowledge_end(self, number: int) -> None:
        """Nothing is to be done any more about the end of a window's program."""
        self._journaled.add(number)
        self._acknowledge()

    def _answer_program(self, number: int, data: bytes) -> None:
        """What a terminal answers goes to the program like input; too much of it is dropped."""
        replies = self._replies.setdefault(number, Replies())
        if replies.sequence + len(data) - replies.accepted > REPLY_WINDOW_BYTES:
            return
        self.agent.input(self, number, self._viewer, replies.sequence, data)
        replies.sequence += len(data)

    def _reached(self, window: Window, mark: Mark) -> None:
        _, kind, value = mark
        if kind == "resize":
            self._show_size(window)
        elif kind == "exit":
            self.notices.broadcast(window.number, {"type": "exit", **value})
        elif kind == "opened":
            self.notices.broadcast(window.number, {"type": "opened", "argv": value})

    def _show_size(self, window: Window) -> None:
        frame = frames.resize(window.number, window.cols, window.rows)
        pieces: list[bytes] | None = None
        for link in self.links:
            link.tell(frame)
            if window.number in link.cursors:
                pieces = pieces or frames.keyframes(
                    window.number, window.parsed, window.cols, window.rows, window.keyframe(0)
                )
                link.keyframe(window, pieces)

    def _settle(self, window: Window) -> None:
        """After a gap the size may be known only from the agent's HELLO: take it at that place."""
        final = self._final.get(window.number)
        if final is not None and window.parsed >= final[0]:
            del self._final[window.number]
            if (window.cols, window.rows) != final[1:]:
                window.mark("resize", final[1:])

    # -- links ---------------------------------------------------------------

    def add_link(self) -> HubLink:
        """A new connection."""
        link = HubLink(self)
        self.links.append(link)
        return link

    def remove_link(self, link: HubLink) -> None:
        """A connection is gone; what it typed is still passed on."""
        self.links.remove(link)
        self.agent.forget(link)
        self.requests.link_closed(link)
        self.people.link_closed(link)
        self.views.link_closed(link)
        self.streams.link_closed(link)

    def may_read(self, link: HubLink) -> bool:
        """Whether more should be read from a link now."""
        return not (link.is_full or self.agent.is_ahead(link))

    def hello(self) -> dict[str, Any]:
        """The host's HELLO to a link."""
        return {
            "version": frames.VERSION,
            "console": self.name,
            "windows": [
                {
                    "window": window.number,
                    "argv": window.argv,
                    "start": window.start,
                    "offset": window.stream.end,
                    "cols": window.cols,
                    "rows": window.rows,
                    "title": window.screen.title[:TITLE_CHARACTERS],
                    "exit": window.exit,
                }
                for window in self.windows.values()
            ],
            "isolation": self.isolation,
            "ended": self.ended,
        }

    def link_input(self, link: HubLink, window: int, viewer: int, sequence: int, data: bytes) -> None:
        """Input for a program, passed on as it is numbered, with what is to be acknowledged."""
        target = self.windows.get(window)
        if target is not None:
            self._acknowledge()
            self.agent.input(link, window, viewer, sequence, data)
            self.views.typed(target)
            self._passed_on.append((window, viewer, self.people.name(link, viewer), sequence, data))

    def look_at_input(self) -> None:
        """See who typed what; not before it has been passed on, as it is in no hurry."""
        passed_on, self._passed_on = self._passed_on, []
        for number, viewer, name, sequence, data in passed_on:
            window = self.windows.get(number)
            if window is not None:
                window.took_input(viewer, name, sequence, data)

    def link_request(self, link: HubLink, window: int, request: dict[str, Any]) -> None:
        """A request that is not about the link itself."""
        if not self.streams.handle(link, request):
            self.requests.handle(link, window, request)

    def link_resize(self, window: int, cols: int, rows: int) -> None:
        """A size is wanted; it is applied when the agent echoes it."""
        if window in self.windows:
            self.agent.resize(window, cols, rows)

    def settle(self) -> None:
        """Parse everything that was received."""
        for window in self.windows.values():
            while window.has_work:
                self._work(window)

    def end(self, reason: str, status: Exit | None = None) -> None:
        """The sandbox is gone: the links are told, nothing is written any longer."""
        self.ended = reason
        self.requests.ended()
        self.asks.ended()
        self.out_of_memory.ended()
        self.views.close()
        self.streams.close()
        event: dict[str, Any] = {"type": "ended", "reason": reason}
        if status is not None:
            event["status"] = status
        frame = frames.encode_json(frames.EVENT, frames.CONSOLE, event)
        for link in self.links:
            link.close_after(frame)
        self._journals.close()
