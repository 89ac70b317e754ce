"""Splits output into characters and control sequences, for the pure-Python engine.

One regular expression takes whole tokens: a run of text, a control, a complete sequence.  What it does
not take is rare and handled one by one: sequences cut at the end (kept for the next piece), aborted
by CAN, SUB or another ESC, and CSI with controls within, which act at once.
"""

from __future__ import annotations

import codecs
import re

from termhub.screen.interface import CLIPBOARD_BYTES
from termhub.screen.pyte_terminal import PyteTerminal

# A clipboard in base64 is the longest string we need.
UNFINISHED_CHARACTERS = CLIPBOARD_BYTES * 4 // 3 + 1024

TOKEN = re.compile(
    "([^\x00-\x1f\x7f-\x9f]+)"  # 1 text
    "|\x1b\\[([<-?]*)([0-9;:]*)([ -/]*)([@-~])"  # 2 to 5 CSI
    "|([\x07-\x0f])"  # 6 control
    "|\x1b(?:\\]([^\x07\x1b\x9c\x18\x1a]*)(\x07|\x9c|(?=\x1b))"  # 7, 8 OSC
    "|([PX^_])([^\x1b\x9c\x18\x1a]*)(\x9c|(?=\x1b))"  # 9 to 11 DCS, SOS, PM, APC
    "|([ -/]*)([0-OQ-WYZ\\\\`-~]))"  # 12, 13 other escape sequences; ST is one of them
)
TEXT, CSI_FINAL, CONTROL, OSC_END, STRING_END = 1, 5, 6, 8, 11
WITHIN_CSI = "\x1b\\[([ -?\x00-\x17\x19\x1c-\x1f\x7f]*)"
UNFINISHED = re.compile(
    f"(?:{WITHIN_CSI}|\x1b\\][^\x07\x1b\x9c\x18\x1a]*|\x1b[PX^_][^\x1b\x9c\x18\x1a]*|\x1b[ -/]*)\\Z"
)
CONTROLS = re.compile("[\x00-\x1f\x7f]")
CSI_BODY = re.compile("([<-?]*)([0-9;:]*)([ -/]*)\\Z")
# What cannot go on: with the character that ends it, unless that begins something.
BROKEN_CSI = re.compile(f"{WITHIN_CSI}(?:([@-~])|[\x18\x1a\xa0-\U0010ffff])?")
BROKEN_STRING = re.compile("\x1b[\\]PX^_][^\x07\x1b\x9c\x18\x1a]*[\x07\x18\x1a]?")
BROKEN_ESCAPE = re.compile("\x1b[ -/]*[\x18\x1a\x7f\xa0-\U0010ffff]?")
END_OF_STRING = re.compile("[\x07\x1b\x9c\x18\x1a]")


class PyteParser:
    """Feeds a terminal from bytes cut anywhere.

    :param terminal: what the tokens act on.
    """

    def __init__(self, terminal: PyteTerminal) -> None:
        self._terminal = terminal
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""
        self._skips_string = False

    @property
    def unfinished(self) -> bytes:
        """What has begun and not ended, as bytes that begin it again."""
        begun = "\x1b_" if self._skips_string else self._unfinished
        return begun.encode("utf-8", "replace") + self._decoder.getstate()[0]

    def feed(self, data: bytes) -> None:
        """Parse the next piece of output."""
        text = self._decoder.decode(data)
        if self._unfinished:
            text, self._unfinished = self._unfinished + text, ""
        position, end = self._skip(text) if self._skips_string else 0, len(text)
        terminal = self._terminal
        draw, csi, control, match = terminal.grid.draw, terminal.csi, terminal.control, TOKEN.match
        while position < end:
            token = match(text, position)
            if token is None:
                position = self._odd(text, position)
                continue
            position = token.end()
            kind = token.lastindex
            if kind == TEXT:
                draw(token[1])
            elif kind == CSI_FINAL:
                csi(token[2], token[3], token[4], token[5])
            elif kind == CONTROL:
                control(token[6])
            elif kind == OSC_END:
                terminal.operating_system_command(token[7], token[8] or "\x1b\\")
            elif kind == STRING_END:
                if token[9] == "P":
                    terminal.device_control_string(token[10])
            else:
                terminal.escape(token[12], token[13])

    def _odd(self, text: str, position: int) -> int:
        """Take what is no whole token; returns where to go on."""
        character = text[position]
        if character != "\x1b":
            if character >= "\x80":
                self._terminal.control(character)
            return position + 1
        if UNFINISHED.match(text, position):
            if len(text) - position <= UNFINISHED_CHARACTERS:
                self._unfinished = text[position:]
            else:
                self._skips_string = True
            return len(text)
        sequence = BROKEN_CSI.match(text, position)
        if sequence:
            self._odd_csi(sequence[1], sequence[2])
        else:
            sequence = BROKEN_STRING.match(text, position) or BROKEN_ESCAPE.match(text, position)
        return sequence.end() if sequence else position + 1

    def _skip(self, text: str) -> int:
        """Where the string that is too long to keep ends in ``text``."""
        end = END_OF_STRING.search(text)
        if end is None:
            return len(text)
        self._skips_string = False
        return end.start() if end[0] == "\x1b" else end.end()

    def _odd_csi(self, content: str, final: str | None) -> None:
        """A CSI with controls within, which act at once, or one that is malformed."""
        for character in content:
            if "\x07" <= character <= "\x0f":
                self._terminal.control(character)
        body = CSI_BODY.match(CONTROLS.sub("", content))
        if body and final:
            self._terminal.csi(body[1], body[2], body[3], final)
