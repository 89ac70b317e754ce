"""A client of a real hub that is shown windows drawn, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.viewers import Viewer
from termhub.screen import Screen, open_screen
from termhub.screen.drawing import encode_ready, parse_drawing
from termhub.store import Role, User
from tests.support.drawn import Grid

PATIENCE_SECONDS = 60


class DrawnClient:
    """Shows one grid a window, returns credits and types.

    :param reads: whether it asks for more after a drawing.
    """

    def __init__(self, number: int = 1, *, reads: bool = True) -> None:
        self.number = number
        self.reads = reads
        self.viewer: Viewer | None = None
        self.grids: dict[int, Grid] = {}
        self.events: list[dict[str, Any]] = []
        self.rows_frames = 0
        self.closed: tuple[int, str] | None = None
        self._typed: dict[int, int] = {}
        self._next_id = 1
        self._replies: dict[int, Deferred[dict[str, Any]]] = {}
        self._decoder = frames.Decoder()
        self._waiting: list[tuple[Callable[[], object], Deferred[None]]] = []

    def attach(self, console: Console, user: User, role: Role = "owner") -> None:
        """Attach without watching any window's output."""
        hello = {"version": 1, "viewer": f"{self.number:x}", "windows": {}}
        self.viewer = console.attach(self, user, role, hello)

    @property
    def grid(self) -> Grid:
        """What it shows of window 0."""
        return self.grids.setdefault(0, Grid())

    def ask(self, op: str, **arguments: Any) -> Deferred[dict[str, Any]]:
        """The reply to a request."""
        identity, self._next_id = self._next_id, self._next_id + 1
        reply = self._replies[identity] = Deferred()
        reply.addTimeout(PATIENCE_SECONDS, reactor, lambda *_: self._complain())  # type: ignore[arg-type]
        body = {"id": identity, "op": op, **arguments}
        self._give(frames.encode_json(frames.REQUEST, frames.CONSOLE, body))
        return reply

    def type(self, data: bytes, window: int = 0) -> None:
        """Type into a window."""
        sequence = self._typed.get(window, 0)
        self._typed[window] = sequence + len(data)
        self._give(frames.input_(window, self.number, sequence, data))

    def resize(self, cols: int, rows: int, window: int = 0) -> None:
        """Say how large the area for a window is."""
        self._give(frames.resize(window, cols, rows))

    def read(self, window: int = 0) -> None:
        """Ask for the next drawing, from now on too."""
        self.reads = True
        last = self.grids[window].last
        assert last is not None
        self._give(frames.encode(frames.ROWS, window, encode_ready(last.view)))

    def until(self, condition: Callable[[], object]) -> Deferred[None]:
        """Fires when the condition holds, which is looked at whenever something comes."""
        done: Deferred[None] = Deferred()
        done.addTimeout(PATIENCE_SECONDS, reactor, lambda *_: self._complain())  # type: ignore[arg-type]
        self._waiting.append((condition, done))
        self._check()
        return done

    def until_text(self, text: str, window: int = 0) -> Deferred[None]:
        """Fires when a line of a window is this text."""
        return self.until(lambda: text in self.grids.setdefault(window, Grid()).text)

    async def own_screen(self, console: Console, window: int = 0) -> Screen:
        """The console's own screen, as a keyframe draws it."""
        keyframe = await console.keyframe(window, 0)
        screen = open_screen(keyframe.cols, keyframe.rows)
        for frame in frames.Decoder().feed(keyframe.frames):
            screen.feed(frames.parse_keyframe(frame.payload)[3])
        return screen

    def _complain(self) -> None:
        raise AssertionError(f"waited too long; shown: {self.grid.text}, closed: {self.closed}")

    def _give(self, data: bytes) -> None:
        assert self.viewer is not None
        for frame in frames.Decoder().feed(data):
            self.viewer.receive(frame)

    def _check(self) -> None:
        ready = [done for condition, done in self._waiting if condition()]
        self._waiting = [entry for entry in self._waiting if entry[1] not in ready]
        for done in ready:
            if not done.called:
                done.callback(None)

    # -- what the hub calls ----------------------------------------------------------

    def send(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if frame.type == frames.ROWS:
                self.rows_frames += 1
                drawing = parse_drawing(frame.payload)
                self.grids.setdefault(frame.window, Grid()).apply(drawing)
                if self.reads:
                    # As over a network: the credit comes later, not out of our own send.
                    ready = frames.encode(frames.ROWS, frame.window, encode_ready(drawing.view))
                    reactor.callLater(0, self._give, ready)  # type: ignore[attr-defined]
            elif frame.type == frames.REPLY:
                reply = json.loads(frame.payload)
                self._replies.pop(reply["id"]).callback(reply)
            elif frame.type == frames.EVENT:
                self.events.append(json.loads(frame.payload))
        self._check()

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self._check()

    def pause_input(self) -> None:
        pass

    def resume_input(self) -> None:
        pass
