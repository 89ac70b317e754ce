"""What an operation of the REST API is: a route, the types of what goes in and out, and a handler.

Handlers are plain coroutines from values to values; they know neither HTTP nor klein, so
that tests call them as they are.  Routing and the OpenAPI document are made from the same
:class:`Operation`, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs
from msgspec import Struct

from termhub.store import User

from .services import Services

Body = TypeVar("Body")
Query = TypeVar("Query")

PREFIX = "/api/v1"


class Bytes:
    """Stands for a body of raw bytes where an operation names a type."""


@attrs.frozen
class Call(Generic[Body, Query]):
    """One request, authenticated, with everything parsed.

    ``session`` is the secret of the cookie, when there was one; ``address`` and ``agent``
    say where the request comes from.
    """

    user: User
    path: Mapping[str, Any]
    body: Body
    query: Query
    address: str = ""
    agent: str = ""
    session: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Answer:
    """A response: JSON from ``value``, or ``data`` as it is, or nothing.

    ``session`` sets the login cookie to this secret; the empty string deletes it.
    """

    status: int = 200
    value: Struct | None = None
    data: bytes | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    session: str | None = attrs.field(default=None, repr=False)


Handler = Callable[[Services, Call[Any, Any]], Awaitable[Answer]]


@attrs.frozen
class Operation:
    """One method of one path.

    :param path: below :data:`PREFIX`, with parameters as ``<name>`` or ``<int:name>``.
    :param answers: the type of the body for each status it succeeds with; None for none.
    :param refusals: the statuses, besides those that any operation can have, that it
        refuses with.
    :param is_public: whether it needs no login.
    :param stops_when_unwanted: whether it is cancelled when its client goes away; what
        changes something is carried through instead.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    answers: Mapping[int, type[Struct] | type[Bytes] | None]
    body: type[Struct] | type[Bytes] | None = None
    query: type[Struct] | None = None
    refusals: tuple[int, ...] = ()
    answer_headers: Mapping[str, str] = attrs.field(factory=dict)
    is_public: bool = False
    stops_when_unwanted: bool = False

    @property
    def name(self) -> str:
        """A word for it, unique in the API."""
        return str(getattr(self.handler, "__name__", "operation"))

    @property
    def changes_something(self) -> bool:
        """Whether a foreign page must not be able to cause it."""
        return self.method not in ("GET", "HEAD")
