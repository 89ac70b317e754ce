"""What the commands print: tables, JSON, ages, and a sign of life while something takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ..gateways.listing import age as age
from ..gateways.listing import json_text
from ..gateways.listing import plain as plain
from ..gateways.listing import table as table

PATIENCE_SECONDS = 1.0
"""After this time without an answer a person is told that something is going on."""


def print_json(value: Any) -> None:
    """``value`` as JSON for a script."""
    click.echo(json_text(value))


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
