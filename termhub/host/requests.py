"""What links ask of a console: the operations of the host's socket.

Some are answered from the screen, once it has caught up with what was received when
they were asked; some are passed on to the agent and answered when it answers.

Invariant: each request is answered once, however agent, link and window come and go.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define

from sandbox.guest import frames
from termhub.host.hub_link import HubLink, window_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from termhub.host.console import Console, Surroundings, Timer
    from termhub.host.window import Window

    Operation = Callable[[HubLink, int, dict[str, Any]], None]

MAX_REQUESTS = 256
REQUEST_SECONDS = 15.0
READ_BYTES = 262_144
TEXT_LINES = 1000
TYPED_LINES = 100
MAX_SCROLLBACK = 100_000
END_SECONDS = 2.0
REASON_CHARACTERS = 500


class Asker(Protocol):
    """Who hears what the agent answers; a link is one."""

    def reply(self, request: dict[str, Any], number: int, /, **results: Any) -> None:
        """It is done."""

    def refuse(self, request: dict[str, Any], window: int, code: str, message: str) -> None:
        """It cannot be done."""


@define(eq=False)
class Asked:
    """A request that the agent has to answer."""

    link: Asker | None
    request: dict[str, Any]
    window: int
    timer: Timer


@define(eq=False)
class Waiting:
    """A request that waits until the screen has reached ``offset``."""

    link: HubLink
    request: dict[str, Any]
    offset: int


class Requests:
    """The open requests of one console."""

    def __init__(self, console: Console, around: Surroundings) -> None:
        self._console = console
        self._around = around
        self._asked: dict[int, Asked] = {}
        self._next_id = 1
        self._waiting: dict[int, list[Waiting]] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._of_console: dict[str, Operation] = {"end": self._end}
        self._operations: dict[str, Operation] = {
            "keyframe": self._show,
            "text": self._show,
            "modes": self._show,
            "typed": self._show,
            "read": self._read,
            "open": self._open,
            "close": self._pass_on,
            "signal": self._pass_on,
            **console.views.operations(),
        }

    def add(self, *operations: dict[str, Operation]) -> None:
        """Take operations of the whole console that others answer, by name."""
        for more in operations:
            self._of_console.update(more)

    def handle(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        """Answer a request now or later."""
        op = request.get("op")
        if isinstance(op, str) and op in self._of_console:
            self._of_console[op](link, frames.CONSOLE, request)
            return
        operation = self._operations.get(op) if isinstance(op, str) else None
        if operation is None:
            link.refuse(request, number, "unknown_op", f"a host does not know {op!r:.100}")
            return
        number = window_number(request, number)
        if op != "open" and number not in self._console.windows:
            link.refuse(request, number, "no_such_window", f"there is no window {number}")
            return
        operation(link, number, request)

    # -- from the screen and the journal ------------------------------------

    def _show(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        window = self._console.windows[number]
        waiting = self._waiting.setdefault(number, [])
        if len(waiting) >= MAX_REQUESTS:
            link.refuse(request, number, "busy", "too many requests wait for this window")
            return
        waiting.append(Waiting(link, request, window.stream.end))
        self.reached(window)

    def reached(self, window: Window) -> None:
        """The screen has got further: answer what waited for that."""
        waiting = self._waiting.get(window.number)
        if not waiting:
            return
        ready = [entry for entry in waiting if entry.offset <= window.parsed]
        if not ready:
            return
        left = [entry for entry in waiting if entry.offset > window.parsed]
        if left:
            self._waiting[window.number] = left
        else:
            del self._waiting[window.number]
        keyframes: dict[int | None, list[bytes]] = {}
        for entry in ready:
            scrollback = _count(entry.request.get("scrollback", 0))
            op = entry.request["op"]
            if op == "text":
                self._reply_text(window, entry, min(scrollback or 0, TEXT_LINES))
                continue
            if op == "modes":
                self._reply_modes(window, entry)
                continue
            if op == "typed":
                self._reply_typed(window, entry)
                continue
            if scrollback not in keyframes:
                data = window.keyframe(scrollback)
                keyframes[scrollback] = frames.keyframes(
                    window.number, window.parsed, window.cols, window.rows, data
                )
            entry.link.reply(entry.request, window.number, offset=window.parsed)
            entry.link.keyframe(window, keyframes[scrollback])

    def _reply_text(self, window: Window, entry: Waiting, scrollback: int) -> None:
        screen = window.screen
        lines = screen.text(scrollback)
        while len(lines) > window.rows and sum(map(len, lines)) > frames.MAX_PAYLOAD // 8:
            lines = lines[(len(lines) - window.rows + 1) // 2 :]
        entry.link.reply(
            entry.request,
            window.number,
            lines=[line[: frames.MAX_COLS * 2] for line in lines],
            cursor={"x": screen.cursor.x, "y": screen.cursor.y},
            cols=window.cols,
            rows=window.rows,
            offset=window.parsed,
            title=screen.title,
        )

    def _reply_modes(self, window: Window, entry: Waiting) -> None:
        modes = window.screen.modes
        entry.link.reply(
            entry.request,
            window.number,
            bracketed_paste=modes.bracketed_paste,
            alternate_screen=modes.alternate_screen,
        )

    def _reply_typed(self, window: Window, entry: Waiting) -> None:
        limit = _count(entry.request.get("limit"))
        lines = window.typed.newest(TYPED_LINES if limit is None else limit, frames.MAX_PAYLOAD // 2)
        entry.link.reply(entry.request, window.number, lines=[line.fields() for line in lines])

    def _read(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        window = self._console.windows[number]
        since = _count(request.get("since", 0)) or 0
        limit = min(_count(request.get("limit")) or READ_BYTES, READ_BYTES)
        offset, data = window.read(max(since, window.start), limit)
        link.reply(request, number, offset=offset, data=base64.b64encode(data).decode(), start=window.start)

    # -- by the agent --------------------------------------------------------

    def _open(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        windows = self._console.windows
        wanted = request.get("window")
        taken = set(windows) | {asked.window for asked in self._asked.values()}
        if wanted is None:
            wanted = next(free for free in range(len(taken) + 1) if free not in taken)
        elif not isinstance(wanted, int) or not 0 <= wanted < frames.CONSOLE:
            link.refuse(request, frames.CONSOLE, "bad_request", f"no window has the number {wanted!r:.50}")
            return
        if wanted not in windows and len(taken) >= self._console.max_windows:
            link.refuse(
                request,
                frames.CONSOLE,
                "too_many_windows",
                f"a console has at most {self._console.max_windows} windows",
            )
            return
        cols, rows = request.get("cols", 80), request.get("rows", 24)
        if isinstance(cols, int) and isinstance(rows, int):
            self._sizes[wanted] = (cols, rows)
        names = ("argv", "env", "cwd", "cols", "rows")
        self.ask(link, wanted, request, {name: request[name] for name in names if name in request})

    def size_wanted(self, number: int) -> tuple[int, int]:
        """The size a window was asked to be opened with."""
        return self._sizes.pop(number, (80, 24))

    def _pass_on(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        self.ask(link, number, request, {"signal": request["signal"]} if "signal" in request else {})

    def ask(
        self, link: Asker | None, number: int, request: dict[str, Any], arguments: dict[str, Any]
    ) -> None:
        """Ask the agent; its answer goes to ``link``, None: to nobody."""
        if len(self._asked) >= MAX_REQUESTS:
            if link is not None:
                link.refuse(request, number, "busy", "the sandbox has too many requests to answer")
            return
        identity = self._next_id
        self._next_id += 1
        sent = {"id": identity, "op": request["op"], "window": number, **arguments}
        if not self._console.agent.request(sent):
            if link is not None:
                link.refuse(
                    request, number, "too_long", "program, arguments and environment exceed 4,000 bytes"
                )
            return
        timer = self._around.call_later(REQUEST_SECONDS, self._silent, identity)
        self._asked[identity] = Asked(link, request, number, timer)

    def answered(self, reply: dict[str, Any]) -> None:
        """The agent has answered."""
        identity = reply.get("id")
        asked = self._asked.pop(identity, None) if isinstance(identity, int) else None
        if asked is None:
            return
        asked.timer.cancel()
        self._sizes.pop(asked.window, None)
        if asked.link is None:
            return
        if reply.get("ok") is True:
            results = {"window": asked.window} if asked.request["op"] == "open" else {}
            asked.link.reply(asked.request, asked.window, **results)
        else:
            code, message = str(reply.get("code"))[:64], str(reply.get("error"))[:1000]
            asked.link.refuse(asked.request, asked.window, code, message)

    def _silent(self, identity: int) -> None:
        asked = self._asked.pop(identity)
        if asked.link is not None:
            asked.link.refuse(asked.request, asked.window, "no_answer", "the sandbox does not answer")

    def _end(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        console = self._console
        if console.end_reason is None:
            console.end_reason = str(request.get("reason") or "ended by its owner")[:REASON_CHARACTERS]
            for window in console.windows:
                for signal in ("SIGHUP", "SIGTERM"):
                    self.ask(None, window, {"op": "signal"}, {"signal": signal})
                self.ask(None, window, {"op": "close"}, {})
            self._around.call_later(END_SECONDS, self._around.kill)
        link.reply(request)

    # -- what goes away ------------------------------------------------------

    def window_closed(self, number: int) -> None:
        """A window is gone: nothing waits for it any longer."""
        for entry in self._waiting.pop(number, []):
            entry.link.refuse(entry.request, number, "no_such_window", f"window {number} was closed")

    def link_closed(self, link: HubLink) -> None:
        """A link is gone: nobody is there to answer."""
        for asked in self._asked.values():
            if asked.link is link:
                asked.link = None
        for waiting in self._waiting.values():
            waiting[:] = [entry for entry in waiting if entry.link is not link]

    def ended(self) -> None:
        """The sandbox is gone: refuse what only it could answer."""
        for asked in self._asked.values():
            asked.timer.cancel()
            if asked.link is not None:
                asked.link.refuse(asked.request, asked.window, "ended", "the console has ended")
        self._asked.clear()


def _count(value: object) -> int | None:
    """A number of lines or bytes from a request, within reason; None: not given."""
    if isinstance(value, int) and not isinstance(value, bool):
        return max(0, value)
    return None
