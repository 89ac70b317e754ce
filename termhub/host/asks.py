"""What programs in the sandbox ask of the console's owner, on its way to the hub and back.

The agent asks by an EVENT, the hub answers by a REQUEST.  A hub that comes later hears of what is still
open, and answers are passed on even where nobody here remembers the question, as after a
host was killed: the agent knows what it has asked.

Invariant: what an agent asks is checked before a link hears of it, and :data:`MOST_OPEN` are open at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from sandbox.guest import frames

if TYPE_CHECKING:
    from termhub.host.console import Surroundings, Timer
    from termhub.host.hub_link import HubLink
    from termhub.host.notices import Notices
    from termhub.host.requests import Requests

MOST_OPEN = 8
OPEN_SECONDS = 90.0
"""After that nobody is going to answer; hubs decide within 60 s."""

ROLES = ("observer", "writer", "owner")
MOST_SECONDS = 10 * 365 * 86400.0
TEXT_CHARACTERS = 1000
_MOST_NUMBER = 1 << 31


@define(eq=False)
class _Open:
    event: dict[str, Any]
    timer: Timer


@define(eq=False)
class Asks:
    """The questions of one console's programs."""

    _requests: Requests
    _notices: Notices
    _around: Surroundings
    _open: dict[int, _Open] = field(factory=dict)

    def operations(self) -> dict[str, Callable[[HubLink, int, dict[str, Any]], None]]:
        """What a link may ask for, by name."""
        return {"answer": self._answer}

    def asked(self, event: dict[str, Any]) -> None:
        """The agent asks; what cannot be asked is answered at once."""
        number = event.get("ask")
        if type(number) is not int or not 0 <= number < _MOST_NUMBER:
            return  # nobody could answer it
        why = _objection(event)
        if why is None and number not in self._open and len(self._open) >= MOST_OPEN:
            why = "This console asks too much at once; wait for an answer."
        if why is not None:
            self._refuse(number, why)
            return
        before = self._open.pop(number, None)
        if before is not None:
            before.timer.cancel()
        told = {name: event.get(name) for name in ("ask", "op", "role", "seconds", "uses")}
        timer = self._around.call_later(OPEN_SECONDS, self._unanswered, number)
        self._open[number] = _Open({"type": "ask", **told}, timer)
        self._notices.broadcast(frames.CONSOLE, {"type": "ask", **told})

    def greeted(self, link: HubLink) -> None:
        """A link has begun: it hears what is open."""
        for entry in self._open.values():
            link.tell(frames.encode_json(frames.EVENT, frames.CONSOLE, entry.event))

    def ended(self) -> None:
        """The sandbox is gone, and who asked with it."""
        for entry in self._open.values():
            entry.timer.cancel()
        self._open.clear()

    def _answer(self, link: HubLink, number: int, request: dict[str, Any]) -> None:
        ask = request.get("ask")
        texts: dict[str, Any] = {name: request[name] for name in ("url", "ssh", "error") if name in request}
        fits = all(isinstance(text, str) and len(text) <= TEXT_CHARACTERS for text in texts.values())
        if type(ask) is not int or type(request.get("ok")) is not bool or not fits:
            link.refuse(request, frames.CONSOLE, "bad_request", "an answer has ask, ok and short texts")
            return
        entry = self._open.pop(ask, None)
        if entry is not None:
            entry.timer.cancel()
        self._requests.ask(link, frames.CONSOLE, request, {"ask": ask, "ok": request["ok"], **texts})

    def _refuse(self, number: int, why: str) -> None:
        arguments = {"ask": number, "ok": False, "error": why}
        self._requests.ask(None, frames.CONSOLE, {"op": "answer"}, arguments)

    def _unanswered(self, number: int) -> None:
        del self._open[number]
        self._refuse(number, "Nobody has answered.")


def _objection(event: dict[str, Any]) -> str | None:
    """What is wrong with a question, for the program that asks; None: nothing."""
    if event.get("op") != "share":
        return "Only shares can be asked for."
    if event.get("role") not in ROLES:
        return f"The role is one of {', '.join(ROLES)}."
    seconds, uses = event.get("seconds"), event.get("uses")
    if not isinstance(seconds, int | float) or not 1 <= seconds <= MOST_SECONDS:
        return "A share ends after a number of seconds, at least one."
    if uses is not None and (type(uses) is not int or not 1 <= uses < _MOST_NUMBER):
        return "The number of uses is at least one."
    return None
