"""Limits in words."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.limit_words import limit_mark, limit_notice, until_words

NOW = time.mktime((2026, 11, 23, 18, 30, 0, 0, 0, -1))
MIDNIGHT = time.mktime((2026, 11, 24, 0, 0, 0, 0, 0, -1))
SLOWED = {"name": "cpu", "state": "over", "message": "The CPU time of today is used up", "until": MIDNIGHT}

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("over")


def test_the_time_it_ends() -> None:
    assert until_words(MIDNIGHT, NOW) == "until 00:00"
    assert until_words(MIDNIGHT + 3 * 86400, NOW) == "until 27 Nov 00:00"


def test_a_notice_says_what_and_until_when() -> None:
    assert limit_notice(SLOWED, NOW) == "The CPU time of today is used up (until 00:00)"
    assert limit_notice({**SLOWED, "until": None}, NOW) == "The CPU time of today is used up"
    assert limit_notice({**SLOWED, "state": "ok"}, NOW) == ""


def test_a_mark_stays_for_what_lasts() -> None:
    assert limit_mark(SLOWED, NOW) == "slowed until 00:00"
    assert limit_mark({**SLOWED, "name": "home"}, NOW) == "limited until 00:00"
    for change in ({"state": "near"}, {"until": None}):
        assert limit_mark({**SLOWED, **change}, NOW) == ""
    assert limit_mark(SLOWED, MIDNIGHT) == ""


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SLOWED, values)))
def test_nothing_that_a_hub_may_say_breaks_it(event: dict[str, object]) -> None:
    limit_notice(event, NOW)
    limit_mark(event, NOW)
