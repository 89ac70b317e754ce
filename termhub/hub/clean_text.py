"""What people write to each other, made safe to show anywhere: in a page and in a terminal.

Invariant: what is returned has no control characters but line feeds and tabs, and none that turn the
direction of text.
"""

from __future__ import annotations

import re

from termhub.errors import BadRequest

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|\u2028|\u2029|\x85")


def clean_text(text: str) -> str:
    """The text with line feeds for all ends of lines, and without what would steer who shows it."""
    return _STEERING.sub("", _LINE_END.sub("\n", text))


def said_text(text: str, most_characters: int) -> str:
    """Something that is worth to be said.

    :raises BadRequest: when nothing is left of it, or it is too long.
    """
    if len(text) > most_characters:
        raise BadRequest(f"That is too long; {most_characters} characters go at once.", "too_long")
    said = clean_text(text).strip()
    if not said:
        raise BadRequest("There is nothing to say.", "empty")
    return said
