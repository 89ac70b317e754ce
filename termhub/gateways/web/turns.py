"""Whose turn it is among clients that have sent more than can be acted on at once.

What a client sends is acted on when it comes, unless it is so much that others would wait for it; then they
take turns.  Invariant: one turn of the reactor spends little more than :data:`TURN_SECONDS` here, and
everybody who waits is served before anybody is again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

SLICE_SECONDS = 0.0005
"""How long a client is served before the next one is."""

TURN_SECONDS = 0.002
"""How long those who wait are served in one turn of the reactor."""


class Served(Protocol):
    """A client with something to act on."""

    def serve(self, is_over: Callable[[], bool]) -> bool:
        """Act on what it has sent until ``is_over``; whether there is more."""


class Turns:
    """Those who wait, each once.

    :param clock: the reactor.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._waiting: dict[Served, None] = {}
        self._is_due = False

    def take(self, client: Served) -> None:
        """A client has sent something: it is served now, or in its turn."""
        if client in self._waiting:
            return
        if self._waiting or self._serve(client):
            self._waiting[client] = None
            self._put_off()

    def wait(self, client: Served) -> None:
        """A client that has been served has more: it is served again in its turn."""
        self._waiting[client] = None
        self._put_off()

    def _serve(self, client: Served) -> bool:
        seconds = self._clock.seconds
        end = seconds() + SLICE_SECONDS
        return client.serve(lambda: seconds() >= end)

    def _put_off(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._is_due = False
        end = self._clock.seconds() + TURN_SECONDS
        while self._waiting:
            client = next(iter(self._waiting))
            has_more = self._serve(client)
            del self._waiting[client]
            if has_more:
                self._waiting[client] = None
            if self._clock.seconds() >= end:
                break
        if self._waiting:
            self._put_off()
