"""How consoles are listed for people and for scripts, by the command line and over ssh."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

_TURNING = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"))
_HEAD = ("name", "state", "program", "image", "active", "title")


def console_table(
    consoles: Sequence[Mapping[str, Any]], now: float, me: str
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """The head and the cells of a table of consoles; a role stands in it where some are of others.

    :param consoles: as REST describes them.
    :param now: seconds since 1970.
    :param me: the name of whoever looks; consoles of others are called ``OWNER/NAME``.
    """
    rows: list[Sequence[str]] = [
        (
            shown_name(each, me),
            each["state"] if each["state"] != "ended" else f"ended: {each.get('reason') or '?'}",
            each["program"],
            each["image"],
            age(now - each["last_activity"]),
            next((window["title"] for window in each["windows"]), ""),
        )
        for each in consoles
    ]
    if all(each.get("owner", me) == me for each in consoles):
        return _HEAD, rows
    roles = [str(each.get("role", "owner")) for each in consoles]
    return ("name", "role", *_HEAD[1:]), [
        (name, role, *others) for (name, *others), role in zip(rows, roles, strict=True)
    ]


def shown_name(console: Mapping[str, Any], me: str) -> str:
    """What somebody called ``me`` calls a console: its name, or ``OWNER/NAME`` where it is another's."""
    owner, name = console.get("owner", me), str(console["name"])
    return name if owner == me else f"{owner}/{name}"


def plain(text: str) -> str:
    """``text`` without what would steer the terminal or turn the text around it."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(c) else c for c in text)


def _steers(character: str) -> bool:
    category = unicodedata.category(character)
    return category in ("Cc", "Zl", "Zp") or unicodedata.bidirectional(character) in _TURNING


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table with columns as wide as their widest cell, the head in capitals."""
    cells = [[word.upper() for word in head], *([plain(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def age(seconds: float) -> str:
    """A time span in its largest unit: ``now``, ``40 s``, ``3 min``, ``5 h``, ``2 d``."""
    if seconds < 5:
        return "now"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def json_text(value: Any) -> str:
    """``value`` as JSON for a script: indented, UTF-8, and nothing in it that a terminal obeys."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


_STEERING = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON lets stand as it is and a terminal may obey."""
