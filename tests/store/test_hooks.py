"""Events for the operator's hook, and what the hub remembers of itself."""

from pathlib import Path

import pytest

from termhub.store import Database
from termhub.store.hooks import MAX_EVENTS


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "a.db")


def test_an_event_waits_until_it_is_taken(database: Database) -> None:
    event = database.hooks.add(5.0, {"type": "near"})
    assert (event.body, event.tries) == ('{"type":"near"}', 0)
    assert database.hooks.due(4.0) == []
    assert database.hooks.due(5.0) == [event]
    database.hooks.put_off(event.number, 9.0)
    assert database.hooks.due(8.0) == []
    assert database.hooks.due(9.0)[0].tries == 1
    database.hooks.remove(event.number)
    assert database.hooks.due(99.0) == []


def test_the_oldest_events_go_when_there_are_too_many(database: Database) -> None:
    first = database.hooks.add(0.0, {})
    with database._tables.transaction():
        database._tables.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'hook_events'", MAX_EVENTS)
    last = database.hooks.add(0.0, {})
    assert [event.number for event in database.hooks.due(0.0)] == [last.number]
    assert last.number == first.number + MAX_EVENTS


def test_state_is_set_and_forgotten(database: Database) -> None:
    assert database.state.get("draining") is None
    for value in ("1", "2", None):
        database.state.set("draining", value)
        assert database.state.get("draining") == value
