"""The stream protocol: one frame format for every link.

Agent, host, hub and clients exchange the same frames: ``u8 type, u16 window,
u32 length, payload``, big-endian, payload at most 1 MiB.  ``docs/protocol.md``
describes what each link does with them; this module only turns values into bytes
and back.  Standard library only, because it also runs inside every sandbox
(Python 3.8 and later).

Invariant: whatever bytes arrive, in whatever pieces, a :class:`Decoder` either
returns whole frames or raises :class:`FrameError`; it never holds more than one
unfinished frame.
"""

from __future__ import annotations

from _operator import itemgetter
from struct import Struct

from . import compact

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing and collections would delay the start of an agent
    from typing import Any, Dict, List, NamedTuple, Tuple

VERSION = 1

HELLO = 1
OUTPUT = 2
ACK = 3
INPUT = 4
ACCEPTED = 5
RESIZE = 6
KEYFRAME = 7
ROWS = 8
EVENT = 9
REQUEST = 10
REPLY = 11
STREAM = 12
CREDIT = 13

NAMES = {
    HELLO: "HELLO",
    OUTPUT: "OUTPUT",
    ACK: "ACK",
    INPUT: "INPUT",
    ACCEPTED: "ACCEPTED",
    RESIZE: "RESIZE",
    KEYFRAME: "KEYFRAME",
    ROWS: "ROWS",
    EVENT: "EVENT",
    REQUEST: "REQUEST",
    REPLY: "REPLY",
    STREAM: "STREAM",
    CREDIT: "CREDIT",
}

MAX_PAYLOAD = 1 << 20
"""Largest payload of a frame, in bytes."""

CONSOLE = 0xFFFF
"""The window number of a frame that is about the whole console."""

MIN_COLS, MAX_COLS = 2, 1000
MIN_ROWS, MAX_ROWS = 1, 500

PIPE_BUF = 4096
"""A write of at most this many bytes to a FIFO is whole (POSIX write(2), Linux)."""

HEADER = Struct(">BHI")
_OFFSET = Struct(">Q")
_INPUT = Struct(">QQ")
_SIZE = Struct(">HH")
_KEYFRAME = Struct(">QHH")
_STREAM = Struct(">I")
_CREDIT = Struct(">II")
_OUTPUT_HEAD = Struct(">BHIQ")

MAX_AGENT_INPUT = PIPE_BUF - HEADER.size - _INPUT.size
"""Most input bytes in one INPUT frame to an agent, so that its write is whole."""

MAX_OUTPUT = MAX_PAYLOAD - _OFFSET.size
"""Most output bytes in one OUTPUT frame."""

MAX_AGENT_STREAM = PIPE_BUF - HEADER.size - _STREAM.size
"""Most bytes in one STREAM frame to an agent, so that its write is whole."""

STREAM_WINDOW = 1 << 18
"""Bytes that may be sent in each direction of a stream before the first CREDIT."""

CONNECTIONS = 1 << 31
"""Streams from this number on are connections that the sandbox asks for; below it, programs."""


class FrameError(ValueError):
    """The peer sent bytes that are not a frame of this protocol."""


if TYPE_CHECKING:

    class Frame(NamedTuple):
        """One decoded frame; ``payload`` is still packed."""

        type: int
        window: int
        payload: bytes

else:

    class Frame(tuple):
        """One decoded frame; ``payload`` is still packed."""

        __slots__ = ()

        def __new__(cls, type, window, payload):  # noqa: D102
            return tuple.__new__(cls, (type, window, payload))

        type = property(itemgetter(0))
        window = property(itemgetter(1))
        payload = property(itemgetter(2))

        def __repr__(self):
            return "Frame(type=%s, window=%d, payload=%r)" % (NAMES.get(self[0]), self[1], self[2])


