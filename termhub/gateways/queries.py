"""Takes out of a program's output what would make the local terminal answer.

The console's host answers a program's queries (DA, DSR, DECRQM, XTGETTCAP, …).  If every
attached terminal answered too, its replies would arrive as typing.  What would act on
something other than the screen goes as well: printing, moving and resizing the window,
messages passed through tmux to the terminal behind it.

Invariant: the same output in any pieces gives the same bytes, and at most 4 KiB are held.
Sources: ECMA-48; xterm's ctlseqs; the kitty keyboard protocol.
"""

from __future__ import annotations

import re

_HELD_BYTES = 4096

_C0 = rb"\x00-\x17\x19\x1c-\x1f\x7f"  # executed or ignored in the middle of a control sequence
_CSI = re.compile(rb"(?P<parameters>[0-?" + _C0 + rb"]*)(?P<intermediates>[ -/" + _C0 + rb"]*)")
_WITHOUT_C0 = bytes([*range(0x18), 0x19, *range(0x1C, 0x20), 0x7F])
_INTRODUCER = re.compile(rb"\x05|\x1b|\xc2[\x90\x98\x9a\x9b\x9d\x9e\x9f]|\xc2\Z")
_STRING_END = re.compile(rb"\x07|[\x18\x1a]|\x1b|\xc2\x9c|\xc2\Z")
# What an introducer begins, by its second byte: after ESC, and after C2 (C1 controls in UTF-8).
_AFTER_ESC = {b"[": "csi", b"]": "osc", b"P": "dcs", b"_": "text", b"^": "text", b"X": "text", b"Z": "query"}
_AFTER_C2 = {
    b"\x9b": "csi", b"\x9d": "osc", b"\x90": "dcs",
    b"\x9e": "text", b"\x9f": "text", b"\x98": "text", b"\x9a": "query",
}  # fmt: skip


def _is_csi_query(parameters: bytes, intermediates: bytes, final: bytes) -> bool:
    mark = parameters[:1] if parameters[:1] in (b"<", b"=", b">", b"?") else b""
    match final, intermediates:
        case (b"c", b""):
            return mark != b"?"  # DA1, DA2, DA3
        case (b"n", b""):
            return mark != b">"  # DSR; with > it sets a key mode
        case (b"x", b"") | (b"i", b""):
            return True  # DECREQTPARM; media copy
        case (b"t", b""):
            return parameters.split(b";")[0] not in (b"22", b"23")  # only the title stack stays
        case (b"q", b""):
            return mark == b">"  # XTVERSION
        case (b"u" | b"S" | b"m", b""):
            return mark == b"?"  # kitty keyboard, graphics sizes, key modes
        case (b"p" | b"w" | b"u", b"$") | (b"y", b"*") | (b"|", b"'") | (b"v", b'"') | (b"u", b"&"):
            return True  # DECRQM, DECRQPSR, DECRQTSR, DECRQCRA, DECRQLP, DECRQDE, DECRQUPSS
    return False


def _is_osc_query(body: bytes) -> bool:
    fields = body.split(b";")[1:]
    return any(field == b"?" or field.endswith(b"=?") for field in fields)


def _is_dcs_query(body: bytes) -> bool:
    # DECRQSS, XTGETTCAP, and what tmux would hand to the terminal behind it.
    return body.lstrip(b"0123456789;").startswith((b"$q", b"+q")) or body.startswith(b"tmux;")


class QueryFilter:
    """Passes a program's output on without what a terminal would answer."""

    def __init__(self) -> None:
        self._held = b""  # the beginning of a sequence, to be judged when there is more
        self._string: str | None = None  # the kind of the control string we are inside of
        self._head: bytes | None = None  # what of it is not judged yet; None once it is
        self._is_kept = False  # the judgement

    def feed(self, data: bytes) -> bytes:
        """``data``, and what was held before, without queries."""
        if self._string is None and not self._held and not _INTRODUCER.search(data):
            return data
        data, self._held = self._held + data, b""
        kept: list[bytes] = []
        position = 0
        while position < len(data):
            if self._string is None:
                position = self._ground(data, position, kept)
            else:
                position = self._inside_string(data, position, kept)
        return b"".join(kept)

    def _ground(self, data: bytes, position: int, kept: list[bytes]) -> int:
        found = _INTRODUCER.search(data, position)
        if found is None:
            kept.append(data[position:])
            return len(data)
        start = found.start()
        kept.append(data[position:start])
        if found[0] == b"\x05":  # ENQ
            return start + 1
        second = data[start + 1 : start + 2]
        if not second:
            self._held = data[start:]
            return len(data)
        kind = (_AFTER_ESC if found[0] == b"\x1b" else _AFTER_C2).get(second)
        if kind is None:
            kept.append(data[start : start + 1])  # another escape sequence, of no concern here
            return start + 1
        if kind == "csi":
            return self._control_sequence(data, start, kept)
        if kind != "query":
            self._string = kind
            self._head = data[start : start + 2] if kind != "text" else None
            self._is_kept = False
        return start + 2

    def _control_sequence(self, data: bytes, start: int, kept: list[bytes]) -> int:
        found = _CSI.match(data, start + 2)
        assert found is not None
        end = found.end()
        if end == len(data):
            if end - start <= _HELD_BYTES:
                self._held = data[start:]
            return end
        if not 0x40 <= data[end] <= 0x7E:
            return end  # broken off: no terminal needs to see it
        parameters, intermediates = (part.translate(None, _WITHOUT_C0) for part in found.groups())
        if not _is_csi_query(parameters, intermediates, data[end : end + 1]):
            kept.append(data[start : end + 1])
        return end + 1

    def _inside_string(self, data: bytes, position: int, kept: list[bytes]) -> int:
        found = _STRING_END.search(data, position)
        end = found.start() if found else len(data)
        self._take(data[position:end], kept)
        if found is None:
            return end
        after = found.end()
        if found[0] in (b"\x1b", b"\xc2"):
            if after == len(data):
                self._held = found[0]
                return after
            if data[after] == 0x5C:
                after += 1
            elif self._is_for_tmux():  # there only ESC \ ends the string
                self._take(data[end : after + 1], kept)
                return after + 1
            else:
                after = end  # it begins the next sequence
        elif found[0] == b"\x07" and self._string != "osc":
            self._take(found[0], kept)
            return after
        self._judge(kept)
        self._take(data[end:after], kept)
        self._string = None
        return after

    def _take(self, piece: bytes, kept: list[bytes]) -> None:
        """A piece of the string we are inside of."""
        if self._head is None:
            if self._is_kept:
                kept.append(piece)
            return
        self._head += piece
        if len(self._head) > _HELD_BYTES:
            self._judge(kept)

    def _judge(self, kept: list[bytes]) -> None:
        """Decide on the string from what has come of it, once."""
        if self._head is None:
            return
        body = self._head[2:]
        self._is_for_tmux()
        self._is_kept = not (_is_osc_query(body) if self._string == "osc" else _is_dcs_query(body))
        if self._is_kept:
            kept.append(self._head)
        self._head = None

    def _is_for_tmux(self) -> bool:
        if self._string == "dcs" and self._head is not None and self._head[2:7] == b"tmux;":
            self._string = "tmux"
        return self._string == "tmux"
