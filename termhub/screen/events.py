"""The bounded log of what a program told its terminal, and the scanner for prompt marks.

Both engines report bell, title, cwd and clipboard in their own way into an :class:`EventLog`.
Prompt marks (OSC 133) are found by :class:`PromptScanner` in the bytes on their way to the engine;
it looks at every byte of every flood, so all but its rare cases are one C-speed search.
"""

from __future__ import annotations

import re
from collections import deque
from urllib.parse import unquote, urlsplit

from termhub.screen.interface import CLIPBOARD_BYTES, TEXT_CHARACTERS, EventType, ScreenEvent

EVENTS_KEPT = 64
MARK_BYTES = 256

MARK_START = b"\x1b]133;"
MARK = re.compile(rb"\x1b\]133;([ABCD])(?:;([^\x07\x1b\x18\x1a]*))?(?:\x07|\x1b\\)")
PARTIAL_MARK = re.compile(rb"\x1b(?:\](?:1(?:3(?:3(?:;[^\x07\x1b\x18\x1a]*\x1b?)?)?)?)?)?\Z")


class EventLog:
    """Events since they were last taken; at most 64, of which one clipboard."""

    def __init__(self) -> None:
        self._events: deque[ScreenEvent] = deque(maxlen=EVENTS_KEPT)

    def take(self) -> list[ScreenEvent]:
        """All events, oldest first; the log is empty after."""
        if not self._events:
            return []
        events = list(self._events)
        self._events.clear()
        return events

    def bell(self) -> None:
        """The bell rang; rings in a row count as one."""
        if not self._events or self._events[-1].type != "bell":
            self._events.append(ScreenEvent("bell"))

    def title(self, title: str) -> None:
        """The title changed; only the last one is kept."""
        self._replace(ScreenEvent("title", text=title[:TEXT_CHARACTERS]))

    def cwd(self, path: str) -> None:
        """The working directory changed; only the last one is kept."""
        self._replace(ScreenEvent("cwd", text=path[:TEXT_CHARACTERS]))

    def clipboard(self, selection: str, data: bytes) -> None:
        """The program set the clipboard; only the last one is kept, and none above 100 kB."""
        if len(data) <= CLIPBOARD_BYTES:
            self._replace(ScreenEvent("clipboard", selection=selection[:16], data=data))

    def prompt(self, mark: str, exit_status: int | None) -> None:
        """A prompt mark passed."""
        self._events.append(ScreenEvent("prompt", text=mark, exit_status=exit_status))

    def _replace(self, event: ScreenEvent) -> None:
        kept = [other for other in self._events if not _same_type(other, event.type)]
        self._events.clear()
        self._events.extend(kept)
        self._events.append(event)


def _same_type(event: ScreenEvent, type_: EventType) -> bool:
    return event.type == type_


class PromptScanner:
    """Finds OSC 133 marks in a stream that arrives in pieces cut anywhere."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._partial = b""

    def scan(self, data: bytes) -> None:
        """Look at the next piece and log the marks completed in it."""
        if self._partial:
            data, self._partial = self._partial + data, b""
        if MARK_START in data:
            for mark in MARK.finditer(data):
                self._log.prompt(mark[1].decode("ascii"), _exit_status(mark[1], mark[2]))
        if data.rfind(b"\x1b", -MARK_BYTES) >= 0:
            unfinished = PARTIAL_MARK.search(data, max(0, len(data) - MARK_BYTES))
            if unfinished is not None:
                self._partial = unfinished[0]


def _exit_status(mark: bytes, parameters: bytes | None) -> int | None:
    """The exit status of a D mark: ``D;1`` (the rest are key=value options)."""
    if mark != b"D" or not parameters:
        return None
    first = parameters.split(b";")[0]
    if not first.isdigit() or len(first) > 10:
        return None
    return int(first)


def cwd_path(uri: str) -> str:
    """The path in an OSC 7 report, ``file://host/path`` or a plain absolute path; else an empty string."""
    if uri.startswith("/"):
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    if parts.scheme not in ("file", "kitty-shell-cwd") or not parts.path.startswith("/"):
        return ""
    return unquote(parts.path, errors="replace") if parts.scheme == "file" else parts.path
