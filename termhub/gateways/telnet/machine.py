"""The telnet protocol of a server, without I/O: bytes in, keys and sizes out.

The network virtual terminal of RFC 854 with the options a terminal UI needs: ECHO (RFC 857) and
SUPPRESS-GO-AHEAD (RFC 858), so that every key comes alone and unechoed; BINARY (RFC 856), so that
UTF-8 passes; NAWS (RFC 1073), TERMINAL-TYPE (RFC 1091) and CHARSET (RFC 2066).  All others are
refused.  Options are agreed on by the Q method of RFC 1143, of which the half is enough here: we
never take back what we asked for.

Twisted has a telnet of its own (``twisted.conch.telnet``).  It turns ``\\n`` into ``\\r\\n``, fails on
commands it does not know and on an empty subnegotiation, knows neither BINARY nor TERMINAL-TYPE nor
CHARSET, never bounds a subnegotiation, and looks at each byte; little of it would be left.

Invariant: no input raises, what is kept between two calls is at most :data:`MAX_SUBNEGOTIATION`
bytes, and what is answered is at most a few bytes for each one received.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, Protocol

IAC = 255
DONT = 254
DO = 253
WONT = 252
WILL = 251
SB = 250
EL = 248
EC = 247
AYT = 246
AO = 245
IP = 244
BRK = 243
DM = 242
SE = 240
ABORT = 238
SUSP = 237
EOF = 236

BINARY = 0
ECHO = 1
SGA = 3
TTYPE = 24
NAWS = 31
CHARSET = 42

OURS = frozenset({BINARY, ECHO, SGA, CHARSET})
"""Options that we have on our side."""

THEIRS = frozenset({BINARY, SGA, TTYPE, NAWS, CHARSET})
"""Options that we want on the client's side."""

TTYPE_IS, TTYPE_SEND = 0, 1
CHARSET_REQUEST, CHARSET_ACCEPTED, CHARSET_REJECTED = 1, 2, 3

MAX_SUBNEGOTIATION = 1024
"""A longer one is thrown away."""

MAX_TERMINAL_TYPE = 40
"""RFC 1091: so many characters are enough for any."""

_KEYS = {
    IP: b"\x03",
    BRK: b"\x03",
    SUSP: b"\x1a",
    EOF: b"\x04",
    ABORT: b"\x1c",
    EC: b"\x7f",
    EL: b"\x15",
}
"""What a person would type for a command that the client has a name for."""

_CARRIAGE_RETURN = re.compile(rb"\r[\n\0]")
_LONE_CARRIAGE_RETURN = re.compile(rb"\r(?!\n)")

_UTF_8 = re.compile(rb"utf-?8", re.IGNORECASE)

State = Literal["asked", "yes"]
"""Of an option; one that is off has none."""


class Person(Protocol):
    """Who hears what the client says."""

    def typed(self, data: bytes) -> None:
        """Keys, in the order they came."""

    def resized(self, cols: int, rows: int) -> None:
        """The terminal's size, as the client says it: from 0 to 65535."""

    def asked_whether_there(self) -> None:
        """The client wants a sign of life (AYT)."""


