"""The keys behind escape sequences: xterm, VT220, Linux console, rxvt, PuTTY and the kitty protocol.

Sources: xterm ctlseqs, console_codes(4), rxvt's and PuTTY's own lists, the kitty keyboard protocol.
"""

from __future__ import annotations

from functools import lru_cache

from termhub.gateways.tui.events import Key

SHIFT, ALT, CTRL = 1, 2, 4
_SUPER, _HYPER, _META = 8, 16, 32

# CSI … letter and SS3 letter.
LETTERS = {
    "A": "Up",
    "B": "Down",
    "C": "Right",
    "D": "Left",
    "E": "Begin",
    "F": "End",
    "H": "Home",
    "P": "F1",
    "Q": "F2",
    "R": "F3",
    "S": "F4",
}
# CSI number ~.
NUMBERS = {
    2: "Insert",
    3: "Delete",
    5: "PageUp",
    6: "PageDown",
    15: "F5",
    17: "F6",
    18: "F7",
    19: "F8",
    20: "F9",
    21: "F10",
    23: "F11",
    24: "F12",
    25: "F13",
    26: "F14",
    28: "F15",
    29: "F16",
    31: "F17",
    32: "F18",
    33: "F19",
    34: "F20",
}
# The keypad in application mode: SS3 letter, and what the key writes.
KEYPAD = {
    "X": ("KPEqual", "="),
    "j": ("KPMultiply", "*"),
    "k": ("KPAdd", "+"),
    "l": ("KPSeparator", ","),
    "m": ("KPSubtract", "-"),
    "n": ("KPDecimal", "."),
    "o": ("KPDivide", "/"),
    **{chr(ord("p") + digit): (f"KP{digit}", str(digit)) for digit in range(10)},
}
# What other terminals send for the same keys.
_OTHER_NUMBERS = {1: "Home", 4: "End", 7: "Home", 8: "End", 11: "F1", 12: "F2", 13: "F3", 14: "F4"}
# rxvt: the last character tells the modifiers; its arrows are small letters.
_RXVT_FINALS = {"~": 0, "$": SHIFT, "^": CTRL, "@": SHIFT | CTRL}
_RXVT_ARROWS = {"a": "Up", "b": "Down", "c": "Right", "d": "Left"}
_NAMED = {9: "Tab", 13: "Enter", 27: "Escape", 32: "Space", 127: "Backspace"}
_NAMED_TEXT = {"Space": " "}
_FIRST_PRIVATE, _LAST_PRIVATE = 57344, 63743
# The kitty protocol's own numbers.
_KITTY = {
    **{57376 + number: f"F{13 + number}" for number in range(23)},
    **{57417 + number: name for number, name in enumerate(("Left", "Right", "Up", "Down"))},
    **{57421 + number: name for number, name in enumerate(("PageUp", "PageDown", "Home", "End"))},
    57425: "Insert",
    57426: "Delete",
    57427: "Begin",
}
_KITTY_KEYPAD = {
    **{57399 + digit: (f"KP{digit}", str(digit)) for digit in range(10)},
    57409: ("KPDecimal", "."),
    57410: ("KPDivide", "/"),
    57411: ("KPMultiply", "*"),
    57412: ("KPSubtract", "-"),
    57413: ("KPAdd", "+"),
    57414: ("KPEnter", ""),
    57415: ("KPEqual", "="),
    57416: ("KPSeparator", ","),
}


@lru_cache(1024)
def typed_key(character: str, data: bytes, alt: bool = False) -> Key:
    """The key of a character that was typed.

    :param data: what the terminal sent for it, with the ESC before it where ``alt``.
    """
    code = ord(character)
    if character in ("\r", "\t", "\x7f"):
        return Key(_NAMED[code], alt=alt, raw=data)
    if code < 0x20:
        name = "Space" if not code else chr(code | (0x60 if code <= 26 else 0x40))
        return Key(name, ctrl=True, alt=alt, raw=data)
    if 0x80 <= code < 0xA0:
        return Key("", raw=data)
    name = "Space" if character == " " else character
    return Key(name, text="" if alt else character, alt=alt, raw=data)


