"""Log lines for people and for programs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from termhub.config import LogSettings
from termhub.errors import ConfigError
from termhub.log import LineObserver, json_line, observer, text_line


def event(**fields: Any) -> dict[str, Any]:
    return {
        "log_time": 0.5,
        "log_level": LogLevel.warn,
        "log_namespace": "termhub.hub",
        "log_format": "{console} is gone",
        "console": "c-1",
        **fields,
    }


def test_text_line() -> None:
    assert text_line(event()) == "1970-01-01T00:00:00.500Z warn  termhub.hub: c-1 is gone"


def test_json_line_has_the_fields_of_the_event() -> None:
    body = json.loads(json_line(event(count=3, path=Path("/x"))))
    assert body == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "warn",
        "source": "termhub.hub",
        "text": "c-1 is gone",
        "console": "c-1",
        "count": 3,
        "path": "/x",
    }


def test_traceback_is_kept() -> None:
    try:
        raise ValueError("oops")
    except ValueError:
        failure = Failure()
    assert "ValueError: oops" in text_line(event(log_failure=failure))
    assert "ValueError: oops" in json.loads(json_line(event(log_failure=failure)))["traceback"]


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    LineObserver(stream, as_json=False)(event())


def test_level_and_file(tmp_path: Path) -> None:
    path = tmp_path / "hub.log"
    write = observer(LogSettings(level="warn", format="json", file=str(path)))
    log = Logger("termhub.x", observer=write)
    log.info("too much")
    log.warn("enough")
    Logger("twisted.web", observer=write).info("chatter")
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["enough"]


def test_file_that_cannot_be_opened_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot write the log"):
        observer(LogSettings(file=str(tmp_path / "missing" / "hub.log")))
