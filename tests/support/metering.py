"""Metering over a launcher, consoles and a hook that only remember; the store is a real one."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from termhub.config import HooksSettings, Plan, Settings
from termhub.errors import ConsoleError
from termhub.hub.metering import Metering
from termhub.hub.plans import Plans
from termhub.store import Database, Usage, User
from tests.support.stores import InlineStore

NOON = 1_795_435_200.0
"""2026-11-23, 12:00 UTC."""

MIB = 1 << 20


def result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that needs no waiting returns; raises what it raises."""
    results: list[Any] = []
    failures: list[Any] = []
    Deferred.fromCoroutine(coroutine).addCallbacks(results.append, failures.append)
    if failures:
        raise failures[0].value
    assert results, "it still waits for something"
    return results[0]


class FakeConsole:
    """A console that notes what its viewers would be told."""

    def __init__(self, id: str, owner: int, created: float) -> None:
        self.id, self.owner, self.created = id, owner, created
        self.is_prepared = self.has_ended = False
        self.viewers: dict[int, object] = {}
        self.active_at = 0.0
        self.reason: str | None = None
        self.isolation = "walls; network: public network"
        self.told: dict[str, tuple[str, str, float | None]] = {}
        self.told_once: list[str] = []
        self.limits = self

    def tell_limit(self, name: str, state: str, message: str, until: float | None = None) -> None:
        if state == "ok":
            self.told.pop(name, None)
        else:
            self.told[name] = (state, message, until)

    def tell_once(self, name: str, message: str) -> None:
        self.told_once.append(message)


@attrs.define
class FakeConsoles:
    """The directory."""

    plans: Plans
    consoles: list[FakeConsole] = attrs.field(factory=list)

    def all(self) -> list[FakeConsole]:
        return self.consoles

    async def end(self, console: FakeConsole, reason: str) -> None:
        console.has_ended, console.reason = True, reason


class FakeLauncher:
    """Measures what the test says, and remembers limits."""

    def __init__(self) -> None:
        self.usage: dict[str, dict[str, Any]] = {}
        self.homes: dict[int, dict[str, Any]] = {}
        self.limits: dict[str, dict[str, Any]] = {}
        self.home_limits: dict[int, dict[str, Any]] = {}
        self.refuses: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.is_away = False

    async def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append((op, arguments))
        if self.is_away:
            raise ConsoleError("The launcher does not answer.", "no_launcher")
        if op == "usage":
            names = sorted(name for name in self.usage if name > arguments.get("after", ""))
            homes = list(self.homes.values()) if len(names) <= 2 else []
            after = names[1] if len(names) > 2 else ""
            return {"consoles": [self.usage[name] for name in names[:2]], "homes": homes, "after": after}
        if op == "counted":
            for console in arguments["consoles"]:
                if self.usage[console]["ended"]:
                    del self.usage[console]
        elif op == "limit":
            wanted = dict(arguments["limits"])
            if arguments["network"] is not None:
                wanted["network"] = arguments["network"]
            refused = {name: why for name, why in self.refuses.items() if name in wanted}
            applied = {name: value for name, value in wanted.items() if name not in refused}
            self.limits.setdefault(arguments["console"], {}).update(applied)
            words = "walls" + ("; no network" if applied.get("network") == "none" else "")
            return {"applied": list(applied), "refused": refused, "isolation": words}
        elif op == "home_limit":
            self.home_limits[arguments.pop("number")] = arguments
            return {"applied": True, "why": None}
        elif op == "means":
            return {"means": [{"name": "cpu", "by": "control group", "enforced": True, "advice": None}]}
        return {}

    def count(self, op: str) -> int:
        """How often something was asked."""
        return sum(1 for asked, _ in self.asked if asked == op)


class FakeHooks:
    """Remembers what the hook would be told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    async def note(self, type: str, user: User, plan: str, **more: Any) -> None:
        self.told.append({"type": type, "user": user.name, "plan": plan, **more})

    def types(self) -> list[str]:
        """What was told since the last call."""
        told, self.told = self.told, []
        return [event["type"] for event in told]


class Place:
    """A hub's metering, with one user, alice, on the plan ``small``."""

    def __init__(self, folder: Path, **plan: Any) -> None:
        self.clock = Clock()
        self.started_at = NOON
        self.launcher = FakeLauncher()
        self.hooks = FakeHooks()
        self.database = Database(folder / "test.db")
        self.store = InlineStore(self.database)
        small = {
            "cpu_seconds_a_day": 100,
            "cpu_percent": 50,
            "cpu_slow_percent": 5,
            "idle_seconds": 0,
            **plan,
        }
        large = Plan(cpu_seconds_a_day=0, cpu_percent=0, memory_mb=2048, home_mb=1024, idle_seconds=0)
        self.settings = Settings(
            data=str(folder),
            default_plan="small",
            plans={"small": Plan(**small), "large": large},
            hooks=HooksSettings(near_percent=80),
        )
        self.alice = self.database.add_user("alice", 0.0, "small")
        self.bob = self.database.add_user("bob", 0.0, "small")
        self.relayed: dict[str, tuple[int, int]] = {}
        self.new_hub()

    @property
    def now(self) -> float:
        return self.started_at + self.clock.seconds()

    def new_hub(self, consoles: list[FakeConsole] | None = None) -> None:
        """Another hub, which finds these consoles."""
        self.consoles = FakeConsoles(Plans(self.settings), consoles or [])
        # What metering needs of them is all that they are.
        directory: Any = self.consoles
        hooks: Any = self.hooks
        self.relayed = {}
        self.metering = Metering(
            self.settings,
            self.store,
            directory,
            self.launcher,
            hooks,
            self.clock,
            lambda: self.now,
            lambda: self.relayed,
        )
        result(self.metering.start())
        self.clock.advance(0)

    def restart(self) -> None:
        """The hub is killed, and another one starts."""
        self.metering.stop()
        self.new_hub(self.consoles.consoles)

    def add(self, letter: str = "a", owner: User | None = None, **usage: Any) -> FakeConsole:
        """A console that has used something."""
        number = (owner or self.alice).number
        console = FakeConsole("c-" + letter * 10, number, self.now)
        console.active_at = self.clock.seconds()
        self.consoles.consoles.append(console)
        self.measure(console, **{"cpu_seconds": 0.0, "memory_bytes": 0, **usage})
        self.metering.look_now()
        return console

    def measure(self, console: FakeConsole, **usage: Any) -> None:
        """What the launcher finds from now on."""
        known = self.launcher.usage.get(console.id, {"ended": False})
        self.launcher.usage[console.id] = {**known, "console": console.id, "owner": console.owner, **usage}

    def home(self, used_mb: float, files: int = 1, **limits: Any) -> None:
        """What is in alice's home from now on."""
        number = self.alice.number
        held = {"owner": number, "bytes": int(used_mb * MIB), "files": files}
        self.launcher.homes[number] = {**held, "limit_bytes": None, "limit_files": None, **limits}

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        whole = int(seconds)
        for _ in range(whole):
            self.clock.advance(1)
        self.clock.advance(seconds - whole)

    def used(self, day: str = "2026-11-23", user: User | None = None) -> Usage:
        """What the store has of a day."""
        number = (user or self.alice).number
        found = self.database.usage.of(number, day, day)
        return found[0] if found else Usage(number, day)

    def close(self) -> None:
        """The test is over."""
        self.metering.stop()
        self.database.close()
