"""HTTP as termhub wants it under klein: limits, headers, and problem details for all that fails.

Twisted's own answers to malformed requests are bare text, it reads bodies of any size,
and it closes a refused connection so that the client may never see why.  Invariant:
every response, also to bytes that are no HTTP, carries the security headers and, when it
is an error, a problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IHalfCloseableDescriptor, IHalfCloseableProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request, Site
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.accounts.secret import without_secrets

from ..connections import Connections, Place
from .problems import CONTENT_TYPE, Refusal, refusal, refusal_of

MAX_BODY = 64 << 10
"""Largest request body in bytes, except input to a console."""

MAX_INPUT_BODY = 8 << 20
"""Largest input to a console in one request, in bytes."""

MAX_LARGE_BODIES = 64
"""Bodies above :data:`MAX_BODY` that are read or held at a time; the next is refused."""

REQUEST_SECONDS = 60.0
"""A connection on which nothing arrives for so long while a request is awaited is closed."""

HEAD_SECONDS = 30.0
BODY_SECONDS = 600.0
"""How long the head of a request and its body may take, however steadily they arrive."""

LINGER_SECONDS = 2.0
"""How long a refused connection may still send, so that its client reads the answer."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

TOO_MANY_CONNECTIONS = refusal(
    503, "too_many_connections", "There are too many connections; close some, or try again.", Retry_After="5"
)

_INPUT_PATH = re.compile(rb"/api/v1/consoles/[^/?]+/input(\?|$)")
_log = Logger()


