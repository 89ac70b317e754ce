"""What every answer has, and whole answers for when there is no request to answer."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from .problems import CONTENT_TYPE, Refusal, refusal

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

BAD_REQUEST = refusal(400, "bad_request", "This is not a valid HTTP/1.1 request.")
TOO_MANY_CONNECTIONS = refusal(
    503, "too_many_connections", "There are too many connections; close some, or try again.", Retry_After="5"
)


def last_response(refused: Refusal, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole HTTP/1.1 response with a problem, after which the connection closes.

    :param headers: further headers.
    """
    body = refused.body()
    headers = {
        **SECURITY_HEADERS,
        **(headers or {}),
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
