"""Input that callers wait for."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from termhub.errors import ConsoleError
from termhub.hub.inputs import Inputs
from tests.support.hub_fakes import somebody


class WaitingTests(SynchronousTestCase):
    def test_a_window_that_is_closed_ends_the_wait_of_its_writers_only(self) -> None:
        inputs = Inputs()
        first = Deferred.fromCoroutine(inputs.write(somebody(), 0, b"for the first window"))
        second = Deferred.fromCoroutine(inputs.write(somebody(), 1, b"for the second"))
        inputs.window_closed(1)
        error = self.failureResultOf(second, ConsoleError).value
        self.assertEqual(error.code, "no_such_window")
        self.assertNoResult(first)
        inputs.fail(ConsoleError("The console has ended.", "ended"))
        self.failureResultOf(first, ConsoleError)
