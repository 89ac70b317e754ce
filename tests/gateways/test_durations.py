"""Time spans as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.errors import BadRequest
from termhub.gateways.durations import MOST_SECONDS, duration_text, parse_duration

LONG = ["9" * 5000 + "h", "2h\n3m", "２h", "1h" + " " * 100 + "3m"]
ROUNDED = [(3600 * 3 + 31, "3h1m"), (7199, "2h"), (59.4, "59s")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("2h", 7200),
        ("1d", 86400),
        ("1w", 7 * 86400),
        ("1d12h", 129_600),
        (" 1D 12H ", 129_600),
        ("1h0m1s", 3601),
        ("3653d", 3653 * 86400),
    ],
)
def test_spans(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "h",
        "2",
        "2 hours",
        "-1h",
        "1.5h",
        "12h1d",
        "1h1h",
        "0s",
        "0d0h",
        "inf",
        "1e9s",
        "9999d",
        *LONG,
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(BadRequest) as error:
        parse_duration(text)
    assert len(error.value.message) < 150


@given(st.text(max_size=80) | st.text("0123456789wdhms ", max_size=20))
def test_anything_is_a_bounded_span_or_told_why_not(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except BadRequest:
        return
    assert 0 < seconds <= MOST_SECONDS


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-3, "0s"), (44.6, "45s"), (5400, "1h30m"), (86399.7, "1d"), (190_800, "2d5h"), *ROUNDED],
)
def test_how_a_span_is_written(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@given(st.floats(1, MOST_SECONDS - 86400))
def test_what_is_written_can_be_read(seconds: float) -> None:
    text = duration_text(seconds)
    assert duration_text(parse_duration(text)) == text
    assert abs(parse_duration(text) - seconds) <= max(1, seconds / 24)