def last_response(refused: Refusal) -> bytes:
    """A whole HTTP/1.1 response with a problem, after which the connection closes."""
    body = refused.body()
    headers = {
        **SECURITY_HEADERS,
        **refused.headers,
        "Server": "termhub",
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    head = f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{head}{lines}\r\n".encode("ascii") + body


class TermhubRequest(Request):
    """A request whose body is limited before it is read."""

    channel: TermhubChannel

    def __init__(self, channel: TermhubChannel, queued: object = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self._body_limit = MAX_BODY
        self._body_length = 0
        for name, value in (*SECURITY_HEADERS.items(), ("Server", "termhub")):
            self.responseHeaders.setRawHeaders(name, [value])

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that says it is too long."""
        super().gotLength(length)
        if length == 0 or not _INPUT_PATH.match(self.channel.target):
            pass
        elif self.channel.site.take_large_body(self):
            self._body_limit = MAX_INPUT_BODY
        elif length is None or length > MAX_BODY:
            self.channel.refuse(
                refusal(503, "busy", "Too many long inputs are under way; try again.", Retry_After="1")
            )
        if length is not None and length > self._body_limit:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse a body, sent in chunks, that has become too long."""
        self._body_length += len(data)
        if self._body_length > self._body_limit:
            self._refuse_body()
        else:
            super().handleContentChunk(data)

    def _refuse_body(self) -> None:
        self.channel.refuse(
            refusal(413, "too_large", f"The body of this request may have {self._body_limit} bytes.")
        )

    def process(self) -> None:
        """Hand the request to the routes, if its path is text."""
        # klein would answer these itself, and not with a problem.
        try:
            unquote_to_bytes(self.path).decode()
            self.method.decode("ascii")
        except UnicodeDecodeError:
            self.write(self.refuse(refusal(400, "bad_request", "The address is not UTF-8.")))
            self.finish()
            return
        # The cookie of a session is ours to make, so Twisted's own sessions stay unused.
        super().process()

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return str(getattr(self.getClientAddress(), "host", ""))

    @property
    def logged_path(self) -> str:
        """Its path as it may be logged: the token of a link is left out, however it is written."""
        path = unquote_to_bytes(self.path).decode("utf-8", "replace")
        return "/s/…" if path.startswith("/s/") else without_secrets(path)

    def __repr__(self) -> str:
        """What a traceback may show of it."""
        return f"<{type(self).__name__} {self.method!r} {self.logged_path}>"

    @property
    def is_over(self) -> bool:
        """Whether it is answered, or its client is gone."""
        return bool(self.finished or self._disconnected)

    def header(self, name: str) -> str | None:
        """A header of the request, whatever its bytes; the last when there are several."""
        value = self.getHeader(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def cookie(self, name: bytes) -> str | None:
        """The value of a cookie that is set and not empty."""
        value = self.received_cookies.get(name)
        return value.decode("ascii", "replace") if value else None

    def set_cookie(self, name: bytes, value: str, seconds: float, secure: bool) -> None:
        """Set a cookie that scripts cannot read and foreign sites cannot send."""
        self.addCookie(
            name,
            value.encode(),
            path=b"/",
            max_age=str(int(seconds)).encode(),
            httpOnly=True,
            secure=secure or self.isSecure(),
            sameSite=b"lax",
        )

    def has_etag(self, etag: str) -> bool:
        """Say which version this is; whether the client has it already (the status is 304 then)."""
        return self.setETag(etag.encode()) is not None

    def body(self) -> bytes:
        """The body of the request."""
        return bytes(self.content.read()) if self.content is not None else b""

    def send(self, body: bytes, content_type: str, cache_control: str, headers: Mapping[str, str]) -> bytes:
        """Set the headers of a body; returns it."""
        for name, value in headers.items():
            self.setHeader(name, value)
        if content_type:
            self.setHeader("Content-Type", content_type)
            self.setHeader("Content-Length", str(len(body)))
        self.setHeader("Cache-Control", cache_control)
        return body

    def refuse(self, refused: Refusal) -> bytes:
        """Set status and headers of a problem; returns the body to answer with."""
        self.setResponseCode(refused.status)
        return self.send(refused.body(), CONTENT_TYPE, "no-store", refused.headers)

    def render(self, resrc: IResource) -> None:
        """Let a resource answer, under our own name instead of Twisted's."""
        self.setHeader("Server", "termhub")
        super().render(resrc)

    def processingFailed(self, reason: Failure) -> Failure:
        """Answer a defect without telling its inside."""
        _log.failure("A request to {path} failed", reason, path=self.logged_path)
        if reason.value is not None and not self.startedWriting and not self._disconnected:
            self.write(self.refuse(refusal_of(reason.value)))
            self.finish()
        return reason


@implementer(IHalfCloseableProtocol)
class TermhubChannel(HTTPChannel):
    """One HTTP/1.1 connection."""

    maxHeaders = 100
    transport: Any
    site: TermhubSite
    _is_refused = False
    _place: Place | None = None
    _deadline: Any = None

    def connectionMade(self) -> None:
        """Serve, unless there are too many connections."""
        super().connectionMade()
        self._place = self.site.connections.take(str(getattr(self.transport.getPeer(), "host", "")))
        if self._place is None:
            # Nothing of it is read, so that it costs no more than this.
            self._is_refused = True
            self._networkProducer.unregisterProducer()
            self.transport.write(last_response(TOO_MANY_CONNECTIONS))
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Let everything go."""
        self._stop_deadline()
        place = self.give_place()
        if place is not None:
            place.free()
        super().connectionLost(reason)

    def give_place(self) -> Place | None:
        """Its place among the connections, for who takes the transport over and frees it."""
        place, self._place = self._place, None
        return place

    def _start_deadline(self, seconds: float, part: str) -> None:
        self._stop_deadline()
        late = refusal(408, "too_slow", f"The {part} of a request may take {seconds:.0f} seconds.")
        self._deadline = self.callLater(seconds, lambda: self.refuse(late))

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    @property
    def target(self) -> bytes:
        """The request target of the request that is being read."""
        target: bytes = self._path  # type: ignore[assignment]
        return target

    def dataReceived(self, data: bytes) -> None:
        """Parse, unless the connection is refused and only drains."""
        if not self._is_refused:
            if self._deadline is None and not self._handlingRequest:
                self._start_deadline(HEAD_SECONDS, "head")
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the head."""
        if not self._is_refused:
            super().lineReceived(line)

    def allHeadersReceived(self) -> None:
        """Wait for the body."""
        self._start_deadline(BODY_SECONDS, "body")
        super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        """Take some of the body."""
        if not self._is_refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Hand the request on."""
        self._stop_deadline()
        if not self._is_refused:
            super().allContentReceived()

    def refuse(self, refused: Refusal) -> None:
        """Answer what was read so far with a problem, and end the connection.

        What the client is still sending is read and thrown away for a moment: closing
        at once would reset the connection before it has read the answer.
        """
        if self._is_refused:
            return
        self._is_refused = True
        self.setTimeout(None)
        self._stop_deadline()
        self._networkProducer.unregisterProducer()
        self.transport.write(last_response(refused))
        if IHalfCloseableDescriptor.providedBy(self.transport):
            self._abortingCall = self.callLater(LINGER_SECONDS, self.forceAbortClient)
            self.transport.loseWriteConnection()
            self.transport.resumeProducing()
        else:
            self.transport.loseConnection()

    def readConnectionLost(self) -> None:
        """The client sends no more; what was answered already still goes out."""
        self.loseConnection()

    def writeConnectionLost(self) -> None:
        """Our end of file was sent."""

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line of the head that is too long."""
        self.refuse(refusal(431, "too_large", "The head of this request is too long."))

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(refusal(400, "bad_request", "This is not a valid HTTP/1.1 request."))


class TermhubSite(Site):
    """Listens for HTTP.

    :param root: the resource that answers everything.
    :param connections: counts those there are.
    """

    protocol = TermhubChannel  # type: ignore[assignment]
    noisy = False
    displayTracebacks = False

    def __init__(self, root: IResource, reactor: Any, connections: Connections) -> None:
        self.connections = connections
        super().__init__(root, requestFactory=TermhubRequest, timeout=REQUEST_SECONDS, reactor=reactor)
        self._large_bodies = 0

    def take_large_body(self, request: TermhubRequest) -> bool:
        """Let a request have a large body until it is over; False when too many have."""
        if self._large_bodies >= MAX_LARGE_BODIES:
            return False
        self._large_bodies += 1
        request.notifyFinish().addBoth(self._large_body_is_over)
        return True

    def _large_body_is_over(self, result: object) -> None:
        self._large_bodies -= 1

    def log(self, request: Any) -> None:
        """One structured line a request, without secrets."""
        _log.debug(
            "{method} {path} {status} from {address}",
            method=request.method.decode("ascii", "replace"),
            path=request.logged_path,
            status=request.code,
            address=getattr(request.client, "host", ""),
        )
