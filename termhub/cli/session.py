"""A console in this terminal, and back when the connection breaks."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import click

from sandbox.guest.frames import FrameError
from sandbox.guest.loop import Loop, Timer

from ..errors import NoSuchConsole, NotAllowed, NotLoggedIn, TermhubError
from ..gateways.limit_words import limit_notice
from .connection import Connection, End
from .display import Display
from .keys import Command, Keys, ShowWindow
from .output import plain
from .rest import Rest
from .terminal import Terminal
from .viewer import Viewer

_FRAME_SECONDS = 1 / 50
_RETRY_SECONDS = (0.1, 0.3, 1.0, 2.0, 5.0)
_HELP = "after C-b:  d detach   c new window   n p 0-9 other window   r redraw   C-b itself"
_HELP_SECONDS = 4.0
_ROLES = {"observer": "an observer", "writer": "a writer", "owner": "an owner"}
_OBSERVES = "you look on here: typing does nothing"
_REFUSED = "somebody else has the keyboard just now: what you typed was dropped"
_PATIENCE_SECONDS = 0.4
"""A break that is mended within this time is not shown."""

# Close codes that say that coming back is of no use.
_FINAL_CODES = frozenset({1000, 1002, 1008, 4003, 4004})
_DETACHED = 4001
"""Another viewer has asked that it be the only one."""

_NOT_SHARED = 4003

_FINAL_STATUS = frozenset({400, 401, 403, 404, 426})


class Session:
    """One attached console: keys, connection and terminal on one loop.

    :param console: its description as in REST.
    :param read_only: send no input.
    :param prefix: the prefix key, one byte, or None.
    :param detach_others: close the console's other viewers, once this one is attached.
    """

    def __init__(
        self,
        loop: Loop,
        terminal: Terminal,
        rest: Rest,
        console: dict[str, Any],
        *,
        window: int = 0,
        read_only: bool = False,
        prefix: bytes | None = b"\x02",
        detach_others: bool = False,
    ) -> None:
        cols, rows = terminal.size()
        self._loop, self._terminal, self._rest, self._console = loop, terminal, rest, console
        self._keys = Keys(prefix)
        self._read_only = read_only
        self._display = Display(cols, rows)
        self._viewer = Viewer(self, self._send, cols, rows, window, observes=read_only)
        self._connection: Connection | None = None
        self._tries = 0
        self._has_status = False
        self._is_covered = False  # the state line is gone, but what it covered is not drawn yet
        self._exit_status = 0
        self._has_been_connected = False
        self._detaches_others = detach_others
        self._timers: dict[str, Timer] = {}
        self.parting = "detached"
        self.status = 0
        self.error: TermhubError | None = None

    def run(self) -> None:
        """Show the console until the person detaches or it ends."""
        loop, terminal = self._loop, self._terminal
        loop.signal(signal.SIGWINCH, self._resized)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.signal(number, self._stopped)
        terminal.on_input(self._typed)
        self._connect()
        try:
            loop.run()
        finally:
            if self._connection is not None:
                self._connection.close()
            terminal.drop_unwritten()
            terminal.write_last(self._display.leave())

    def _finish(self, parting: str, status: int = 0) -> None:
        self.parting, self.status = parting, status
        self._loop.stop()

    def _stopped(self) -> None:
        self._finish("detached: this command was ended", 1)

    # -- the connection ------------------------------------------------------

    def _connect(self) -> None:
        self._connection = Connection(
            self._loop,
            self._rest.profile,
            self._console["id"],
            self._viewer.connected,
            self._receive,
            self._broken,
            self._rest.cookie,
        )

    def _send(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.send(data)

    def _receive(self, data: bytes) -> None:
        was_connected = self._viewer.is_connected
        try:
            self._viewer.receive(data)
        except FrameError as error:
            self.error = TermhubError(f"The hub sent what is no frame: {error}.")
            self._finish("error", 1)
            return
        if self._viewer.is_connected and not was_connected:
            self._tries = 0
            self._has_been_connected = True
            self._cancel("lost")
            self._watch_input()
            if "told" not in self._timers:
                self._hide_status()
            self._detach_others()
        self._uncover()

    def _detach_others(self) -> None:
        if self._detaches_others:
            self._viewer.request("detach_others", self._others_detached)

    def _others_detached(self, reply: dict[str, Any]) -> None:
        # Once: whoever comes while this terminal is away for a moment was not meant.
        self._detaches_others = False
        if not reply.get("ok"):
            self._tell(f"the others stay: {plain(str(reply.get('error')))}")

    def _broken(self, end: End) -> None:
        self._viewer.disconnected()
        if end.code == _DETACHED:
            self._finish(plain(end.reason) or "detached by another viewer")
            return
        if end.status == 401:
            self.error = NotLoggedIn(
                f"{self._rest.profile.host} does not accept the token. Run `termhub login` again."
            )
        elif end.status == 404 or end.code == 4004:
            self.error = NoSuchConsole(f"The console {self._console['name']} is gone.")
        elif end.code == _NOT_SHARED:
            self.error = NotAllowed(f"The console {self._console['name']} is no longer shared with you.")
        elif end.status in _FINAL_STATUS or end.code in _FINAL_CODES:
            self.error = TermhubError(f"The hub ended the connection: {end.reason}.")
        if self.error is not None:
            self._finish("error", 1)
            return
        seconds = _RETRY_SECONDS[min(self._tries, len(_RETRY_SECONDS) - 1)]
        self._tries += 1
        if self._has_status:
            self._show_lost(end.reason)
        elif "lost" not in self._timers:
            self._later("lost", _PATIENCE_SECONDS, lambda: self._show_lost(end.reason))
        self._later("retry", seconds, self._connect)

    def _show_lost(self, reason: str) -> None:
        self._show_status(f"no connection: {plain(reason)}; trying again (detach: C-b d)")

    # -- the viewer shows ----------------------------------------------------

    def keyframe(self, cols: int, rows: int, data: bytes, skips: bool, done: Callable[[], None]) -> None:
        """Begin anew; what a slow terminal has not taken of the past goes with what was skipped."""
        if skips:
            self._terminal.drop_unwritten()
        self._write(self._display.keyframe(cols, rows, data), done)

    def output(self, data: bytes, done: Callable[[], None]) -> None:
        """Show what the program wrote."""
        self._write(self._display.output(data), done)
        if self._display.is_fitted and "frame" not in self._timers:
            self._later("frame", _FRAME_SECONDS, self._draw_frame)

    def event(self, window: int, event: dict[str, Any]) -> None:
        """Act on what the hub says of the console."""
        kind = event.get("type")
        if kind == "ended" or (kind == "state" and event.get("state") == "ended"):
            reason = plain(str(event.get("reason") or "its program ended"))
            self._finish(f"ended: {reason}", self._exit_status)
        elif kind == "exit" and window == 0:
            self._exit_status = _exit_status(event)
        elif kind == "exit" and window == self._viewer.window:
            if "out_of_memory" not in event:  # then it says why, and waits for Enter
                self._viewer.request("close", window=window)
        elif kind == "state":
            if event.get("state") == "running":
                self._hide_status()
            else:
                self._show_status(f"the console is {plain(str(event.get('state')))}")
        elif kind == "limit":
            words = plain(limit_notice(event, time.time()))
            if words:
                self._tell(words)
        elif kind == "renamed":
            self._console["name"] = plain(str(event.get("name")))
        elif kind == "role":
            self._tell(f"you are {_ROLES.get(self._viewer.role, 'another')} here now")
        elif kind == "refused":
            self._tell(_REFUSED)
        elif kind == "closed" and window == self._viewer.window and self._viewer.windows:
            self._show_window(self._viewer.windows[0])

    def _write(self, data: bytes, done: Callable[[], None] | None = None) -> None:
        self._terminal.write(data, done)

    def _draw_frame(self) -> None:
        del self._timers["frame"]
        self._write(self._display.frame())

    def _show_status(self, text: str) -> None:
        self._has_status = bool(text)
        self._write(self._display.status(text))

    def _hide_status(self) -> None:
        if self._has_status:
            self._show_status("")
            self._is_covered = True
            self._uncover()

    def _uncover(self) -> None:
        """Draw again what a state line has covered, but not before all that came meanwhile is
        shown: a keyframe would skip it.
        """
        if self._is_covered and self._viewer.is_connected and self._viewer.is_caught_up:
            self._is_covered = False
            self._viewer.redraw()

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def _later(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self._cancel(name)
        self._timers[name] = self._loop.call_later(seconds, call)

    # -- the person ----------------------------------------------------------

    def _watch_input(self) -> None:
        self._terminal.on_input(self._typed)

    def _typed(self, data: bytes) -> None:
        if not data:
            self._finish("detached: the terminal is gone", 1)
            return
        if not self._has_been_connected and b"\x03" in data:
            self._finish("given up", 130)
            return
        for key in self._keys.feed(data):
            if isinstance(key, bytes):
                self._type(key)
            elif isinstance(key, ShowWindow):
                self._show_window(key.window)
            else:
                self._command(key)
        if not self._viewer.wants_input:
            # The program does not take it; commands must stay possible, so look again soon.
            self._terminal.on_input(None)
            self._later("input", 0.05, self._input_again)

    def _type(self, data: bytes) -> None:
        if self._viewer.role == "observer" and not self._read_only and not self._has_status:
            self._tell(_OBSERVES)
        self._viewer.type(data)

    def _input_again(self) -> None:
        if self._viewer.wants_input or not self._viewer.is_connected:
            self._watch_input()
        else:
            self._later("input", 0.05, self._input_again)

    def _command(self, command: Command) -> None:
        windows = self._viewer.windows
        if command is Command.DETACH:
            self._finish("detached")
        elif command is Command.REDRAW:
            self._viewer.redraw()
        elif command is Command.HELP:
            self._tell(_HELP)
        elif command is Command.NEW_WINDOW:
            self._viewer.request("open", self._opened, cols=self._viewer.cols, rows=self._viewer.rows)
        elif len(windows) > 1 and self._viewer.window in windows:
            step = 1 if command is Command.NEXT_WINDOW else -1
            place = (windows.index(self._viewer.window) + step) % len(windows)
            self._show_window(windows[place])

    def _opened(self, reply: dict[str, Any]) -> None:
        if reply.get("ok"):
            self._viewer.show(int(reply["window"]))
        else:
            self._tell(plain(str(reply.get("error"))))

    def _tell(self, text: str) -> None:
        self._show_status(text)
        self._later("told", _HELP_SECONDS, self._hide_status)

    def _show_window(self, window: int) -> None:
        if window in self._viewer.windows and window != self._viewer.window:
            self._viewer.show(window)

    def _resized(self) -> None:
        cols, rows = self._terminal.size()
        self._display.resize(cols, rows)
        self._viewer.resize(cols, rows)
        self._viewer.redraw()


def _exit_status(event: dict[str, Any]) -> int:
    """A program's end as a shell tells it: its status, or 128 and its signal."""
    code, name = event.get("code"), str(event.get("signal"))
    if isinstance(code, int):
        return code & 0xFF
    return 128 + signal.Signals[name] if name in signal.Signals.__members__ else 1


def run_session(
    rest: Rest,
    console: dict[str, Any],
    *,
    prefix: bytes | None,
    window: int = 0,
    read_only: bool = False,
    detach_others: bool = False,
) -> int:
    """Attach this terminal to a console; returns the exit status of the command."""
    loop = Loop()
    try:
        with Terminal(loop) as terminal:
            session = Session(
                loop,
                terminal,
                rest,
                console,
                window=window,
                read_only=read_only,
                prefix=prefix,
                detach_others=detach_others,
            )
            session.run()
    finally:
        loop.close()
    if session.error is not None:
        raise session.error
    click.echo(f"[{session.parting} · {plain(str(console['name']))}]", err=True)
    return session.status
