"""How many connections there may be, in all and from one address.

Each takes a descriptor and some memory before anybody has said who they are.  Invariant: a
connection is counted from when it is made until it is lost, whatever protocol it speaks then.
"""

from __future__ import annotations

from collections import Counter

import attrs

from termhub.accounts.attempts import address_key


@attrs.define(eq=False)
class Place:
    """One connection's."""

    connections: Connections
    address: str
    is_free: bool = False

    def free(self) -> None:
        """The connection is lost."""
        if not self.is_free:
            self.is_free = True
            self.connections.lost(self.address)


class Connections:
    """Counts connections.

    :param most: how many there may be; 0: any number.
    :param most_per_address: how many of one address; 0: any number.
    """

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._count = 0
        self._of_address: Counter[str] = Counter()

    def take(self, host: str) -> Place | None:
        """Count a connection from a host; None when there are too many."""
        address = address_key(host)
        if self._most and self._count >= self._most:
            return None
        if self._most_per_address and self._of_address[address] >= self._most_per_address:
            return None
        self._count += 1
        self._of_address[address] += 1
        return Place(self, address)

    def lost(self, address: str) -> None:
        """A connection from here is no more."""
        self._count -= 1
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
