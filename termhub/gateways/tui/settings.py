"""What a person chooses about the terminal UI, and the screen to choose it on.

Kept in the store with the user's other settings, under :data:`KEY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import attrs

from termhub.gateways.listing import age
from termhub.gateways.tui.bindings import PRESETS, Preset
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.overlay import CHOSEN, LEAVES, draw_frame
from termhub.gateways.tui.text import padded
from termhub.gateways.tui.tree import Rect
from termhub.screen.runs import DEFAULT_STYLE

KEY = "terminal"

Copying = Literal["ask", "always", "never"]


@attrs.frozen
class TerminalSettings:
    """One user's choices.

    :param preset: which keys are commands.
    :param status: show the status line.
    :param mouse: take the mouse for scrolling, marking and panes.
    :param copying: whether programs may put text into the clipboard (OSC 52).
    :param tell_bell: say when a window rings that is not shown, ``tell_activity`` when one has output.
    :param tell_silence: say when a window has had no output for so many seconds; 0: do not.
    :param tell_command: say when a command has ended that ran for so many seconds or more; 0: do not.
    """

    preset: Preset = "tmux"
    status: bool = True
    mouse: bool = True
    copying: Copying = "ask"
    tell_bell: bool = False
    tell_activity: bool = False
    tell_silence: int = 0
    tell_command: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> TerminalSettings:
        """From what is stored for a user; what cannot be used is as it is by default."""
        chosen = stored.get(KEY)
        if not isinstance(chosen, dict):
            return cls()
        found = {
            name: chosen[name]
            for name, values in VALUES.items()
            if any(chosen.get(name) is value or chosen.get(name) == value for value in values)
            and isinstance(chosen[name], type(values[0]))
        }
        return cls(**found)

    def stored_in(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """All of a user's settings with these among them."""
        return {**stored, KEY: attrs.asdict(self)}


VALUES: Mapping[str, tuple[Any, ...]] = {
    "preset": PRESETS,
    "status": (True, False),
    "mouse": (True, False),
    "copying": get_args(Copying),
    "tell_bell": (False, True),
    "tell_activity": (False, True),
    "tell_silence": (0, 10, 30, 60, 300),
    "tell_command": (0, 5, 10, 30, 60, 300),
}
_WORDS: Mapping[str, str] = {
    "preset": "Keys",
    "status": "Status line",
    "mouse": "Mouse",
    "copying": "Programs may copy to the clipboard",
    "tell_bell": "Tell me of bells in other windows",
    "tell_activity": "Tell me of output in other windows",
    "tell_silence": "Tell me when another window has had no output",
    "tell_command": "Tell me when a command has ended that ran",
}
_NAMES: Mapping[Any, str] = {
    "tmux": "C-b, as tmux",
    "screen": "C-a, as screen",
    "none": "no prefix; ~. and C-] leave",
    True: "on",
    False: "off",
    **{value: value for value in get_args(Copying)},
}


def _seconds(value: int) -> str:
    return f"for {age(value)}"


class SettingsScreen:
    """Shows the settings, and changes them.

    :param chose: called with the settings after each change.
    :param close: called when the person leaves it.
    """

    def __init__(
        self,
        settings: TerminalSettings,
        chose: Callable[[TerminalSettings], None],
        close: Callable[[], None],
    ) -> None:
        self.settings = settings
        self._chose = chose
        self._close = close
        self._row = 0
        self._first_y = 0

    def key(self, name: str, text: str) -> None:
        """Move, change, or leave."""
        if name in LEAVES or name == "q":
            self._close()
        elif name in ("Up", "k", "C-p"):
            self.wheel(-1)
        elif name in ("Down", "j", "C-n", "Tab"):
            self.wheel(1)
        elif name in ("Enter", "Space", "Right", "l"):
            self._change(1)
        elif name in ("Left", "h"):
            self._change(-1)

    def _change(self, step: int) -> None:
        name = list(VALUES)[self._row]
        values = VALUES[name]
        value = values[(values.index(getattr(self.settings, name)) + step) % len(values)]
        self.settings = attrs.evolve(self.settings, **{name: value})
        self._chose(self.settings)

    def paste(self, text: str) -> None:
        """Nothing to paste here."""

    def wheel(self, lines: int) -> None:
        """Move."""
        self._row = max(0, min(self._row + (lines > 0) - (lines < 0), len(VALUES) - 1))

    def click(self, x: int, y: int) -> None:
        """Choose a row, or change it when it is chosen."""
        row = y - self._first_y
        if row == self._row:
            self._change(1)
        elif 0 <= row < len(VALUES):
            self._row = row

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw a row for each setting."""
        inner = draw_frame(canvas, area, "Settings", "arrows choose and change, q closes")
        first = max(0, self._row - inner.rows + 1)
        self._first_y = inner.y - first
        for row, name in enumerate(list(VALUES)[first : first + inner.rows]):
            value = getattr(self.settings, name)
            words = f" {_WORDS[name]}: {_NAMES.get(value) or _seconds(value)}"
            style = CHOSEN if first + row == self._row else DEFAULT_STYLE
            canvas.put(inner.x, inner.y + row, padded(words, inner.cols), style)
        return None
