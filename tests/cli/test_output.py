"""What commands print."""

from __future__ import annotations

import json
import unicodedata

import pytest

from termhub.cli.output import age, plain, print_json, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (-3, "now"), (59, "59 s"), (61, "1 min"), (3599, "59 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_a_title_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in plain("\x1b]0;evil\x07")
    assert plain("naïve 日本 👩‍💻") == "naïve 日本 👩‍💻"
    assert plain("a\u202eb\u2066c\u2028d") == "a\ufffdb\ufffdc\ufffdd"


def test_json_carries_no_control_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"title": "a\x1b[31m\x9b31m\x7f\u2028é"}
    print_json(value)
    text = capsys.readouterr().out
    assert not any(unicodedata.category(c) in ("Cc", "Zl") for c in text.replace("\n", ""))
    assert "é" in text
    assert json.loads(text) == value


def test_table_columns_line_up() -> None:
    assert table(("name", "state"), [("a", "running"), ("longer", "ended")]) == [
        "NAME    STATE",
        "a       running",
        "longer  ended",
    ]
