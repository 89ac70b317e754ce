"""What the commands print: tables, JSON, ages, and a sign of life while something takes long."""

from __future__ import annotations

import json
import re
import sys
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

PATIENCE_SECONDS = 1.0
"""After this time without an answer a person is told that something is going on."""


def print_json(value: Any) -> None:
    """``value`` as JSON for a script: indented, UTF-8, one newline at the end."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


_STEERING = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON lets stand as it is and a terminal may obey."""


def plain(text: str) -> str:
    """``text`` without control characters, so that a title or name cannot steer the terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) == "Cc" else c for c in text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table with columns as wide as their widest cell, the head in capitals."""
    cells = [[word.upper() for word in head], *([plain(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table, its head dimmed where the output is a terminal and NO_COLOR is not set."""
    first, *rest = table(head, rows)
    click.echo(dim(first))
    for line in rest:
        click.echo(line)


def dim(text: str) -> str:
    """``text``, dimmed on a terminal that has colour."""
    return click.style(text, dim=True) if has_colour() else text


def has_colour() -> bool:
    """Whether to colour the output: a terminal, and NO_COLOR unset or empty (no-color.org)."""
    import os

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def age(seconds: float) -> str:
    """A time span in its largest unit: ``now``, ``40 s``, ``3 min``, ``5 h``, ``2 d``."""
    if seconds < 5:
        return "now"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


@contextmanager
def patience(text: str) -> Iterator[None]:
    """Say on standard error what is awaited, if the block takes more than a second.

    Nothing is printed where standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()

    def tell() -> None:
        shown = 0.0
        while not done.wait(PATIENCE_SECONDS):
            shown += PATIENCE_SECONDS
            sys.stderr.write(f"\r\x1b[K{text} … {int(shown)} s")
            sys.stderr.flush()
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
