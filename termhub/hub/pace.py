"""How much may be under way to one viewer.

A viewer acknowledges what its terminal has processed.  :class:`Pace` learns from that how
fast it takes output and sizes its in-flight window so that what lies between the hub and
the person's eyes takes about :data:`TARGET_SECONDS` to show, whatever the viewer's speed:
an interrupt typed under a flood then shows at once.  Pure: the time is passed in.

Invariant: the window stays between :data:`MIN_WINDOW` and :data:`MAX_WINDOW` bytes, and only
changes while it is what holds output back.
"""

from __future__ import annotations

import math

MIN_WINDOW = 8 * 1024
MAX_WINDOW = 256 * 1024
FIRST_WINDOW = 64 * 1024

TARGET_SECONDS = 0.016
"""How long the bytes in flight may take to be processed, beyond the bare round trip."""

_SAMPLE_SECONDS = 0.010
_ROUND_TRIP_MEMORY_SECONDS = 10.0
_LONGEST_ROUND_TRIP = 0.5


class Pace:
    """The in-flight window of one viewer, over all windows of the console it watches."""

    __slots__ = (
        "_delivered",
        "_held_back",
        "_older_round_trip",
        "_round_trip",
        "_round_trip_since",
        "_since",
        "in_flight",
        "window",
    )

    def __init__(self) -> None:
        self.window = FIRST_WINDOW
        self.in_flight = 0
        self._since = 0.0
        self._delivered = 0
        self._held_back = False
        self._round_trip = math.inf
        self._older_round_trip = math.inf
        self._round_trip_since = 0.0

    @property
    def room(self) -> int:
        """Bytes that may be sent now; negative when a keyframe went over the window."""
        return self.window - self.in_flight

    @property
    def round_trip_seconds(self) -> float:
        """The shortest time from sending to acknowledgement lately; 0 when not known."""
        shortest = min(self._round_trip, self._older_round_trip)
        return 0.0 if shortest == math.inf else min(shortest, _LONGEST_ROUND_TRIP)

    def sent(self, size: int, now: float) -> None:
        """Count ``size`` bytes that went out."""
        if self.in_flight == 0:
            self._since = now
            self._delivered = 0
            self._held_back = False
        self.in_flight += size

    def held_back(self) -> None:
        """Note that output waits because the window is full."""
        self._held_back = True

    def acknowledged(self, size: int, sent_at: float, now: float) -> None:
        """Count ``size`` bytes as processed.

        :param sent_at: when the last of them went out.
        """
        self.in_flight -= size
        self._delivered += size
        self._measure_round_trip(now - sent_at, now)
        elapsed = now - self._since
        if elapsed < max(_SAMPLE_SECONDS, self.round_trip_seconds) and self._delivered < self.window:
            return
        if self._held_back:
            rate = self._delivered / max(elapsed, 1e-4)
            wanted = int(rate * (self.round_trip_seconds + TARGET_SECONDS))
            wanted = max(self.window // 2, min(self.window * 2, wanted))
            self.window = max(MIN_WINDOW, min(MAX_WINDOW, wanted))
        self._since = now
        self._delivered = 0
        self._held_back = False

    def forget(self, size: int) -> None:
        """Drop ``size`` bytes in flight that nobody will acknowledge."""
        self.in_flight -= size

    def _measure_round_trip(self, seconds: float, now: float) -> None:
        if now - self._round_trip_since > _ROUND_TRIP_MEMORY_SECONDS:
            self._older_round_trip = self._round_trip
            self._round_trip = math.inf
            self._round_trip_since = now
        if seconds < self._round_trip:
            self._round_trip = seconds
