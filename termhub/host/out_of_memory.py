"""Programs that were ended because memory ran out: told apart from others, and waited for.

A window's program that SIGKILL ended while the control group's count has grown was one of them.  The
console stays: before the agent hears that the end was noted, after which it may leave, the window is
opened again with a command that says what happened and runs the program afresh at Enter.  Where the
count grows and every window's program lives, a program below one was ended, and viewers are told.

Invariant: each end is told apart once and the same way, whichever host comes to it: what was counted for
it is saved before anything is done about it, and a window that runs refuses to be opened twice.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.host.memory import killed_words

if TYPE_CHECKING:
    from termhub.host.console import Console, Surroundings, Timer
    from termhub.host.window import Exit, Window
    from termhub.screen import Modes

AT_ONCE_SECONDS = 30.0
MOST_AT_ONCE = 5
"""A window whose program is ended so often within that time is not opened again."""

LOOK_SECONDS = 2.0
"""How long after output the count is looked at; and how long a window's program has to be found ended
before a growing count is taken for that of another."""

MOST_PLACES = 64
COMMAND_CHARACTERS = 4096

_SHELL = ["/bin/sh", "-c"]
_WAIT = 'trap "exit 137" INT; printf %s "$0"; read -r line || exit 137; exec "$@"'
_WAITING = [*_SHELL, _WAIT]


def waiting_command(message: str, argv: list[str]) -> list[str]:
    """A command that writes ``message`` and runs ``argv`` in its own place at Enter.

    At Ctrl-C and at Ctrl-D it ends with 137, as a shell says of a program that SIGKILL ended.
    """
    return [*_WAITING, message, *argv]


def original(argv: Any) -> Any:
    """The command that a :func:`waiting_command` waits to run; another as it is.

    :param argv: what an agent says of a window, hostile or not.
    """
    is_waiting = isinstance(argv, list) and argv[: len(_WAITING)] == _WAITING
    return argv[len(_WAITING) + 1 :] if is_waiting else argv


def reset(modes: Modes) -> str:
    """VT text that takes back what a program that could not do it itself has asked of its terminal."""
    return "".join(
        text
        for is_set, text in (
            (modes.alternate_screen, "\033[?1049l"),
            (modes.mouse != "off", "\033[?9l\033[?1000l\033[?1002l\033[?1003l"),
            (modes.mouse_encoding != "default", "\033[?1005l\033[?1006l\033[?1015l\033[?1016l"),
            (modes.focus_events, "\033[?1004l"),
            (modes.bracketed_paste, "\033[?2004l"),
            (modes.application_cursor_keys, "\033[?1l"),
            (modes.application_keypad, "\033>"),
            (modes.insert, "\033[4l"),
            (modes.newline, "\033[20l"),
            (not modes.autowrap, "\033[?7h"),
            (modes.reverse_video, "\033[?5l"),
            (modes.synchronized_output, "\033[?2026l"),
            (modes.kitty_keyboard, "\033[=0u"),
            (True, "\033[?25h\033[m"),
        )
        if is_set
    )


class OutOfMemory:
    """What becomes of the windows of one console when memory runs out."""

    def __init__(self, console: Console, around: Surroundings) -> None:
        self._console = console
        self._around = around
        self._memory = around.memory
        told = self._memory.load()
        kills, places = told.get("kills"), told.get("places")
        self._kills = kills if isinstance(kills, int) else 0
        self._places = deque(_places(places), MOST_PLACES)
        self._commands: dict[int, list[str]] = {}
        self._greeted_at: dict[int, int] = {}
        self._due: dict[int, int] = {}
        self._asked: set[int] = set()
        self._ended_at: dict[int, deque[float]] = {}
        self._timer: Timer | None = None
        self._has_grown = False

    # -- what the agent says -------------------------------------------------

    def greeted(self, number: int, argv: Any, end: int) -> None:
        """A window in the agent's HELLO; ends it tells of before ``end`` are over."""
        self._greeted_at[number] = end
        self._take_command(number, argv)

    def opened(self, number: int, argv: Any) -> None:
        """A program runs in a window."""
        self._due.pop(number, None)
        self._take_command(number, argv)

    def _take_command(self, number: int, argv: Any) -> None:
        argv = original(argv)
        is_whole = isinstance(argv, list) and all(isinstance(part, str) for part in argv) and argv
        if is_whole and sum(map(len, argv)) <= COMMAND_CHARACTERS:
            self._commands[number] = argv
        else:
            self._commands.pop(number, None)

    def exited(self, window: Window, exit_: Exit) -> Exit:
        """A window's program has ended, at the end of its stream; the exit with what is known of it."""
        number, offset = window.number, window.stream.end
        self._due.pop(number, None)
        if exit_.get("signal") != "SIGKILL":
            return exit_
        place = (number, offset)
        kills = self._memory.kills()
        if kills is None:
            return exit_
        if not (offset <= self._greeted_at.get(number, -1) and place in self._places):
            if kills <= self._kills:
                return exit_
            self._places.append(place)
            self._told(kills)
        is_last = offset >= self._greeted_at.get(number, 0)
        if is_last and self._console.end_reason is None and self._may_begin_again(number):
            self._due[number] = offset
        return {**exit_, "out_of_memory": self._memory.limit_bytes()}

    def _told(self, kills: int) -> None:
        self._kills = kills
        self._memory.save({"kills": kills, "places": list(self._places)})

    def _may_begin_again(self, number: int) -> bool:
        """Whether it is not the same again and again, at once."""
        now = self._around.clock()
        times = self._ended_at.setdefault(number, deque(maxlen=MOST_AT_ONCE))
        times.append(now)
        return len(times) < MOST_AT_ONCE or now - times[0] > AT_ONCE_SECONDS

    def window_closed(self, number: int) -> None:
        """A window is gone."""
        self._asked.discard(number)
        self._due.pop(number, None)
        self._commands.pop(number, None)
        self._greeted_at.pop(number, None)
        self._ended_at.pop(number, None)

    # -- opening again -------------------------------------------------------

    def holds(self, number: int) -> bool:
        """Whether the end of a window's program must not be acknowledged yet."""
        return number in self._due or number in self._asked

    def reached(self, window: Window) -> None:
        """The screen is as far as the stream: open the window again, if it waits for that."""
        number = window.number
        offset = self._due.get(number)
        if offset is None or window.has_work:
            return
        del self._due[number]
        exit_, command = window.exit or {}, self._commands.get(number)
        if command is None or "out_of_memory" not in exit_:
            self._console.acknowledge_end(number)
            return
        self._asked.add(number)
        words = f"{killed_words(exit_['out_of_memory'])} – Enter starts a fresh one"
        argv = waiting_command(f"{reset(window.screen.modes)}\n{words}\n", command)
        size = {"cols": window.cols, "rows": window.rows}
        self._console.requests.ask(self, number, {"op": "open"}, {"argv": argv, **size})

    def reply(self, request: dict[str, Any], number: int, /, **results: Any) -> None:
        """The agent has opened the window."""
        self._asked.discard(number)

    def refuse(self, request: dict[str, Any], window: int, code: str, message: str) -> None:
        """The agent has not: somebody else was first, or the end of its program stands."""
        self._asked.discard(window)
        if code != "window_exists":
            self._console.acknowledge_end(window)

    # -- programs below a window's -------------------------------------------

    def active(self) -> None:
        """There was output: look at the count soon. An idle console is not looked at."""
        if self._timer is None:
            self._timer = self._around.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        had_grown, self._has_grown = self._has_grown, False
        kills = self._memory.kills()
        if kills is None or kills <= self._kills:
            return
        if not had_grown:
            # It may have been a window's program: the agent has yet to say so.
            self._has_grown = True
            self.active()
            return
        self._told(kills)
        event = {"type": "memory", "limit": self._memory.limit_bytes()}
        self._console.notices.broadcast(frames.CONSOLE, event)

    @property
    def limit_hit(self) -> int | None:
        """The limit in bytes, when it was hit and nobody was told yet."""
        kills = self._memory.kills()
        return None if kills is None or kills <= self._kills else self._memory.limit_bytes()

    def ended(self) -> None:
        """The sandbox is gone: look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _places(value: Any) -> list[tuple[int, int]]:
    """Windows and offsets from a file."""
    found = value if isinstance(value, list) else []
    return [
        (entry[0], entry[1])
        for entry in found
        if isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, int) for part in entry)
    ]
