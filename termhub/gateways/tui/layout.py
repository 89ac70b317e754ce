"""Which windows of a console a session shows, and how: tabs, panes, focus, zoom, labels.

Every window of the console is in exactly one *group*; the group with the focus is on the screen,
its windows in panes.  A window that somebody opens is a group of its own; splitting puts one into
the group of another.

Invariant: ``groups`` together hold each window once, and ``focus`` is one of them, or None when there
is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from termhub.gateways.tui import tree
from termhub.gateways.tui.tree import Node, Rect


class Layout:
    """One session's arrangement of one console's windows."""

    def __init__(self) -> None:
        self.groups: list[Node] = []
        self.focus: int | None = None
        self.is_zoomed = False
        self.labels: dict[int, str] = {}
        self._recent: list[int] = []

    def copy(self) -> Layout:
        """The same arrangement, to be changed by itself."""
        other = Layout()
        other.groups = list(self.groups)
        other.focus, other.is_zoomed = self.focus, self.is_zoomed
        other.labels = dict(self.labels)
        other._recent = list(self._recent)
        return other

    # -- what there is -------------------------------------------------------------

    @property
    def windows(self) -> list[int]:
        """All windows, by number."""
        return sorted(window for group in self.groups for window in tree.windows(group))

    def group_of(self, window: int) -> Node | None:
        """The group that a window is in."""
        return next((group for group in self.groups if window in tree.windows(group)), None)

    @property
    def shown(self) -> Node | None:
        """The tree on the screen: the group with the focus, or the focus alone while it is zoomed."""
        if self.focus is None:
            return None
        return self.focus if self.is_zoomed else self.group_of(self.focus)

    def places(self, rect: Rect) -> dict[int, Rect]:
        """Where each shown window lies; the focus alone where there is no room for all."""
        node = self.fitting(rect)
        return {} if node is None else tree.places(node, rect)

    def fitting(self, rect: Rect) -> Node | None:
        """The tree on a screen of this size."""
        node = self.shown
        return node if node is None or tree.fits(node, rect) else self.focus

    @property
    def is_split(self) -> bool:
        """Whether the group with the focus has several windows."""
        return self.focus is not None and not isinstance(self.group_of(self.focus), int)

    @property
    def before(self) -> int | None:
        """The window that was used last in another group."""
        here = self.focus and self.group_of(self.focus)
        own = set() if here is None else set(tree.windows(here))
        return next((window for window in reversed(self._recent) if window not in own), None)

    # -- windows come and go -------------------------------------------------------

    def windows_are(self, numbers: Iterable[int]) -> None:
        """Take note of the windows there are now."""
        numbers = sorted(numbers)
        for window in self.windows:
            if window not in numbers:
                self.closed(window)
        for window in numbers:
            self.opened(window)

    def opened(self, window: int) -> None:
        """There is a window; shown at once only when it is the first."""
        if self.group_of(window) is None:
            self.groups.append(window)
            if self.focus is None:
                self.select(window)

    def closed(self, window: int) -> None:
        """A window is gone; the focus goes to a neighbour, else to the window used before."""
        group = self.group_of(window)
        if group is None:
            return
        siblings = tree.windows(group)
        place = siblings.index(window)
        self._replace(group, tree.without(group, window))
        self._forget(window)
        if self.focus == window:
            self.is_zoomed = False
            siblings.remove(window)
            recent = self._recent[-1] if self._recent else next(iter(self.windows), None)
            if siblings:
                near = [other for other in reversed(self._recent) if other in siblings]
                recent = near[0] if near else siblings[max(0, place - 1)]
            self.focus = None
            if recent is not None:
                self.select(recent)

    def _forget(self, window: int) -> None:
        self.labels.pop(window, None)
        if window in self._recent:
            self._recent.remove(window)

    def _replace(self, group: Node, by: Node | None) -> None:
        index = self.groups.index(group)
        self.groups[index : index + 1] = [] if by is None else [by]

    # -- what a person does --------------------------------------------------------

    def select(self, window: int) -> None:
        """Give a window the focus; its group is shown."""
        group = self.group_of(window)
        if group is None:
            return
        if window != self.focus:
            self.is_zoomed = False
        self.focus = window
        if window in self._recent:
            self._recent.remove(window)
        self._recent.append(window)

    def step(self, by: int) -> int | None:
        """The window that comes next by number and is not on the screen; None when all are."""
        if self.focus is None:
            return None
        order = self.windows
        group = self.group_of(self.focus)
        here = {self.focus} if group is None else set(tree.windows(group))
        place = order.index(self.focus)
        for distance in range(1, len(order)):
            other = order[(place + by * distance) % len(order)]
            if other not in here:
                return self._last_used(other)
        return None

    def _last_used(self, window: int) -> int:
        """The window of this one's group that had the focus last."""
        group = self.group_of(window)
        members = [window] if group is None else tree.windows(group)
        return next((other for other in reversed(self._recent) if other in members), window)

    def split(self, window: int, side_by_side: bool) -> None:
        """Put a window that stands alone beside the one with the focus, and select it."""
        if self.focus is None or window == self.focus:
            return
        self.opened(window)
        alone = self.group_of(window)
        if alone is not None and not isinstance(alone, int):
            self._replace(alone, tree.without(alone, window))
        elif alone is not None:
            self.groups.remove(alone)
        group = self.group_of(self.focus)
        assert group is not None
        self._replace(group, tree.split(group, self.focus, window, side_by_side))
        self.select(window)

    def break_out(self) -> bool:
        """Make the focused pane a group of its own; whether it was not one."""
        if self.focus is None:
            return False
        group = self.group_of(self.focus)
        if group is None or isinstance(group, int):
            return False
        self._replace(group, tree.without(group, self.focus))
        self.groups.append(self.focus)
        self.is_zoomed = False
        return True

    def can_split(self, rect: Rect, side_by_side: bool) -> bool:
        """Whether the focused pane has room for two."""
        place = self.places(rect).get(self.focus) if self.focus is not None else None
        if place is None:
            return False
        return place.cols >= tree.SPLIT_COLS if side_by_side else place.rows >= tree.SPLIT_ROWS

    def focus_next(self, by: int = 1) -> None:
        """Give the focus to the next pane of the group."""
        if self.focus is None:
            return
        group = self.group_of(self.focus)
        members = [] if group is None else tree.windows(group)
        if len(members) > 1:
            self.select(members[(members.index(self.focus) + by) % len(members)])

    def focus_towards(self, direction: tree.Direction, rect: Rect) -> None:
        """Give the focus to the pane in a direction."""
        if self.focus is None:
            return
        group = self.group_of(self.focus)
        if group is None or not tree.fits(group, rect):
            return
        other = tree.neighbour(tree.places(group, rect), self.focus, direction, self._recent)
        if other is not None:
            self.select(other)

    def zoom(self) -> None:
        """Show the focused pane alone, or all again."""
        self.is_zoomed = self.is_split and not self.is_zoomed

    def grow(self, direction: tree.Direction, cells: int, rect: Rect) -> None:
        """Move a border of the focused pane in a direction."""
        group = self.group_of(self.focus) if self.focus is not None else None
        if self.focus is None or group is None or self.is_zoomed or not tree.fits(group, rect):
            return
        border = tree.border_of(group, rect, self.focus, direction)
        if border is not None:
            at = border.rect.x if border.side_by_side else border.rect.y
            step = cells if direction in ("right", "down") else -cells
            self.move_border(border, at + step, rect)

    def move_border(self, border: tree.Border, position: int, rect: Rect) -> None:
        """Move a border to a column or row."""
        group = self.group_of(self.focus) if self.focus is not None else None
        if group is not None and tree.fits(group, rect):
            self._replace(group, tree.moved(group, rect, border, position))

    def border_at(self, x: int, y: int, rect: Rect) -> tree.Border | None:
        """The border on the screen at a cell."""
        node = self.fitting(rect)
        if node is None:
            return None
        return next((each for each in tree.borders(node, rect) if each.rect.holds(x, y)), None)
