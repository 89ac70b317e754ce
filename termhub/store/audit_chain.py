"""Whether the audit log is as it was written: every entry's hash covers itself and the one before.

Pure, and fed page by page, so that a log of any length is checked in little memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs

from .audit import START, chained
from .records import AuditEntry

HASH = re.compile(r"[0-9a-f]{64}")


@attrs.frozen
class Broken:
    """The first entry that is not as it was written."""

    number: int
    why: str


class Chain:
    """Follows the log from its beginning.

    :param noted: a hash that was noted elsewhere at some time; as long as nothing was cut off, it is in
        the log.
    """

    def __init__(self, noted: str | None = None) -> None:
        self.count = 0
        """Entries that are as they were written."""
        self.head = START
        """The hash of the last of them; noted elsewhere, it tells later whether entries were cut off."""
        self.broken: Broken | None = None
        self.has_noted = noted is None or noted == START
        self._noted = noted
        self._last = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with what was followed."""
        return self.broken is None and self.has_noted

    def follow(self, entries: Iterable[AuditEntry]) -> None:
        """Go on with the next entries; behind a broken one nothing is said any more."""
        for entry in entries:
            if self.broken is not None:
                return
            if entry.number != self._last + 1:
                why = f"the entries behind {self._last} and before it are missing, or out of order"
                self.broken = Broken(entry.number, why)
            elif entry.hash != chained(self.head, entry):
                why = "it, or the one before it, was changed, or they stand in another order"
                self.broken = Broken(entry.number, why)
            else:
                self.count, self.head, self._last = self.count + 1, entry.hash, entry.number
                self.has_noted = self.has_noted or entry.hash == self._noted
