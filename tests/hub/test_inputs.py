"""Input that callers wait for."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from sandbox.guest.frames import accepted
from termhub.errors import ConsoleError, NoSuchConsole
from termhub.hub.input import IN_FLIGHT_BYTES, LIMIT_BYTES, PAUSE_BYTES
from termhub.hub.inputs import MAX_IDLE_STREAMS, Inputs
from tests.support.hub_fakes import FakeHost, attach, make_console, somebody, type_in


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


class RevokedTests(SynchronousTestCase):
    """A program reads nothing; what waits for it is of somebody who is sent away."""

    def setUp(self) -> None:
        clock = Clock()
        self.console = make_console(clock)
        self.host = FakeHost(self.console, clock)
        self.host.hello()

    def typed(self) -> bytes:
        """What the hub sends while the program takes all of it."""
        found = b""
        while frames := list(self.host.inputs()):
            for window, viewer, sequence, data in frames:
                found += data
                self.host.send(accepted(window, viewer, sequence + len(data)))
        return found

    def test_what_waits_of_a_viewer_is_not_typed_any_more(self) -> None:
        client, viewer = attach(self.console, role="writer", user=2)
        type_in(viewer, 0, b"x" * 3 * IN_FLIGHT_BYTES)
        self.console.access_changed(lambda user: None if user.number == 2 else "owner")
        assert client.closed is not None
        self.assertEqual(client.closed[0], 4003)
        self.assertEqual(self.typed(), b"x" * IN_FLIGHT_BYTES)
        # Let in again, they go on where the program's input ends.
        _, viewer = attach(self.console, role="writer", user=2)
        type_in(viewer, IN_FLIGHT_BYTES, b"again")
        self.assertEqual(self.typed(), b"again")

    def test_nor_what_somebody_left_behind_or_sent_over_rest(self) -> None:
        _, viewer = attach(self.console, role="writer", user=2)
        type_in(viewer, 0, b"x" * 2 * IN_FLIGHT_BYTES)
        viewer.detach("gone")
        body = b"y" * 2 * IN_FLIGHT_BYTES
        theirs = Deferred.fromCoroutine(self.console.input(somebody(2), "writer", 0, body))
        others = Deferred.fromCoroutine(self.console.input(somebody(3), "writer", 0, body.upper()))
        self.console.access_changed(lambda user: None if user.number == 2 else "writer")
        self.failureResultOf(theirs, NoSuchConsole)
        typed = self.typed()
        self.assertEqual(typed.count(b"x"), IN_FLIGHT_BYTES)
        self.assertEqual(typed.count(b"y"), IN_FLIGHT_BYTES)
        self.assertEqual(typed.count(b"Y"), 2 * IN_FLIGHT_BYTES)
        self.successResultOf(others)


class HeldTests(SynchronousTestCase):
    """A program reads nothing, and somebody types and leaves, again and again."""

    def test_what_those_hold_who_left_is_bounded(self) -> None:
        inputs = Inputs()
        for key in range(200):
            inputs.stream(key, 0, somebody()).receive(0, b"x" * PAUSE_BYTES)
            inputs.tidy(())
            held = [stream.held_bytes for of in range(key + 1) for _, stream in inputs.of(of)]
            self.assertLessEqual(sum(held), LIMIT_BYTES)
        self.assertEqual(len(list(inputs.of(199))), 1)
        for key in range(200, 400):
            inputs.stream(key, 0, somebody())
            inputs.tidy(())
        self.assertLessEqual(sum(len(list(inputs.of(of))) for of in range(400)), MAX_IDLE_STREAMS)

    def test_end_of_the_console_lets_it_go_and_reads_on(self) -> None:
        clock = Clock()
        console = make_console(clock)
        host = FakeHost(console, clock)
        host.hello()
        client, viewer = attach(console)
        type_in(viewer, 0, b"x" * 65_536)
        for start in range(65_536, PAUSE_BYTES + 65_537, 65_536):
            type_in(viewer, start, b"x" * 65_536)
        self.assertTrue(client.paused)
        console.has_gone("killed")
        self.assertFalse(client.paused)
        for start in range(0, 4 * PAUSE_BYTES, 65_536):
            type_in(viewer, start, b"x" * 65_536)
        self.assertFalse(client.paused)
        self.assertIsNone(client.closed)
