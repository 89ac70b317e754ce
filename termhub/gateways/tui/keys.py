"""Reads what the person's terminal sends: keys, pastes, the mouse, focus, and answers to our questions.

Invariant: however the bytes are cut, the same events come out; nothing that was typed is lost, answers
of the terminal never become keys, and never more than a few kilobytes are held.
"""

from __future__ import annotations

import re

from termhub.gateways.tui.events import Event, Focus, Key, Paste, Report
from termhub.gateways.tui.mouse import MouseReader
from termhub.gateways.tui.sequences import csi_key, linux_key, ss3_key, typed_key

PASTE_BEGIN, PASTE_END = b"\x1b[200~", b"\x1b[201~"
MOST_SEQUENCE_BYTES = 256
MOST_STRING_BYTES = 4096
_ESC = 0x1B

_CSI = re.compile(rb"\x1b\[([<=>?]?)([0-9;:]*)([ -/]*)([@-~])")
_CSI_BEGUN = re.compile(rb"\x1b\[[<=>?]?[0-9;:]*[ -/]*\Z")
_RXVT_SHIFTED = re.compile(rb"\x1b\[([0-9]+)\$")
_SS3 = re.compile(rb"\x1bO([0-9;]{0,4})([@-~])")
_SS3_BEGUN = re.compile(rb"\x1bO[0-9;]{0,4}\Z")
# What an answer begins with; after anything else ESC and the character are a key with Alt.
_STRING = re.compile(rb"\x1b(?:\][0-9]|P[>!0-9]|_G)")
_STRING_END = re.compile(rb"[\x00-\x1f\x7f]")
_STRING_INTRODUCERS = b"]P_"
_UTF8_LENGTHS = ((0xC2, 0xE0, 2), (0xE0, 0xF0, 3), (0xF0, 0xF5, 4))
_MOST_FIELD_DIGITS = 6


