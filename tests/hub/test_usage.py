"""Counting what everybody uses: once, to the right day, whatever breaks in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.errors import BadRequest, StoreError
from termhub.hub.metering.counting import Counting
from termhub.hub.metering.days import day_of, month_days, next_day
from termhub.hub.metering.samples import ConsoleFigures, Sample
from termhub.store import Usage
from tests.support.metering import MIB, NOON, Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_days_are_those_of_utc() -> None:
    assert day_of(NOON) == "2026-11-23"
    assert day_of(next_day(NOON) - 0.001) == "2026-11-23"
    assert day_of(next_day(NOON)) == "2026-11-24"
    assert next_day(next_day(NOON)) == next_day(NOON) + 86_400


def test_months_have_their_days() -> None:
    assert month_days("2026-11") == ("2026-11-01", "2026-11-30")
    assert month_days("2028-02") == ("2028-02-01", "2028-02-29")
    for nonsense in ("2026-13", "2026", "", "2026-11-01", "9999-12x", "0000-01", "२०२६-११"):
        with pytest.raises(BadRequest, match="no month"):
            month_days(nonsense)


@given(st.text(max_size=12))
def test_no_text_is_a_month_by_accident(text: str) -> None:
    try:
        first, last = month_days(text)
    except BadRequest:
        return
    assert first == f"{text}-01"
    assert first < last


def test_counters_are_counted_by_what_is_new(place: Place) -> None:
    console = place.add(cpu_seconds=2.0, network_in=100, network_out=10)
    place.wait(10)
    assert (place.used().cpu_seconds, place.used().network_in, place.used().network_out) == (2.0, 100, 10)
    place.measure(console, cpu_seconds=5.5, network_in=150)
    place.wait(10)
    place.wait(30)
    assert (place.used().cpu_seconds, place.used().network_in, place.used().network_out) == (5.5, 150, 10)


def test_what_is_held_is_counted_by_time(place: Place) -> None:
    place.add(memory_bytes=512 * MIB)
    place.home(100)
    place.wait(30)
    used = place.used()
    assert used.console_seconds == pytest.approx(30, abs=10)
    assert used.memory_mb_seconds == pytest.approx(512 * used.console_seconds)
    before = used
    place.wait(100)
    used = place.used()
    assert used.console_seconds == pytest.approx(before.console_seconds + 100)
    assert used.disk_mb_seconds == pytest.approx(before.disk_mb_seconds + 100 * 100)


def test_homes_take_space_while_nothing_runs_also_after_a_restart(place: Place) -> None:
    console = place.add()
    place.home(100)
    place.wait(700)
    console.has_ended = True
    del place.launcher.usage[console.id]
    del place.launcher.homes[place.alice.number]
    place.wait(60)
    before = place.used().disk_mb_seconds
    place.wait(300)
    assert place.used().disk_mb_seconds == pytest.approx(before + 300 * 100)
    place.restart()
    before = place.used().disk_mb_seconds
    place.wait(300)
    assert place.used().disk_mb_seconds == pytest.approx(before + 300 * 100)


def test_nothing_is_held_while_no_hub_looks_but_counters_go_on(place: Place) -> None:
    console = place.add(cpu_seconds=1.0, memory_bytes=512 * MIB)
    place.wait(20)
    place.metering.stop()
    before = place.used()
    place.wait(3600)
    place.measure(console, cpu_seconds=50.0)
    place.restart()
    assert place.used().cpu_seconds == 50.0
    assert place.used().memory_mb_seconds == before.memory_mb_seconds
    assert place.used().console_seconds == before.console_seconds


def test_a_console_kept_ready_costs_what_it_computes_only(place: Place) -> None:
    place.add(cpu_seconds=0.5, memory_bytes=512 * MIB).is_prepared = True
    place.wait(60)
    used = place.used()
    assert (used.cpu_seconds, used.memory_mb_seconds, used.console_seconds) == (0.5, 0, 0)


def test_each_user_has_their_own(place: Place) -> None:
    place.add("a", cpu_seconds=1.0)
    place.add("b", place.bob, cpu_seconds=2.0)
    place.add("c", place.bob, cpu_seconds=4.0)
    place.wait(20)
    assert place.used().cpu_seconds == 1.0
    assert place.used(user=place.bob).cpu_seconds == 6.0


def test_what_the_hub_relays_is_counted(place: Place) -> None:
    console = place.add(network_in=5)
    place.relayed[console.id] = (1000, 10)
    place.wait(10)
    place.relayed[console.id] = (1500, 30)
    place.wait(10)
    assert (place.used().network_in, place.used().network_out) == (1505, 30)
    place.restart()  # what is relayed counts from zero again
    place.relayed[console.id] = (7, 0)
    place.wait(10)
    assert place.used().network_in == 1512


def test_a_sample_goes_to_the_day_of_its_end(place: Place) -> None:
    console = place.add(cpu_seconds=1.0)
    place.wait(12 * 3600 - 5)
    assert place.used().cpu_seconds == 1.0
    place.measure(console, cpu_seconds=3.0)
    place.wait(6)
    assert place.used().cpu_seconds == 1.0
    assert place.used("2026-11-24").cpu_seconds == 2.0


def test_last_figures_are_acknowledged_once_they_are_in_the_store(place: Place) -> None:
    console = place.add(cpu_seconds=1.0)
    place.wait(10)
    console.has_ended = True
    place.measure(console, cpu_seconds=4.0, ended=True)
    place.wait(30)
    assert place.used().cpu_seconds == 4.0
    assert place.launcher.usage == {}
    marks = place.database._connection.execute("SELECT count(*) FROM usage_marks").fetchone()
    assert tuple(marks) == (0,)


@pytest.mark.parametrize("broken", ["add_usage", "request", "forget_usage_marks"])
def test_nothing_is_counted_twice_or_lost_wherever_the_hub_dies(
    place: Place, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = place.add(cpu_seconds=1.0)
    place.wait(10)
    console.has_ended = True
    place.measure(console, cpu_seconds=4.0, ended=True)
    real = place.launcher.request

    async def dies(*args: Any, **kwargs: Any) -> Any:
        if broken == "request" and args[0] != "counted":
            return await real(*args, **kwargs)
        raise StoreError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(place.launcher if broken == "request" else place.store, broken, dies)
        place.wait(30)
    place.restart()
    place.wait(30)
    assert place.used().cpu_seconds == 4.0
    assert place.launcher.usage == {}


def test_a_launcher_that_is_away_is_asked_again(place: Place) -> None:
    console = place.add(cpu_seconds=1.0)
    place.launcher.is_away = True
    place.wait(60)
    assert place.used().cpu_seconds == 0
    place.launcher.is_away = False
    place.measure(console, cpu_seconds=9.0)
    place.wait(10)
    assert place.used().cpu_seconds == 9.0


def test_it_looks_less_often_while_nothing_runs(place: Place) -> None:
    place.launcher.asked.clear()
    place.wait(300)
    resting = place.launcher.count("usage")
    place.add()
    place.metering.look_now()
    place.launcher.asked.clear()
    place.wait(300)
    assert resting <= 11
    assert place.launcher.count("usage") >= 29


def test_figures_of_consoles_are_at_hand(place: Place) -> None:
    console = place.add(cpu_seconds=1.0, memory_bytes=5 * MIB)
    place.wait(10)
    place.measure(console, cpu_seconds=3.0)
    place.wait(10)
    assert place.metering.figures[console.id].memory_bytes == 5 * MIB
    assert place.metering.cpu_percent[console.id] == 20.0
    assert place.metering.used_today(place.alice) == 3.0
    assert place.metering.means["cpu"].enforced


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 10), st.integers(0, 1 << 30), st.booleans(), st.booleans()),
        max_size=20,
    )
)
def test_all_that_was_used_is_in_some_addition(steps: list[tuple[float, float, int, bool, bool]]) -> None:
    counting, at, cpu = Counting(), 0.0, 0.0
    marks = total = held = longest = 0.0
    for gap, used, memory, is_added, is_new_hub in steps:
        at, cpu = at + gap, cpu + used
        if is_new_hub:
            counting = Counting()
        sample = Sample([ConsoleFigures("c-aaaaaaaaaa", 1, cpu, memory)], [])
        addition = counting.addition(sample, {}, {}, set(), at, NOON + at)
        assert all(usage != Usage(1, usage.day) for usage in addition.held)
        if is_added:
            for reading in addition.readings:
                total += max(0.0, reading.cpu_seconds - marks)
                marks = max(marks, reading.cpu_seconds)
            held += sum(usage.console_seconds for usage in addition.held)
            counting.added(addition)
            assert total == pytest.approx(cpu)
        longest += gap
    assert held <= longest + 1e-6
