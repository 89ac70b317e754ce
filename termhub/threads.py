"""A few threads with a short queue, for what must not hold up the reactor.

Invariant: no more than ``most_waiting`` calls are under way or wait; the next is refused.
A call whose caller is cancelled is made nevertheless, and counts until it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from termhub.errors import TooMany

P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """Runs functions in its own threads.

    :param reactor: where the answers arrive.
    :param name: of the threads.
    :param count: threads; with one, calls run one at a time, in the order they were made.
    :param busy: what the caller is told who is refused, for a person.
    """

    def __init__(
        self, reactor: IReactorFromThreads, name: str, count: int, most_waiting: int, busy: str
    ) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=count, name=name)
        self._most_waiting = most_waiting
        self._busy = busy
        self._waiting = 0

    def start(self) -> None:
        """Let the calls begin; those made before have waited for it."""
        self._pool.start()

    def stop(self) -> None:
        """Finish the calls that were made, and end the threads."""
        self._pool.stop()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What ``function`` returns or raises.

        :raises TooMany: when too many calls wait already.
        """
        if self._waiting >= self._most_waiting:
            raise TooMany(self._busy, "busy", 2.0)
        self._waiting += 1
        done = deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
        answer: Deferred[R] = Deferred()
        done.addBoth(self._finished)
        done.addCallbacks(answer.callback, answer.errback)
        return await answer

    def _finished(self, result: R) -> R:
        self._waiting -= 1
        return result
