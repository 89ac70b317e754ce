"""How often somebody may try to log in.

A bucket per key (an address, an account) holds a few attempts and refills slowly.  An
attempt is paid for before it is verified, so that guesses in parallel do not all pass,
and given back when it was right.  Invariant: at most ``capacity`` buckets are kept;
full ones are forgotten first.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

import attrs

from termhub.errors import TooMany


@attrs.define
class _Bucket:
    spent: float
    updated: float


class Attempts:
    """Counts attempts by key.

    :param seconds: a clock; while it goes back, nothing is refilled.
    :param burst: attempts that may be made at once.
    :param refill_seconds: time after which one more is allowed.
    :param capacity: keys to remember; the ones longest unused are forgotten beyond it.
    :param what: the attempts, in words.
    :param code: of the error, for programs.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        *,
        burst: int,
        refill_seconds: float,
        capacity: int = 10_000,
        what: str = "failed attempts to log in",
        code: str = "too_many_attempts",
    ) -> None:
        self._seconds = seconds
        self._burst = burst
        self._refill_seconds = refill_seconds
        self._capacity = capacity
        self._what = what
        self._code = code
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def spend(self, key: str) -> None:
        """Pay for one attempt.

        :raises TooMany: when none is left; it says how long to wait.
        """
        now = self._seconds()
        bucket = self._current(key, now)
        if bucket.spent > self._burst - 1:
            wait = (bucket.spent - (self._burst - 1)) * self._refill_seconds
            raise TooMany(
                f"Too many {self._what}; try again in {max(1, round(wait))} seconds.",
                self._code,
                wait,
            )
        bucket.spent += 1
        self._buckets[key] = bucket
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._capacity:
            self._forget(now)

    def refund(self, key: str) -> None:
        """Give one attempt back: it was right, or was never verified."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.spent = max(0.0, bucket.spent - 1)
            if bucket.spent == 0:
                del self._buckets[key]

    def _current(self, key: str, now: float) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            return _Bucket(0.0, now)
        self._refill(bucket, now)
        return bucket

    def _refill(self, bucket: _Bucket, now: float) -> None:
        bucket.spent = max(0.0, bucket.spent - max(0.0, now - bucket.updated) / self._refill_seconds)
        bucket.updated = now

    def _forget(self, now: float) -> None:
        """Drop the longest unused bucket, and those behind it that have refilled."""
        self._buckets.popitem(last=False)
        while self._buckets:
            key, bucket = next(iter(self._buckets.items()))
            self._refill(bucket, now)
            if bucket.spent > 0:
                return
            del self._buckets[key]


def address_key(address: str) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
