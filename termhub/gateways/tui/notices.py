"""What somebody wants to be told of windows: bells, activity, silence, commands that have finished.

Each kind is asked for in the settings.  Flags on the tabs stay until the window is looked at; the words
are for a moment.

Invariant: there is at most one timer, and none while silence is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from termhub.gateways.listing import age
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.settings import TerminalSettings
from termhub.gateways.tui.timers import Timers
from termhub.hub.clock import Clock


class NoticeOwner(Protocol):
    """The UI, as notices are shown by it."""

    def notify(self, words: str) -> None:
        """Tell the person something that they asked to be told."""

    def changed(self) -> None:
        """What shows has changed."""

    def rang(self) -> None:
        """Ring."""


class Notices:
    """The notices of one session.

    :param settings: gives the person's choices of now.
    """

    def __init__(
        self,
        session: Session,
        settings: Callable[[], TerminalSettings],
        owner: NoticeOwner,
        timers: Timers,
        clock: Clock,
    ) -> None:
        self._session = session
        self._settings = settings
        self._owner = owner
        self._timers = timers
        self._clock = clock
        self._output_at: dict[int, float] = {}
        self._has_told_end: set[int] = set()

    def bell(self, window: int) -> None:
        """A window that is not on the screen rang."""
        if self._settings().tell_bell:
            self._owner.notify(f"bell in {self._session.label(window)}")
            self._owner.rang()

    def activity(self, window: int) -> None:
        """A window that is not on the screen has output, the first since it was looked at."""
        if self._settings().tell_activity:
            self._owner.notify(f"output in {self._session.label(window)}")

    def output(self, window: int) -> None:
        """A window has output, on the screen or not."""
        seconds = self._settings().tell_silence
        if not seconds:
            return
        self._output_at[window] = self._clock.seconds()
        if not self._timers.is_set("silence"):
            self._timers.later("silence", seconds, self._look_for_silence)

    def _look_for_silence(self) -> None:
        seconds = self._settings().tell_silence
        now = self._clock.seconds()
        if not seconds:
            self._output_at.clear()
            return
        for window, at in list(self._output_at.items()):
            if now - at >= seconds:
                del self._output_at[window]
                self._fell_silent(window, seconds)
        if self._output_at:
            wait = min(self._output_at.values()) + seconds - now
            self._timers.later("silence", max(0.0, wait), self._look_for_silence)

    def _fell_silent(self, window: int, seconds: float) -> None:
        state = self._session.windows.get(window)
        # Whoever types in a window sees that it is silent.
        if state is None or state.exit is not None or window == self._session.layout.focus:
            return
        state.has_silence = True
        self._owner.notify(f"no output for {age(seconds)} in {self._session.label(window)}")
        self._owner.changed()

    def prompt(self, window: int, mark: str, seconds: float | None, status: int | None) -> None:
        """A prompt's mark: ``D`` ends a command, ``A`` begins a prompt, ``C`` begins output.

        :param seconds: since Enter.
        :param status: of the command, where that is known.
        """
        follows_end = window in self._has_told_end
        self._has_told_end.discard(window)
        if mark == "D":
            self._has_told_end.add(window)
        elif mark != "A" or follows_end:
            # The prompt that follows the end of a command says nothing new.
            return
        least = self._settings().tell_command
        state = self._session.windows.get(window)
        if not least or seconds is None or seconds < least or state is None:
            return
        how = f" (status {status})" if status else ""
        self._owner.notify(f"{self._session.label(window)} finished after {age(seconds)}{how}")
        if window != self._session.layout.focus:
            state.has_finished = True
            self._owner.changed()
