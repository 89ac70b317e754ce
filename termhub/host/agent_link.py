"""The host's end of the two FIFOs to a console's agent, without the FIFOs.

Bytes from the agent in, frames out of them; frames to the agent in, writes of at most
PIPE_BUF out.  A host may find the FIFO in the middle of a frame that its predecessor
began to read: everything up to the agent's HELLO with our nonce is thrown away.

Invariant: what the agent sends is hostile.  It is bounded here in size and rate, and
anything out of bounds raises :class:`AgentError`, which ends the console with that
reason rather than one host after the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.guest import frames

MAX_FRAME_BYTES = (1 << 17) + 64
"""Largest payload taken from an agent; it sends output in frames of 64 KiB."""

HELLO_BYTES = 1 << 16
INPUT_HIGH_BYTES = 1 << 18
INPUT_LOW_BYTES = 1 << 16
EVENTS_PER_SECOND = 200.0
EVENTS_AT_ONCE = 2000.0

_INPUT_HEAD_BYTES = frames.PIPE_BUF - frames.MAX_AGENT_INPUT
_ACK_BYTES = len(frames.ack(0, 0))
_PIECE_BYTES = frames.MAX_AGENT_INPUT - 64 * _ACK_BYTES
"""Input is cut so that it fits behind the acknowledgements of all windows."""

_HELLO_START = frames.HEADER.pack(frames.HELLO, frames.CONSOLE, 0)[:3]
_FROM_AGENT = (
    *(frames.HELLO, frames.OUTPUT, frames.ACCEPTED, frames.RESIZE, frames.EVENT, frames.REPLY),
    *(frames.STREAM, frames.CREDIT),
)
_BOUNDED = (frames.OUTPUT, frames.ACCEPTED, frames.STREAM, frames.CREDIT)
"""Frames that cannot come at any rate: of each there is as much as was acknowledged, sent or granted."""


class AgentError(Exception):
    """The agent broke the protocol; the message says how, for the console's reason."""


