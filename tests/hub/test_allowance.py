"""The day's CPU time: who is over it is slowed until midnight, also by the next hub; plans that change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.metering import FakeConsole, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def percent(place: Place, console: FakeConsole) -> object:
    return place.launcher.limits[console.id]["cpu_percent"]


TO_MIDNIGHT = 12 * 3600


def test_over_the_allowance_consoles_are_slowed_until_midnight(place: Place) -> None:
    console, hidden = place.add("a"), place.add("b")
    other = place.add("c", place.bob)
    hidden.is_prepared = True
    place.wait(10)
    assert percent(place, console) == 50
    place.measure(console, cpu_seconds=85.0)
    place.wait(10)
    assert console.told["cpu"][0] == "near"
    assert percent(place, console) == 50
    assert place.hooks.types() == ["user.near_limit"]
    place.measure(console, cpu_seconds=100.5)
    place.wait(10)
    assert (percent(place, console), percent(place, hidden), percent(place, other)) == (5, 5, 50)
    state, message, until = console.told["cpu"]
    assert state == "over"
    assert message == (
        "The day's CPU time of the plan small (1 min 40 s) is used up: "
        "programs go on slowly, with 5 % of a core."
    )
    assert until == place.metering.resets
    assert place.consoles.plans.spec(place.alice)["limits"]["cpu_percent"] == 5
    assert place.consoles.plans.spec(place.bob)["limits"]["cpu_percent"] == 50
    assert place.hooks.types() == ["user.over_limit"]
    place.wait(TO_MIDNIGHT - 40)
    assert percent(place, console) == 5
    place.wait(11)
    assert percent(place, console) == 50
    assert console.told == {}
    assert place.hooks.types() == ["user.allowance_reset"]
    assert place.consoles.plans.spec(place.alice)["limits"]["cpu_percent"] == 50


def test_each_event_says_how_much(place: Place) -> None:
    console = place.add()
    place.measure(console, cpu_seconds=123.4)
    place.wait(10)
    assert place.hooks.told == [
        {
            "type": "user.over_limit",
            "user": "alice",
            "plan": "small",
            "name": "cpu_seconds_a_day",
            "limit": 100,
            "used": 123.4,
        }
    ]


def test_the_next_hub_goes_on_with_it_and_tells_nobody_twice(place: Place) -> None:
    console = place.add()
    place.measure(console, cpu_seconds=200.0)
    place.wait(10)
    assert place.hooks.types() == ["user.over_limit"]
    place.restart()
    assert place.consoles.plans.spec(place.alice)["limits"]["cpu_percent"] == 5
    place.wait(20)
    assert percent(place, console) == 5
    assert place.hooks.types() == []
    place.metering.stop()
    place.started_at += 86_400
    place.restart()
    place.wait(20)
    assert percent(place, console) == 50
    assert place.hooks.types() == ["user.allowance_reset"]


def test_a_console_made_while_over_is_told_and_slow(place: Place) -> None:
    place.measure(place.add(), cpu_seconds=200.0)
    place.wait(10)
    late = place.add("b")
    place.wait(10)
    assert late.told["cpu"][0] == "over"
    assert percent(place, late) == 5


def test_a_plan_with_more_ends_it_at_once(place: Place) -> None:
    console = place.add()
    place.measure(console, cpu_seconds=200.0)
    place.wait(10)
    place.hooks.told.clear()
    place.database.people.change(place.alice.number, 0.0, plan="large")
    place.wait(10)
    assert percent(place, console) is None
    assert place.launcher.limits[console.id]["memory_bytes"] == 2048 << 20
    assert place.launcher.home_limits[place.alice.number]["bytes"] == 1024 << 20
    assert console.told == {}
    assert place.hooks.types() == ["user.allowance_reset"]


def test_a_change_that_is_known_takes_effect_at_once(place: Place) -> None:
    console = place.add()
    place.wait(10)
    place.database.people.change(place.alice.number, 0.0, plan="large")
    place.metering.look_now()
    place.clock.advance(0)
    assert percent(place, console) is None


def test_what_the_kernel_refuses_is_told(place: Place) -> None:
    console = place.add()
    place.launcher.refuses = {"tmp_bytes": "it is set when a console starts", "memory_bytes": "in use"}
    place.wait(10)
    assert console.told_once == []  # nothing has changed: it began so
    place.database.people.change(place.alice.number, 0.0, plan="large")
    place.wait(10)
    assert console.told_once == ["New limits take effect with the next console: memory."]
    place.wait(30)
    assert len(console.told_once) == 1


def test_a_network_that_cannot_be_given_to_what_runs_is_told(place: Place) -> None:
    console = place.add()
    place.wait(10)
    place.launcher.refuses = {"network": "a sandbox keeps the kind that it began with"}
    place.settings.plans["large"] = msgspec.structs.replace(place.settings.plans["large"], network="full")
    place.database.people.change(place.alice.number, 0.0, plan="large")
    place.wait(10)
    assert console.told_once == ["New limits take effect with the next console: network."]
    assert place.launcher.limits[console.id]["network"] == "none"


def test_a_plan_without_network_takes_it_from_what_runs(place: Place) -> None:
    place.settings.plans["large"] = msgspec.structs.replace(place.settings.plans["large"], network="full")
    place.database.people.change(place.alice.number, 0.0, plan="large")
    console = place.add()
    place.wait(10)
    assert place.launcher.limits[console.id]["network"] == "full"
    place.database.people.change(place.alice.number, 0.0, plan="small")
    place.wait(10)
    assert place.launcher.limits[console.id]["network"] == "none"
    assert console.isolation == "walls; no network"
    assert console.told_once == []


def test_a_machine_that_cannot_slow_does_not_say_so(place: Place) -> None:
    console = place.add()
    place.launcher.refuses = {"cpu_percent": "no control group"}
    place.measure(console, cpu_seconds=200.0)
    place.wait(20)
    assert console.told["cpu"][1] == "The day's CPU time of the plan small (1 min 40 s) is used up."


def test_limits_are_asked_for_once(place: Place) -> None:
    place.add()
    place.wait(100)
    assert place.launcher.count("limit") == 1
    assert place.launcher.count("home_limit") == 1


def test_who_is_suspended_is_slowed_and_told_of(place: Place) -> None:
    console = place.add()
    place.wait(10)
    place.database.people.change(place.alice.number, 5.0, suspended=True)
    place.wait(10)
    assert percent(place, console) == 5
    assert console.told["plan"][0] == "over"
    assert place.hooks.types() == ["user.suspended"]
    place.database.people.change(place.alice.number, 9.0, suspended=False)
    place.wait(10)
    assert percent(place, console) == 50
    assert console.told == {}


def test_who_is_removed_is_told_of(place: Place) -> None:
    place.wait(30)
    place.database.people.end_removal(place.bob.number)
    place.wait(30)
    assert place.hooks.told == [{"type": "user.removed", "user": "bob", "plan": "small"}]


def test_what_an_earlier_hub_noted_may_be_nonsense(place: Place) -> None:
    place.database.state.set("allowances", "{")
    place.restart()
    place.measure(place.add(), cpu_seconds=200.0)
    place.wait(30)
    assert place.hooks.types() == ["user.over_limit"]


def test_a_slow_percent_above_the_usual_one_makes_nothing_faster(tmp_path: Path) -> None:
    place = Place(tmp_path, cpu_percent=3, cpu_slow_percent=5)
    console = place.add()
    place.measure(console, cpu_seconds=200.0)
    place.wait(10)
    assert percent(place, console) == 3
    place.close()
