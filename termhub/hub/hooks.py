"""The operator's hook: tells another program, such as one for payments, what happens to users' limits.

An event waits in the store until the hook has taken it with a 2xx answer, so it is told at least once;
events are told one at a time and in their order.  Signed as ``Termhub-Signature: t=TIME,v1=MAC``, with
the HMAC-SHA-256 of ``TIME.BODY`` in hex.

Invariant: nobody waits for the hook; what it sends back is read up to a bound, and its redirects are
not followed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer  # type: ignore[import-untyped]

from termhub import __version__
from termhub.config import HooksSettings
from termhub.errors import ConfigError, TermhubError
from termhub.hub.clock import DelayedCall
from termhub.store import HookEvent, Store, User

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 15.0
MAX_ANSWER_BYTES = 64 * 1024
FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 3600.0
GIVE_UP_SECONDS = 86_400.0
"""How old an event becomes that nobody takes."""

LEAST_SECRET_BYTES = 16
_MAX_SECRET_BYTES = 4096

_log = Logger()


@attrs.frozen
class Target:
    """Where events go, and what signs them."""

    url: str
    secret: bytes = attrs.field(repr=False)


def read_target(settings: HooksSettings) -> Target | None:
    """Where the settings want events to go; None: nowhere.  Blocks.

    :raises ConfigError: when address or secret cannot be used.
    """
    if not settings.url:
        return None
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not settings.url.isascii():
        raise ConfigError(f"Setting hooks.url = {settings.url!r} is no address; write https://HOST/PATH.")
    if not settings.secret_file:
        raise ConfigError(
            "Setting hooks.url needs hooks.secret_file: a file with the secret that signs events."
        )
    return Target(settings.url, _read_secret(Path(settings.secret_file)))


def _read_secret(path: Path) -> bytes:
    where = f"The hook's secret {path} (hooks.secret_file)"
    try:
        with open(path, "rb", opener=_opened) as file:
            status = os.fstat(file.fileno())
            content = file.read(_MAX_SECRET_BYTES + 1) if stat.S_ISREG(status.st_mode) else None
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror or error}.") from None
    if content is None:
        raise ConfigError(f"{where} is no file.")
    if status.st_mode & 0o007:
        raise ConfigError(f"{where} is open to every user of this machine; run: chmod 600 {path}")
    secret = content.strip()
    if not LEAST_SECRET_BYTES <= len(secret) <= _MAX_SECRET_BYTES:
        raise ConfigError(
            f"{where} has {len(secret)} bytes; it needs {LEAST_SECRET_BYTES} to {_MAX_SECRET_BYTES}. "
            "Make one with: openssl rand -hex 32"
        )
    return secret


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # not to wait for the writer of a pipe


def signature(secret: bytes, time: int, body: bytes) -> str:
    """The header that says who sent a body, and when (seconds since 1970)."""
    mac = hmac.new(secret, b"%d.%s" % (time, body), hashlib.sha256).hexdigest()
    return f"t={time},v1={mac}"


class Hooks:
    """Tells the hook.

    :param target: None: nobody is told anything.
    :param reactor: Twisted's.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, target: Target | None, store: Store, reactor: Any, now: Callable[[], float]) -> None:
        self._target = target
        self._store = store
        self._agent = Agent(reactor, connectTimeout=CONNECT_SECONDS)  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._now = now
        self._timer: DelayedCall | None = None
        self._telling: Deferred[Any] | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Tell what waits since the last hub."""
        self._tell_soon()

    def stop(self) -> None:
        """Tell nothing more; what waits stays for the next hub."""
        self._is_stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._telling is not None:
            self._telling.cancel()

    async def note(self, type: str, user: User, plan: str, **more: Any) -> None:
        """Something has happened to a user; it is told soon.

        :param type: such as ``user.near_limit``.
        :param more: ``name`` of the limit, ``limit`` and ``used`` in its unit, ``console``.
        """
        if self._target is None:
            return
        now = self._now()
        body = {
            "id": f"ev-{secrets.token_hex(12)}",
            "time": round(now, 3),
            "type": type,
            "user": user.name,
            "number": user.number,
            "plan": plan,
            **more,
        }
        await self._store.add_hook_event(now, body)
        self._tell_soon()

    # -- telling ---------------------------------------------------------------------

    def _tell_soon(self, seconds: float = 0.0) -> None:
        if self._target is None or self._is_stopped or self._telling is not None:
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._telling = Deferred.fromCoroutine(self._tell_all())
        self._telling.addBoth(self._rested)

    def _rested(self, result: float | Failure | None) -> None:
        self._telling = None
        if isinstance(result, Failure):
            if self._is_stopped:
                return
            if result.check(TermhubError) is None:  # type: ignore[no-untyped-call]
                _log.failure("Telling the hook failed", result)
            result = FIRST_PAUSE_SECONDS
        if result is not None:
            self._tell_soon(result)

    async def _tell_all(self) -> float | None:
        """Tell all that can be told; the seconds until the next try, or None when nothing waits."""
        while True:
            waiting = await self._store.due_hook_events(float("inf"), 1)
            if not waiting:
                return None
            event = waiting[0]
            pause = event.next_try - self._now()
            if pause > 0:
                return pause
            why = await self._tell(event)
            if self._is_stopped:
                return None
            if why is None:
                await self._store.remove_hook_event(event.number)
            elif self._now() - event.created > GIVE_UP_SECONDS:
                _log.error("The hook never took an event; it is dropped: {event}", event=event.body)
                await self._store.remove_hook_event(event.number)
            else:
                pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(event.tries, 20))
                _log.warn("The hook took no event: {why}; again in {s:.0f} s", why=why, s=pause)
                await self._store.put_off_hook_event(event.number, self._now() + pause)

    async def _tell(self, event: HookEvent) -> str | None:
        """Send an event; why it was not taken, or None."""
        assert self._target is not None
        body = event.body.encode()
        headers = Headers(
            {
                "Content-Type": ["application/json"],
                "User-Agent": [f"termhub/{__version__}"],
                "Termhub-Signature": [signature(self._target.secret, int(self._now()), body)],
            }
        )
        asked = self._agent.request(
            b"POST",
            self._target.url.encode(),
            headers,
            _Body(body),  # type: ignore[arg-type]
        )
        try:
            response: Any = await asked.addTimeout(ANSWER_SECONDS, self._reactor)
        except Exception as error:  # noqa: BLE001 - not there, a wrong certificate, nonsense, too late
            return str(error) or type(error).__name__
        rest = _Rest()
        response.deliverBody(rest)
        await rest.over.addTimeout(ANSWER_SECONDS, self._reactor, rest.given_up)
        return None if 200 <= response.code < 300 else f"it answered {response.code}"


@implementer(IBodyProducer)
class _Body:
    """What is sent, at once."""

    def __init__(self, body: bytes) -> None:
        self.length = len(body)
        self._body = body

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """Send it."""
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It is sent already."""

    def resumeProducing(self) -> None:
        """It is sent already."""

    def stopProducing(self) -> None:
        """It is sent already."""


class _Rest(Protocol):
    """What follows the head of an answer: dropped, and at most so much of it."""

    transport: Any

    def __init__(self) -> None:
        self.over: Deferred[None] = Deferred()
        self._count = 0

    def dataReceived(self, data: bytes) -> None:
        """Drop it."""
        self._count += len(data)
        if self._count > MAX_ANSWER_BYTES:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """That was all."""
        if not self.over.called:
            self.over.callback(None)

    def given_up(self, result: object, seconds: float) -> None:
        """It takes too long."""
        self.transport.loseConnection()
