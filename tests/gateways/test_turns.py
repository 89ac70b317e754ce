"""Clients that send more than can be acted on at once take turns, and nothing of what they sent is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock

from termhub.gateways.web.turns import SLICE_SECONDS, TURN_SECONDS, Turns


class Client:
    """Has so many things to act on, each of which takes a slice and a half."""

    def __init__(self, clock: Clock, log: list[str], name: str, count: int) -> None:
        self.clock, self.log, self.name, self.count = clock, log, name, count

    def serve(self, is_over: Callable[[], bool]) -> bool:
        while self.count and not is_over():
            self.count -= 1
            self.log.append(self.name)
            self.clock.rightNow += 1.5 * SLICE_SECONDS
        return self.count > 0


def turn(clock: Clock) -> None:
    """One turn of a reactor: what is put off meanwhile waits for the next one."""
    calls: Any = clock.getDelayedCalls()
    for call in calls:
        function = call.func
        call.cancel()
        function()


def test_who_sends_little_is_served_at_once_and_who_sends_much_in_turns() -> None:
    clock, log = Clock(), list[str]()
    turns = Turns(clock)
    turns.take(Client(clock, log, "a", 1))
    assert log == ["a"]
    assert not clock.getDelayedCalls()
    much = [Client(clock, log, name, 40) for name in "bc"]
    for client in much:
        turns.take(client)
    assert log == ["a", "b"]
    turns.take(Client(clock, log, "d", 1))
    before = clock.seconds()
    turn(clock)
    assert clock.seconds() - before <= TURN_SECONDS + 1.5 * SLICE_SECONDS
    assert log[2:5] == ["b", "c", "d"]
    turns.take(much[0])  # waits already
    while clock.getDelayedCalls():
        turn(clock)
    assert (log.count("b"), log.count("c"), log.count("d")) == (40, 40, 1)
    assert all("c" in log[i : i + 2] for i in range(5, 70))