class Decoder:
    """Cuts a byte stream into frames, however the bytes are split.

    :param max_payload: refuse frames with a longer payload (bytes).
    """

    def __init__(self, max_payload: int = MAX_PAYLOAD) -> None:
        self._max_payload = max_payload
        self._buffer = bytearray()

    @property
    def pending_bytes(self) -> int:
        """Bytes of the unfinished frame held so far."""
        return len(self._buffer)

    def feed(self, data: bytes) -> List[Frame]:
        """Frames completed by ``data``.

        :raises FrameError: on an unknown type or a payload that is too long; the
            stream cannot be followed after that.
        """
        buffer = self._buffer
        buffer += data
        end = len(buffer)
        position = 0
        frames: List[Frame] = []
        while end - position >= HEADER.size:
            kind, window, length = HEADER.unpack_from(buffer, position)
            if kind not in NAMES:
                raise FrameError("unknown frame type %d" % kind)
            if length > self._max_payload:
                raise FrameError(
                    "%s frame of %d bytes; the limit is %d" % (NAMES[kind], length, self._max_payload)
                )
            start = position + HEADER.size
            if end - start < length:
                break
            position = start + length
            frames.append(Frame(kind, window, bytes(buffer[start:position])))
        if position:
            del buffer[:position]
        return frames


# -- values to bytes ---------------------------------------------------------


def encode(kind: int, window: int, payload: bytes) -> bytes:
    """One frame.

    :raises FrameError: when the payload is longer than :data:`MAX_PAYLOAD`.
    """
    if len(payload) > MAX_PAYLOAD:
        raise FrameError("%s payload of %d bytes; the limit is %d" % (NAMES[kind], len(payload), MAX_PAYLOAD))
    return HEADER.pack(kind, window, len(payload)) + payload


def encode_json(kind: int, window: int, value: Dict[str, Any]) -> bytes:
    """A HELLO, EVENT, REQUEST or REPLY frame with ``value`` as compact JSON."""
    return encode(kind, window, compact.dumps(value).encode())


def output_head(window: int, offset: int, length: int) -> bytes:
    """Everything of an OUTPUT frame before its ``length`` output bytes."""
    return _OUTPUT_HEAD.pack(OUTPUT, window, length + 8, offset)


def output(window: int, offset: int, data: bytes) -> bytes:
    """An OUTPUT frame: ``data`` starts at ``offset`` of the window's stream."""
    return output_head(window, offset, len(data)) + data


def ack(window: int, offset: int) -> bytes:
    """An ACK frame: everything before ``offset`` has been received."""
    return encode(ACK, window, _OFFSET.pack(offset))


def input_(window: int, viewer: int, sequence: int, data: bytes) -> bytes:
    """An INPUT frame: ``data`` starts at byte ``sequence`` of this viewer's input."""
    return encode(INPUT, window, _INPUT.pack(viewer, sequence) + data)


def accepted(window: int, viewer: int, sequence: int) -> bytes:
    """An ACCEPTED frame: the viewer's input before byte ``sequence`` is written."""
    return encode(ACCEPTED, window, _INPUT.pack(viewer, sequence))


def resize(window: int, cols: int, rows: int) -> bytes:
    """A RESIZE frame."""
    return encode(RESIZE, window, _SIZE.pack(cols, rows))


def keyframes(window: int, offset: int, cols: int, rows: int, data: bytes) -> List[bytes]:
    """A keyframe as one frame, or several when it is longer than a frame.

    A KEYFRAME whose payload fills its frame is continued by the next one.
    """
    room = MAX_PAYLOAD - _KEYFRAME.size
    head = _KEYFRAME.pack(offset, cols, rows)
    return [
        encode(KEYFRAME, window, head + data[start : start + room]) for start in range(0, len(data) + 1, room)
    ]


def stream(window: int, number: int, data: bytes) -> bytes:
    """A STREAM frame: ``data`` of the multiplexed byte stream ``number``; empty: its end."""
    return encode(STREAM, window, _STREAM.pack(number) + data)


