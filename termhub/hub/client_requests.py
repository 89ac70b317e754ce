"""What clients may ask for, who may, and what it does.

:data:`OPERATIONS` is the whole list.  A request is checked here, whatever its client shows: by the role
of its viewer and, where it acts on programs, by who may type just now.

Invariant: at most :data:`MAX_REQUESTS` of a client are unanswered, each is answered once, and
nothing that a client sends raises anything but FrameError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, NotAllowed, TermhubError
from termhub.hub.client_messages import ClientRequest, decode_request
from termhub.hub.sizes import Size
from termhub.store import Role, rank

if TYPE_CHECKING:
    from termhub.hub.viewers import Viewer

MAX_REQUESTS = 32
"""Requests of one client that may be unanswered at a time."""

TYPED_LINES = 500
"""Most lines that a client is told who typed."""

FIND_CHARACTERS = 1000
"""The longest text that a client can look for."""

_log = Logger()

Handler = Callable[["Viewer", ClientRequest], Awaitable[dict[str, Any] | None]]


@attrs.frozen
class Operation:
    """One thing to ask for.

    :param handle: does it; returns what the reply has, or None when it has replied itself.
    :param at_least: the role it takes.
    :param control: ``typing`` for who may type now, ``acting`` for owners too, whoever types.
    """

    handle: Handler
    at_least: Role = "observer"
    control: Literal["typing", "acting"] | None = None

    def check(self, viewer: Viewer) -> None:
        """Refuse it to who may not.

        :raises NotAllowed: to them.
        """
        if rank(viewer.role) < rank(self.at_least):
            if self.at_least == "owner":
                raise NotAllowed("Only an owner of this console may do that.")
            raise NotAllowed("You may look at this console, not change it.")
        together = viewer.console.together
        if self.control == "typing":
            together.check_may_type(viewer.user, viewer.role)
        elif self.control == "acting":
            together.check_may_act(viewer.user, viewer.role)


class ClientRequests:
    """The requests of one viewer.

    :param viewer: whose they are.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._unanswered = 0

    def receive(self, payload: bytes) -> None:
        """Serve a request, or refuse it.

        :raises FrameError: when it is none.
        """
        try:
            request = decode_request(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            number = frames.parse_json(payload).get("id")
            if not isinstance(number, int):
                raise frames.FrameError(f"REQUEST: {error}") from None
            self._refuse(number, BadRequest(f"REQUEST: {error}."))
            return
        if self._unanswered >= MAX_REQUESTS:
            self._refuse(request.id, BadRequest("Too many requests at a time.", "too_many"))
            return
        operation = OPERATIONS.get(request.op)
        if operation is None:
            self._refuse(request.id, BadRequest(f"There is no request {request.op!r}.", "unknown_op"))
            return
        self._unanswered += 1
        serving = Deferred.fromCoroutine(self._serve(operation, request))
        serving.addErrback(self._failed, request)

    async def _serve(self, operation: Operation, request: ClientRequest) -> None:
        try:
            operation.check(self._viewer)
            result = await operation.handle(self._viewer, request)
            if result is not None:
                self._viewer.reply(request.id, result)
        except TermhubError as error:
            self._refuse(request.id, error)
        finally:
            self._unanswered -= 1

    def _failed(self, failure: Failure, request: ClientRequest) -> None:
        console = self._viewer.console.id
        _log.failure("Request {op} of {console} failed", failure, op=request.op, console=console)
        self._refuse(request.id, TermhubError("Something went wrong here; the log says what."))

    def _refuse(self, number: int, error: TermhubError) -> None:
        body = {"id": number, "ok": False, "code": error.code, "error": error.message}
        self._viewer.send(frames.encode(frames.REPLY, frames.CONSOLE, msgspec.json.encode(body)))


# -- looking ---------------------------------------------------------------------------


async def _ping(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    return {"t": request.t}


async def _subscribe(viewer: Viewer, request: ClientRequest) -> None:
    window = request.window or 0
    viewer.console.window(window)
    viewer.reply(request.id, {})
    viewer.watch(window, request.since)
    viewer.console.area_changed(viewer, (window,))


async def _unsubscribe(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    viewer.unwatch(request.window or 0)
    viewer.looks_away(request.window or 0)
    return {}


async def _keyframe(viewer: Viewer, request: ClientRequest) -> None:
    window = request.window or 0
    cursor = viewer.cursor(window)
    keyframe = await viewer.console.keyframe(window, request.scrollback)
    viewer.reply(request.id, {"offset": keyframe.offset})
    cursor.draw(keyframe, viewer.console.clock.seconds())


async def _view(viewer: Viewer, request: ClientRequest) -> None:
    if request.cols is None or request.rows is None:
        raise BadRequest("view needs columns and rows.")
    window = request.window or 0
    views = viewer.console.views
    history = await views.view(viewer, window, request.cols, request.rows, request.back or 0)
    viewer.reply(request.id, {"history": history})
    views.show(viewer, window)


async def _unview(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    window = request.window or 0
    viewer.console.views.unview(viewer, window)
    viewer.looks_away(window)
    return {}


async def _find(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    if len(request.text) > FIND_CHARACTERS:
        raise BadRequest(f"A text to find has at most {FIND_CHARACTERS} characters.")
    views, window = viewer.console.views, request.window or 0
    return await views.find(viewer, window, request.text, request.line, request.forward)


async def _copy(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    start, end = request.start, request.end
    if start is None or end is None or min(start[0], end[0]) < 0:
        raise BadRequest("copy needs the places to copy from and to.")
    return await viewer.console.views.copy(viewer, request.window or 0, start, end)


# -- changing --------------------------------------------------------------------------


async def _open(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    size = viewer.area or Size(80, 24)
    window = await viewer.console.open_window(
        program=request.program,
        argv=request.argv,
        cols=request.cols or size.cols,
        rows=request.rows or size.rows,
        window=request.window,
    )
    return {"window": window}


async def _close(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    if request.window is None:
        raise BadRequest("close needs a window.")
    await viewer.console.close_window(request.window)
    return {}


async def _signal(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    await viewer.console.signal(request.signal, request.window or 0)
    return {}


async def _policy(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    if request.policy is None:
        raise BadRequest("policy needs a policy.")
    size = Size(request.cols, request.rows) if request.cols and request.rows else None
    viewer.console.set_policy(request.policy, size)
    return {}


async def _detach_others(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    viewer.console.detach_others(viewer)
    return {}


# -- together --------------------------------------------------------------------------


async def _control(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    if request.mode is None:
        raise BadRequest("control needs a mode: anyone, one or owner.")
    await viewer.console.together.set_mode(viewer, request.mode)
    return {}


async def _control_ask(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    return {"granted": viewer.console.together.control.ask(viewer.person, viewer.role)}


async def _control_give(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    viewer.console.together.give_control(viewer, request.person)
    return {}


async def _look(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    looks, window = viewer.console.together.looks, request.window or 0
    start, end = request.start, request.end
    if (start is None) != (end is None):
        raise BadRequest("look needs both ends of what is selected.")
    looks.look(viewer, window, request.back or 0, start, end)
    return {}


async def _say(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    return {"number": await viewer.console.together.chat.say(viewer, request.text)}


async def _chat(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    return await viewer.console.together.chat.read(request.before)


async def _offer(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    return {"draft": viewer.console.together.drafts.offer(viewer, request.text)}


async def _withdraw(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    viewer.console.together.drafts.withdraw(viewer, request.draft)
    return {}


async def _run_draft(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    def check() -> None:
        OPERATIONS["run_draft"].check(viewer)

    await viewer.console.together.drafts.run(viewer, request.draft, request.window or 0, check)
    return {}


async def _typed(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    limit = min(request.limit or TYPED_LINES, TYPED_LINES)
    lines = await viewer.console.typed(request.window or 0, limit)
    return {"lines": msgspec.to_builtins(lines)}


async def _answer(viewer: Viewer, request: ClientRequest) -> dict[str, Any]:
    try:
        number = int(request.ask)
    except ValueError:
        raise BadRequest("ask is a number.") from None
    await viewer.console.together.asks.decide(number, request.allow, viewer.user)
    return {}


OPERATIONS: dict[str, Operation] = {
    "ping": Operation(_ping),
    "subscribe": Operation(_subscribe),
    "unsubscribe": Operation(_unsubscribe),
    "keyframe": Operation(_keyframe),
    "view": Operation(_view),
    "unview": Operation(_unview),
    "find": Operation(_find),
    "copy": Operation(_copy),
    "look": Operation(_look),
    "say": Operation(_say),
    "chat": Operation(_chat),
    "typed": Operation(_typed),
    "open": Operation(_open, "writer", "acting"),
    "close": Operation(_close, "writer", "acting"),
    "signal": Operation(_signal, "writer", "acting"),
    "policy": Operation(_policy, "writer", "acting"),
    "offer": Operation(_offer, "writer"),
    "withdraw": Operation(_withdraw, "writer"),
    "run_draft": Operation(_run_draft, "writer", "typing"),
    "control_ask": Operation(_control_ask, "writer"),
    "control_give": Operation(_control_give, "writer"),
    "control": Operation(_control, "owner"),
    "answer": Operation(_answer, "owner"),
    "detach_others": Operation(_detach_others, "owner"),
}
