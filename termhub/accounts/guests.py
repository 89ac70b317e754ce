"""Names of people without an account."""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 40
"""Characters of a guest's name."""

NAMELESS = "guest"
"""Who says no name is called so."""

_MARKS = ("Mn", "Me", "Mc")
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters without a look that Unicode has among letters, signs and marks."""

_MOST_MARKS = 2
"""Marks that one character may carry; more would reach into the lines above and below."""


def guest_name(text: str) -> str:
    """What to call a guest who said this: one line of visible characters, at most :data:`MAX_NAME`.

    Everything invisible is left out: controls, what turns the direction of text round, what is
    no character.  Others see the name in their page, their terminal and the log.
    """
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", _UNSEEN.sub("", text[: 16 * MAX_NAME])):
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if category[0] == "Z" or character in "\t\n\r":
            kept.append(" ")
        elif category[0] != "C" and marks <= _MOST_MARKS:
            kept.append(character)
    name = " ".join("".join(kept).split())
    return name[:MAX_NAME].rstrip() or NAMELESS