def credit(window: int, number: int, count: int) -> bytes:
    """A CREDIT frame: ``count`` more bytes of stream ``number`` may be sent."""
    return encode(CREDIT, window, _CREDIT.pack(number, count))


# -- bytes to values ---------------------------------------------------------


def _split(head: Struct, payload: bytes, name: str) -> Tuple[Any, ...]:
    if len(payload) < head.size:
        raise FrameError("%s payload of %d bytes; it has at least %d" % (name, len(payload), head.size))
    return head.unpack_from(payload)


def _exact(head: Struct, payload: bytes, name: str) -> Tuple[Any, ...]:
    if len(payload) != head.size:
        raise FrameError("%s payload of %d bytes; it has exactly %d" % (name, len(payload), head.size))
    return head.unpack(payload)


def parse_output(payload: bytes) -> Tuple[int, bytes]:
    """``(offset, data)`` of an OUTPUT payload; :raises FrameError: when too short."""
    (offset,) = _split(_OFFSET, payload, "OUTPUT")
    return offset, payload[8:]


def parse_ack(payload: bytes) -> int:
    """The offset of an ACK payload; :raises FrameError: when of the wrong length."""
    (offset,) = _exact(_OFFSET, payload, "ACK")
    return int(offset)


def parse_input(payload: bytes) -> Tuple[int, int, bytes]:
    """``(viewer, sequence, data)``; :raises FrameError: when too short."""
    viewer, sequence = _split(_INPUT, payload, "INPUT")
    return viewer, sequence, payload[16:]


def parse_accepted(payload: bytes) -> Tuple[int, int]:
    """``(viewer, sequence)``; :raises FrameError: when of the wrong length."""
    viewer, sequence = _exact(_INPUT, payload, "ACCEPTED")
    return viewer, sequence


def parse_resize(payload: bytes) -> Tuple[int, int]:
    """``(cols, rows)``; :raises FrameError: when out of range or of the wrong length."""
    cols, rows = _exact(_SIZE, payload, "RESIZE")
    if not (MIN_COLS <= cols <= MAX_COLS and MIN_ROWS <= rows <= MAX_ROWS):
        raise FrameError(
            "RESIZE to %dx%d; columns go from %d to %d, rows from %d to %d"
            % (cols, rows, MIN_COLS, MAX_COLS, MIN_ROWS, MAX_ROWS)
        )
    return cols, rows


def parse_keyframe(payload: bytes) -> Tuple[int, int, int, bytes]:
    """``(offset, cols, rows, data)``; :raises FrameError: when too short."""
    offset, cols, rows = _split(_KEYFRAME, payload, "KEYFRAME")
    return offset, cols, rows, payload[12:]


def keyframe_continues(payload: bytes) -> bool:
    """Whether the next KEYFRAME of the window continues this payload."""
    return len(payload) == MAX_PAYLOAD


def parse_stream(payload: bytes) -> Tuple[int, bytes]:
    """``(number, data)`` of a STREAM payload; :raises FrameError: when too short."""
    (number,) = _split(_STREAM, payload, "STREAM")
    return number, payload[4:]


def parse_credit(payload: bytes) -> Tuple[int, int]:
    """``(number, count)`` of a CREDIT payload; :raises FrameError: when zero or of the wrong length."""
    number, count = _exact(_CREDIT, payload, "CREDIT")
    if not count:
        raise FrameError("CREDIT for no bytes")
    return number, count


def parse_json(payload: bytes) -> Dict[str, Any]:
    """The object in a HELLO, EVENT, REQUEST or REPLY payload.

    :raises FrameError: when it is not UTF-8, not JSON or not an object.
    """
    try:
        value = compact.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        raise FrameError("not JSON: %s" % error) from None
    if not isinstance(value, dict):
        raise FrameError("JSON %s where an object is expected" % type(value).__name__)
    return value
