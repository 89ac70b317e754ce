"""Every error of the web gateway, as problem details (RFC 9457).

One place decides which HTTP status an error has, and what a caller may learn of it.
Invariant: anything that is not a :class:`~termhub.errors.TermhubError` or an HTTP error
of the router is a defect: it is logged and answered with a plain 500.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus

import attrs
import msgspec
from msgspec import Struct
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from termhub.errors import (
    BadRequest,
    ConsoleError,
    KeyTaken,
    NameTaken,
    NoSandbox,
    NoSuchConsole,
    NotAllowed,
    NotLoggedIn,
    NotNow,
    StoreError,
    TermhubError,
    TooMany,
)

CONTENT_TYPE = "application/problem+json"


class Problem(Struct, frozen=True):
    """What went wrong: `detail` is a sentence for a person, `code` a word for a program."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"


@attrs.frozen
class Refusal:
    """A problem and the headers that belong to it."""

    problem: Problem
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    def body(self) -> bytes:
        """The problem as JSON."""
        return msgspec.json.encode(self.problem)


_BY_CODE = {
    "no_such_window": 404,
    "no_such_session": 404,
    "no_such_token": 404,
    "no_such_key": 404,
    "no_such_offer": 404,
    "no_such_share": 404,
    "no_such_member": 404,
    "no_such_account": 404,
    "no_such_image": 400,
    "bad_program": 400,
    "too_large": 413,
    "timeout": 504,
    "recovering": 503,
    "away": 503,
}

_BY_CLASS: tuple[tuple[type[TermhubError], int], ...] = (
    (BadRequest, 400),
    (NotLoggedIn, 401),
    (NotAllowed, 403),
    (NoSuchConsole, 404),
    (NameTaken, 409),
    (KeyTaken, 409),
    (ConsoleError, 409),
    (StoreError, 409),
    (TooMany, 429),
    (NoSandbox, 503),
)


def refusal(status: int, code: str, detail: str, **headers: str) -> Refusal:
    """A refusal with the status's own phrase as its title; header names with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(Problem(HTTPStatus(status).phrase, status, detail, code), named)


def refusal_of(error: BaseException) -> Refusal:
    """How to answer a request that ended in ``error``."""
    match error:
        case TooMany() | NotNow():
            wait = str(max(1, math.ceil(error.retry_after_seconds)))
            status = 429 if isinstance(error, TooMany) else 503
            return refusal(status, error.code, error.message, Retry_After=wait)
        case NotLoggedIn():
            return refusal(401, error.code, error.message, WWW_Authenticate='Bearer realm="termhub"')
        case TermhubError():
            return refusal(_status(error), error.code, error.message)
        case NotFound():
            return refusal(404, "not_found", "There is nothing at this address.")
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            return refusal(405, "method_not_allowed", f"This address answers {allowed} only.", Allow=allowed)
        case HTTPException() if error.code is not None and 400 <= error.code < 500:
            return refusal(error.code, "bad_request", error.description or "The request is not usable.")
        case _:
            return refusal(
                500, "internal_error", "termhub could not answer because of a defect; its log says more."
            )


def is_defect(error: BaseException) -> bool:
    """Whether the error should be logged as a fault of termhub."""
    return not isinstance(error, TermhubError | HTTPException)


def _status(error: TermhubError) -> int:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return next((status for kind, status in _BY_CLASS if isinstance(error, kind)), 500)
