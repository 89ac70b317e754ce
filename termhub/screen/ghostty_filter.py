"""What is changed in output on its way to libghostty-vt, and in replies on their way back.

- Repetitions (REP, ``CSI n b``) that would draw the screen over and over are shortened: 18 KB of them
  cost a second otherwise.  Whole rows are taken off the count, so that the cursor ends in the same
  column, and as every row then holds the same character the screen ends the same too, with less of
  it in the history.
- Prompt marks (OSC 133) become an OSC of no meaning: libghostty-vt starts a new line for them and erases
  the prompt on a resize, which no other terminal here does.
- A soft reset (DECSTR), which libghostty-vt does not know, becomes the sequences that do the same.
- Modes that libghostty-vt has and xterm.js has not are hidden: left and right margins (69), switching to
  132 columns (40), grapheme clusters (2027), size reports (2048).  A browser would draw something else
  than this screen.  For the same reason nobody is told of the kitty keyboard protocol.

A sequence of these kinds that is cut is held back until the rest of it comes (a few bytes, which
draw nothing); ``held`` belongs behind every keyframe.
"""

from __future__ import annotations

import re

from termhub.screen.interface import shortened_repetition

REPETITION = re.compile(rb"\x1b\[([0-9]{3,})b")
SOFT_RESET = b"\x1b[!p"
RESETS = b"\x1b[?1l\x1b[4l\x1b>\x1b[?7;25h\x1b[m\x1b(B\x0f\x1b7\x1b[r\x1b8"
PROMPT_MARK, NO_MARK = b"\x1b]133;", b"\x1b]1338;"
HIDDEN_MODES = re.compile(rb"\x1b\[\?(?:[0-9]+;)*(?:40|69|2027|2048)(?:;[0-9]*)*[hl$]")
HIDDEN_MODE = re.compile(rb"(?<![0-9])(?:40|69|2027|2048)(?![0-9])")
STAND_INS = {b"40": b"9940", b"69": b"9969", b"2027": b"9927", b"2048": b"9948"}
MODE_REPLY = re.compile(rb"\x1b\[\?(9940|9969|9927|9948);")
HIDDEN = {stand_in: mode for mode, stand_in in STAND_INS.items()}
# DECSC in all its ways, or a sequence too odd to be sure.
SAVED_CURSOR = re.compile(rb"\x1b(?:7|\[[^@-~]*s|\[[^@-~]*104[89]|\[[^@-~]*[^0-9;?!@-~])")
KITTY_REPLY = re.compile(rb"\x1b\[\?[0-9]+u")
UNFINISHED = re.compile(rb"\x1b(?:\[[?!]?[0-9;]*|\](?:1(?:33?)?)?)?\Z")
HELD_BYTES = 32
MOST_REPETITIONS = 0xFFFF


class OutputFilter:
    """Output in, output for the engine out.

    ``saved_cursor`` tells whether a program may ever have saved the cursor: reading a saved cursor back
    from the engine is costly, and most never do.
    """

    def __init__(self, cols: int, rows: int) -> None:
        self.size = cols, rows
        self.held = b""
        self.saved_cursor = False

    def filter(self, data: bytes) -> bytes:
        """What to feed the engine now."""
        if self.held:
            data, self.held = self.held + data, b""
        elif b"\x1b" not in data:
            return data
        if not self.saved_cursor and SAVED_CURSOR.search(data) is not None:
            self.saved_cursor = True
        if PROMPT_MARK in data:
            data = data.replace(PROMPT_MARK, NO_MARK)
        if SOFT_RESET in data:
            self.saved_cursor = True
            data = data.replace(SOFT_RESET, RESETS)
        if b"\x1b[?" in data and HIDDEN_MODES.search(data) is not None:
            data = HIDDEN_MODES.sub(_with_stand_ins, data)
        if REPETITION.search(data) is not None:
            data = REPETITION.sub(self._shorten, data)
        if data.rfind(b"\x1b", -HELD_BYTES) >= 0:
            unfinished = UNFINISHED.search(data, max(0, len(data) - HELD_BYTES))
            if unfinished is not None:
                self.held = unfinished[0]
                data = data[: unfinished.start()]
        return data

    @staticmethod
    def reply(reply: bytes) -> bytes:
        """One reply of the engine as the program gets it."""
        if KITTY_REPLY.fullmatch(reply):
            return b""
        return MODE_REPLY.sub(lambda mode: b"\x1b[?%b;" % HIDDEN[mode[1]], reply)

    def _shorten(self, repetition: re.Match[bytes]) -> bytes:
        cols, rows = self.size
        count = min(int(repetition[1][:9]), MOST_REPETITIONS)
        return b"\x1b[%db" % shortened_repetition(count, cols, rows)


def _with_stand_ins(modes: re.Match[bytes]) -> bytes:
    return HIDDEN_MODE.sub(lambda mode: STAND_INS[mode[0]], modes[0])
