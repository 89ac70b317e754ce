"""What clients send as JSON: their HELLO and their requests, checked within limits.

Invariant: whatever bytes come, what is returned has the types and sizes said here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from sandbox.guest import frames
from termhub.errors import BadRequest
from termhub.hub.host_messages import MAX_WINDOWS, Cols, Offset, Rows, Text, WindowNumber
from termhub.hub.sizes import Policy
from termhub.store import ControlMode

Via = Literal["browser", "terminal"]
"""The kinds of clients."""

MAX_TEXT = 64 * 1024
"""The longest text in a request, in characters; most are allowed less."""

_FURTHEST = 1 << 31
Line = Annotated[int, Meta(ge=0, lt=_FURTHEST)]
Row = Annotated[int, Meta(gt=-_FURTHEST, lt=_FURTHEST)]
Key = Annotated[str, Meta(max_length=64)]
"""An id that the hub made."""


class ClientHello(Struct):
    """A client's first frame."""

    version: int
    viewer: Annotated[str, Meta(pattern="^[0-9a-f]{1,16}$")]
    cols: Cols | None = None
    rows: Rows | None = None
    windows: Annotated[dict[str, Offset | None], Meta(max_length=MAX_WINDOWS)] = msgspec.field(
        default_factory=lambda: {"0": None}
    )
    via: Via | None = None
    read_only: bool = False


class ClientRequest(Struct):
    """Any request of a client; fields that its ``op`` does not have are left out."""

    id: Annotated[int, Meta(ge=0, lt=1 << 53)]
    op: Annotated[str, Meta(max_length=32)]
    window: WindowNumber | None = None
    since: Offset | None = None
    scrollback: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    program: Annotated[str, Meta(max_length=200)] | None = None
    argv: Annotated[list[Text], Meta(min_length=1, max_length=256)] | None = None
    cols: Cols | None = None
    rows: Rows | None = None
    signal: Annotated[str, Meta(max_length=16)] = ""
    policy: Policy | None = None
    t: float | int | None = None
    back: Line | None = None
    text: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    line: Line = 0
    forward: bool = True
    start: tuple[Row, Line] | None = msgspec.field(name="from", default=None)
    end: tuple[Row, Line] | None = msgspec.field(name="to", default=None)
    mode: ControlMode | None = None
    person: Key | None = None
    draft: Key = ""
    before: Annotated[int, Meta(ge=0, lt=1 << 53)] | None = None
    limit: Annotated[int, Meta(ge=1, le=_FURTHEST)] | None = None
    ask: Key | int = ""
    allow: bool = False


decode_request = msgspec.json.Decoder(ClientRequest).decode
"""A client's request; raises MsgspecError, UnicodeDecodeError or RecursionError."""


def parse_hello(hello: object) -> ClientHello:
    """A client's HELLO.

    :raises BadRequest: when it is not one, or of another version.
    """
    try:
        parsed = msgspec.convert(hello, ClientHello)
        wanted = [int(number) for number in parsed.windows]
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"HELLO: {error}.", "bad_hello") from None
    if parsed.version != frames.VERSION:
        raise BadRequest(f"Version {parsed.version} is not served; {frames.VERSION} is.", "bad_version")
    if not all(0 <= number < frames.CONSOLE for number in wanted):
        raise BadRequest("HELLO: a window has a number from 0 to 65534.", "bad_hello")
    return parsed
