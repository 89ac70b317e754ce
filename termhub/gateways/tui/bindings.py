"""Which keys are commands: the table, its presets, and the prefix.

A command is typed as the preset's prefix key and one more key: ``C-b`` as in tmux, ``C-a`` as in
screen.  The preset without a prefix leaves every key to the program but ``C-]`` and, as in ssh, ``~``
at the start of a line.  The help screen is made from the same table.

Invariant: every key typed is given to the program once, is part of one command, or is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Literal, get_args

import attrs

from termhub.gateways.tui.events import Key

Preset = Literal["tmux", "screen", "none"]
PRESETS: tuple[Preset, ...] = get_args(Preset)

REPEAT_SECONDS = 0.5
"""For so long a command that repeats may be given again without the prefix."""


class Command(Enum):
    """What a person can ask of the terminal UI."""

    DETACH = "leave; the console goes on"
    DETACH_OTHERS = "send the console's other viewers away"
    HELP = "show the keys"
    PICK_CONSOLE = "choose another console, make, rename or end one"
    RENAME_CONSOLE = "rename the console"
    KILL_CONSOLE = "end the console, after asking"
    SETTINGS = "settings: keys, status line, mouse, clipboard"
    HIDE_STATUS = "hide or show the status line"
    REDRAW = "draw everything again"
    POLICY = "change whose size counts: latest, smallest, largest"
    SEND_PREFIX = "send the prefix key to the program"
    NEW_WINDOW = "a new window with a shell"
    NEXT_WINDOW = "the next window"
    PREVIOUS_WINDOW = "the window before"
    LAST_WINDOW = "the window used last"
    SELECT_WINDOW = "the window of this number"
    PICK_WINDOW = "choose a window from a list"
    RENAME_WINDOW = "name the window"
    KILL_WINDOW = "close the window with all its panes, after asking"
    SPLIT_DOWN = "split: a new pane below"
    SPLIT_RIGHT = "split: a new pane to the right"
    NEXT_PANE = "the next pane"
    FOCUS_LEFT = "the pane to the left"
    FOCUS_RIGHT = "the pane to the right"
    FOCUS_UP = "the pane above"
    FOCUS_DOWN = "the pane below"
    ZOOM = "the pane alone, or all again"
    GROW_LEFT = "move the pane's border left"
    GROW_RIGHT = "move the pane's border right"
    GROW_UP = "move the pane's border up"
    GROW_DOWN = "move the pane's border down"
    BREAK_OUT = "make the pane a window of its own"
    KILL_PANE = "close the pane, after asking"
    PEOPLE = "who is here; roles, sharing, who may type"
    CHAT = "read and write messages beside the console"
    FOLLOW = "follow somebody's view, or no longer"
    CONTROL = "ask for control, take it, or give it on"
    DRAFTS = "drafts: look at them, run one, offer what was copied last"
    ANSWER = "answer a program that wants to share the console"
    COPY_MODE = "look back, search and copy"
    PAGE_BACK = "look back by a page"
    PASTE = "type in what was copied last"
    ALLOW_COPY = "let the program copy what it wants to the clipboard"


_C = Command

REPEATING = frozenset({_C.GROW_LEFT, _C.GROW_RIGHT, _C.GROW_UP, _C.GROW_DOWN})

_DIGITS = tuple("0123456789")

_BOTH: Mapping[Command, tuple[str, ...]] = {
    _C.HELP: ("?",),
    _C.PICK_CONSOLE: ("s",),
    _C.RENAME_CONSOLE: ("$",),
    _C.SETTINGS: ("O",),
    _C.HIDE_STATUS: ("b",),
    _C.POLICY: ("P",),
    _C.NEW_WINDOW: ("c", "C-c"),
    _C.SELECT_WINDOW: _DIGITS,
    _C.FOCUS_LEFT: ("Left",),
    _C.FOCUS_RIGHT: ("Right",),
    _C.FOCUS_UP: ("Up",),
    _C.FOCUS_DOWN: ("Down",),
    _C.ZOOM: ("z",),
    _C.GROW_LEFT: ("C-Left", "M-Left"),
    _C.GROW_RIGHT: ("C-Right", "M-Right"),
    _C.GROW_UP: ("C-Up", "M-Up"),
    _C.GROW_DOWN: ("C-Down", "M-Down"),
    _C.BREAK_OUT: ("!",),
    _C.CHAT: ("T",),
    _C.FOLLOW: ("f",),
    _C.CONTROL: ("C",),
    _C.DRAFTS: ("e",),
    _C.ANSWER: ("Y",),
    _C.PAGE_BACK: ("PageUp",),
    _C.PASTE: ("]", "C-]"),
    _C.ALLOW_COPY: ("y",),
}

_TMUX: Mapping[Command, tuple[str, ...]] = {
    **_BOTH,
    _C.DETACH: ("d", "C-d"),
    _C.DETACH_OTHERS: ("D",),
    _C.REDRAW: ("r",),
    _C.SEND_PREFIX: ("C-b",),
    _C.NEXT_WINDOW: ("n", "C-n"),
    _C.PREVIOUS_WINDOW: ("p", "C-p"),
    _C.LAST_WINDOW: ("l",),
    _C.PICK_WINDOW: ("w",),
    _C.RENAME_WINDOW: (",",),
    _C.KILL_WINDOW: ("&",),
    _C.KILL_CONSOLE: ("X",),
    _C.SPLIT_DOWN: ('"',),
    _C.SPLIT_RIGHT: ("%",),
    _C.NEXT_PANE: ("o", "C-o", "Tab"),
    _C.KILL_PANE: ("x",),
    _C.PEOPLE: ("a",),
    _C.COPY_MODE: ("[",),
}

_SCREEN: Mapping[Command, tuple[str, ...]] = {
    **_BOTH,
    _C.DETACH: ("d", "C-d"),
    _C.DETACH_OTHERS: ("*",),
    _C.REDRAW: ("l", "C-l"),
    _C.SEND_PREFIX: ("a",),
    _C.NEXT_WINDOW: ("n", "C-n", "Space"),
    _C.PREVIOUS_WINDOW: ("p", "C-p", "Backspace"),
    _C.LAST_WINDOW: ("C-a",),
    _C.PICK_WINDOW: ('"', "w", "C-w"),
    _C.RENAME_WINDOW: ("A",),
    _C.KILL_WINDOW: ("&",),
    _C.KILL_CONSOLE: ("\\",),
    _C.SPLIT_DOWN: ("S",),
    _C.SPLIT_RIGHT: ("|", "%"),
    _C.NEXT_PANE: ("Tab",),
    _C.KILL_PANE: ("k", "K", "x"),
    _C.PEOPLE: ("u",),
    _C.COPY_MODE: ("[", "Escape"),
}

# After ~ at the start of a line.
_TILDE: Mapping[Command, tuple[str, ...]] = {
    _C.DETACH: (".",),
    _C.HELP: ("?",),
    _C.PICK_CONSOLE: ("s",),
    _C.PICK_WINDOW: ("w",),
    _C.NEW_WINDOW: ("c",),
    _C.SETTINGS: ("O",),
    _C.COPY_MODE: ("[",),
    # Capitals: a line that begins with a folder such as ~alice is the program's.
    _C.PEOPLE: ("A",),
    _C.CHAT: ("T",),
    _C.FOLLOW: ("F",),
    _C.CONTROL: ("C",),
    _C.DRAFTS: ("E",),
    _C.ANSWER: ("Y",),
}

TABLES: Mapping[Preset, Mapping[Command, tuple[str, ...]]] = {
    "tmux": _TMUX,
    "screen": _SCREEN,
    "none": _TILDE,
}
PREFIXES: Mapping[Preset, str] = {"tmux": "C-b", "screen": "C-a", "none": "~"}
LONE_DETACH = "C-]"


@attrs.frozen
class Action:
    """A command that was typed; ``argument`` is the key, which is the number of a window to select."""

    command: Command
    argument: str = ""


@attrs.frozen
class Unbound:
    """A key behind the prefix that is no command."""

    key: str


Typed = Key | Action | Unbound
"""A key for the program, or a command for us."""


def key_name(key: Key) -> str:
    """A key as the table and the help write it: ``C-b``, ``M-Left``, ``Space``, ``%``."""
    name = key.name
    if key.shift and len(name) > 1:
        name = "S-" + name
    if key.alt:
        name = "M-" + name
    if key.ctrl:
        name = "C-" + name
    return name


@cache
def _actions(preset: Preset) -> Mapping[str, Action]:
    return {key: Action(command, key) for command, keys in TABLES[preset].items() for key in keys}


class Bindings:
    """Tells commands from keys for the program.

    :param preset: the table to use.
    """

    def __init__(self, preset: Preset = "tmux") -> None:
        self._is_line_start = True
        self._held: Key | None = None
        self._repeats_until = -1.0
        self.use(preset)

    def use(self, preset: Preset) -> None:
        """Take another preset from now on."""
        self.preset = preset
        self._actions = _actions(preset)
        self._prefix = PREFIXES[preset]
        self._held = None

    @property
    def awaits(self) -> bool:
        """Whether the prefix has been typed and a command is to follow."""
        return self._held is not None

    def passed_on(self, key: Key | None) -> None:
        """A key went to the program, or a paste: the next one begins a line or not."""
        self._is_line_start = key is not None and key.name == "Enter"

    def feed(self, key: Key, now: float) -> list[Typed]:
        """What a key means.

        :param now: seconds, from any start.
        """
        name = key_name(key)
        held, self._held = self._held, None
        if held is not None:
            return self._command(held, key, name, now)
        if now < self._repeats_until:
            action = self._actions.get(name)
            if action is not None and action.command in REPEATING:
                self._repeats_until = now + REPEAT_SECONDS
                return [action]
        self._repeats_until = -1.0
        if self.preset == "none":
            if name == LONE_DETACH:
                return [Action(Command.DETACH, name)]
            if name == self._prefix and self._is_line_start:
                self._held = key
                return []
        elif name == self._prefix:
            self._held = key
            return []
        return [key]

    def _command(self, held: Key, key: Key, name: str, now: float) -> list[Typed]:
        action = self._actions.get(name)
        if self.preset == "none" and action is None:
            return [key] if name == self._prefix else [held, key]
        if action is None:
            return [Unbound(name)]
        if action.command is Command.SEND_PREFIX:
            return [held]
        if action.command in REPEATING:
            self._repeats_until = now + REPEAT_SECONDS
        return [action]


def help_rows(preset: Preset) -> list[tuple[str, str]]:
    """The table for people: keys, and what they do."""
    prefix = PREFIXES[preset] + ("" if preset == "none" else " ")
    rows = []
    for command in Command:
        keys = TABLES[preset].get(command)
        if keys is None:
            continue
        shown = "0 to 9" if keys == _DIGITS else ", ".join(keys[:2])
        rows.append((prefix + shown, command.value))
    if preset == "none":
        rows[:0] = [(LONE_DETACH, Command.DETACH.value)]
        rows.append(("~~", "send ~ to the program"))
    return rows
