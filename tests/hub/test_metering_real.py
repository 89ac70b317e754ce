"""Usage, the allowance, plans that change and idle time, with a real launcher and real sandboxes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar
from unittest import SkipTest

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from termhub.config import ConsolesSettings, Plan, Settings
from termhub.errors import TooMany
from termhub.hub.console import Console
from termhub.hub.metering.days import day_of
from termhub.hub.service import Hub
from termhub.store import Usage
from tests.support.hub_fakes import FakeClient, attach
from tests.support.real_hub import PATIENCE_SECONDS, RealHubCase, run

pytestmark = pytest.mark.long

SHARE = """
import time
begun, used = time.monotonic(), time.process_time()
while time.monotonic() - begun < 1:
    pass
print((time.process_time() - used) / (time.monotonic() - begun))
"""
"""How much of a core a program gets in a second."""


class MeteringCase(RealHubCase):
    """Everybody has the plan ``small``; its values are those of the class."""

    small: ClassVar[dict[str, Any]] = {}

    async def new_hub(self) -> Hub:
        plans = {"small": Plan(**self.small), "large": Plan(cpu_seconds_a_day=0, cpu_percent=0, windows=3)}
        settings = Settings(
            data=str(self.data),
            default_plan="small",
            plans={**plans, "pro": plans["small"], "guest": plans["small"]},
            consoles=ConsolesSettings(prepare=False),
        )
        hub = Hub(settings, reactor)
        await hub.start()
        return hub

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for what the hub finds; it is asked to look again and again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = condition()
            found = await Deferred.fromCoroutine(found) if hasattr(found, "send") else found
            if found:
                return found
            self.assertLess(time.monotonic(), deadline, f"waited for {what}")
            self.hub.metering.look_now()
            await deferLater(reactor, 0.1)

    async def used(self) -> Usage:
        day = day_of(time.time())
        found = await self.hub.store.usage(self.user.number, "2026-01-01", day)
        return found[-1] if found else Usage(self.user.number, day)

    async def restart(self) -> None:
        await self.hub.stop()
        self.hub = await self.new_hub()

    def need(self, name: str) -> None:
        if not self.hub.metering.means[name].enforced:
            raise SkipTest(self.hub.metering.means[name].by)


class UsageTests(MeteringCase):
    async def test_what_a_console_used_is_counted_once_also_over_restarts_and_its_end(self) -> None:
        await self.until(lambda: self.hub.metering.means, "the first look")
        self.need("usage")
        console = await self.console()
        busy = await run(console, "python3", "-c", "import time\nwhile time.process_time() < 2: pass")
        await busy.ended()
        await self.until(lambda: self._used_at_least(2.0), "the CPU time")
        await self.restart()
        (console,) = self.hub.consoles.of(self.user)
        await console.settled(PATIENCE_SECONDS)
        busy = await run(console, "python3", "-c", "import time\nwhile time.process_time() < 1: pass")
        await busy.ended()
        await self.hub.consoles.end(console)
        await self.until(lambda: self._used_at_least(3.0), "the last figures")
        await self.restart()
        await self.until(lambda: self.hub.metering.looked_at, "the first look")
        reply = await self.hub._launcher.request("usage")
        self.assertEqual(reply["consoles"], [])
        used = await self.used()
        self.assertLess(used.cpu_seconds, 5.0)
        self.assertGreater(used.memory_mb_seconds, 0)
        self.assertGreater(used.console_seconds, 0)

    async def _used_at_least(self, seconds: float) -> bool:
        return (await self.used()).cpu_seconds >= seconds


class AllowanceTests(MeteringCase):
    small: ClassVar = {"cpu_seconds_a_day": 1, "cpu_percent": 0, "cpu_slow_percent": 5, "idle_seconds": 0}

    async def share(self, console: Console) -> float:
        """What a program in a console gets of a core."""
        program = await run(console, "python3", "-c", SHARE)
        await program.ended()
        return float(program.data)

    async def test_over_the_allowance_programs_are_slow_until_midnight(self) -> None:
        await self.until(lambda: self.hub.metering.means, "the first look")
        self.need("cpu")
        console = await self.console()
        client, _ = attach(console, user=self.user, role="owner")
        while await self.share(console) > 0.15:
            self.hub.metering.look_now()
        over = await self.event(client, "over")
        self.assertIn("5 % of a core", over["message"])
        self.assertEqual(over["until"], self.hub.metering.resets)
        another = await self.console()
        self.assertLess(await self.share(another), 0.15)
        await self.restart()
        console, another = self.hub.consoles.of(self.user)
        await console.settled(PATIENCE_SECONDS)
        await self.until(lambda: self.hub.metering.looked_at, "the first look")
        self.assertLess(await self.share(console), 0.15)
        days = 0
        while await self.share(console) < 0.15:
            days += 1  # that was too much for this day too
            self.hub.metering._now = lambda days=days: time.time() + days * 86_400
            await self.until(lambda: not self.hub.consoles.plans.over, "midnight")

    async def event(self, client: FakeClient, state: str) -> dict[str, Any]:
        """The event that tells of the allowance."""
        found: list[dict[str, Any]] = []

        def told() -> bool:
            found.extend(event for event in client.events() if event["type"] == "limit")
            return any(event["state"] == state for event in found)

        await self.until(told, f"an event that says {state}")
        return next(event for event in found if event["state"] == state)

    async def test_another_plan_takes_effect_on_what_runs(self) -> None:
        await self.until(lambda: self.hub.metering.means, "the first look")
        self.need("cpu")
        console = await self.console(program="bash")
        busy = await run(console, "python3", "-c", "import time\nwhile time.process_time() < 2: pass")
        await self.until(lambda: self.hub.consoles.plans.over, "the allowance")
        self.hub.store._database.people.change(self.user.number, 0.0, plan="large")
        await self.until(lambda: not self.hub.consoles.plans.over, "the plan")
        await busy.ended()
        await console.open_window()
        await console.open_window()
        with self.assertRaises(TooMany) as raised:
            await console.open_window()
        self.assertEqual(raised.exception.code, "too_many_windows")
        self.assertIn("the plan large has (3)", raised.exception.message)


class IdleTests(MeteringCase):
    small: ClassVar = {"idle_seconds": 3, "when_idle": "end"}

    async def test_a_console_that_waits_is_ended_and_one_that_works_in_silence_is_not(self) -> None:
        await self.until(lambda: self.hub.metering.means, "the first look")
        self.need("usage")
        waits = await self.console(name="waits")
        works = await self.console(name="works", argv=["python3", "-c", "while True: sum(range(10_000))"])
        await self.until(lambda: waits.has_ended, "the end of the console that waits")
        self.assertEqual(waits.reason, "idle for 3 s (plan pro)")
        self.assertFalse(works.has_ended)
        last = (await self.hub.store.console(waits.id)).reason
        self.assertEqual(last, waits.reason)
