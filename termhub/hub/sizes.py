"""How large a window is when several viewers look at it.

Four policies: ``latest`` (the size of whoever typed last), ``smallest`` and ``largest`` (of all that
may write), ``manual`` (as set).  Pure.

Coming and resizing are use too where one person looks from several places; they never take the size
from another person, who would see the window shrink because somebody opened it on a phone.

Invariant: without anybody whose size counts there is no wish, and the size stays as it is.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from sandbox.guest.frames import MAX_COLS, MAX_ROWS, MIN_COLS, MIN_ROWS
from termhub.errors import BadRequest

Policy = Literal["latest", "smallest", "largest", "manual"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


class Size(NamedTuple):
    """Columns and rows."""

    cols: int
    rows: int


def checked_size(cols: int, rows: int) -> Size:
    """A size that a terminal can have.

    :raises BadRequest: when it is out of range.
    """
    if not (MIN_COLS <= cols <= MAX_COLS and MIN_ROWS <= rows <= MAX_ROWS):
        raise BadRequest(
            f"{cols}x{rows} is not a size: columns go from {MIN_COLS} to {MAX_COLS}, "
            f"rows from {MIN_ROWS} to {MAX_ROWS}.",
            "bad_size",
        )
    return Size(cols, rows)


class _Area(NamedTuple):
    """What a viewer has room for."""

    size: Size
    counts: bool
    person: object


class Sizes:
    """The wished sizes of one window and the policy that picks one.

    Viewers are known by any hashable key.  Those that only look (``counts=False``) have a
    say only while nobody else has.
    """

    __slots__ = ("_areas", "_latest", "_manual", "policy")

    def __init__(self, policy: Policy = "latest") -> None:
        self.policy: Policy = policy
        # In the order of last use.
        self._areas: dict[object, _Area] = {}
        self._latest: object = None
        self._manual: Size | None = None

    def set_area(self, viewer: object, size: Size, counts: bool = True, person: object = None) -> None:
        """``viewer``, of ``person``, came, or its area is now ``size``."""
        ahead = next((other for other, area in reversed(self._areas.items()) if area.counts), viewer)
        self._areas.pop(viewer, None)
        self._areas[viewer] = _Area(size, counts, person)
        if self._areas[ahead].person != person:
            self._areas[ahead] = self._areas.pop(ahead)
        self._latest = next(reversed(self._areas))

    def set_counts(self, viewer: object, counts: bool) -> None:
        """``viewer`` has a say from now on, or only looks; it is not the latest for that."""
        area = self._areas.get(viewer)
        if area is not None:
            self._areas[viewer] = area._replace(counts=counts)

    def used(self, viewer: object) -> bool:
        """``viewer`` typed.

        :returns: whether that can change the size.
        """
        if self._latest is viewer:
            return False
        area = self._areas.pop(viewer, None)
        if area is None:
            return False
        self._areas[viewer] = area
        self._latest = viewer
        return self.policy == "latest"

    def remove(self, viewer: object) -> None:
        """``viewer`` looks no longer."""
        self._areas.pop(viewer, None)
        if self._latest is viewer:
            self._latest = next(reversed(self._areas), None)

    def set_policy(self, policy: Policy, manual: Size | None = None) -> None:
        """Change the policy; ``manual`` needs a size or keeps the one there is."""
        self.policy = policy
        self._manual = manual

    def wanted(self) -> Size | None:
        """The size by the policy; None: leave it as it is."""
        if self.policy == "manual":
            return self._manual
        areas = [area.size for area in self._areas.values() if area.counts]
        if not areas:
            areas = [area.size for area in self._areas.values()]
        if not areas:
            return None
        if self.policy == "latest":
            return areas[-1]
        pick = min if self.policy == "smallest" else max
        return Size(pick(size.cols for size in areas), pick(size.rows for size in areas))