def csi_key(parameters: str, final: str, raw: bytes) -> Key | None:
    """The key of ``CSI parameters final``; without a name when it is none we know.

    :returns: None for the release of a key.
    """
    fields = [[_number(part) for part in field.split(":")] for field in parameters.split(";")]
    first = fields[0][0]
    held, event = (*fields[1], 1)[:2] if len(fields) > 1 else (1, 1)
    modifiers = max(0, held - 1)
    if event == 3:
        return None
    if final == "u":
        return _unicode_key(fields, modifiers, raw)
    if final == "~" and first == 27 and len(fields) > 2:
        return _unicode_key([fields[2]], modifiers, raw)
    if final in _RXVT_FINALS and first:
        name = NUMBERS.get(first) or _OTHER_NUMBERS.get(first)
        modifiers |= _RXVT_FINALS[final]
    elif final in _RXVT_ARROWS and not parameters:
        name, modifiers = _RXVT_ARROWS[final], SHIFT
    elif final == "Z":
        name, modifiers = "Tab", modifiers | SHIFT
    else:
        name = LETTERS.get(final)
    return with_modifiers(name, modifiers) if name else Key("", raw=raw)


def ss3_key(parameters: str, final: str, raw: bytes) -> Key:
    """The key of ``SS3 parameters final``."""
    modifiers = max(0, _number(parameters.split(";")[-1]) - 1)
    if final in LETTERS:
        return with_modifiers(LETTERS[final], modifiers)
    if final in _RXVT_ARROWS:
        return Key(_RXVT_ARROWS[final], ctrl=True)
    if final == "M":
        return with_modifiers("KPEnter", modifiers)
    if final in KEYPAD:
        return with_modifiers(*KEYPAD[final][:1], modifiers, KEYPAD[final][1])
    return Key("", raw=raw)


def linux_key(final: str) -> Key:
    """The key of ``CSI [ final``: F1 to F5 on the Linux console."""
    return Key(f"F{ord(final) - ord('A') + 1}")


def with_modifiers(name: str, modifiers: int, text: str = "") -> Key:
    """A key by name, with xterm's modifier bits."""
    return Key(
        name,
        text=text if not modifiers & ~SHIFT else "",
        ctrl=bool(modifiers & CTRL),
        # xterm's meta is what others call alt.
        alt=bool(modifiers & (ALT | _SUPER | _META)),
        shift=bool(modifiers & SHIFT),
    )


def _unicode_key(fields: list[list[int]], modifiers: int, raw: bytes) -> Key:
    """The key of ``CSI code : shifted ; modifiers ; text u``, or of xterm's modifyOtherKeys."""
    code, shifted = (*fields[0], 0)[:2]
    if modifiers & (_SUPER | _HYPER):
        return Key("", raw=raw)
    modifiers &= SHIFT | ALT | CTRL | _META
    if code in _NAMED:
        name = _NAMED[code]
        return with_modifiers(name, modifiers, _NAMED_TEXT.get(name, ""))
    if code in _KITTY:
        return with_modifiers(_KITTY[code], modifiers)
    if code in _KITTY_KEYPAD:
        name, text = _KITTY_KEYPAD[code]
        return with_modifiers(name, modifiers, text)
    if not 0x20 < code <= 0x10FFFF or _FIRST_PRIVATE <= code <= _LAST_PRIVATE or 0xD800 <= code < 0xE000:
        return Key("", raw=raw)
    if 0x7F <= code < 0xA0:
        return Key("", raw=raw)
    character = chr(code)
    if modifiers & (CTRL | ALT | _META):
        if not modifiers & SHIFT or not character.isalpha():
            return with_modifiers(character, modifiers & ~SHIFT)
        if not modifiers & CTRL:
            # As if typed: ESC and the capital letter.
            return with_modifiers(_capital(character, shifted), modifiers & ~SHIFT)
        return with_modifiers(character, modifiers)
    text = "".join(chr(number) for number in fields[2] if 0x20 <= number < 0x7F) if len(fields) > 2 else ""
    character = text if len(text) == 1 else _capital(character, shifted) if modifiers else character
    return Key(character, text=character, raw=character.encode("utf-8"))


def _capital(character: str, shifted: int) -> str:
    if 0x20 < shifted < 0xD800 and not 0x7F <= shifted < 0xA0:
        return chr(shifted)
    upper = character.upper()
    return upper if len(upper) == 1 else character


def _number(digits: str) -> int:
    return int(digits[:6]) if digits else 0
