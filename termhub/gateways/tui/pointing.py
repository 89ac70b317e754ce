"""The mouse: to programs that ask for it, else for panes, borders, tabs, scrolling and marking."""

from __future__ import annotations

from typing import Protocol

from termhub.gateways.tui.copying import Copying
from termhub.gateways.tui.encode import key_bytes
from termhub.gateways.tui.events import Key, Mouse
from termhub.gateways.tui.mouse import WHEEL_LINES, mouse_bytes
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.tree import Border
from termhub.screen.interface import MouseTracking

WHEEL_UP, WHEEL_DOWN = 4, 5


class PointingOwner(Protocol):
    """The UI, as the mouse sees it."""

    def type(self, window: int, data: bytes) -> None:
        """Input for a window's program."""

    def scrolled(self) -> None:
        """The person has moved the view."""


class Pointing:
    """The mouse over one session's panes."""

    def __init__(self, session: Session, copying: Copying, owner: PointingOwner) -> None:
        self._session = session
        self._copying = copying
        self._owner = owner
        self._border: Border | None = None
        self._held: Pane | None = None

    def tracking(self, is_taken: bool) -> MouseTracking:
        """What the terminal has to report.

        :param is_taken: whether the person lets this UI have the mouse.
        """
        wanted = [pane.modes.mouse for pane in self._session.panes.values()]
        if "any" in wanted:
            return "any"
        if is_taken or "button" in wanted:
            return "button"
        return "normal" if "normal" in wanted else "x10" if "x10" in wanted else "off"

    def mouse(self, event: Mouse) -> None:
        """Something the mouse did over the panes."""
        if self._border is not None:
            self._move_border(event, self._border)
            return
        pane = self._held or self._pane_at(event.x, event.y)
        if pane is None:
            if event.kind == "press":
                self._border = self._session.layout.border_at(event.x, event.y, self._session.area)
            return
        if event.kind == "press" and pane.window != self._session.layout.focus:
            self._owner.scrolled()
            self._session.select(pane.window)
        if event.kind == "press":
            self._held = pane
        elif event.kind == "release":
            self._held = None
        may_type = self._session.company.may_type
        if may_type and pane.modes.mouse != "off" and pane.history is None and not self._session.has_ended:
            self._pass_on(event, pane)
        elif event.kind == "wheel":
            self._wheel(event, pane)
        elif event.button == 1 or event.kind == "release":
            self._mark(event, pane)

    def _pane_at(self, x: int, y: int) -> Pane | None:
        return next((pane for pane in self._session.panes.values() if pane.place.holds(x, y)), None)

    def _move_border(self, event: Mouse, border: Border) -> None:
        session = self._session
        if event.kind == "drag":
            session.layout.move_border(border, event.x if border.side_by_side else event.y, session.area)
            session.arrange()
        elif event.kind == "release":
            self._border = None

    def _pass_on(self, event: Mouse, pane: Pane) -> None:
        left, top = pane.origin
        data = mouse_bytes(event, pane.modes, pane.place.x - left, pane.place.y - top)
        if data:
            self._owner.type(pane.window, data)

    def _wheel(self, event: Mouse, pane: Pane) -> None:
        if event.button not in (WHEEL_UP, WHEEL_DOWN):
            return
        is_up = event.button == WHEEL_UP
        if pane.modes.alternate_screen and pane.history is None and self._session.company.may_type:
            self._owner.type(pane.window, key_bytes(Key("Up" if is_up else "Down"), pane.modes) * WHEEL_LINES)
        else:
            self._copying.wheel(pane, 1 if is_up else -1)

    def _mark(self, event: Mouse, pane: Pane) -> None:
        x = max(0, min(event.x - pane.place.x, pane.place.cols - 1))
        y = event.y - pane.place.y
        if event.kind == "press":
            self._copying.press(pane, x, y)
        elif event.kind == "drag":
            self._copying.drag(x, y)
        elif event.kind == "release":
            self._copying.release()
