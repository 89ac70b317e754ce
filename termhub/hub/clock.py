"""What the hub needs of a reactor's clock; Twisted's ``Clock`` has it too, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class DelayedCall(Protocol):
    """A call that has not been made yet."""

    def cancel(self) -> None:
        """Do not make it."""

    def active(self) -> bool:
        """Whether it is still to be made."""


class Clock(Protocol):
    """Time and timers (``IReactorTime``)."""

    def seconds(self) -> float:
        """The time, from any start; never goes back."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any) -> DelayedCall:
        """Call ``callable`` after ``delay`` seconds."""
