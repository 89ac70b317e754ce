"""How many connections there may be, in all and from one address.

Each takes a descriptor and some memory before anybody has said who they are.  A proxy's
connections are everybody's: there a place of the client's is taken for each request.  Invariant: a
connection is counted from when it is made until it is lost, whatever protocol it speaks then.
"""

from __future__ import annotations

from collections import Counter

import attrs

from termhub.accounts.attempts import address_key


@attrs.define(eq=False)
class Place:
    """One connection's, or that of a request that came by a proxy.

    :param address: whose it is; None: nobody's in particular.
    :param is_connection: whether it counts among all connections.
    """

    connections: Connections
    address: str | None
    is_connection: bool = True
    is_free: bool = False

    def free(self) -> None:
        """The connection is lost, or the request over."""
        if not self.is_free:
            self.is_free = True
            self.connections.lost(self)


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

    def take(self, host: str | None) -> Place | None:
        """Count a connection from a host; None when there are too many.

        :param host: None for a proxy's, which is no one host's.
        """
        if self._most and self._count >= self._most:
            return None
        return self._taken(Place(self, None if host is None else address_key(host)))

    def take_proxied(self, host: str) -> Place | None:
        """Count a request of a host that a proxy's connection brought; None when there are too many."""
        return self._taken(Place(self, address_key(host), is_connection=False))

    def _taken(self, place: Place) -> Place | None:
        if place.address is not None:
            if self._most_per_address and self._of_address[place.address] >= self._most_per_address:
                return None
            self._of_address[place.address] += 1
        self._count += place.is_connection
        return place

    def lost(self, place: Place) -> None:
        """What took this place is no more."""
        self._count -= place.is_connection
        if place.address is not None:
            self._of_address[place.address] -= 1
            if not self._of_address[place.address]:
                del self._of_address[place.address]
