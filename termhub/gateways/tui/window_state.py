"""What a session knows of a console's windows, and how the status line names them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import attrs

from termhub.gateways.tui.layout import Layout
from termhub.gateways.tui.status import Tab
from termhub.gateways.tui.text import clean
from termhub.host.memory import killed_words
from termhub.screen import Modes

SHELLS = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "tcsh", "zsh"})


@attrs.define
class WindowState:
    """What is known of a window."""

    argv: list[str]
    title: str = ""
    exit: dict[str, Any] | None = None
    has_activity: bool = False
    has_bell: bool = False
    has_silence: bool = False
    has_finished: bool = False
    modes: Modes = attrs.field(factory=Modes)

    @property
    def program(self) -> str:
        """The name of what runs in it."""
        return clean(self.argv[0].rpartition("/")[2]) if self.argv else ""

    def looked_at(self) -> None:
        """Somebody has seen what there was to see."""
        self.has_activity = self.has_bell = self.has_silence = self.has_finished = False

    @property
    def has_closed(self) -> bool:
        """Whether it ended so that its window may close: with success, or as a shell that somebody left.

        The status of a shell at its end is that of the last command in it, and says nothing about the shell.
        """
        if self.exit is None or "code" not in self.exit:
            return False
        return self.exit["code"] == 0 or (len(self.argv) == 1 and self.program in SHELLS)

    @property
    def notice(self) -> str:
        """How its program ended, and what can be done; empty while it runs."""
        if self.exit is None:
            return ""
        if "out_of_memory" in self.exit:
            return f"{killed_words(self.exit['out_of_memory'])} · Enter starts a fresh one · q closes"
        how = f"status {self.exit['code']}" if "code" in self.exit else str(self.exit.get("signal"))
        return clean(f"exited ({how}) · Enter starts it again · q closes")


def tabs_of(windows: Mapping[int, WindowState], layout: Layout, shown: Container[int]) -> list[Tab]:
    """The windows for the status line, by number.

    :param shown: those on the screen.
    """
    found = []
    for number in layout.windows:
        window = windows.get(number)
        if window is not None:
            found.append(
                Tab(
                    number,
                    layout.labels.get(number) or window.program,
                    is_current=number == layout.focus,
                    is_shown=number in shown,
                    is_zoomed=number == layout.focus and layout.is_zoomed,
                    has_activity=window.has_activity,
                    has_bell=window.has_bell,
                    has_silence=window.has_silence,
                    has_finished=window.has_finished,
                    has_exited=window.exit is not None,
                )
            )
    return found
