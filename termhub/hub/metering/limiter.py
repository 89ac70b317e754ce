"""Brings running consoles, and homes, to what their owners may have now.

A plan may change at any time, and whoever is over the day's allowance is slowed; the kernel can be
told most of it while programs run.  What it cannot is logged, told to who looks, and holds for the
next console.

Invariant: what is noted as asked for was answered by the launcher.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger

from termhub.errors import TermhubError
from termhub.hub.console import Console
from termhub.hub.plans import Plans
from termhub.store import User

from . import words
from .samples import Launcher

_HOME = ("home_bytes", "home_files")
_NETWORK = "network"
"""The kind of network: one that is full can be taken away."""

_log = Logger()


class Limiter:
    """Knows which limits consoles and homes have."""

    def __init__(self, launcher: Launcher, plans: Plans) -> None:
        self._launcher = launcher
        self._plans = plans
        self._consoles: dict[str, dict[str, Any]] = {}
        self._homes: dict[int, dict[str, Any]] = {}
        self._unslowed: set[str] = set()

    async def bring(self, consoles: Iterable[Console]) -> None:
        """See to it that these, all that live, have what they should.

        :raises TermhubError: when the launcher does not answer.
        """
        living = {console.id: console for console in consoles}
        for gone in self._consoles.keys() - living.keys():
            del self._consoles[gone]
            self._unslowed.discard(gone)
        owners = {console.owner for console in living.values()}
        for missing in self._homes.keys() - owners:
            del self._homes[missing]
        for number in owners:
            user = self._plans.users.get(number)
            if user is not None:
                await self._bring_home(user)
        for console in living.values():
            user = self._plans.users.get(console.owner)
            if user is not None:
                await self._bring_console(console, user)

    def can_slow(self, console: str) -> bool:
        """Whether this machine could give a console another share of the CPU, as far as is known."""
        return console not in self._unslowed

    async def _bring_console(self, console: Console, user: User) -> None:
        wanted = {name: limit for name, limit in self._plans.limits(user).items() if name not in _HOME}
        wanted[_NETWORK] = self._plans.of(user).network
        had = self._consoles.get(console.id)
        changed = {name: limit for name, limit in wanted.items() if had is None or had[name] != limit}
        if not changed:
            return
        refused = await self._refused(console, changed)
        self._consoles[console.id] = wanted
        if "cpu_percent" in changed:
            (self._unslowed.add if "cpu_percent" in refused else self._unslowed.discard)(console.id)
        # What it had before this hub came is not known: then there may be nothing new to tell.
        if had is not None and refused:
            why = "; ".join(f"{name}: {why}" for name, why in sorted(refused.items()))
            _log.info("{console} keeps some limits: {why}", console=console.id, why=why)
            console.limits.tell_once("plan", words.with_next_console(refused))

    async def _refused(self, console: Console, wanted: dict[str, Any]) -> dict[str, str]:
        """Ask for limits; which of them the console cannot be given while it runs, and why."""
        limits = {name: limit for name, limit in wanted.items() if name != _NETWORK}
        network = wanted.get(_NETWORK)
        try:
            answer = await self._launcher.request("limit", console=console.id, limits=limits, network=network)
        except TermhubError as error:
            _raise_if_away(error)
            return dict.fromkeys(wanted, error.message)
        console.isolation = answer.get("isolation") or console.isolation
        return dict(answer.get("refused") or {})

    async def _bring_home(self, user: User) -> None:
        limits = self._plans.limits(user)
        wanted = {"bytes": limits["home_bytes"], "files": limits["home_files"]}
        had = self._homes.get(user.number)
        if had == wanted:
            return
        try:
            answer = await self._launcher.request("home_limit", number=user.number, **wanted)
        except TermhubError as error:
            _raise_if_away(error)
            answer = {"applied": False, "why": error.message}
        self._homes[user.number] = wanted
        if had is not None and not answer.get("applied"):
            _log.info("The home of {user} keeps its limits: {why}", user=user.name, why=answer.get("why"))


def _raise_if_away(error: TermhubError) -> None:
    if error.code in ("no_launcher", "timeout", "stopping"):
        raise error
