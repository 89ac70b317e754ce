"""Requests that a client sends ahead of the answers: one after the other, and others have their turn between.

Twisted answers all that has come at once, which takes seconds where much has.  Invariant: while requests
wait, the next is not looked at, and what comes behind is bounded as while one is being answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.web.http import HTTPChannel
from twisted.web.server import Request

from .turns import Turns


class Pipelining(HTTPChannel):
    """One HTTP/1.1 connection that takes turns with others."""

    turns: Turns
    _done: Request | None = None  # answered, and what has come behind it waits
    _is_closing = False

    def requestDone(self, request: Request) -> None:
        """A request is answered: take the next, in its turn if it has come already."""
        if self.persistent and (self._buffer or any(self._dataBuffer)):
            self._done = request
            self.turns.wait(self)
        else:
            super().requestDone(request)

    def serve(self, is_over: Callable[[], bool]) -> bool:
        """Take the next request; whether others wait behind it already."""
        done, self._done = self._done, None
        if done is not None:
            super().requestDone(done)
            if self._is_closing and self._done is None:
                self.loseConnection()
        return self._done is not None

    def forget(self) -> None:
        """Look at nothing more of what has come."""
        self._done = None
        self.clearLineBuffer()

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        """Nobody waits for an answer any more."""
        self.forget()
        super().connectionLost(reason)

    def readConnectionLost(self) -> None:
        """The client sends no more; what was answered already, or waits for its turn, still goes out."""
        self._is_closing = True
        if self._done is None:
            self.loseConnection()
