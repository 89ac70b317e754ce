"""What commands print."""

from __future__ import annotations

import pytest

from termhub.cli.output import age, plain, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (-3, "now"), (59, "59 s"), (61, "1 min"), (3599, "59 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_a_title_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in plain("\x1b]0;evil\x07")
    assert plain("naïve 日本") == "naïve 日本"


def test_table_columns_line_up() -> None:
    assert table(("name", "state"), [("a", "running"), ("longer", "ended")]) == [
        "NAME    STATE",
        "a       running",
        "longer  ended",
    ]
