"""Ids and names of consoles."""

from __future__ import annotations

import re
import secrets
from collections.abc import Container

from termhub.errors import BadRequest

CONSOLE_ID = re.compile(r"c-[a-z2-7]{10}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def new_id() -> str:
    """A fresh console id: ``c-`` and 50 random bits."""
    return "c-" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


def checked_name(name: str) -> str:
    """The name itself, when a console can have it.

    :raises BadRequest: when it cannot.
    """
    if not _NAME.fullmatch(name) or CONSOLE_ID.fullmatch(name):
        raise BadRequest(
            f"{name!r:.60} cannot be a console's name: use 1 to 40 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, and nothing that looks like an id.",
            "bad_name",
        )
    return name


def free_name(program: str, taken: Container[str]) -> str:
    """The first of ``program-1``, ``program-2``, … that is not taken."""
    number = 1
    while f"{program}-{number}" in taken:
        number += 1
    return f"{program}-{number}"
