"""What control sequences mean to the pure-Python engine: the parser calls this, this moves the grid.

Unknown sequences are ignored.  Parameters arrive as numbers of at most five digits, 0 where left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from termhub.screen.events import EventLog, cwd_path
from termhub.screen.interface import (
    BACKGROUND_LEVEL,
    FIRMWARE_VERSION,
    FOREGROUND_LEVEL,
    TERMINAL_NAME,
    TEXT_CHARACTERS,
)
from termhub.screen.pyte_cells import DEFAULT_STYLE, sgr_parameters, style_after
from termhub.screen.pyte_cursor import CursorGrid
from termhub.screen.pyte_grid import AUTOWRAP, INSERT, NEWLINE, ORIGIN, SavedCursor

KEYPAD, CURSOR_VISIBLE = 66, 25
MOUSE_MODES = {9, 1000, 1002, 1003}
MOUSE_ENCODING_MODES = {1005, 1006, 1015, 1016}
ALTERNATE_MODES = {47, 1047, 1049}
KNOWN_MODES = (
    {1, 3, 5, ORIGIN, AUTOWRAP, 12, CURSOR_VISIBLE, 45, KEYPAD, 1004, 1007, 1048, 2004, 2026, 2031}
    | MOUSE_MODES
    | MOUSE_ENCODING_MODES
    | ALTERNATE_MODES
)
KITTY_STACK = 16
PALETTE_COLOR = re.compile(r"(?:#[0-9a-fA-F]{3,12}|rgb:[0-9a-fA-F/]{5,14}|[A-Za-z0-9 ]{1,32})\Z")
DEFAULT_COLORS = {
    number: "rgb:" + "/".join([f"{level:02x}{level:02x}"] * 3)
    for number, level in (("10", FOREGROUND_LEVEL), ("11", BACKGROUND_LEVEL), ("12", FOREGROUND_LEVEL))
}

Parameters = list[int]


class PyteTerminal:
    """A grid and the state around it, moved by control sequences.

    :param log: where bell, title, cwd and clipboard go.
    """

    def __init__(self, columns: int, lines: int, scrollback: int, log: EventLog) -> None:
        self.grid = CursorGrid(columns, lines, scrollback)
        self.replies: list[str] = []
        self._log = log
        self.cwd_uri = ""
        self._reset_state()
        grid = self.grid
        # With no parameters, or one; the count is at least 1.
        self._counted: dict[str, Callable[[int], None]] = {
            "@": grid.insert_characters,
            "A": grid.cursor_up,
            "B": grid.cursor_down,
            "C": grid.cursor_forward,
            "D": grid.cursor_back,
            "E": grid.cursor_down1,
            "F": grid.cursor_up1,
            "G": grid.cursor_to_column,
            "I": grid.tab_forward,
            "L": grid.insert_lines,
            "M": grid.delete_lines,
            "P": grid.delete_characters,
            "S": grid.scroll_up,
            "T": grid.scroll_down,
            "X": grid.erase_characters,
            "Z": grid.tab_back,
            "`": grid.cursor_to_column,
            "a": grid.cursor_forward,
            "b": grid.repeat,
            "d": grid.cursor_to_line,
            "e": grid.cursor_down,
        }
        self._numbered: dict[str, Callable[[Parameters], None]] = {
            "H": lambda p: grid.cursor_position(p[0], p[1] if len(p) > 1 else 1),
            "f": lambda p: grid.cursor_position(p[0], p[1] if len(p) > 1 else 1),
            "J": lambda p: grid.erase_in_display(p[0]),
            "K": lambda p: grid.erase_in_line(p[0]),
            "c": self._primary_attributes,
            "g": lambda p: grid.clear_tab_stop(p[0]),
            "h": lambda p: grid.ansi_modes.update(n for n in p if n in (INSERT, NEWLINE)),
            "l": lambda p: grid.ansi_modes.difference_update(p),
            "n": self._status_report,
            "r": lambda p: grid.set_margins(p[0], p[1] if len(p) > 1 else None),
            "s": lambda _: grid.save_cursor(),
            "t": self._window_report,
            "u": lambda _: grid.restore_cursor(),
        }
        self._special: dict[str, Callable[[Parameters], None]] = {
            "?h": lambda p: self._set_private_modes(p, True),
            "?l": lambda p: self._set_private_modes(p, False),
            "?J": lambda p: grid.erase_in_display(p[0]),
            "?K": lambda p: grid.erase_in_line(p[0]),
            "?n": self._private_status_report,
            "?$p": self._report_private_mode,
            "$p": self._report_ansi_mode,
            "!p": lambda _: self._soft_reset(),
            " q": self._choose_cursor_shape,
            ">c": lambda _: self._reply(f"\x1b[>1;{FIRMWARE_VERSION};0c"),
            "=c": lambda _: self._reply("\x1bP!|00000000\x1b\\"),
            ">q": lambda _: self._reply(f"\x1bP>|{TERMINAL_NAME}\x1b\\"),
            ">u": self._kitty_push,
            "<u": self._kitty_pop,
            "=u": self._kitty_set,
            ">m": self._modify_other_keys,
        }
        self._escapes: dict[str, Callable[[], None]] = {
            "7": grid.save_cursor,
            "8": grid.restore_cursor,
            "D": grid.index,
            "E": self._next_line,
            "H": grid.set_tab_stop,
            "M": grid.reverse_index,
            "Z": lambda: self._primary_attributes([0]),
            "c": self._reset,
            "=": lambda: grid.private_modes.add(KEYPAD),
            ">": lambda: grid.private_modes.discard(KEYPAD),
            "#8": grid.alignment_display,
        }
        self._controls: dict[str, Callable[[], None]] = {
            "\x07": log.bell,
            "\x08": grid.backspace,
            "\t": grid.tab,
            "\n": grid.linefeed,
            "\x0b": grid.linefeed,
            "\x0c": grid.linefeed,
            "\r": grid.carriage_return,
            "\x0e": grid.shift_out,
            "\x0f": grid.shift_in,
            "\x84": grid.index,
            "\x85": self._next_line,
            "\x88": grid.set_tab_stop,
        }

    def _reset_state(self) -> None:
        self.cursor_shape = 0
        self.kitty: list[int] = [0]
        self.kitty_of_primary: list[int] = [0]
        self.palette: dict[int, str] = {}
        self.colors: dict[str, str] = {}
        self.modify_other_keys = 0

    def _reset(self) -> None:
        self.grid.reset()
        self._reset_state()

    # What the parser calls

    def control(self, character: str) -> None:
        """A C0 or C1 control."""
        function = self._controls.get(character)
        if function is not None:
            function()
        self.grid.repeatable = ""

    def escape(self, intermediates: str, final: str) -> None:
        """An escape sequence that is neither CSI nor a string."""
        self.grid.repeatable = ""
        if intermediates in ("(", ")"):
            first, second = self.grid.charsets
            self.grid.charsets = (final, second) if intermediates == "(" else (first, final)
            return
        function = self._escapes.get(intermediates + final)
        if function is not None:
            function()

    def csi(self, prefix: str, parameters: str, intermediates: str, final: str) -> None:
        """A control sequence; ``parameters`` is digits, semicolons and colons."""
        grid = self.grid
        if not prefix and not intermediates:
            if final == "m":
                grid.set_style(style_after(grid.pen.style, parameters))
                return
            counted = self._counted.get(final)
            if counted is not None:
                if parameters.isdigit():
                    counted(int(parameters[:5]) or 1)
                elif not parameters:
                    counted(1)
                elif ":" not in parameters and final != "T":
                    counted(_numbers(parameters)[0] or 1)
            else:
                numbered = self._numbered.get(final)
                if numbered is not None and ":" not in parameters:
                    numbered(_numbers(parameters))
        else:
            special = self._special.get(prefix + intermediates + final)
            if special is not None and ":" not in parameters:
                special(_numbers(parameters))
        if final != "b":
            grid.repeatable = ""

    def operating_system_command(self, command: str, end: str) -> None:
        """The content of an OSC string, and how it ended: replies end the same."""
        number, _, rest = command.partition(";")
        grid = self.grid
        if number in ("0", "2"):
            grid.title = rest[:TEXT_CHARACTERS]
            self._log.title(grid.title)
        if number in ("0", "1"):
            grid.icon_name = rest[:TEXT_CHARACTERS]
        elif number == "4":
            self._change_palette(rest)
        elif number == "7":
            self.cwd_uri = rest[:TEXT_CHARACTERS]
            path = cwd_path(self.cwd_uri)
            if path:
                self._log.cwd(path)
        elif number == "8":
            link = rest.partition(";")[2]
            grid.set_style(grid.pen.style._replace(link=link if len(link) <= TEXT_CHARACTERS else ""))
        elif number in DEFAULT_COLORS:
            if rest == "?":
                self._reply(f"\x1b]{number};{self.colors.get(number, DEFAULT_COLORS[number])}{end}")
            elif PALETTE_COLOR.match(rest):
                self.colors[number] = rest
        elif number in ("110", "111", "112"):
            self.colors.pop(number[1:], None)
        elif number == "104":
            for index in rest.split(";"):
                if not index:
                    self.palette.clear()
                elif index.isdigit():
                    self.palette.pop(int(index[:9]), None)
        elif number == "52":
            self._set_clipboard(rest)

    def device_control_string(self, content: str) -> None:
        """The content of a DCS: status string requests are answered, all else is ignored."""
        if content.startswith("+q"):
            self._reply("\x1bP0+r\x1b\\")
        if not content.startswith("$q"):
            return
        grid = self.grid
        answers = {
            "r": f"{grid.top + 1};{grid.bottom + 1}r",
            " q": f"{self.cursor_shape} q",
            "m": sgr_parameters(grid.pen.style) + "m",
        }
        answer = answers.get(content[2:])
        self._reply(f"\x1bP1$r{answer}\x1b\\" if answer else "\x1bP0$r\x1b\\")

    # Modes

    def _set_private_modes(self, numbers: Parameters, on: bool) -> None:
        for number in numbers:
            self._set_private_mode(number, on)

    def _set_private_mode(self, number: int, on: bool) -> None:
        grid = self.grid
        modes = grid.private_modes
        if number in ALTERNATE_MODES:
            if on and not grid.on_alternate:
                self.kitty_of_primary, self.kitty = self.kitty, [0]
                grid.show_alternate(number)
            elif not on:
                if grid.on_alternate:
                    self.kitty = self.kitty_of_primary
                grid.show_primary(number)
        elif number == 1048:
            grid.save_cursor() if on else grid.restore_cursor()
        elif number not in KNOWN_MODES or number == 3:
            return
        else:
            for exclusive in (MOUSE_MODES, MOUSE_ENCODING_MODES):
                if on and number in exclusive:
                    modes -= exclusive
            (modes.add if on else modes.discard)(number)
            if number == ORIGIN:
                grid.cursor_position()

    def _soft_reset(self) -> None:
        grid = self.grid
        grid.private_modes -= {1, ORIGIN, KEYPAD}
        grid.private_modes |= {AUTOWRAP, CURSOR_VISIBLE}
        grid.ansi_modes.clear()
        grid.top, grid.bottom = 0, grid.lines - 1
        grid.charset, grid.charsets = 0, ("B", "B")
        grid.set_style(DEFAULT_STYLE)
        grid.saved[grid.on_alternate] = SavedCursor()

    def _choose_cursor_shape(self, numbers: Parameters) -> None:
        self.cursor_shape = numbers[0] if numbers[0] <= 6 else self.cursor_shape

    def _kitty_push(self, numbers: Parameters) -> None:
        self.kitty.append(numbers[0] & 31)
        del self.kitty[:-KITTY_STACK]

    def _kitty_pop(self, numbers: Parameters) -> None:
        del self.kitty[max(1, len(self.kitty) - (numbers[0] or 1)) :]
        if len(self.kitty) == 1 and numbers[0] >= KITTY_STACK:
            self.kitty[0] = 0

    def _kitty_set(self, numbers: Parameters) -> None:
        flags, how = numbers[0] & 31, numbers[1] if len(numbers) > 1 else 1
        now = self.kitty[-1]
        self.kitty[-1] = {2: now | flags, 3: now & ~flags}.get(how, flags)

    def _modify_other_keys(self, numbers: Parameters) -> None:
        if numbers[0] == 4:
            self.modify_other_keys = min(numbers[1], 3) if len(numbers) > 1 else 0

    def _next_line(self) -> None:
        self.grid.index()
        self.grid.cursor.x = 0

    # Strings

    def _change_palette(self, rest: str) -> None:
        words = rest.split(";")[:512]
        for index, color in zip(words[::2], words[1::2], strict=False):
            if index.isdigit() and int(index[:9]) < 256 and PALETTE_COLOR.match(color):
                self.palette[int(index[:9])] = color

    def _set_clipboard(self, rest: str) -> None:
        selection, _, encoded = rest.partition(";")
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return
        self._log.clipboard(selection[:1] if selection[:1] in ("p", "s") else "c", data)

    # Replies

    def _reply(self, text: str) -> None:
        self.replies.append(text)

    def _primary_attributes(self, numbers: Parameters) -> None:
        if numbers[0] == 0:
            self._reply("\x1b[?62;22c")

    def _status_report(self, numbers: Parameters) -> None:
        if numbers[0] == 5:
            self._reply("\x1b[0n")
        elif numbers[0] == 6:
            self._reply(f"\x1b[{self._reported_row()};{self.grid.column + 1}R")

    def _private_status_report(self, numbers: Parameters) -> None:
        if numbers[0] == 6:
            self._reply(f"\x1b[?{self._reported_row()};{self.grid.column + 1}R")

    def _reported_row(self) -> int:
        grid = self.grid
        return grid.cursor.y + 1 - (grid.top if ORIGIN in grid.private_modes else 0)

    def _report_private_mode(self, numbers: Parameters) -> None:
        number, grid = numbers[0], self.grid
        if number in ALTERNATE_MODES:
            on = grid.primary is not None and grid.primary.mode == number
        else:
            on = number in grid.private_modes
        self._reply(f"\x1b[?{number};{1 if on else 2 if number in KNOWN_MODES else 0}$y")

    def _report_ansi_mode(self, numbers: Parameters) -> None:
        number = numbers[0]
        state = 1 if number in self.grid.ansi_modes else 2 if number in (INSERT, NEWLINE) else 0
        self._reply(f"\x1b[{number};{state}$y")

    def _window_report(self, numbers: Parameters) -> None:
        grid = self.grid
        if numbers[0] == 18:
            self._reply(f"\x1b[8;{grid.lines};{grid.columns}t")
        elif numbers[0] == 14:
            self._reply(f"\x1b[4;{grid.lines * 16};{grid.columns * 8}t")
        elif numbers[0] == 16:
            self._reply("\x1b[6;16;8t")


def _numbers(parameters: str) -> Parameters:
    """At least one number; five digits are more than any of them needs."""
    return [int(word[:5]) if word else 0 for word in parameters.split(";")[:32]]