class AgentLink:
    """Codec and queues of the link to one agent.

    :param nonce: 16 hex digits nobody can guess; the agent's HELLO repeats it.
    :param clock: seconds, for the rate of events.
    """

    def __init__(self, nonce: str, clock: Callable[[], float]) -> None:
        self._nonce = nonce.encode()
        self._clock = clock
        self._decoder = frames.Decoder(MAX_FRAME_BYTES)
        self._searched: bytearray | None = bytearray()
        self._urgent: deque[bytes] = deque()
        self._acks: dict[int, int] = {}
        self._inputs: dict[object, deque[bytes]] = {}
        self._pending: dict[object, int] = {}
        self._batch = b""
        self.fill: Callable[[int], bytes] = lambda room: b""
        """What else there is to send, in whole frames of at most so many bytes."""
        self._events = EVENTS_AT_ONCE
        self._events_at = clock()

    # -- from the agent ------------------------------------------------------

    @property
    def is_synchronised(self) -> bool:
        """Whether the agent has answered our HELLO."""
        return self._searched is None

    @property
    def held_bytes(self) -> int:
        """Bytes kept of what the agent sent."""
        return self._decoder.pending_bytes + (0 if self._searched is None else len(self._searched))

    def feed(self, data: bytes) -> Iterator[frames.Frame]:
        """The frames completed by ``data``, the agent's HELLO first.

        :raises AgentError: when it is not the protocol, or too much of it.
        """
        if self._searched is not None:
            found = self._search(data)
            if found is None:
                return
            data = found
        try:
            decoded = self._decoder.feed(data)
        except frames.FrameError as error:
            raise AgentError(str(error)) from None
        for frame in decoded:
            if frame.type not in _FROM_AGENT:
                raise AgentError(f"a {frames.NAMES[frame.type]} frame, which agents do not send")
            if frame.type not in _BOUNDED:
                self._spend()
            yield frame

    def _search(self, data: bytes) -> bytes | None:
        """What starts with the agent's HELLO, once it is there."""
        assert self._searched is not None
        held = self._searched
        held += data
        at = held.find(self._nonce)
        if at < 0:
            del held[: -(HELLO_BYTES + frames.HEADER.size)]
            return None
        start = held.rfind(_HELLO_START, 0, at)
        if start < 0:
            raise AgentError("the nonce outside of a HELLO")
        length = frames.HEADER.unpack_from(held, start)[2] if len(held) >= start + frames.HEADER.size else 0
        if not at - start <= length <= HELLO_BYTES:
            raise AgentError(f"a HELLO of {length} bytes")
        if len(held) < start + frames.HEADER.size + length:
            return None
        self._searched = None
        return bytes(held[start:])

    def _spend(self) -> None:
        now = self._clock()
        self._events = min(self._events + (now - self._events_at) * EVENTS_PER_SECOND, EVENTS_AT_ONCE) - 1
        self._events_at = now
        if self._events < 0:
            raise AgentError(f"more than {EVENTS_PER_SECOND:.0f} events a second")

    def expected(self) -> None:
        """The last event or reply was one that we asked for: it does not count against the agent."""
        self._events += 1

    # -- to the agent --------------------------------------------------------

    def hello(self, offsets: dict[int, int]) -> None:
        """Ask for output from ``offsets`` on, a window's number each."""
        value = {
            "version": frames.VERSION,
            "nonce": self._nonce.decode(),
            "offsets": {str(window): offset for window, offset in offsets.items()},
        }
        self._urgent.append(frames.encode_json(frames.HELLO, frames.CONSOLE, value))

    def ack(self, window: int, offset: int) -> None:
        """Everything before ``offset`` is journaled."""
        self._acks[window] = offset

    def resize(self, window: int, cols: int, rows: int) -> None:
        """Ask for a size; it comes back in the stream when it is so."""
        self._urgent.append(frames.resize(window, cols, rows))

    def request(self, value: dict[str, Any]) -> bool:
        """Send a request; False when it is too long to be written whole."""
        frame = frames.encode_json(frames.REQUEST, frames.CONSOLE, value)
        if len(frame) > frames.PIPE_BUF:
            return False
        self._urgent.append(frame)
        return True

    def input(self, source: object, window: int, viewer: int, sequence: int, data: bytes) -> None:
        """Pass on input; ``source`` is the link it came from, for fairness and back-pressure."""
        queue = self._inputs.get(source)
        if queue is None:
            queue = self._inputs[source] = deque()
        for start in range(0, max(len(data), 1), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            queue.append(frames.input_(window, viewer, sequence + start, piece))
        self._pending[source] = self._pending.get(source, 0) + len(data)

    def is_ahead(self, source: object, limit_bytes: int = INPUT_HIGH_BYTES) -> bool:
        """Whether a source has more input waiting than it should: read it no further."""
        return self._pending.get(source, 0) > limit_bytes

    def forget(self, source: object) -> None:
        """A source is gone; what it sent is still passed on."""
        queue = self._inputs.pop(source, None)
        self._pending.pop(source, None)
        if queue:
            self._inputs.setdefault(None, deque()).extend(queue)

    def to_send(self) -> bytes:
        """The next write, at most PIPE_BUF bytes of whole frames; empty: nothing to send."""
        if self._batch:
            return self._batch
        if not (self._urgent or self._acks or self._inputs):
            self._batch = self.fill(frames.PIPE_BUF)
            return self._batch
        pieces: list[bytes] = []
        room = frames.PIPE_BUF
        while self._urgent and len(self._urgent[0]) <= room:
            pieces.append(self._urgent.popleft())
            room -= len(pieces[-1])
        while self._acks and room >= _ACK_BYTES:
            pieces.append(frames.ack(*self._acks.popitem()))
            room -= _ACK_BYTES
        if not self._urgent:
            self._take_inputs(pieces, room)
            pieces.append(self.fill(frames.PIPE_BUF - sum(map(len, pieces))))
        self._batch = b"".join(pieces)
        return self._batch

    def _take_inputs(self, pieces: list[bytes], room: int) -> None:
        """As much input as there is room for, of all sources in turn."""
        took = True
        while took:
            took = False
            for source in list(self._inputs):
                queue = self._inputs[source]
                if len(queue[0]) > room:
                    continue
                took = True
                frame = queue.popleft()
                pieces.append(frame)
                room -= len(frame)
                if source in self._pending:
                    self._pending[source] -= len(frame) - _INPUT_HEAD_BYTES
                del self._inputs[source]
                if queue:
                    self._inputs[source] = queue  # behind the others

    def sent(self) -> None:
        """What :meth:`to_send` gave was written."""
        self._batch = b""
