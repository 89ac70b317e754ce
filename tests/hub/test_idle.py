"""Consoles that are ended: idle ones, old ones, and those that go on filling a home that is only watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.hub.metering.idle import QUIET_CPU_SECONDS, QUIET_SECONDS, Idleness
from termhub.hub.metering.words import duration
from tests.support.metering import MIB, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, idle_seconds=600, lifetime_seconds=7200, home_mb=100, home_files=1000)
    yield place
    place.close()


def test_an_idle_console_is_ended_with_the_reason(place: Place) -> None:
    console = place.add()
    place.wait(590)
    assert not console.has_ended
    place.wait(40)
    assert console.reason == "idle for 10 min (plan small)"
    assert place.hooks.told == [
        {"type": "console.ended_idle", "user": "alice", "plan": "small", "console": console.id}
    ]


def test_who_looks_prints_or_computes_is_not_idle(place: Place) -> None:
    watched, prints, computes, waits = (place.add(letter) for letter in "abcd")
    watched.viewers[1] = object()
    cpu = 0.0
    for _ in range(100):
        cpu += 0.03
        prints.active_at = place.clock.seconds()
        place.measure(computes, cpu_seconds=cpu)
        place.measure(waits, cpu_seconds=cpu / 10)
        place.wait(10)
    assert [each.has_ended for each in (watched, prints, computes, waits)] == [False, False, False, True]
    watched.viewers.clear()
    place.wait(590)
    assert not watched.has_ended
    place.wait(30)
    assert watched.has_ended


def test_rare_work_is_work(place: Place) -> None:
    console = place.add()
    for minute in range(20):
        place.measure(console, cpu_seconds=minute * 0.1)
        place.wait(60)
    assert not console.has_ended


def test_where_nothing_tells_the_cpu_time_no_console_is_idle(place: Place) -> None:
    console = place.add(cpu_seconds=None)
    place.wait(3000)
    assert not console.has_ended


def test_a_plan_may_keep_idle_consoles(tmp_path: Path) -> None:
    place = Place(tmp_path, idle_seconds=60, when_idle="keep")
    console = place.add()
    place.wait(600)
    assert not console.has_ended
    place.close()


def test_after_a_restart_a_console_has_been_busy_just_now(place: Place) -> None:
    console = place.add()
    place.wait(500)
    place.restart()
    console.active_at = place.clock.seconds()
    place.wait(580)
    assert not console.has_ended
    place.wait(60)
    assert console.reason == "idle for 10 min (plan small)"


def test_hidden_consoles_have_rules_of_their_own(place: Place) -> None:
    console = place.add()
    console.is_prepared = True
    place.wait(8000)
    assert not console.has_ended


def test_old_consoles_are_ended_and_who_looks_is_told_before(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    place.wait(6570)
    assert console.told == {}
    place.wait(50)
    assert console.told == {
        "lifetime": ("near", "Consoles of the plan small are ended after 2 h.", console.created + 7200)
    }
    place.wait(600)
    assert console.reason == "ended after 2 h (plan small)"
    assert place.hooks.types() == ["console.ended_lifetime"]


def test_a_plan_that_gives_more_time_takes_the_warning_back(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    place.wait(6800)
    assert "lifetime" in console.told
    place.database.people.change(place.alice.number, 0.0, plan="large")
    place.wait(600)
    assert (console.told, console.has_ended) == ({}, False)


# -- homes ---------------------------------------------------------------------------


def test_a_home_near_its_limit_and_over_it_is_told(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    place.home(85)
    place.wait(10)
    assert console.told["home"] == (
        "near",
        "The home holds more than 80 % of what the plan small has: 100 MiB.",
        None,
    )
    place.home(120)
    place.wait(10)
    assert console.told["home"][0] == "over"
    assert "What goes on writing there is ended." in console.told["home"][1]
    assert [(told["type"], told["name"], told["used"]) for told in place.hooks.told] == [
        ("user.near_limit", "home_mb", 85),
        ("user.over_limit", "home_mb", 120),
    ]
    place.wait(60)
    assert not console.has_ended
    place.home(10)
    place.wait(10)
    assert console.told == {}


def test_what_goes_on_writing_beyond_the_limit_is_ended_and_nothing_else(place: Place) -> None:
    writes, rests = place.add("a"), place.add("b")
    for console in (writes, rests):
        console.viewers[1] = object()
    place.wait(20)
    for step in range(2):
        place.home(120 + step * 5)
        place.measure(writes, cpu_seconds=1.0 + step)
        place.wait(10)
    assert writes.reason == "the home grew beyond 100 MiB (plan small); delete files in a new console"
    assert not rests.has_ended
    assert "console.ended_home" in place.hooks.types()
    again = place.add("c")
    again.viewers[1] = object()
    place.wait(60)
    assert not again.has_ended
    assert again.told["home"][0] == "over"


def test_tidying_up_beyond_the_limit_ends_nothing(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    for step in range(20):
        place.home(150 - step + step % 2 * 1.5)
        place.measure(console, cpu_seconds=float(step))
        place.wait(10)
    assert not console.has_ended


def test_too_many_files_are_as_much_as_too_many_bytes(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    for step in range(4):
        place.home(1, files=1000 + step * 200)
        place.measure(console, cpu_seconds=float(step))
        place.wait(10)
    assert console.reason == "the home grew beyond 1000 files (plan small); delete files in a new console"


def test_a_volume_keeps_to_its_limit_by_itself(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    for step in range(5):
        place.home(90 + step * 2, limit_bytes=97 * MIB, limit_files=1008)
        place.measure(console, cpu_seconds=float(step))
        place.wait(10)
    assert not console.has_ended
    assert console.told["home"] == (
        "over",
        "The home holds all that the plan small has: 100 MiB. Delete something.",
        None,
    )


def test_a_volume_that_is_larger_than_the_plan_is_watched(place: Place) -> None:
    console = place.add()
    console.viewers[1] = object()
    for step in range(4):
        place.home(110 + step * 5, limit_bytes=500 * MIB, limit_files=10_000)
        place.measure(console, cpu_seconds=float(step))
        place.wait(10)
    assert console.has_ended


# -- the parts -----------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 0.05), st.booleans()), max_size=40))
def test_idle_time_begins_with_the_last_work_or_look(steps: list[tuple[float, float, bool]]) -> None:
    idleness, at, cpu, busy = Idleness(), 0.0, 0.0, 0.0
    idleness.look("c", cpu, False, 0.0, at)
    for gap, used, is_watched in steps:
        at, before, cpu = at + QUIET_SECONDS + gap, cpu, cpu + used
        if is_watched or cpu - before > QUIET_CPU_SECONDS:
            busy = at
        assert idleness.look("c", cpu, is_watched, 0.0, at) == at - busy


def test_little_work_is_seen_however_often_it_is_looked() -> None:
    idleness = Idleness()
    seconds = [idleness.look("c", step * 0.005, False, 0.0, float(step)) for step in range(100)]
    assert max(seconds) <= QUIET_SECONDS


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (45, "45 s"), (7200, "2 h"), (5400, "1 h 30 min"), (61, "1 min 1 s")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
