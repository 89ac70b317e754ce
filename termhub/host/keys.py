"""What somebody's input says about the line it is typed into: text, Enter, edits and pastes.

Input is keys as a terminal sends them (xterm ctlseqs), cut anywhere.  What a terminal sends by itself,
mouse reports and the focus, is nobody's typing and is left out.

Invariant: whatever bytes come, at most 48 bytes of a cut sequence are held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

PASTE_ENDS = b"\x1b[201~"
END_OF_FILE = b"\x04"

Kind = Literal["text", "enter", "break", "rubout", "stop", "edit"]
Key = tuple[Kind, bytes]

_TOKEN = re.compile(
    rb"(?P<text>[^\x00-\x1f\x7f]+)"
    rb"|(?P<enter>[\r\n])"
    rb"|(?P<rubout>[\x08\x7f])"
    rb"|(?P<stop>[\x03\x1a\x1c])"
    rb"|(?P<partial>\x1b(?:\[[0-?]{0,30}[ -/]{0,2}|\[M[\s\S]{0,2}|O)?\Z)"
    rb"|(?P<paste>\x1b\[200~)"
    rb"|(?P<report>\x1b\[(?:[IO]|<[0-9;]{1,24}[Mm]|[0-9]+;[0-9]+;[0-9]+M|M[\s\S]{3}))"
    rb"|(?P<edit>\x1b(?:\[[0-?]{0,30}[ -/]{0,2}[@-~]|O[ -~]|[^\x00-\x1f\[O])|[\s\S])"
)
_PASTED = re.compile(rb"(?P<text>[^\x00-\x1f\x7f]+)|(?P<break>\r\n|[\r\n])|[\s\S]")
_KINDS: dict[str, Kind] = {kind: kind for kind in ("text", "enter", "break", "rubout", "stop", "edit")}


class Keys:
    """The input of one person to one window."""

    def __init__(self) -> None:
        self._partial = b""
        self._is_pasting = False

    def feed(self, data: bytes) -> Iterator[Key]:
        """The keys in the next piece of input.

        ``text`` is printable, ``enter`` ends the line, ``break`` is a line's end inside a bracketed
        paste, ``rubout`` takes one character back, ``stop`` gives the line up (Ctrl-C and the
        like), and ``edit`` is any other key: nobody can tell what it does to the line.
        """
        if self._partial:
            data, self._partial = self._partial + data, b""
        position = 0
        while position < len(data):
            if self._is_pasting:
                end = data.find(PASTE_ENDS, position)
                stop = end if end >= 0 else len(data) - _begun(data, position)
                for found in _PASTED.finditer(data, position, stop):
                    if found.lastgroup is not None:
                        yield _KINDS[found.lastgroup], found[0]
                if end < 0:
                    self._partial = data[stop:]
                    return
                self._is_pasting = False
                position = end + len(PASTE_ENDS)
            for found in _TOKEN.finditer(data, position):
                position = found.end()
                kind = found.lastgroup
                if kind == "paste":
                    self._is_pasting = True
                    break
                if kind == "partial":
                    self._partial = found[0]
                elif kind != "report":
                    yield _KINDS[kind or "edit"], found[0]


def _begun(data: bytes, start: int) -> int:
    """How many bytes at the end of ``data`` may be the beginning of a paste's end."""
    for length in range(min(len(PASTE_ENDS) - 1, len(data) - start), 0, -1):
        if data.endswith(PASTE_ENDS[:length]):
            return length
    return 0
