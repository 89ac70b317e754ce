"""How much one user may have under way at a time over REST.

A call can wait long: for output, or for a program that does not read its input.
Invariant: a user's unanswered calls, and the bytes they hold, are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from termhub.errors import TooMany

MAX_CALLS = 64
"""Unanswered calls of one user."""

MAX_BYTES = 32 << 20
"""Bytes of input in them."""


@attrs.define
class _Taken:
    calls: int = 0
    bytes: int = 0


class Load:
    """What every user has under way."""

    def __init__(self) -> None:
        self._users: dict[int, _Taken] = {}

    def __len__(self) -> int:
        return len(self._users)

    @contextmanager
    def of_call(self, user: int, size: int) -> Iterator[None]:
        """Count a call while the block runs.

        :param user: the user's number.
        :param size: bytes that the call holds.
        :raises TooMany: when the user has too much under way already.
        """
        taken = self._users.setdefault(user, _Taken())
        if taken.calls >= MAX_CALLS or (taken.calls and taken.bytes + size > MAX_BYTES):
            raise TooMany(
                f"You have {taken.calls} requests ({taken.bytes} bytes) under way; wait for answers.",
                "too_many_requests",
            )
        taken.calls += 1
        taken.bytes += size
        try:
            yield
        finally:
            taken.calls -= 1
            taken.bytes -= size
            if not taken.calls:
                del self._users[user]