class KeyReader:
    """Makes events of bytes.

    :param utf8: the terminal sends UTF-8; else Latin-1, which a program gets as UTF-8.
    """

    def __init__(self, utf8: bool = True) -> None:
        self._utf8 = utf8
        self._held = b""
        self._is_pasting = False
        self._is_paste_begun = False
        self._is_skipping = False  # an answer too long to be one of ours
        self._mouse = MouseReader()
        self._events: list[Event] = []

    @property
    def is_waiting(self) -> bool:
        """Whether what was typed last is a key or only its beginning, which :meth:`flush` decides."""
        held = self._held
        if self._is_pasting or held[:1] != b"\x1b":
            return False
        return len(held) == 1 or (len(held) == 2 and held[1] < 0x80) or (len(held) == 3 and held[1] == _ESC)

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes."""
        data = self._held + data
        self._held = b""
        position = 0
        while position < len(data):
            if self._is_pasting:
                after = self._paste(data, position)
            elif self._is_skipping:
                after = self._skip(data, position)
            else:
                after = self._one(data, position)
            if after is None:
                self._held = data[position:]
                break
            position = after
        events, self._events = self._events, []
        return events

    def flush(self) -> list[Event]:
        """Nothing came for a while: an ESC, alone or with one character, was typed, and is a key."""
        held = self._held
        if not self.is_waiting:
            return []
        self._held = b""
        if held == b"\x1b":
            return [_ESCAPE]
        if held[1] == _ESC:
            rest = [typed_key(chr(held[2]), held[1:], alt=True)] if len(held) == 3 else [_ESCAPE]
            return [_ESCAPE, *rest]
        return [typed_key(chr(held[1]), held, alt=True)]

    def _one(self, data: bytes, position: int) -> int | None:
        """Read one event; the position after it, or None when it is not complete."""
        first = data[position]
        if first == _ESC:
            return self._escape(data, position)
        if first < 0x80:
            self._events.append(typed_key(chr(first), data[position : position + 1]))
            return position + 1
        return self._character(data, position, position)

    def _character(self, data: bytes, start: int, position: int) -> int | None:
        """Read a character beyond ASCII; ``start`` is that of the ESC before it, if there is one."""
        is_alt = start < position
        first = data[position]
        if not self._utf8:
            character = chr(first)
            raw = (b"\x1b" if is_alt else b"") + character.encode("utf-8")
            self._events.append(typed_key(character, raw, is_alt))
            return position + 1
        length = next((count for low, high, count in _UTF8_LENGTHS if low <= first < high), 1)
        encoded = data[position : position + length]
        if len(encoded) < length and all(0x80 <= byte < 0xC0 for byte in encoded[1:]):
            return None
        try:
            character = encoded.decode("utf-8")
        except UnicodeDecodeError:
            # Whatever it is, the program gets it as it came.
            self._events.append(Key("", raw=data[start : position + 1]))
            return position + 1
        self._events.append(typed_key(character, data[start : position + length], is_alt))
        return position + length

    def _escape(self, data: bytes, start: int) -> int | None:
        """Read what begins with ESC."""
        if start + 1 == len(data):
            return None
        second = data[start + 1]
        if second == _ESC:
            return self._double_escape(data, start)
        if second == ord("["):
            return self._csi(data, start)
        if second == ord("O"):
            return self._ss3(data, start)
        if second in _STRING_INTRODUCERS:
            return self._string(data, start)
        return self._alt(data, start)

    def _alt(self, data: bytes, start: int) -> int | None:
        """Read a character after ESC: a key with Alt."""
        second = data[start + 1]
        if second >= 0x80:
            return self._character(data, start, start + 1)
        self._events.append(typed_key(chr(second), data[start : start + 2], alt=True))
        return start + 2

    def _double_escape(self, data: bytes, start: int) -> int | None:
        """Read ESC ESC: Escape, or the Alt that rxvt and PuTTY put before a sequence."""
        if start + 2 == len(data):
            return None
        if data[start + 2] not in b"[O":
            self._events.append(_ESCAPE)
            return start + 1
        count = len(self._events)
        after = self._csi(data, start + 1) if data[start + 2] == ord("[") else self._ss3(data, start + 1)
        if after is None or self._is_pasting:
            if after is not None:
                self._events.append(_ESCAPE)
            return after
        added = self._events[count:]
        if len(added) == 1 and isinstance(added[0], Key) and added[0].name and not added[0].alt:
            key = added[0]
            self._events[count:] = [Key(key.name, "", key.ctrl, True, key.shift, raw=b"\x1b")]
        else:
            self._events.insert(count, _ESCAPE)
        return after

    def _csi(self, data: bytes, start: int) -> int | None:
        special = data[start + 2 : start + 3]
        if special == b"[":
            return self._linux(data, start)
        if special == b"M":
            return self._x10_mouse(data, start)
        shifted = _RXVT_SHIFTED.match(data, start)
        if shifted is not None:
            self._add(csi_key(shifted[1].decode("ascii"), "$", shifted[0]))
            return shifted.end()
        match = _CSI.match(data, start)
        if match is None or match.end() - start > MOST_SEQUENCE_BYTES:
            if _CSI_BEGUN.match(data, start) and len(data) - start <= MOST_SEQUENCE_BYTES:
                return None
            return self._alt(data, start)
        prefix, parameters, intermediates, final = (part.decode("ascii") for part in match.groups())
        if match[0] == PASTE_BEGIN:
            self._is_pasting, self._is_paste_begun = True, False
        elif prefix == "<" and final in "Mm":
            self._mouse_event(self._mouse.sgr(_fields(parameters), final == "m"))
        elif prefix or intermediates:
            self._events.append(_report(prefix, parameters, intermediates, final))
        elif final == "M":
            self._mouse_event(self._mouse.urxvt(_fields(parameters)))
        elif final in "IO" and not parameters:
            self._events.append(Focus(gained=final == "I"))
        elif final in "nt" or (final == "R" and not _is_f3(parameters)):
            self._events.append(_report("", parameters, "", final))
        else:
            self._add(csi_key(parameters, final, match[0]))
        return match.end()

    def _add(self, key: Key | None) -> None:
        if key is not None:
            self._events.append(key)

    def _mouse_event(self, event: Event | None) -> None:
        if event is not None:
            self._events.append(event)

    def _linux(self, data: bytes, start: int) -> int | None:
        if start + 3 == len(data):
            return None
        if data[start + 3] in b"ABCDE":
            self._events.append(linux_key(chr(data[start + 3])))
            return start + 4
        return self._alt(data, start)

    def _x10_mouse(self, data: bytes, start: int) -> int | None:
        report = data[start + 3 : start + 6]
        if any(byte < 0x20 for byte in report):
            return self._alt(data, start)
        if len(report) < 3:
            return None
        self._mouse_event(self._mouse.x10(report))
        return start + 6

    def _ss3(self, data: bytes, start: int) -> int | None:
        match = _SS3.match(data, start)
        if match is not None:
            self._events.append(ss3_key(match[1].decode("ascii"), match[2].decode("ascii"), match[0]))
            return match.end()
        return None if _SS3_BEGUN.match(data, start) else self._alt(data, start)

    def _string(self, data: bytes, start: int) -> int | None:
        """Read an answer that is a string: OSC, DCS or APC."""
        if start + 2 == len(data):
            return None
        if _STRING.match(data, start) is None:
            return self._alt(data, start)
        end = _STRING_END.search(data, start + 2)
        if end is None:
            if len(data) - start <= MOST_STRING_BYTES:
                return None
            self._is_skipping = True
            return len(data)
        body = data[start + 2 : end.start()]
        after = end.end()
        if end[0] == b"\x1b":
            if after == len(data):
                return None
            after += 1
        if end[0] != b"\x07" and data[end.start() : after] != b"\x1b\\":
            # Not ended as an answer is: it was typed.
            return self._alt(data, start)
        self._events.append(_string_report(data[start + 1], body.decode("utf-8", "replace")))
        return after

    def _skip(self, data: bytes, position: int) -> int:
        end = _STRING_END.search(data, position)
        if end is None:
            return len(data)
        self._is_skipping = False
        if end[0] == b"\x07":
            return end.end()
        return end.end() + 1 if data[end.start() : end.end() + 1] == b"\x1b\\" else end.start()

    def _paste(self, data: bytes, position: int) -> int | None:
        """Pass a piece of a paste on, but nothing that may be the beginning of its end."""
        end = data.find(PASTE_END, position)
        is_whole = end >= 0
        if not is_whole:
            end = len(data) - next(
                length for length in range(len(PASTE_END) - 1, -1, -1) if data.endswith(PASTE_END[:length])
            )
            end = max(end, position)
        piece = data[position:end]
        if piece or is_whole:
            self._events.append(Paste(piece, begins=not self._is_paste_begun, ends=is_whole))
            self._is_paste_begun = True
        if not is_whole:
            return end if end > position else None
        self._is_pasting = False
        return end + len(PASTE_END)


_ESCAPE = Key("Escape", raw=b"\x1b")


def _fields(parameters: str) -> tuple[int, ...]:
    return tuple(
        int(part[:_MOST_FIELD_DIGITS]) if part else 0 for part in parameters.replace(":", ";").split(";")
    )


def _is_f3(parameters: str) -> bool:
    """Whether ``CSI parameters R`` is F3 and not the place of the cursor; both can be ``1;2``."""
    fields = _fields(parameters)
    return not parameters or (len(fields) == 2 and fields[0] == 1 and 2 <= fields[1] <= 16)


def _report(prefix: str, parameters: str, intermediates: str, final: str) -> Report:
    numbers = _fields(parameters) if parameters else ()
    match prefix, intermediates, final:
        case "?" | ">" | "=", "", "c":
            return Report("attributes", numbers, prefix)
        case "?" | "", "$", "y":
            return Report("mode", numbers)
        case "?", "", "u":
            return Report("keyboard", numbers)
        case "?" | "", "", "R":
            return Report("cursor", numbers)
        case "", "", "t":
            return Report("window", numbers)
    return Report("other", numbers, prefix + intermediates + final)


def _string_report(introducer: int, body: str) -> Report:
    if introducer == ord("]"):
        number, _, text = body.partition(";")
        if number in ("4", "10", "11", "12"):
            return Report("colour", (int(number),), text)
        if number == "52":
            return Report("clipboard", (), text.partition(";")[2])
    elif introducer == ord("P") and body.startswith(">|"):
        return Report("version", (), body[2:])
    return Report("other", (), body)
