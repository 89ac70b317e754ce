"""HTTP as termhub wants it under klein: limits, headers, and problem details for all that fails.

Twisted's own answers to malformed requests are bare text, it reads bodies of any size,
and it closes a refused connection so that the client may never see why.  Invariant:
every response, also to bytes that are no HTTP, carries the security headers and, when it
is an error, a problem.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IHalfCloseableDescriptor, IHalfCloseableProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import Request, Site
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub.accounts.secret import without_secrets
from termhub.errors import TooMany

from ..connections import Place
from .guards import Guards
from .pipelining import Pipelining
from .problems import CONTENT_TYPE, Refusal, refusal, refusal_of
from .proxies import Source
from .responses import BAD_REQUEST, SECURITY_HEADERS, TOO_MANY_CONNECTIONS, last_response
from .turns import Turns

MAX_BODY = 64 << 10
"""Largest request body in bytes, except input to a console."""

MAX_INPUT_BODY = 8 << 20
"""Largest input to a console in one request, in bytes."""

MAX_LARGE_BODIES = 64
"""Bodies above :data:`MAX_BODY` that are read or held at a time; the next is refused."""

MAX_CHUNKS = 1000
CHUNK_BYTES = 16
"""A body that is sent in chunks may have so many, and one more for each so many bytes: each takes time."""

REQUEST_SECONDS = 60.0
"""A connection on which nothing arrives for so long while a request is awaited is closed."""

HEAD_SECONDS = 30.0
BODY_SECONDS = 600.0
"""How long the head of a request and its body may take, however steadily they arrive."""

LINGER_SECONDS = 2.0
"""How long a refused connection may still send, so that its client reads the answer."""

CLOSE_SECONDS = 60.0
"""How long a client has to read its last answer, and with TLS to say goodbye."""

HTTPS_COOKIES = b"__Host-"
"""Begins the names of cookies where people come by https: no other host can set these (RFC 6265bis)."""

_INPUT_PATH = re.compile(rb"/api/v1/consoles/[^/?]+/input(\?|$)")
_log = Logger()


class _BodyRefusedError(Exception):
    """Ends the reading of a body that was refused."""


class TermhubRequest(Request):
    """A request whose body is limited before it is read."""

    channel: TermhubChannel

    def __init__(self, channel: TermhubChannel, queued: object = False) -> None:
        super().__init__(channel, queued, parsePOSTFormSubmission=False)
        self._body_limit = MAX_BODY
        self._body_length = 0
        self._chunks: int | None = None
        self._place: Place | None = None
        self.source = Source("")
        """Where it comes from; known before it is processed."""
        for name, value in (*SECURITY_HEADERS.items(), ("Server", "termhub")):
            self.responseHeaders.setRawHeaders(name, [value])

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that says it is too long, or whose end others might see elsewhere."""
        super().gotLength(length)
        self._chunks = 0 if length is None else None
        codings = [coding.lower() for coding in self._values("Transfer-Encoding")]
        if codings and (codings != ["chunked"] or self.channel.is_old):
            self.channel.refuse(BAD_REQUEST)
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
        """Refuse a body, sent in chunks, that has become too long, or comes in crumbs."""
        self._body_length += len(data)
        if self._body_length > self._body_limit:
            self._refuse_body()
            raise _BodyRefusedError
        if self._chunks is not None:
            self._chunks += 1
            if self._chunks > MAX_CHUNKS + self._body_length // CHUNK_BYTES:
                self.channel.refuse(
                    refusal(413, "too_large", "The body of this request has too many chunks.")
                )
                raise _BodyRefusedError
        super().handleContentChunk(data)

    def _refuse_body(self) -> None:
        self.channel.refuse(
            refusal(413, "too_large", f"The body of this request may have {self._body_limit} bytes.")
        )

    def process(self) -> None:
        """Hand the request to the routes, unless it is refused before."""
        guards = self.channel.site.guards
        self.source = guards.proxies.source(
            str(getattr(self.getClientAddress(), "host", "")),
            self._values("X-Forwarded-For"),
            self._values("X-Forwarded-Proto"),
            self._values("X-Forwarded-Host"),
        )
        if self.came_by_https:
            for name, value in guards.hsts.items():
                self.responseHeaders.setRawHeaders(name, [value])
        refused = self._refusal(guards)
        if refused is not None:
            self.write(self.refuse(refused))
            self.finish()
            return
        # The cookie of a session is ours to make, so Twisted's own sessions stay unused.
        super().process()

    def _refusal(self, guards: Guards) -> Refusal | None:
        """Why no route gets it; None when one does."""
        try:
            guards.rates.of_address(self.address)
        except TooMany as error:
            return refusal_of(error)
        if len(self._values("Host")) > 1:
            return BAD_REQUEST
        if any(coding.lower() != "identity" for coding in self._values("Content-Encoding")):
            return refusal(415, "bad_encoding", "Bodies are taken as they are, not compressed.")
        # klein would answer these itself, and not with a problem.
        try:
            unquote_to_bytes(self.path).decode()
            self.method.decode("ascii")
        except UnicodeDecodeError:
            return refusal(400, "bad_request", "The address is not UTF-8.")
        if self.source.is_proxied and not guards.proxies.has(self.address):
            self._place = guards.connections.take_proxied(self.address)
            if self._place is None:
                return TOO_MANY_CONNECTIONS
            self.notifyFinish().addBoth(self._free_place)
        return None

    def _free_place(self, result: object) -> None:
        if self._place is not None:
            self._place.free()

    def give_places(self) -> list[Place]:
        """What it takes among the connections, for who takes its transport over and frees them."""
        places = [place for place in (self.channel.give_place(), self._place) if place is not None]
        self._place = None
        return places

    @property
    def address(self) -> str:
        """Where the request comes from: the client's address, as far as a trusted proxy says it."""
        return self.source.address

    @property
    def asked_host(self) -> str | None:
        """The host, with a port if any, that the client asked for."""
        return self.source.host or self.header("Host")

    @property
    def came_by_https(self) -> bool:
        """Whether it came encrypted, to us or to a trusted proxy."""
        return bool(self.isSecure()) or self.source.is_https

    @property
    def _cookie_prefix(self) -> bytes:
        return HTTPS_COOKIES if self._keeps_to_https else b""

    @property
    def _keeps_to_https(self) -> bool:
        return self.came_by_https or self.channel.site.guards.is_https

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

    def _values(self, name: str) -> list[str]:
        """The values of all headers of a name, in their order."""
        return [
            value.decode("latin-1") for value in self.requestHeaders.getRawHeaders(name.encode("ascii"), [])
        ]

    def cookie(self, name: bytes) -> str | None:
        """The value of a cookie that is set and not empty."""
        value = self.received_cookies.get(self._cookie_prefix + name)
        return value.decode("ascii", "replace") if value else None

    def set_cookie(self, name: bytes, value: str, seconds: float) -> None:
        """Set a cookie that scripts cannot read and foreign sites cannot send."""
        self.addCookie(
            self._cookie_prefix + name,
            value.encode(),
            path=b"/",
            max_age=str(int(seconds)).encode(),
            httpOnly=True,
            secure=self._keeps_to_https,
            sameSite=b"lax",
        )

    def has_etag(self, etag: str) -> bool:
        """Say which version this is; whether the client has it already (the status is 304 then)."""
        return self.setETag(etag.encode()) is not None

    def body(self) -> bytes:
        """The body of the request."""
        return bytes(self.content.read()) if self.content is not None else b""

    def send(
        self, body: bytes | None, content_type: str, cache_control: str, headers: Mapping[str, str]
    ) -> bytes:
        """Set the headers of a body; returns it.

        :param body: None: it is written piece by piece, and nobody knows yet how long it is.
        """
        for name, value in headers.items():
            self.setHeader(name, value)
        if content_type:
            self.setHeader("Content-Type", content_type)
        if content_type and body is not None:
            self.setHeader("Content-Length", str(len(body)))
        self.setHeader("Cache-Control", cache_control)
        return body or b""

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
class TermhubChannel(Pipelining):
    """One HTTP/1.1 connection."""

    maxHeaders = 100
    transport: Any
    site: TermhubSite
    _is_refused = False
    _is_lost = False
    _place: Place | None = None
    _deadline: Any = None

    def connectionMade(self) -> None:
        """Serve, unless there are too many connections."""
        super().connectionMade()
        self.turns, guards = self.site.turns, self.site.guards
        host = str(getattr(self.transport.getPeer(), "host", ""))
        is_proxy = guards.proxies.has(host)
        self._place = guards.connections.take(None if is_proxy else host)
        is_refused = self._place is None
        if self.isSecure() and not is_proxy:
            # A handshake costs us more than the client; what follows is counted by itself.
            try:
                guards.rates.of_address(host)
            except TooMany:
                is_refused = True
        if is_refused:
            # Nothing of it is read, so that it costs no more than this.
            self._is_refused = True
            self._networkProducer.unregisterProducer()
            if self.isSecure():
                self.transport.abortConnection()
            else:
                self.transport.write(last_response(TOO_MANY_CONNECTIONS))
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Let everything go."""
        self._is_lost = True
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

    @property
    def is_old(self) -> bool:
        """Whether the request that is being read is of HTTP/1.0."""
        return bool(self._version != b"HTTP/1.1")

    def dataReceived(self, data: bytes) -> None:
        """Parse, unless the connection is refused and only drains."""
        if not self._is_refused:
            if self._deadline is None and not self._handlingRequest:
                self._start_deadline(HEAD_SECONDS, "head")
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the head."""
        if self._is_refused:
            return
        if line[:1] in (b" ", b"\t"):
            # Lines that go on in the next are read differently by others (RFC 9112, section 5.2).
            self.refuse(BAD_REQUEST)
            return
        try:
            super().lineReceived(line)
        except ValueError:
            self.refuse(BAD_REQUEST)  # a length of more digits than can be a number

    def allHeadersReceived(self) -> None:
        """Wait for the body."""
        self._start_deadline(BODY_SECONDS, "body")
        super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        """Take some of the body."""
        if not self._is_refused:
            with contextlib.suppress(_BodyRefusedError):
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
        self.forget()
        self.setTimeout(None)
        self._stop_deadline()
        self._networkProducer.unregisterProducer()
        headers = self.site.guards.hsts if self.isSecure() else {}
        self.transport.write(last_response(refused, headers))
        if self.isSecure():
            # TLS reads on until the client has said goodbye too.
            self._abort_in(LINGER_SECONDS)
            self.transport.loseConnection()
            self.transport.resumeProducing()
        elif IHalfCloseableDescriptor.providedBy(self.transport):
            self._abort_in(LINGER_SECONDS)
            self.transport.loseWriteConnection()
            self.transport.resumeProducing()
        else:
            self.transport.loseConnection()

    def loseConnection(self) -> None:
        """Close when everything is sent; a client that does not take it is given up."""
        super().loseConnection()
        self._abort_in(CLOSE_SECONDS)

    def _abort_in(self, seconds: float) -> None:
        # TCP tells of the other end's closing also after the connection is lost.
        if self._abortingCall is None and not self._is_lost:
            self._abortingCall = self.callLater(seconds, self.forceAbortClient)

    def _send100Continue(self) -> None:
        if not self._is_refused:
            super()._send100Continue()

    def writeConnectionLost(self) -> None:
        """Our end of file was sent."""

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line of the head that is too long."""
        self.refuse(refusal(431, "too_large", "The head of this request is too long."))

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(BAD_REQUEST)


class TermhubSite(Site):
    """Listens for HTTP.

    :param root: the resource that answers everything.
    :param guards: what connections and requests are held to.
    """

    protocol = TermhubChannel  # type: ignore[assignment]
    noisy = False
    displayTracebacks = False

    def __init__(self, root: IResource, reactor: Any, guards: Guards) -> None:
        self.guards = guards
        super().__init__(root, requestFactory=TermhubRequest, timeout=REQUEST_SECONDS, reactor=reactor)
        self.turns = Turns(reactor)
        self._large_bodies = 0

    def acceptableProtocols(self) -> list[bytes]:
        """What TLS may agree on (ALPN)."""
        return [b"http/1.1"]

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
            address=request.address,
        )
