"""The in-flight window: small for the slow, large for the fast, whatever the distance."""

import random

import pytest

from termhub.hub.pace import FIRST_WINDOW, MAX_WINDOW, MIN_WINDOW, Pace


def flood(rate: float, round_trip: float, seconds: float, piece: int = 8192) -> tuple[Pace, list[float]]:
    """A viewer that takes ``rate`` bytes a second under a flood.

    Returns its pace, and how long each piece was under way in the second half.
    """
    pace = Pace()
    now = 0.0
    free_at = 0.0
    flying: list[tuple[float, int, float]] = []
    delays = []
    while now < seconds:
        while pace.room >= piece:
            pace.sent(piece, now)
            free_at = max(free_at, now + round_trip / 2) + piece / rate
            flying.append((free_at + round_trip / 2, piece, now))
        pace.held_back()
        arrives, size, sent_at = flying.pop(0)
        now = arrives
        if now > seconds / 2:
            delays.append(now - sent_at)
        pace.acknowledged(size, sent_at, now)
    return pace, delays


def test_fast_viewer_gets_the_largest_window() -> None:
    pace, _ = flood(rate=60e6, round_trip=0.001, seconds=1)
    assert pace.window == MAX_WINDOW


def test_viewer_of_a_megabyte_a_second_has_little_in_flight() -> None:
    pace, delays = flood(rate=1e6, round_trip=0.0005, seconds=2)
    assert MIN_WINDOW <= pace.window <= 32 * 1024
    assert max(delays) < 0.04


def test_viewer_far_away_is_not_starved() -> None:
    pace, delays = flood(rate=20e6, round_trip=0.1, seconds=20, piece=2048)
    assert pace.window == MAX_WINDOW
    assert max(delays) < 0.15


def test_very_slow_viewer_gets_the_smallest_window() -> None:
    pace, _ = flood(rate=50e3, round_trip=0.001, seconds=5, piece=2048)
    assert pace.window == MIN_WINDOW


def test_typing_does_not_change_the_window() -> None:
    pace = Pace()
    for turn in range(1000):
        pace.sent(1, turn * 0.1)
        pace.acknowledged(1, turn * 0.1, turn * 0.1 + 0.02)
    assert pace.window == FIRST_WINDOW
    assert pace.round_trip_seconds == pytest.approx(0.02)


def test_one_quick_read_is_not_taken_for_speed() -> None:
    """A client that sleeps between reads acknowledges its first piece at once."""
    pace = Pace()
    now = 0.0
    for _ in range(200):
        pace.sent(4096, now)
        pace.acknowledged(4096, now, now + 0.0003)
        now += 0.0003
        while pace.room >= 4096:
            pace.sent(4096, now)
        pace.held_back()
        sent_at = now
        while pace.in_flight:
            now += 0.010
            pace.acknowledged(min(10_000, pace.in_flight), sent_at, now)
    assert pace.window <= 48 * 1024


def test_window_stays_within_its_bounds_whatever_happens() -> None:
    generator = random.Random(3)
    pace = Pace()
    now = 0.0
    flying: list[tuple[int, float]] = []
    for _ in range(20_000):
        now += generator.choice([0.0, 0.0001, 0.003, 0.2])
        if generator.random() < 0.5 and pace.room > 0:
            size = generator.randint(1, 40_000)
            pace.sent(size, now)
            flying.append((size, now))
        elif flying:
            pace.acknowledged(*flying.pop(0), now)
        if generator.random() < 0.3:
            pace.held_back()
        assert MIN_WINDOW <= pace.window <= MAX_WINDOW
        assert pace.in_flight == sum(size for size, _ in flying)


def test_round_trip_is_forgotten_after_a_while() -> None:
    pace = Pace()
    pace.sent(1, 0.0)
    pace.acknowledged(1, 0.0, 0.01)
    for turn in range(1, 60):
        pace.sent(1, float(turn))
        pace.acknowledged(1, float(turn), turn + 0.2)
    assert pace.round_trip_seconds == pytest.approx(0.2)
