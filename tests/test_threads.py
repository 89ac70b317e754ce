"""A few threads with a short queue."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from termhub.errors import TooMany
from termhub.threads import Threads


class ThreadsTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.threads = Threads(reactor, "test", 1, 3, "Much to do.")

    def start(self) -> None:
        self.threads.start()
        self.addCleanup(self.threads.stop)

    def run_later(self, function: Any, *arguments: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.threads.run(function, *arguments))

    async def test_results_and_errors_arrive_from_another_thread(self) -> None:
        self.start()
        self.assertNotEqual(await self.threads.run(threading.get_ident), threading.get_ident())
        with self.assertRaises(ZeroDivisionError):
            await self.threads.run(lambda: 1 // 0)

    async def test_one_thread_keeps_the_order(self) -> None:
        made: list[int] = []
        waiting = [self.run_later(made.append, number) for number in range(3)]
        self.start()
        await gatherResults(waiting)
        self.assertEqual(made, [0, 1, 2])

    async def test_one_too_many_is_refused_and_a_cancelled_call_counts_until_it_is_made(self) -> None:
        made: list[int] = []
        waiting = [self.run_later(made.append, number) for number in range(3)]
        waiting[1].cancel()
        self.failureResultOf(waiting[1], CancelledError)
        error = self.failureResultOf(self.run_later(made.append, 3), TooMany).value
        self.assertEqual((error.message, error.code), ("Much to do.", "busy"))
        self.start()
        await gatherResults([waiting[0], waiting[2]])
        self.assertEqual(made, [0, 1, 2])
        await self.threads.run(made.append, 4)
