"""The hub's log: lines for people, or one JSON object a line.

Modules log with ``twisted.logger`` and name what they log about as fields; this decides what of
it is written, where and how.  Nothing logs secrets or what people type.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    globalLogBeginner,
)
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.config import LogSettings
from termhub.errors import ConfigError

_INTERNAL = frozenset(
    {
        "format",
        "isError",
        "log_failure",
        "log_flattened",
        "log_format",
        "log_level",
        "log_logger",
        "log_namespace",
        "log_source",
        "log_system",
        "log_time",
        "log_trace",
        "message",
        "system",
        "time",
        "why",
    }
)


@implementer(ILogObserver)
class LineObserver:
    """Writes each event as one line.

    :param as_json: a JSON object instead of words.
    """

    def __init__(self, stream: TextIO, as_json: bool) -> None:
        self._stream = stream
        self._format = json_line if as_json else text_line

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Write one event."""
        line = self._format(event)
        if line:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                # Nobody reads the log any more; that must not stop the hub.
                return


def text_line(event: Mapping[str, Any]) -> str:
    """``2026-01-31T12:00:00Z info  termhub.hub.consoles: words``; a traceback follows."""
    text = formatEvent(dict(event))
    failure = event.get("log_failure")
    if failure is not None:
        text = f"{text}\n{failure.getTraceback()}".rstrip()
    if not text:
        return ""
    return f"{_time(event)} {_level(event):5} {event.get('log_namespace', '-')}: {text}"


def json_line(event: Mapping[str, Any]) -> str:
    """An object with ``time, level, source, text``, the event's own fields, and ``traceback``."""
    text = formatEvent(dict(event))
    body: dict[str, Any] = {
        "time": _time(event),
        "level": _level(event),
        "source": event.get("log_namespace", "-"),
        "text": text,
    }
    for name, value in event.items():
        if name not in _INTERNAL and not name.startswith("log_"):
            body[name] = value if isinstance(value, str | int | float | bool | None) else str(value)
    failure = event.get("log_failure")
    if failure is not None:
        body["traceback"] = failure.getTraceback()
    elif not text:
        return ""
    return json.dumps(body, ensure_ascii=False)


def observer(settings: LogSettings) -> Any:
    """What writes events as the settings say.

    :raises ConfigError: when the log file cannot be opened.
    """
    stream: TextIO = sys.stderr
    if settings.file:
        try:
            # Open for as long as the hub runs, also after it is no longer root.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            stream = os.fdopen(os.open(settings.file, flags, 0o600), "a", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"Cannot write the log {settings.file}: {error.strerror}.") from None
    level = LogLevel.lookupByName(settings.level)
    # What Twisted itself and libraries tell at level info is not what operators look for.
    quiet = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    quiet.setLogLevelForNamespace("termhub", level)
    writer: Any = LineObserver(stream, settings.format == "json")
    predicate: Any = quiet
    return FilteringLogObserver(writer, [predicate])


def begin(settings: LogSettings) -> None:
    """Write the log from now on; what was logged before comes first."""
    globalLogBeginner.beginLoggingTo([observer(settings)], redirectStandardIO=False, discardBuffer=False)


def _time(event: Mapping[str, Any]) -> str:
    moment = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _level(event: Mapping[str, Any]) -> str:
    level = event.get("log_level")
    return "info" if level is None else str(level.name)
