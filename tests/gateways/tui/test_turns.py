"""Turns: who waits when many terminals change at once, and who does not."""

from __future__ import annotations

from termhub.gateways.tui.interface import Start
from termhub.gateways.tui.turns import MOST_SECONDS, SHARE, SLACK_SECONDS, Turns
from tests.support.terminal_ui import World


def test_nobody_waits_where_there_is_little_to_do() -> None:
    turns = Turns()
    for number in range(1000):
        turns.painted(0.0005)
        assert turns.take(number * 0.01) == 0


def test_all_together_get_their_share_in_order() -> None:
    turns = Turns()
    for _picture in range(500):
        turns.painted(0.001)
    waits = [turns.take(10.0) for _terminal in range(1000)]
    assert waits == sorted(waits)
    assert abs(waits[-1] + SLACK_SECONDS - 999 * 0.001 / SHARE) < 0.01
    assert turns.take(60.0) == 0


def test_a_picture_that_took_long_counts_only_so_much() -> None:
    turns = Turns()
    for _picture in range(500):
        turns.painted(1.0)
    turns.take(0.0)
    for _terminal in range(100):
        last = turns.take(0.0)
    assert last <= 100 * MOST_SECONDS / SHARE


def test_who_types_waits_for_nobody(world: World) -> None:
    played, other = world.add(), world.add("other")
    typing = world.sit_down(Start(console=played.console))
    watching = world.sit_down(Start(console=other.console))
    world.advance(2)
    for _terminal in range(2000):
        world.turns.take(world.clock.seconds())
    world.press(typing, b"x")
    for console in (played, other):
        console.print("changed")
    world.advance(0.05)
    assert typing.lines[0] == "changed"
    assert watching.lines[0] == ""
    world.advance(10)
    assert watching.lines[0] == "changed"
