"""Who shows a session: what it is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from termhub.gateways.tui.company import CompanyOwner
from termhub.gateways.tui.pane import Pane
from termhub.screen.drawing import Drawing

NoticeKind = Literal["bell", "activity", "output", "prompt"]


class SessionOwner(CompanyOwner, Protocol):
    """The UI, as a session sees it."""

    def drawn(self, pane: Pane, drawing: Drawing, suffices: bool) -> None:
        """A pane has changed; ``suffices``: nothing but what the drawing says."""

    def noticed(self, kind: NoticeKind, window: int, event: Mapping[str, Any]) -> None:
        """Something happened in a window that the person may want to be told of."""

    def refused(self) -> None:
        """What was typed was not taken: somebody else has control."""

    def limit_told(self, event: Mapping[str, Any]) -> None:
        """The console comes near to a limit, has met it, or is well below again."""

    def rang(self) -> None:
        """A program rang the bell."""

    def wants_copied(self, text: str) -> None:
        """A program on the screen wants to put a text into the clipboard."""

    def greeted(self) -> None:
        """The console is there."""

    def opening(self, is_so: bool) -> None:
        """A window is being opened for the person, or no longer."""

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the attachment."""

    def pause_input(self) -> None:
        """Programs do not take their input."""

    def resume_input(self) -> None:
        """They take input again."""
