"""The telnet protocol machine, byte by byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.telnet.machine import (
    AO,
    AYT,
    BINARY,
    BRK,
    CHARSET,
    DM,
    DO,
    DONT,
    EC,
    ECHO,
    EL,
    EOF,
    IAC,
    IP,
    MAX_SUBNEGOTIATION,
    NAWS,
    SB,
    SE,
    SGA,
    SUSP,
    TTYPE,
    WILL,
    WONT,
    Telnet,
)

LINEMODE, TIMING_MARK = 34, 6


class Client:
    """The other end: keeps what it is sent, and what the machine tells its person."""

    def __init__(self) -> None:
        self.sent = b""
        self.keys = b""
        self.sizes: list[tuple[int, int]] = []
        self.questions = 0
        self.telnet = Telnet(self._send, self)

    def _send(self, data: bytes) -> None:
        self.sent += data

    def typed(self, data: bytes) -> None:
        self.keys += data

    def resized(self, cols: int, rows: int) -> None:
        self.sizes.append((cols, rows))

    def asked_whether_there(self) -> None:
        self.questions += 1

    def says(self, *parts: int | bytes) -> bytes:
        """The machine's answer to these bytes."""
        self.sent = b""
        self.telnet.receive(b"".join(bytes((part,)) if isinstance(part, int) else part for part in parts))
        return self.sent


def begun() -> Client:
    client = Client()
    client.telnet.begin()
    return client


def triples(data: bytes) -> list[tuple[int, int]]:
    """The negotiations in these bytes."""
    assert len(data) % 3 == 0
    assert set(data[::3]) <= {IAC}
    return list(zip(data[1::3], data[2::3], strict=True))


def test_begins_with_offers_and_wishes() -> None:
    assert triples(begun().sent) == [
        (WILL, ECHO),
        (WILL, SGA),
        (WILL, BINARY),
        (WILL, CHARSET),
        (DO, SGA),
        (DO, BINARY),
        (DO, NAWS),
        (DO, TTYPE),
        (DO, CHARSET),
    ]


def test_agreement_is_not_answered_again() -> None:
    client = begun()
    assert client.says(IAC, DO, ECHO, IAC, DO, SGA, IAC, WILL, SGA, IAC, WILL, NAWS) == b""
    assert client.says(IAC, DO, ECHO, IAC, WILL, SGA) == b""
    assert client.telnet.echoes


def test_refusal_is_not_answered_and_withdrawal_is() -> None:
    client = begun()
    assert client.says(IAC, DONT, ECHO, IAC, WONT, NAWS) == b""
    assert not client.telnet.echoes
    client.says(IAC, DO, ECHO, IAC, WILL, NAWS)
    assert triples(client.says(IAC, DONT, ECHO, IAC, WONT, NAWS)) == [(WONT, ECHO), (DONT, NAWS)]
    assert client.says(IAC, DONT, ECHO, IAC, WONT, NAWS) == b""


def test_what_a_client_asks_for_later_is_agreed_to_once() -> None:
    client = begun()
    client.says(IAC, DONT, SGA, IAC, WONT, BINARY)
    assert triples(client.says(IAC, DO, SGA, IAC, WILL, BINARY)) == [(WILL, SGA), (DO, BINARY)]
    assert client.says(IAC, DO, SGA, IAC, WILL, BINARY) == b""


def test_unknown_options_are_refused_each_time() -> None:
    client = begun()
    for _ in range(2):  # a client may wait for the answer to each timing mark
        assert triples(client.says(IAC, DO, TIMING_MARK, IAC, WILL, LINEMODE)) == [
            (WONT, TIMING_MARK),
            (DONT, LINEMODE),
        ]
    assert client.says(IAC, DONT, TIMING_MARK, IAC, WONT, LINEMODE) == b""


def test_line_mode_subnegotiation_is_skipped() -> None:
    client = begun()
    assert client.says(IAC, SB, LINEMODE, 3, 1, 2, 3, IAC, SE, b"x") == b""
    assert client.keys == b"x"


