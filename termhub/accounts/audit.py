"""What was done, by whom and from where, noted in the store's audit log.

Whoever does something notes it: ``audit.note(user, "token.add", "laptop")``.  The log cannot be
shortened, so nobody may fill it: strangers and users have a bucket of notes for each kind of
action, and what overflows is counted and told in a note of its own by :meth:`Audit.settle`.  What
administrators and the hub itself do is always noted.

Invariant: a note is bounded in size and never fails its caller; what could not be written is logged.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import TooMany
from termhub.store import Store, User

from .attempts import Attempts, address_key

MAX_WORD = 64
"""Characters of an action and of an address."""

MAX_TEXT = 200
"""Characters of a subject, and of each text in the details."""

MAX_DETAIL_BYTES = 2048
"""The details as JSON; longer ones are left out, and that is said."""

AT_ONCE, REFILL_SECONDS = 20, 60.0
"""Notes of one kind that one stranger or user may cause at once, and the time for one more."""

MAX_COUNTED = 1000
"""Kinds of notes that are counted apart when they are left out; the others are counted together."""

SETTLE_SECONDS = 300.0
"""How often is told how many notes were left out."""

LEFT_OUT = "audit.left_out"
"""The action of the note that tells how many there were that are not in the log."""

_log = Logger()


class Audit:
    """Notes what is done.

    :param store: where the log is kept.
    :param now: seconds since 1970.
    """

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._bucket = Attempts(now, burst=AT_ONCE, refill_seconds=REFILL_SECONDS, what="notes")
        self._left_out: Counter[str] = Counter()
        self._settled = 0.0

    def note(
        self,
        actor: User | None,
        action: str,
        subject: str = "",
        detail: Mapping[str, Any] | None = None,
        address: str = "",
    ) -> Deferred[None]:
        """Note that something was done.

        :param actor: who did it; None for the hub itself, or, with an address, for a stranger.
        :param action: a noun and a verb, such as ``user.suspend`` or ``login.refused``.
        :param subject: to whom or what: the name of an account, the id of a console, a label.
        :param detail: what JSON can carry, such as ``{"plan": "plus"}``; no secrets.
        :param address: where the actor comes from.
        :returns: fires when the note is on disk, or cannot be.  It need not be waited for, and never fails:
            notes are written in the order in which they were made.
        """
        if actor is None or not actor.is_admin:
            who = "" if actor is None and not address else _who(actor, address)
            if who:
                try:
                    self._bucket.spend(f"{action} {who}")
                except TooMany:
                    self._leave_out(f"{action} {who}")
                    return _done()
        return self._write("" if actor is None else actor.label, action, subject, detail or {}, address)

    def settle(self, every_seconds: float = SETTLE_SECONDS) -> Deferred[None]:
        """Tell in one note how many were left out since the last time.

        :param every_seconds: not before so long after the last such note.
        """
        if not self._left_out or self._now() - self._settled < every_seconds:
            return _done()
        self._settled = self._now()
        counted, self._left_out = self._left_out, Counter()
        most = dict(counted.most_common(20))
        others = counted.total() - sum(most.values())
        detail: dict[str, Any] = {"notes": {key[:MAX_WORD]: count for key, count in most.items()}}
        if others:
            detail["others"] = others
        return self._write("", LEFT_OUT, "", detail, "")

    def _leave_out(self, key: str) -> None:
        is_known = key in self._left_out or len(self._left_out) < MAX_COUNTED
        self._left_out[key if is_known else "others"] += 1

    def _write(
        self, actor: str, action: str, subject: str, detail: Mapping[str, Any], address: str
    ) -> Deferred[None]:
        entry = bounded(actor, action, subject, detail, address)

        async def write() -> None:
            await self._store.append_audit(self._now(), *entry)

        def failed(failure: Failure) -> None:
            _log.error(
                "This could not be noted in the audit log: {actor} {action} {subject}: {why}",
                actor=entry[0],
                action=entry[1],
                subject=entry[2],
                why=failure.getErrorMessage(),
            )

        return Deferred.fromCoroutine(write()).addErrback(failed)


def bounded(
    actor: str, action: str, subject: str, detail: Mapping[str, Any], address: str
) -> tuple[str, str, str, dict[str, Any], str]:
    """The parts of a note as the store takes them, none longer than it may be."""
    kept = {str(key)[:MAX_WORD]: _cut(value) for key, value in detail.items()}
    try:
        size = len(json.dumps(kept))
    except (TypeError, ValueError, RecursionError):
        size = MAX_DETAIL_BYTES + 1
    if size > MAX_DETAIL_BYTES:
        kept = {"left_out": "too long"}
    return (
        _text(actor, MAX_TEXT),
        _text(action, MAX_WORD),
        _text(subject, MAX_TEXT),
        kept,
        _text(address, MAX_WORD),
    )


def _cut(value: Any) -> Any:
    return _text(value, MAX_TEXT) if isinstance(value, str) else value


def _text(text: str, most: int) -> str:
    # JSON can carry what UTF-8, and so the store, cannot.
    return text[:most].encode("utf-8", "replace").decode()


def _who(actor: User | None, address: str) -> str:
    return address_key(address) if actor is None else f"user {actor.number}"


def _done() -> Deferred[None]:
    done: Deferred[None] = Deferred()
    done.callback(None)
    return done
