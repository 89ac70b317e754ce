"""Keys that somebody has proved to hold and that open no account yet, by a short code.

Whoever comes by ssh with an unknown key is shown a code; who is logged in in a browser and
enters it makes the key open their account.  The table is in memory: an offer is good for
minutes, and a new one is a key press away.  Invariant: at most ``capacity`` offers are kept,
the oldest go first, and each is taken once.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable

import attrs

from .attempts import address_key
from .public_keys import fingerprint
from .secret import hash_secret

OFFER_SECONDS = 600.0
"""A code is good for so long."""

MAX_OFFERS = 1000
MAX_OFFERS_OF_ADDRESS = 20
"""Beyond it the oldest of the same address goes, so that one cannot push out everybody's."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: nothing in it can be taken for something else in it."""

_LIKENESSES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})
_LENGTH = 8


@attrs.frozen
class KeyOffer:
    """A key that was proved and may be added by its code.

    ``code`` looks like ``ABCD-EFGH``; ``address`` is where the key came from, and ``network`` what
    counts as the same; ``expires`` in seconds since 1970.
    """

    code: str = attrs.field(repr=False)
    algorithm: str
    blob: bytes = attrs.field(repr=False)
    fingerprint: str
    address: str
    network: str
    expires: float


class Offers:
    """The offers that are open.

    :param now: seconds since 1970.
    :param capacity: offers to remember; the oldest are forgotten beyond it.
    """

    def __init__(self, now: Callable[[], float], capacity: int = MAX_OFFERS) -> None:
        self._now = now
        self._capacity = capacity
        # Found by hash: how long a look-up takes tells nothing about the codes there are.
        self._offers: OrderedDict[str, KeyOffer] = OrderedDict()
        self._by_key: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._offers)

    def add(self, blob: bytes, algorithm: str, address: str) -> KeyOffer:
        """An offer of a key: a new one, or the one that is open, with its time begun anew."""
        known = self._offers.get(self._by_key.get(blob, ""))
        if known is not None and known.expires > self._now():
            code = known.code
        else:
            code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            code = f"{code[:4]}-{code[4:]}"
        self._forget(self._by_key.get(blob))
        network, expires = address_key(address), self._now() + OFFER_SECONDS
        self._make_room(network)
        offer = KeyOffer(code, algorithm, blob, fingerprint(blob), address, network, expires)
        place = _place(code)
        self._offers[place] = offer
        self._by_key[blob] = place
        return offer

    def find(self, code: str) -> KeyOffer | None:
        """The offer with this code, as somebody typed it; None when there is none any more."""
        place = _place(code)
        offer = self._offers.get(place)
        if offer is not None and offer.expires <= self._now():
            self._forget(place)
            return None
        return offer

    def discard(self, offer: KeyOffer) -> None:
        """The offer was taken: its code is of no more use."""
        self._forget(self._by_key.get(offer.blob))

    def _make_room(self, network: str) -> None:
        same = [place for place, offer in self._offers.items() if offer.network == network]
        for place in same[: max(0, len(same) - MAX_OFFERS_OF_ADDRESS + 1)]:
            self._forget(place)
        while len(self._offers) >= self._capacity:
            self._forget(next(iter(self._offers)))

    def _forget(self, place: str | None) -> None:
        if place is not None and place in self._offers:
            del self._by_key[self._offers.pop(place).blob]


def _place(code: str) -> str:
    return hash_secret("".join(code.upper().split()).translate(_LIKENESSES))
