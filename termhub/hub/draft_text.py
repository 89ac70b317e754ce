"""A draft as it is typed: as one bracketed paste, or as lines for an interpreter that knows no paste.

The interactive interpreter takes a blank line for the end of a block, and wants one there.  So plain
lines have none inside a block, and one behind it.  What is no Python loses its blank lines, no more.

Invariant: a paste holds no escape character, so nothing in it can end it.
"""

from __future__ import annotations

import re

PASTE_START, PASTE_END = b"\x1b[200~", b"\x1b[201~"

_COMPOUND = frozenset({"async", "class", "def", "for", "if", "match", "try", "while", "with"})
_CONTINUES = frozenset({"elif", "else", "except", "finally"})
_WORD = re.compile(r"\w*")
_TOKEN = re.compile(
    r"""\"{3}|'{3}|"(?:\\.|[^"\\])*(?:"|\\?$)|'(?:\\.|[^'\\])*(?:'|\\?$)|\#.*|[()\[\]{}]|\\$"""
)
_STRING_END = {quote: re.compile(rf"(?:\\.|[^\\])*?{quote}", re.DOTALL) for quote in ('"""', "'''")}


def as_paste(text: str) -> bytes:
    """The keys that enter a text in a program that has asked for bracketed paste.

    :param text: cleaned (:func:`~termhub.hub.clean_text.clean_text`).
    """
    body = text.rstrip()
    if "\n" in body:
        # Interpreters run several lines when the last one is blank, and want more when it is not.
        body += "\n"
    return PASTE_START + body.replace("\n", "\r").encode() + PASTE_END + b"\r"


def as_lines(text: str) -> bytes:
    """The keys that enter a text line by line.

    :param text: cleaned; tabs become blanks, because a tab would complete a word.
    """
    lines: list[str] = []
    scan = _Scan()
    is_in_block = False
    for line in text.expandtabs().split("\n"):
        if scan.is_open:
            scan.line(line)
            lines.append(line)
            continue
        bare = line.strip()
        if not bare:
            continue
        word = _WORD.match(bare)
        first = word.group() if word is not None else ""
        is_comment = bare[0] == "#"
        if line[0] != " " and not is_comment:
            if is_in_block and first not in _CONTINUES:
                lines.append("")
                is_in_block = False
            is_in_block = is_in_block or first in _COMPOUND
        lines.append(line)
        scan.line(line)
        is_in_block = is_in_block or (not is_comment and bare.endswith(":"))
    if is_in_block:
        lines.append("")
    return "".join(f"{line}\r" for line in lines).encode()


class _Scan:
    """Whether the next line goes on with a statement: in brackets, in a long string, behind a backslash."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""
        self._goes_on = False

    @property
    def is_open(self) -> bool:
        """Whether the next line belongs to what came before."""
        return bool(self._depth or self._quote or self._goes_on)

    def line(self, line: str) -> None:
        """Take another line."""
        position = 0
        self._goes_on = False
        while True:
            if self._quote:
                end = _STRING_END[self._quote].match(line, position)
                if end is None:
                    return
                self._quote = ""
                position = end.end()
            token = _TOKEN.search(line, position)
            if token is None:
                return
            position = token.end()
            found = token.group()
            if found in ('"""', "'''"):
                self._quote = found
            elif found in "([{":
                self._depth += 1
            elif found in ")]}":
                self._depth = max(0, self._depth - 1)
            elif found.endswith("\\"):
                self._goes_on = not found.startswith("#")
