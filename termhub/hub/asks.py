"""What programs in a console ask of its owners: that the console be shared.

A program runs with no more trust than anything else in its sandbox, and may be started by a writer who
wants to stay.  To let others look for a day is granted at once; to let them look for longer, or write, takes
the yes of an owner who is there; nobody becomes an owner this way.

Invariant: every question is answered once, at most :data:`OPEN_SECONDS` after it came or when the console's
host can be reached again, and no console gets more than :data:`MOST_AN_HOUR` links an hour this way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from termhub.accounts.attempts import Attempts
from termhub.errors import BadRequest, ConsoleError, NotAllowed, TermhubError
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.host_messages import HostEvent
from termhub.hub.invitations import Invitation
from termhub.store import Role, User

OPEN_SECONDS = 60.0
"""How long an owner may think."""

MOST_OPEN = 4
MOST_AN_HOUR = 10
DEFAULT_SECONDS = 86400.0
"""How long a share lasts when nothing is said, and at most where no owner says yes."""

MOST_CHARACTERS = 300
"""Of an answer in words: it has to fit into one write to the sandbox."""

MOST_TRIES = 3
MOST_REPLIES = 16
"""Answers under way to a host; one that takes none of them gets no more."""


_log = Logger()


class Grant(Protocol):
    """Shares the console by a link."""

    async def __call__(self, role: Role, seconds: float, uses: int | None, by: User | None) -> Invitation:
        """How one comes by the link.

        :param by: the owner who said yes; None: the account whose console it is.
        :raises TermhubError: when it cannot be.
        """


@attrs.define(eq=False)
class _Ask:
    """A question that is not answered yet.

    :param waits: whether an owner has to say yes or no.
    """

    number: int
    role: Role
    seconds: float
    uses: int | None
    waits: bool = False
    timeout: DelayedCall | None = None

    def event(self) -> dict[str, Any]:
        """What owners are told."""
        return {
            "type": "asks",
            "ask": self.number,
            "role": self.role,
            "expires": self.seconds,
            "uses": self.uses,
        }


class Asks:
    """The questions of one console's programs.

    :param grant: shares the console.
    :param answer: passes an answer to the host; fails with ConsoleError when it cannot.
    :param tell_owners: sends an event to every viewer who is an owner; how many that are.
    """

    def __init__(
        self,
        grant: Grant,
        answer: Callable[[dict[str, Any]], Awaitable[object]],
        tell_owners: Callable[[dict[str, Any]], int],
        clock: Clock,
    ) -> None:
        self._grant = grant
        self._answer = answer
        self._tell_owners = tell_owners
        self._clock = clock
        self._open: dict[int, _Ask] = {}
        self._replies = 0
        hour = 3600.0
        self._hourly = Attempts(
            clock.seconds, burst=MOST_AN_HOUR, refill_seconds=hour / MOST_AN_HOUR, what="questions to share"
        )

    # -- the host's side -------------------------------------------------------------

    def asked(self, event: HostEvent) -> None:
        """A program asks; again after a link was lost, when it has no answer yet."""
        if event.ask in self._open:
            return
        if len(self._open) >= MOST_OPEN:
            self._refuse(event.ask, f"This console asks for {MOST_OPEN} shares already; wait for an answer.")
            return
        try:
            role = _allowed_role(event)
            self._hourly.spend("console")
        except TermhubError as error:
            self._refuse(event.ask, error.message)
            return
        seconds = DEFAULT_SECONDS if event.seconds is None else event.seconds
        waits = role != "observer" or seconds > DEFAULT_SECONDS
        ask = self._open[event.ask] = _Ask(event.ask, role, seconds, event.uses, waits)
        if not ask.waits:
            self._spawn(self._share(ask, None))
            return
        # Before owners are told: one in this process may decide at once.
        ask.timeout = self._clock.callLater(OPEN_SECONDS, self._nobody_answered, ask)
        if not self._tell_owners(ask.event()):
            ask.timeout.cancel()
            self._refuse(ask.number, "No owner of this console is there to allow that.")

    # -- the owners' side ------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        """What an owner who comes now is told: the questions that wait."""
        return [ask.event() for ask in self._open.values() if ask.waits]

    async def decide(self, number: int, allow: bool, by: User) -> None:
        """An owner says yes or no.

        :raises BadRequest: when nobody asks that, or it is decided.
        :raises NotAllowed: for a guest, who may not share.
        :raises TermhubError: when it cannot be shared; the program is told too.
        """
        ask = self._open.get(number)
        if ask is None or not ask.waits:
            raise BadRequest("That is answered already.", "no_such_ask")
        if by.is_guest and allow:
            raise NotAllowed("Guests may not share consoles.", "guests_may_not")
        self._decided(ask, allow)
        if not allow:
            self._refuse(ask.number, f"{by.label} said no.")
            return
        error = await self._share(ask, by)
        if error is not None:
            raise error

    def close(self) -> None:
        """The console has ended, or the hub stops: nobody waits any longer."""
        for ask in self._open.values():
            if ask.timeout is not None and ask.timeout.active():
                ask.timeout.cancel()
        self._open.clear()

    # -- details ---------------------------------------------------------------------

    async def _share(self, ask: _Ask, by: User | None) -> TermhubError | None:
        """Share and answer; what was in the way."""
        try:
            invitation = await self._grant(ask.role, ask.seconds, ask.uses, by)
        except TermhubError as error:
            self._refuse(ask.number, error.message)
            return error
        except Exception:
            self._refuse(ask.number, "Something went wrong; the hub's log says what.")
            raise
        links = {"url": invitation.url, "ssh": invitation.ssh}
        self._reply(ask.number, ok=True, **{name: text for name, text in links.items() if text})
        return None

    def _nobody_answered(self, ask: _Ask) -> None:
        self._decided(ask, None)
        self._refuse(ask.number, f"No owner has answered in {OPEN_SECONDS:.0f} seconds.")

    def _decided(self, ask: _Ask, allow: bool | None) -> None:
        """Owners need not answer it any longer; None: nobody has."""
        ask.waits = False
        if ask.timeout is not None and ask.timeout.active():
            ask.timeout.cancel()
        self._tell_owners({"type": "answered", "ask": ask.number, "allow": allow})

    def _refuse(self, number: int, why: str) -> None:
        self._reply(number, ok=False, error=why[:MOST_CHARACTERS])

    def _reply(self, number: int, **answer: Any) -> None:
        if self._replies < MOST_REPLIES:
            self._replies += 1
            self._spawn(self._send(number, {"ask": number, **answer}))

    async def _send(self, number: int, answer: dict[str, Any]) -> None:
        try:
            for tries_left in reversed(range(MOST_TRIES)):
                try:
                    await self._answer(answer)
                    return
                except ConsoleError as error:
                    # The host was lost with the answer; its successor is asked the same again.
                    if error.code != "recovering" or not tries_left:
                        _log.debug("A program's question is not answered: {why}", why=error.message)
                        return
        finally:
            self._replies -= 1
            self._open.pop(number, None)

    def _spawn(self, coroutine: Coroutine[Any, Any, object]) -> None:
        done = Deferred.fromCoroutine(coroutine)
        done.addErrback(lambda why: _log.failure("A program's question failed", why))


def _allowed_role(event: HostEvent) -> Role:
    """The role that is asked for.

    :raises TermhubError: when a program may not ask for that.
    """
    if event.op != "share":
        raise BadRequest("Only shares can be asked for.", "unknown_op")
    if event.role == "observer":
        return "observer"
    if event.role == "writer":
        return "writer"
    raise NotAllowed("From inside a console it is shared with observers and writers only.")
