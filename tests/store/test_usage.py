"""What users have used: added once, however often and by whom it is read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.store import Database, Reading, Usage

DAY = "2026-11-23"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "a.db")


def reading(cpu: float, *, console: str = "c-a", network: int = 0, time: float = 0.0) -> Reading:
    return Reading(console, 7, time, cpu, network, 2 * network)


def test_only_what_is_new_is_added(database: Database) -> None:
    database.usage.add(DAY, [reading(3.0, network=10)])
    database.usage.add(DAY, [reading(3.0, network=10)])
    database.usage.add(DAY, [reading(5.0, network=12), reading(1.0, console="c-b")])
    (usage,) = database.usage.of(7, DAY, DAY)
    assert (usage.cpu_seconds, usage.network_in, usage.network_out) == (6.0, 12, 24)


def test_each_day_has_its_own(database: Database) -> None:
    database.usage.add(DAY, [reading(3.0)])
    database.usage.add("2026-11-24", [reading(4.0)], [Usage(8, DAY, memory_mb_seconds=5.0)])
    assert [(u.user, u.day, u.cpu_seconds) for u in database.usage.of(7, DAY, "2026-11-30")] == [
        (7, DAY, 3.0),
        (7, "2026-11-24", 1.0),
    ]
    assert [(u.user, u.memory_mb_seconds) for u in database.usage.of(None, DAY, DAY)] == [(7, 0.0), (8, 5.0)]
    assert database.usage.of(7, "2026-11-25", "2026-11-30") == []


def test_a_mark_is_kept_until_it_is_forgotten(database: Database) -> None:
    database.usage.add(DAY, [reading(3.0)])
    database.usage.forget_marks(["c-a", "c-unknown"])
    database.usage.add(DAY, [reading(3.0)])
    assert database.usage.of(7, DAY, DAY)[0].cpu_seconds == 6.0


def test_a_counter_that_goes_back_adds_nothing(database: Database) -> None:
    for cpu in (3.0, 1.0, 3.5):
        database.usage.add(DAY, [reading(cpu)])
    assert database.usage.of(7, DAY, DAY)[0].cpu_seconds == 3.5


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.data())
def test_readings_may_be_repeated_at_will(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], data: st.DataObject
) -> None:
    database = Database(tmp_path_factory.mktemp("usage") / "a.db")
    total = 0
    for step in steps:
        total += step
        for _ in range(data.draw(st.integers(1, 3))):
            database.usage.add(DAY, [reading(float(total), network=total)])
    (usage,) = database.usage.of(7, DAY, DAY)
    assert (usage.cpu_seconds, usage.network_in) == (total, total)
    database.close()
