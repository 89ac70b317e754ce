"""How many requests there may be: of one user, of one address, and of what costs much.

Each has a bucket that holds a minute's worth and refills steadily, so that a page may open with
many requests at once.  Invariant: what is kept is bounded, whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.accounts.attempts import Attempts, address_key

EXPENSIVE_AT_ONCE = 60
EXPENSIVE_SECONDS = 2.0
"""Operations that start or write out much: so many of a user at once, then one in so long."""

MAX_KEYS = 50_000
"""Addresses, and users, that are remembered."""


class Rates:
    """Counts requests.

    :param seconds: a clock that never goes back.
    :param per_user: requests of a user in a minute; 0: any number.
    :param per_address: requests from an address (IPv6: from 64 bits) in a minute; 0: any number.
    """

    def __init__(self, seconds: Callable[[], float], per_user: int = 0, per_address: int = 0) -> None:
        def bucket(a_minute: int) -> Attempts | None:
            if not a_minute:
                return None
            return Attempts(
                seconds,
                burst=a_minute,
                refill_seconds=60.0 / a_minute,
                capacity=MAX_KEYS,
                what="requests",
                code="too_many_requests",
            )

        self._users = bucket(per_user)
        self._addresses = bucket(per_address)
        self._expensive = None
        if per_user:
            self._expensive = Attempts(
                seconds,
                burst=EXPENSIVE_AT_ONCE,
                refill_seconds=EXPENSIVE_SECONDS,
                capacity=MAX_KEYS,
                what="requests that cost much",
                code="too_many_requests",
            )

    def of_address(self, address: str) -> None:
        """Count a request from an address.

        :raises TooMany: when there were too many; it says how long to wait.
        """
        if self._addresses is not None:
            self._addresses.spend(address_key(address))

    def of_user(self, user: int, is_expensive: bool = False) -> None:
        """Count a request of a user.

        :param user: the user's number.
        :raises TooMany: when there were too many; it says how long to wait.
        """
        if self._users is not None:
            self._users.spend(str(user))
        if self._expensive is not None and is_expensive:
            self._expensive.spend(str(user))