def test_terminal_type_is_asked_for_and_cleaned() -> None:
    client = begun()
    assert client.says(IAC, WILL, TTYPE) == bytes((IAC, SB, TTYPE, 1, IAC, SE))
    client.says(IAC, SB, TTYPE, 0, b"XTERM-256Color\x1b[c\x00\xc3\xa9", IAC, SE)
    assert client.telnet.terminal_type == "xterm-256color[c"
    client.says(IAC, SB, TTYPE, 0, b"v" * 500, IAC, SE)
    assert client.telnet.terminal_type == "v" * 40
    client.says(IAC, SB, TTYPE, 0, IAC, SE)
    assert client.telnet.terminal_type == "unknown"


def test_sizes_with_escaped_bytes_and_only_the_last_of_a_batch() -> None:
    client = begun()
    client.says(IAC, WILL, NAWS, IAC, SB, NAWS, 0, 132, 0, 43, IAC, SE)
    assert client.sizes == [(132, 43)]
    client.says(IAC, SB, NAWS, 0, 1, 0, 1, IAC, SE, IAC, SB, NAWS, 0, IAC, IAC, 1, 0, IAC, SE)
    assert client.sizes == [(132, 43), (255, 256)]
    client.says(IAC, SB, NAWS, 0, 80, 0, IAC, SE, IAC, SB, NAWS, IAC, SE, IAC, SB, IAC, SE)
    assert len(client.sizes) == 2


def test_is_settled_when_type_and_size_are_known_or_refused() -> None:
    client = begun()
    assert not client.telnet.is_settled
    client.says(IAC, WILL, NAWS, IAC, WILL, TTYPE, IAC, SB, NAWS, 0, 80, 0, 24, IAC, SE)
    assert not client.telnet.is_settled
    client.says(IAC, SB, TTYPE, 0, b"xterm", IAC, SE)
    assert client.telnet.is_settled
    other = begun()
    other.says(IAC, WONT, NAWS)
    assert not other.telnet.is_settled
    other.says(IAC, WONT, TTYPE)
    assert other.telnet.is_settled


def test_charset_is_offered_once_agreed_and_asked_for() -> None:
    client = begun()
    assert client.says(IAC, DO, CHARSET) == bytes((IAC, SB, CHARSET, 1)) + b";UTF-8" + bytes((IAC, SE))
    client.says(IAC, SB, CHARSET, 2, b"utf-8", IAC, SE)
    assert client.telnet.charset == "utf-8"
    # Both at once: the server's wish stands (RFC 2066).
    assert client.says(IAC, SB, CHARSET, 1, b";UTF-8", IAC, SE) == bytes((IAC, SB, CHARSET, 3, IAC, SE))
    refusing = begun()
    refusing.says(IAC, DO, CHARSET, IAC, SB, CHARSET, 3, IAC, SE)
    assert refusing.telnet.charset == "other"


def test_charset_that_the_client_offers() -> None:
    client = begun()
    client.says(IAC, DONT, CHARSET, IAC, WILL, CHARSET)
    answer = client.says(IAC, SB, CHARSET, 1, b" ISO-8859-1 UTF-8", IAC, SE)
    assert answer == bytes((IAC, SB, CHARSET, 2)) + b"UTF-8" + bytes((IAC, SE))
    assert client.telnet.charset == "utf-8"
    for content in (b";ISO-8859-1", b";", b""):
        assert client.says(IAC, SB, CHARSET, 1, content, IAC, SE) == bytes((IAC, SB, CHARSET, 3, IAC, SE))


def test_returns_outside_binary() -> None:
    client = begun()
    client.says(b"a\r\0b\r\nc\rd\r")
    client.says(b"\ne\r")
    client.says(b"\0f\n")
    client.says(b"\ng")
    assert client.keys == b"a\rb\rc\rd\re\rf\n\ng"


def test_binary_input_is_untouched() -> None:
    client = begun()
    client.says(IAC, WILL, BINARY, b"\r\0\r\n\xc3\xa9", IAC, IAC, b"x\r")
    client.says(b"\n")
    assert client.keys == b"\r\0\r\n\xc3\xa9\xffx\r\n"


