"""What an operation of the REST API is: a route, the types of what goes in and out, and a handler.

Handlers are plain coroutines from values to values; they know neither HTTP nor klein, so
that tests call them as they are.  Routing and the OpenAPI document are made from the same
:class:`Operation`, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Literal, TypeVar, get_args

import attrs
from msgspec import Struct

from termhub.accounts import Identity
from termhub.hub.export import Sink
from termhub.store import Role, Scope, User

from .services import Console, Services

Body = TypeVar("Body")
Query = TypeVar("Query")

PREFIX = "/api/v1"

NOBODY = User(0, "", 0.0, "")
"""Who calls an operation without being known."""

Access = Literal["anybody", "visitor", "person", "account", "observer", "writer", "owner", "admin"]
"""Who may call an operation: anybody at all; anybody, but it matters who they are; whoever is known,
also a guest; whoever has an account; who has at least this role in the console of the path; or who looks
after the hub."""


class Bytes:
    """Stands for a body of raw bytes where an operation names a type."""

    content_type = "application/octet-stream"


class Tar(Bytes):
    """A tar archive."""

    content_type = "application/x-tar"


@attrs.frozen
class Call(Generic[Body, Query]):
    """One request, authenticated, with everything parsed.

    ``session`` and ``guest`` are the secrets of the cookies, when there were some; ``address`` and
    ``agent`` say where the request comes from.  ``found`` is the console of the path, in which the
    user has the role that the operation needs.
    """

    identity: Identity
    path: Mapping[str, Any]
    body: Body
    query: Query
    address: str = ""
    agent: str = ""
    session: str | None = attrs.field(default=None, repr=False)
    guest: str | None = attrs.field(default=None, repr=False)
    found: Console | None = None

    @property
    def user(self) -> User:
        """Who calls; :data:`NOBODY` where it need not be known."""
        return self.identity.user

    @property
    def console(self) -> Console:
        """The console of the path, where the operation has one."""
        assert self.found is not None
        return self.found


@attrs.frozen
class Answer:
    """A response: JSON from ``value``, ``data`` as it is, what ``stream`` writes piece by piece, or nothing.

    ``session`` sets the login cookie to this secret, ``guest`` that of a guest; the empty string
    deletes it.
    """

    status: int = 200
    value: Struct | None = None
    data: bytes | None = None
    stream: Callable[[Sink], Awaitable[None]] | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    session: str | None = attrs.field(default=None, repr=False)
    guest: str | None = attrs.field(default=None, repr=False)


Handler = Callable[[Services, Call[Any, Any]], Awaitable[Answer]]


@attrs.frozen
class Operation:
    """One method of one path.

    :param path: below :data:`PREFIX`, with parameters as ``<name>`` or ``<int:name>``.
    :param answers: the type of the body for each status it succeeds with; None for none.
    :param refusals: the statuses, besides those that any operation can have, that it
        refuses with.
    :param access: who may call it.
    :param scope: what the credentials of who calls it must be good for, where it matters who that is:
        if it is not said, to read for ``GET``, to write for the others, and ``admin`` for what
        administrators do.
    :param accounts_only: whether guests may not, whatever their role.
    :param is_expensive: whether it starts or writes out much, so that a user may do it less often.
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
    access: Access = attrs.field(kw_only=True)
    scope: Scope = attrs.field()
    accounts_only: bool = False
    is_expensive: bool = False
    stops_when_unwanted: bool = False

    @scope.default
    def _usual_scope(self) -> Scope:
        if self.access == "admin":
            return "admin"
        return "write" if self.changes_something else "read"

    @property
    def name(self) -> str:
        """A word for it, unique in the API."""
        return str(getattr(self.handler, "__name__", "operation"))

    @property
    def is_public(self) -> bool:
        """Whether it needs no login."""
        return self.access in ("anybody", "visitor")

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """All that credentials must be good for: also ``admin`` for administrators, whatever else is said."""
        return (self.scope, "admin") if self.access == "admin" else (self.scope,)

    @property
    def role(self) -> Role | None:
        """The least role in the console of the path that it needs, where it is about one."""
        return next((role for role in get_args(Role) if role == self.access), None)

    @property
    def refuses_guests(self) -> bool:
        """Whether guests may not call it, whatever is shared with them."""
        return self.accounts_only or self.access in ("account", "admin")

    @property
    def changes_something(self) -> bool:
        """Whether a foreign page must not be able to cause it."""
        return self.method not in ("GET", "HEAD")
