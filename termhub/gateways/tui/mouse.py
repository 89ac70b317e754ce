"""Mouse reports (xterm ctlseqs, "Mouse Tracking"): from the person's terminal, and for a program."""

from __future__ import annotations

from termhub.gateways.tui.events import Mouse, MouseKind
from termhub.screen.interface import Modes

_SHIFT, _ALT, _CTRL, _MOTION = 4, 8, 16, 32
_NO_BUTTON = 3
_WHEEL = range(4, 8)
_MOST_CELLS = 10_000
WHEEL_LINES = 3
"""Lines that a step of the wheel moves; or arrow keys, for a program that wants those (mode 1007)."""

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels of a cell, as the screens answer programs that ask (XTWINOPS 16)."""

_KINDS: dict[str, tuple[MouseKind, ...]] = {
    "off": (),
    "x10": ("press",),
    "normal": ("press", "release", "wheel"),
    "button": ("press", "release", "wheel", "drag"),
    "any": ("press", "release", "wheel", "drag", "move"),
}
# The largest coordinate, counted from 1, that one byte and UTF-8 of two bytes hold.
_MOST_IN_BYTE, _MOST_IN_UTF8 = 223, 2015


class MouseReader:
    """Makes events of reports; remembers which button is down, where a release does not say it."""

    def __init__(self) -> None:
        self._down = 0

    def sgr(self, fields: tuple[int, ...], is_release: bool) -> Mouse | None:
        """The event of ``CSI < button ; x ; y M`` or ``m``; None when it is broken."""
        if len(fields) != 3:
            return None
        return self._event(*fields, is_release=is_release)

    def urxvt(self, fields: tuple[int, ...]) -> Mouse | None:
        """The event of ``CSI button ; x ; y M``; None when it is broken."""
        if len(fields) != 3 or fields[0] < 32:
            return None
        return self._event(fields[0] - 32, fields[1], fields[2])

    def x10(self, report: bytes) -> Mouse | None:
        """The event of the three bytes after ``CSI M``."""
        code, x, y = report
        return self._event(code - 32, x - 32, y - 32)

    def _event(self, code: int, x: int, y: int, is_release: bool = False) -> Mouse | None:
        if code > 255 or not (0 < x < _MOST_CELLS and 0 < y < _MOST_CELLS):
            return None
        low = code & 3
        extra = (code & 0xC0) >> 4
        button = extra | low if extra else (low + 1) & 3
        kind: MouseKind
        if button in _WHEEL:
            if is_release:
                return None
            kind = "wheel"
        elif code & _MOTION:
            kind = "drag" if button else "move"
        elif is_release or not button:
            kind, button, self._down = "release", button or self._down, 0
        else:
            kind, self._down = "press", button
        return Mouse(
            kind,
            button,
            x - 1,
            y - 1,
            shift=bool(code & _SHIFT),
            alt=bool(code & _ALT),
            ctrl=bool(code & _CTRL),
        )


def mouse_bytes(event: Mouse, modes: Modes, x0: int = 0, y0: int = 0) -> bytes:
    """What a program in these modes gets.

    :param x0: column and ``y0`` row of the person's terminal where the program's screen begins.
    :returns: nothing when the program did not ask for it; arrow keys for the wheel where it is on the
        alternate screen and wants that (mode 1007).
    """
    if modes.mouse == "off":
        if event.kind == "wheel" and modes.alternate_screen and modes.alternate_scroll and event.button < 6:
            arrow = b"A" if event.button == 4 else b"B"
            return ((b"\x1bO" if modes.application_cursor_keys else b"\x1b[") + arrow) * WHEEL_LINES
        return b""
    if event.kind not in _KINDS[modes.mouse]:
        return b""
    x, y = max(0, event.x - x0) + 1, max(0, event.y - y0) + 1
    is_sgr = modes.mouse_encoding in ("sgr", "sgr-pixels")
    if (event.kind == "release" and not is_sgr) or not event.button:
        code = _NO_BUTTON
    else:
        number = event.button if event.button > _NO_BUTTON else event.button - 1
        code = number & 3 | (number & 0xC) << 4
    if event.kind in ("drag", "move"):
        code |= _MOTION
    if modes.mouse != "x10":
        code |= (_SHIFT * event.shift) | (_ALT * event.alt) | (_CTRL * event.ctrl)
    match modes.mouse_encoding:
        case "sgr" | "sgr-pixels":
            if modes.mouse_encoding == "sgr-pixels":
                x = (x - 1) * CELL_WIDTH + CELL_WIDTH // 2
                y = (y - 1) * CELL_HEIGHT + CELL_HEIGHT // 2
            return b"\x1b[<%d;%d;%d%s" % (code, x, y, b"m" if event.kind == "release" else b"M")
        case "urxvt":
            return b"\x1b[%d;%d;%dM" % (code + 32, x, y)
        case "utf8":
            if max(x, y) > _MOST_IN_UTF8:
                return b""
            return b"\x1b[M" + "".join(chr(value + 32) for value in (code, x, y)).encode("utf-8")
    return b"\x1b[M%c%c%c" % (code + 32, x + 32, y + 32) if max(x, y) <= _MOST_IN_BYTE else b""
