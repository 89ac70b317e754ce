"""The terminal UI behind a session channel."""

from __future__ import annotations

from termhub.gateways.tui.interface import Start
from termhub.store import User

from .channel import Channel
from .job import BROKEN, MakeUI, PersonTerminal

_KEYS = {"INT": b"\x03", "QUIT": b"\x1c", "TSTP": b"\x1a"}
"""Signals that a terminal sends for a key: whatever window is shown gets the key."""

_SIGNALS = frozenset({"TERM", "HUP", "KILL", "USR1", "USR2"})
"""Of the others in RFC 4254, section 6.10, those that a console passes on."""


class UIJob:
    """One person's terminal.

    :param start: what to show first.
    """

    def __init__(
        self, make_ui: MakeUI, user: User, channel: Channel, terminal: PersonTerminal, start: Start
    ) -> None:
        self._channel = channel
        self._was_clear = True
        self._is_over = False
        self._ui = make_ui(user, terminal, self, start)

    # -- a session's job -----------------------------------------------------------------

    def begin(self) -> None:
        """Draw."""
        self._ui.begin()
        self._channel.resume()

    def receive(self, data: bytes) -> None:
        """What the person typed."""
        self._ui.receive(data)

    def ended_input(self) -> None:
        """No terminal, no UI."""
        self._ui.lost("its input has ended")
        self.finish(0, "")

    def drained(self) -> None:
        """Tell the UI once everything has left that had to wait."""
        if not self._was_clear and self._channel.is_clear:
            self._was_clear = True
            self._ui.drained()

    def resized(self, cols: int, rows: int) -> None:
        """The person's terminal has another size."""
        self._ui.resized(cols, rows)

    def signal(self, name: str) -> bool:
        """Type the key that a terminal makes this signal of, or send it."""
        if name in _KEYS:
            self._ui.receive(_KEYS[name])
        elif name in _SIGNALS:
            self._ui.signal(f"SIG{name}")
        else:
            return False
        return True

    def end(self, reason: str) -> None:
        """Give the person's terminal back."""
        self._ui.finish(reason, BROKEN)

    def lost(self) -> None:
        """The person has gone."""
        if not self._is_over:
            self._is_over = True
            self._ui.lost("the connection is gone")

    # -- the UI's transport ----------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes to the terminal."""
        self._channel.write(data)
        if not self._channel.is_clear:
            self._was_clear = False

    @property
    def is_clear(self) -> bool:
        """Whether everything written has left this process."""
        return self._channel.is_clear

    def pause_input(self) -> None:
        """Take no more of what is typed."""
        self._channel.pause()

    def resume_input(self) -> None:
        """Take what is typed again."""
        self._channel.resume()

    def finish(self, status: int, words: str) -> None:
        """The UI is over."""
        self._is_over = True
        if words:
            self._channel.write(words.encode("utf-8", "replace") + b"\r\n")
        self._channel.exit(status)
