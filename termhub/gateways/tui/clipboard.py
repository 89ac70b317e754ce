"""What was copied: by the person, and by programs, which need leave for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from termhub.gateways.tui import commands
from termhub.gateways.tui.bindings import Command
from termhub.gateways.tui.text import counted

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI


class Clipboard:
    """One person's clipboard: what the device's terminal takes, and what can be typed in here."""

    def __init__(self, ui: TerminalUI) -> None:
        self._ui = ui
        self._wanted: str | None = None

    @property
    def text(self) -> str:
        """What was copied last."""
        return self._ui.services.memory.copied(self._ui.user.number)

    def copied(self, text: str) -> None:
        """A text was copied: keep it, and give it to the person's device."""
        if not text:
            return
        ui = self._ui
        ui.services.memory.keep_copied(ui.user.number, text)
        where = "" if ui.display.set_clipboard(text) else "; this terminal's clipboard cannot be reached"
        keys = commands.keys_of(ui.settings.preset, Command.PASTE)
        how = f"; {keys} types it" if keys else ""
        ui.say(f"Copied {counted(len(text), 'character')}{how}{where}.")

    def wanted(self, text: str) -> None:
        """A program wants to put a text there."""
        ui = self._ui
        copying = ui.settings.copying
        if copying == "always":
            self.copied(text)
        elif copying == "ask":
            self._wanted = text
            keys = commands.keys_of(ui.settings.preset, Command.ALLOW_COPY)
            if keys:
                ui.say(f"A program wants to copy {counted(len(text), 'character')}; {keys} lets it.")

    def allow(self) -> None:
        """Let the program that asked last."""
        text, self._wanted = self._wanted, None
        if text is None:
            self._ui.say("No program wants to copy anything.")
        else:
            self.copied(text)