class Telnet:
    """The server's end of one connection.

    :param send: takes bytes for the client, as they go over the wire.
    """

    def __init__(self, send: Callable[[bytes], None], person: Person) -> None:
        self.terminal_type = ""
        """What the client calls its terminal, in lower case; empty until it says so."""
        self.charset: Literal["", "utf-8", "other"] = ""
        """What the client answered when UTF-8 was offered; empty when it did not."""
        self._send = send
        self._person = person
        self._ours: dict[int, State] = {}
        self._theirs: dict[int, State] = {}
        self._rest = b""
        self._subnegotiation: bytearray | None = None
        self._has_size = False
        self._ended_with_return = False
        # Of one call of receive:
        self._keys: list[bytes] = []
        self._answers: list[bytes] = []
        self._size: tuple[int, int] | None = None
        self._is_asked_for_life = False

    @property
    def is_settled(self) -> bool:
        """Whether the client has told its terminal's type and size, or that it will not."""
        has_type = self.terminal_type != "" or TTYPE not in self._theirs
        return has_type and (self._has_size or NAWS not in self._theirs)

    @property
    def echoes(self) -> bool:
        """Whether the client has agreed that we show what is typed."""
        return self._ours.get(ECHO) == "yes"

    def begin(self) -> None:
        """Offer and ask for everything."""
        for option in (ECHO, SGA, BINARY, CHARSET):
            self._ours[option] = "asked"
            self._answer(WILL, option)
        for option in (SGA, BINARY, NAWS, TTYPE, CHARSET):
            self._theirs[option] = "asked"
            self._answer(DO, option)
        self._send_answers()

    def encode(self, data: bytes) -> bytes:
        """Output for the terminal, as it goes over the wire."""
        if self._ours.get(BINARY) != "yes":
            data = _LONE_CARRIAGE_RETURN.sub(b"\r\0", data)
        return data.replace(b"\xff", b"\xff\xff")

    # -- from the client -----------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes of the client."""
        data, self._rest = self._rest + data, b""
        position = 0
        while position < len(data):
            found = data.find(IAC, position)
            self._take(data[position : found if found >= 0 else len(data)])
            if found < 0:
                break
            position = self._command(data, found)
        self._send_answers()
        size, self._size = self._size, None
        if size is not None:
            self._person.resized(*size)
        if self._is_asked_for_life:
            self._is_asked_for_life = False
            self._person.asked_whether_there()
        keys, self._keys = b"".join(self._keys), []
        if keys:
            self._person.typed(keys)

    def _take(self, data: bytes) -> None:
        """Bytes without a command among them."""
        if not data:
            return
        if self._subnegotiation is not None:
            self._collect(data)
            return
        if self._theirs.get(BINARY) != "yes":
            if self._ended_with_return and data[0] in b"\n\0":
                data = data[1:]
            self._ended_with_return = data.endswith(b"\r")
            data = _CARRIAGE_RETURN.sub(b"\r", data)
        else:
            self._ended_with_return = False
        self._keys.append(data)

    def _collect(self, data: bytes) -> None:
        collected = self._subnegotiation
        assert collected is not None
        # One byte too many is kept, as the sign that it is too long.
        collected += data[: MAX_SUBNEGOTIATION + 1 - len(collected)]

    def _command(self, data: bytes, start: int) -> int:
        """Act on the command whose IAC is at ``start``; where to go on."""
        if start + 1 >= len(data):
            self._rest = data[start:]
            return len(data)
        command = data[start + 1]
        if command in (WILL, WONT, DO, DONT):
            if start + 2 >= len(data):
                self._rest = data[start:]
                return len(data)
            self._subnegotiation = None
            self._negotiate(command, data[start + 2])
            return start + 3
        if command == IAC:
            self._take(b"\xff")
        elif self._subnegotiation is not None and command == SE:
            collected, self._subnegotiation = bytes(self._subnegotiation), None
            if 0 < len(collected) <= MAX_SUBNEGOTIATION:
                self._subnegotiated(collected[0], collected[1:])
        else:
            # Any other command ends a subnegotiation that was not ended.
            self._subnegotiation = bytearray() if command == SB else None
            self._function(command)
        return start + 2

    def _function(self, command: int) -> None:
        if command in _KEYS:
            self._keys.append(_KEYS[command])
        elif command == AYT:
            self._is_asked_for_life = True
        elif command == AO:
            # What was written is with the client already; RFC 854 wants a Data Mark for it.
            self._answers.append(bytes((IAC, DM)))

    # -- options -------------------------------------------------------------------

    def _negotiate(self, command: int, option: int) -> None:
        if command == WILL:
            if self._agree(self._theirs, option, option in THEIRS, DO, DONT) and option == TTYPE:
                self._answers.append(bytes((IAC, SB, TTYPE, TTYPE_SEND, IAC, SE)))
        elif command == DO:
            if self._agree(self._ours, option, option in OURS, WILL, WONT) and option == CHARSET:
                self._answers.append(bytes((IAC, SB, CHARSET, CHARSET_REQUEST)) + b";UTF-8\xff\xf0")
        elif command == WONT:
            self._refuse(self._theirs, option, DONT)
        else:
            self._refuse(self._ours, option, WONT)

    def _agree(self, states: dict[int, State], option: int, is_wanted: bool, yes: int, no: int) -> bool:
        """The client has or wants an option; whether it is in force from now on."""
        if not is_wanted:
            self._answer(no, option)
            return False
        if option not in states:
            self._answer(yes, option)
        is_new = states.get(option) != "yes"
        states[option] = "yes"
        return is_new

    def _refuse(self, states: dict[int, State], option: int, no: int) -> None:
        """The client has or wants an option no more."""
        if states.pop(option, None) == "yes":
            self._answer(no, option)

    def _subnegotiated(self, option: int, content: bytes) -> None:
        if option == NAWS and len(content) == 4:
            self._has_size = True
            self._size = (int.from_bytes(content[:2], "big"), int.from_bytes(content[2:], "big"))
        elif option == TTYPE and content[:1] == bytes((TTYPE_IS,)):
            name = bytes(byte for byte in content[1:] if 0x20 < byte < 0x7F)
            self.terminal_type = name[:MAX_TERMINAL_TYPE].decode("ascii").lower() or "unknown"
        elif option == CHARSET and content:
            self._charset(content[0], content[1:])

    def _charset(self, kind: int, content: bytes) -> None:
        if kind == CHARSET_ACCEPTED:
            self.charset = "utf-8" if _UTF_8.fullmatch(content) else "other"
        elif kind == CHARSET_REJECTED:
            self.charset = "other"
        elif kind == CHARSET_REQUEST:
            self._answers.append(self._choice(content))

    def _choice(self, content: bytes) -> bytes:
        """The answer to a client's list of character sets: UTF-8 or none."""
        separator, names = content[:1], content[1:]
        if separator and self._ours.get(CHARSET) != "yes":
            for name in names.split(separator):
                if _UTF_8.fullmatch(name):
                    self.charset = "utf-8"
                    return bytes((IAC, SB, CHARSET, CHARSET_ACCEPTED)) + name + bytes((IAC, SE))
        return bytes((IAC, SB, CHARSET, CHARSET_REJECTED, IAC, SE))

    def _answer(self, command: int, option: int) -> None:
        self._answers.append(bytes((IAC, command, option)))

    def _send_answers(self) -> None:
        answers, self._answers = b"".join(self._answers), []
        if answers:
            self._send(answers)