def test_commands_are_the_keys_they_stand_for() -> None:
    client = begun()
    client.says(b"a", IAC, IP, b"b", IAC, BRK, IAC, SUSP, IAC, EOF, IAC, EC, IAC, EL, IAC, 238, IAC, 241)
    assert client.keys == b"a\x03b\x03\x1a\x04\x7f\x15\x1c"


def test_abort_output_and_are_you_there_are_answered() -> None:
    client = begun()
    assert client.says(IAC, AO, IAC, DM) == bytes((IAC, DM))
    client.says(IAC, AYT, IAC, AYT)
    assert client.questions == 1
    assert client.keys == b""


def test_output_outside_binary_and_in_it() -> None:
    client = begun()
    assert client.telnet.encode(b"a\r\nb\rc\r\xff") == b"a\r\nb\r\0c\r\0\xff\xff"
    client.says(IAC, DO, BINARY)
    assert client.telnet.encode(b"a\r\nb\rc\r\xff") == b"a\r\nb\rc\r\xff\xff"


def test_subnegotiation_that_is_too_long_is_thrown_away() -> None:
    client = begun()
    client.says(IAC, WILL, NAWS, IAC, SB, TTYPE, 0, b"x" * 10 * MAX_SUBNEGOTIATION)
    client.says(b"y" * 10 * MAX_SUBNEGOTIATION, IAC, IAC)
    client.says(IAC, SE, b"z")
    assert client.telnet.terminal_type == ""
    assert client.keys == b"z"


def test_subnegotiation_that_is_not_ended_ends_with_the_next_command() -> None:
    client = begun()
    client.says(IAC, SB, TTYPE, 0, b"xterm", IAC, WILL, SGA, b"a", IAC, SB, TTYPE, 0, b"vt", IAC, IP, b"b")
    assert client.telnet.terminal_type == ""
    assert client.keys == b"a\x03b"


PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([IAC, DO, DONT, WILL, WONT, SB, SE, AYT, AO, IP, DM, 241]).map(
        lambda byte: bytes((byte,))
    ),
    st.tuples(
        st.sampled_from([DO, DONT, WILL, WONT]),
        st.sampled_from([BINARY, ECHO, SGA, NAWS, TTYPE, CHARSET, LINEMODE]),
    ).map(lambda pair: bytes((IAC, *pair))),
    st.tuples(st.sampled_from([NAWS, TTYPE, CHARSET, LINEMODE]), st.binary(max_size=8)).map(
        lambda pair: bytes((IAC, SB, pair[0])) + pair[1] + bytes((IAC, SE))
    ),
    st.sampled_from([b"\r", b"\r\n", b"\r\0", b"\n", b"\0"]),
)
STREAMS = st.lists(PIECES, max_size=40).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=10))
def test_how_a_stream_is_cut_makes_no_difference(stream: bytes, cuts: list[int]) -> None:
    whole, cut = begun(), begun()
    whole.says(stream)
    answers, start = b"", 0
    for end in [*sorted(cuts), len(stream)]:
        answers += cut.says(stream[start:end])
        start = max(start, end)
    assert cut.keys == whole.keys
    assert answers == whole.sent
    assert cut.sizes[-1:] == whole.sizes[-1:]
    assert cut.telnet.terminal_type == whole.telnet.terminal_type
    assert cut.telnet.charset == whole.telnet.charset


@given(STREAMS)
def test_answers_are_in_proportion_and_nothing_is_kept(stream: bytes) -> None:
    client = begun()
    answer = client.says(stream)
    assert len(answer) <= 4 * len(stream) + 12
    assert len(client.keys) <= len(stream)
    # A client that was confused can always be understood again.
    client.says(IAC, SE, IAC, SE, IAC, 241)
    client.keys = b""
    client.says(b"x")
    assert client.keys == b"x"


@given(st.binary(max_size=300))
def test_output_comes_back_as_it_was(data: bytes) -> None:
    client, other = begun(), begun()
    client.says(IAC, DO, BINARY)
    other.says(IAC, WILL, BINARY)
    other.says(client.telnet.encode(data))
    assert other.keys == data
