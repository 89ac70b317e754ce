"""klein routes from operations: who asks, what is asked, and how the answer goes out.

The steps of every request are here once: credentials, the check against foreign pages,
the body and the query as types, the role in the console it is about, the handler, and the response
or problem.  Invariant: a handler is called only for who may call it, by credentials that are good for it, and
what it found is sent only to who still may know it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs
import msgspec
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map

from termhub.accounts import Bearer, Cookie, Credentials, GuestPass, Identity
from termhub.accounts.identity import SESSION_SECONDS
from termhub.errors import BadRequest, NoSuchConsole, NotAllowed, NotLoggedIn
from termhub.store import rank

from .http import TermhubRequest
from .load import Load
from .operations import NOBODY, PREFIX, Answer, Bytes, Call, Operation
from .origins import is_ours
from .outflow import send
from .problems import is_defect, refusal_of
from .rates import Rates
from .services import Services

COOKIE = b"termhub_session"
GUEST_COOKIE = b"termhub_guest"

MOST_NUMBER = (1 << 63) - 1
"""Nothing has a larger number; the store could not look for one."""

_UNKNOWN = Identity(NOBODY, frozenset())

_log = Logger()


@attrs.frozen
class Router:
    """Serves operations.

    :param services: what handlers use.
    :param origins: origins that are ours besides the one that was asked.
    :param rates: counts what users ask.
    """

    services: Services
    origins: Collection[str]
    rates: Rates
    load: Load = attrs.field(factory=Load)

    def add(self, app: Klein, operations: Iterable[Operation]) -> None:
        """Give the app a route for each operation."""
        for operation in operations:
            app.route(PREFIX + operation.path, methods=[operation.method], endpoint=operation.name)(
                self._endpoint(operation)
            )

    def _endpoint(self, operation: Operation) -> Any:
        async def endpoint(request: TermhubRequest, **path: Any) -> bytes:
            answering = Deferred.fromCoroutine(self._answer(operation, request, path))
            answer = await (answering if operation.stops_when_unwanted else carried_through(answering))
            if answer.stream is not None:
                return await send(request, lambda: self._respond(operation, request, answer), answer.stream)
            return self._respond(operation, request, answer)

        return endpoint

    async def _answer(self, operation: Operation, request: TermhubRequest, path: Any) -> Answer:
        identity = await self._caller(operation, request)
        user = identity.user
        if user is not NOBODY:
            self.rates.of_user(user.number, operation.is_expensive)
        if any(isinstance(value, int) and value > MOST_NUMBER for value in path.values()):
            raise NotFound
        if operation.changes_something:
            self._refuse_foreign(request)
        if operation.refuses_guests and user.is_guest:
            raise NotAllowed("Guests may not do that. Log in first.", "guests_may_not")
        if user is not NOBODY:
            for scope in operation.scopes:
                identity.check(scope)
        body = request.body() if operation.body is not None else b""
        call: Call[Any, Any] = Call(
            identity=identity,
            path=path,
            body=_body(operation, body),
            query=_query(operation, request),
            address=request.address,
            agent=request.header("User-Agent") or "",
            session=request.cookie(COOKIE),
            guest=request.cookie(GUEST_COOKIE),
        )
        if user is NOBODY:
            return await operation.handler(self.services, call)
        if operation.role is not None:
            found = self.services.consoles.get(user, path["console"], operation.role)
            if operation.role == "writer":
                found.check_may_act(user, self.services.consoles.role_of(user, found) or "observer")
            call = attrs.evolve(call, found=found)
        with self.load.of_call(user.number, len(body)):
            answer = await operation.handler(self.services, call)
        if not operation.changes_something:
            self._check_still(operation, call)
        return answer

    def _check_still(self, operation: Operation, call: Call[Any, Any]) -> None:
        """See to it that who waited for an answer may have it: a share may have been revoked meanwhile."""
        if operation.role is not None:
            role = self.services.consoles.role_of(call.user, call.console)
            if role is None or rank(role) < rank(operation.role):
                raise NoSuchConsole("You have this console no longer.")

    async def _caller(self, operation: Operation, request: TermhubRequest) -> Identity:
        if operation.access == "anybody":
            return _UNKNOWN
        try:
            return (await self.identify(request))[0]
        except NotLoggedIn:
            if operation.access == "visitor" and request.header("Authorization") is None:
                return _UNKNOWN
            raise

    async def identify(self, request: TermhubRequest) -> tuple[Identity, Credentials]:
        """Whose credentials the request shows, and which they are.

        A login goes before what a guest has; when it has expired, the guest is who is left.

        :raises NotLoggedIn: when there are none, or they are wrong.
        """
        refused = NotLoggedIn("Log in first, or send a token: Authorization: Bearer TOKEN.")
        for credentials in credentials_of(request):
            try:
                return await self.services.accounts.identify(credentials, request.address), credentials
            except NotLoggedIn as error:
                if error.code == "suspended":
                    raise
                refused = error
        raise refused

    def _refuse_foreign(self, request: TermhubRequest) -> None:
        """Refuse what a foreign page may have caused.

        Without a cookie there is nothing to misuse, but a page must not log its visitor
        in as somebody else either: a foreign ``Origin`` is refused always.
        """
        shown = credentials_of(request)
        if any(isinstance(credentials, Bearer) for credentials in shown):
            return
        origin = request.header("Origin")
        if origin is None and not shown:
            return
        if not is_ours(origin, request.header("Sec-Fetch-Site"), request.asked_host, self.origins):
            raise NotAllowed(
                "With a login cookie, changes are accepted from termhub's own pages only "
                "(Origin or Sec-Fetch-Site). Programs use a token.",
                "foreign_origin",
            )

    def _respond(self, operation: Operation, request: TermhubRequest, answer: Answer) -> bytes:
        request.setResponseCode(answer.status)
        for name, secret in ((COOKIE, answer.session), (GUEST_COOKIE, answer.guest)):
            if secret is not None:
                request.set_cookie(name, secret, SESSION_SECONDS if secret else 0)
        if answer.value is not None:
            return request.send(
                msgspec.json.encode(answer.value), "application/json", "no-store", answer.headers
            )
        kind = operation.answers.get(answer.status)
        content_type = kind.content_type if kind is not None and issubclass(kind, Bytes) else ""
        body = None if answer.stream is not None else answer.data or b""
        return request.send(body, content_type, "no-store", answer.headers)


def new_app() -> Klein:
    """A klein app that answers every failure with a problem."""
    app = Klein()
    url_map: Map = app.url_map
    # Never redirect: a request is either for an address of ours or not.
    url_map.merge_slashes = False
    url_map.strict_slashes = True
    app.handle_errors(Exception)(_answer_failure)
    return app


def _answer_failure(request: TermhubRequest, failure: Failure) -> bytes:
    error = failure.value
    assert error is not None
    if is_defect(error):
        _log.failure("{method!r} {path} failed", failure, method=request.method, path=request.logged_path)
    return request.refuse(refusal_of(error))


def credentials_of(request: TermhubRequest) -> list[Credentials]:
    """What a request shows: a bearer token alone, or its cookies, that of a login first.

    :raises NotLoggedIn: for an ``Authorization`` header of another kind.
    """
    header = request.header("Authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise NotLoggedIn("The Authorization header must be: Bearer TOKEN.", "bad_token")
        return [Bearer(secret.strip())]
    session, guest = request.cookie(COOKIE), request.cookie(GUEST_COOKIE)
    shown: list[Credentials] = [] if session is None else [Cookie(session)]
    return shown if guest is None else [*shown, GuestPass(guest)]


def carried_through(work: Deferred[Answer]) -> Deferred[Answer]:
    """A Deferred for ``work`` whose cancellation does not reach it.

    A client that goes away must not leave half of a change behind.
    """
    answer: Deferred[Answer] = Deferred()
    work.addCallbacks(answer.callback, answer.errback)
    return answer


def _body(operation: Operation, content: bytes) -> Any:
    if operation.body is None:
        return None
    if operation.body is Bytes:
        return content
    content = content or b"{}"
    try:
        try:
            return msgspec.json.decode(content, type=operation.body)
        except msgspec.ValidationError:
            return msgspec.convert(_with_integers(msgspec.json.decode(content)), operation.body)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The body is not usable: {error}.", "bad_body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.", "bad_body") from None


def _with_integers(value: Any) -> Any:
    """JSON in which 80.0 is 80, the same integer (JSON Schema, 4.2.3), as msgspec does not see it."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_with_integers(item) for item in value]
        case dict():
            return {name: _with_integers(item) for name, item in value.items()}
    return value


def _query(operation: Operation, request: TermhubRequest) -> Any:
    if operation.query is None:
        return None
    values = {}
    arguments: dict[bytes, Sequence[bytes]] = request.args
    for name, given in arguments.items():
        if len(given) != 1:
            raise BadRequest(f"{name.decode('utf-8', 'replace')} is given more than once.", "bad_query")
        values[name.decode("utf-8", "replace")] = given[0].decode("utf-8", "replace")
    try:
        return msgspec.convert(values, operation.query, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"The query is not usable: {error}.", "bad_query") from None
