"""What a program gets for a key, a paste or a change of focus, by the modes it has set.

Programs in a console expect an xterm (``TERM=xterm-256color``), whatever the person's terminal is.
"""

from __future__ import annotations

from termhub.gateways.tui.events import Focus, Key, Paste
from termhub.gateways.tui.keys import PASTE_BEGIN, PASTE_END
from termhub.gateways.tui.sequences import ALT, CTRL, KEYPAD, LETTERS, NUMBERS, SHIFT
from termhub.screen.interface import Modes

_LETTER_OF = {name: letter.encode() for letter, name in LETTERS.items()}
_NUMBER_OF = {name: number for number, name in NUMBERS.items()}
_KEYPAD_OF = {name: (letter.encode(), text.encode()) for letter, (name, text) in KEYPAD.items()}
_CODES = {"Enter": 13, "Tab": 9, "Escape": 27, "Backspace": 127, "Space": 32}
# Control with digits and signs, as VT220s have them.
_CONTROLS = {"2": 0, "3": 27, "4": 28, "5": 29, "6": 30, "7": 31, "8": 127, "/": 31, "?": 127, "@": 0}

# Flags of the kitty keyboard protocol.
_DISAMBIGUATE, _ALL_KEYS, _WITH_TEXT = 1, 8, 16


def key_bytes(key: Key, modes: Modes) -> bytes:
    """What a program in these modes gets for a key; nothing when there is no way to say it."""
    if not key.name:
        return key.raw
    modifiers = SHIFT * key.shift | ALT * key.alt | CTRL * key.ctrl
    if key.alt and key.raw == b"\x1b" and key.name not in _CODES:
        # ESC before a sequence: a key with Alt, or Escape and another key that came together.
        return b"\x1b" + _sequence(key.name, modifiers & ~ALT, modes)
    if key.name in _LETTER_OF or key.name in _NUMBER_OF or key.name.startswith("KP"):
        return _sequence(key.name, modifiers, modes)
    if modes.kitty_keyboard & (_DISAMBIGUATE | _ALL_KEYS):
        sequence = _kitty(key, modifiers, modes.kitty_keyboard)
        if sequence:
            return sequence
    if key.name == "Enter" and modes.newline:
        return (b"\x1b" if key.alt else b"") + b"\r\n"
    return key.raw or _typed(key)


def paste_bytes(paste: Paste, modes: Modes) -> bytes:
    """What a program in these modes gets for a piece of a paste."""
    if not modes.bracketed_paste:
        return paste.data
    return b"%s%s%s" % (
        PASTE_BEGIN if paste.begins else b"",
        paste.data,
        PASTE_END if paste.ends else b"",
    )


def focus_bytes(focus: Focus, modes: Modes) -> bytes:
    """What a program in these modes gets when its window gets the keyboard, or loses it."""
    if not modes.focus_events:
        return b""
    return b"\x1b[I" if focus.gained else b"\x1b[O"


def _sequence(name: str, modifiers: int, modes: Modes) -> bytes:
    """The keys that have sequences of their own."""
    if name in _LETTER_OF:
        letter = _LETTER_OF[name]
        if modifiers:
            return b"\x1b[1;%d%s" % (modifiers + 1, letter)
        is_ss3 = letter in b"PQRS" or modes.application_cursor_keys
        return (b"\x1bO" if is_ss3 else b"\x1b[") + letter
    if name in _NUMBER_OF:
        number = _NUMBER_OF[name]
        return b"\x1b[%d;%d~" % (number, modifiers + 1) if modifiers else b"\x1b[%d~" % number
    letter, text = (b"M", b"\r") if name == "KPEnter" else _KEYPAD_OF.get(name, (b"", b""))
    if modes.application_keypad and letter:
        return b"\x1bO%d%s" % (modifiers + 1, letter) if modifiers else b"\x1bO" + letter
    return (b"\x1b" if modifiers & ALT else b"") + text


def _kitty(key: Key, modifiers: int, flags: int) -> bytes:
    """A key in the kitty protocol; nothing where it stays as it always was."""
    is_named = key.name in _CODES
    if len(key.name) > 1 and not is_named:
        return b""
    is_plain = not modifiers & (ALT | CTRL) and (not modifiers or not is_named)
    if is_plain and key.name != "Escape" and not flags & _ALL_KEYS:
        return b""
    character = key.name.lower()
    if not is_named and (len(character) > 1 or character == key.name):
        character = key.name
    elif not is_named:
        modifiers |= SHIFT
    code = _CODES[key.name] if is_named else ord(character)
    text = b";%d" % ord(key.text) if flags & _ALL_KEYS and flags & _WITH_TEXT and key.text else b""
    if not modifiers:
        return b"\x1b[%d;1%su" % (code, text) if text else b"\x1b[%du" % code
    return b"\x1b[%d;%d%su" % (code, modifiers + 1, text)


def _typed(key: Key) -> bytes:
    """A key as it is typed on a terminal that has no protocol for it."""
    if key.name == "Tab" and key.shift:
        data = b"\x1b[Z"
    elif key.name == "Backspace" and key.ctrl:
        data = b"\x08"
    elif key.name == "Space" and key.ctrl:
        data = b"\x00"
    elif key.name in _CODES:
        data = bytes([_CODES[key.name]])
    elif key.ctrl and key.name in _CONTROLS:
        data = bytes([_CONTROLS[key.name]])
    elif key.ctrl and len(key.name) == 1 and "@" <= key.name.upper() <= "_":
        data = bytes([ord(key.name.upper()) & 0x1F])
    elif len(key.name) == 1:
        data = key.name.encode("utf-8", "replace")
    else:
        return b""
    return b"\x1b" + data if key.alt and data != b"\x1b[Z" else data
