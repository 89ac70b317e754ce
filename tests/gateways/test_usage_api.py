"""REST on plans, limits and usage, bills for administrators, and metrics."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from termhub.accounts import manage
from termhub.gateways.bills import USED, bill_csv, harmless
from termhub.hub.metering.days import day_of, next_day
from termhub.hub.metering.reports import Use
from termhub.hub.metering.samples import ConsoleFigures, HomeFigures, Means
from termhub.store import Usage
from tests.support.web import WebTestCase

MIB = 1 << 20


class UsageTests(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.today = day_of(time.time())

    def use(self, name: str = "alice", day: str = "", **used: Any) -> None:
        user = self.database.user_named(name)
        assert user is not None
        self.database.usage.add(self.today, [], [Usage(user.number, day or self.today, **used)])

    async def test_plans_are_listed_and_ones_own_is_marked(self) -> None:
        answer = await self.call("GET", "/plans")
        plans = answer.json["plans"]
        self.assertEqual([plan["name"] for plan in plans], ["free", "plus", "pro", "guest"])
        self.assertEqual([plan["name"] for plan in plans if plan["yours"]], ["free"])
        self.assertEqual(plans[0]["memory_mb"], 512)
        self.assertEqual(plans[1]["network"], "allowlist")

    async def test_a_volume_that_could_not_grow_has_its_own_limit(self) -> None:
        self.metering.homes = {self.alice.number: HomeFigures(self.alice.number, MIB, 5, 16 * MIB, 300)}
        home = (await self.call("GET", "/usage")).json["home"]
        self.assertEqual((home["limit_bytes"], home["limit_files"]), (16 * MIB, 300))

    async def test_what_one_used_and_what_is_left(self) -> None:
        self.use(day="2020-01-01", cpu_seconds=1000.0)
        self.use(cpu_seconds=60.5, memory_mb_seconds=1024 * 7200.0, network_in=10, console_seconds=1800.0)
        self.use("bob", cpu_seconds=7.0)
        self.console("one")
        self.metering.homes = {
            self.alice.number: HomeFigures(self.alice.number, 5 * MIB, 12, 600 * MIB, 20_100)
        }
        usage = (await self.call("GET", "/usage?days=7")).json
        self.assertAlmostEqual(usage["today"].pop("resets"), next_day(time.time()), delta=1)
        self.assertEqual(
            usage,
            {
                "plan": "free",
                "today": {"cpu_seconds": 60.5, "allowance_seconds": 1800, "slowed": False},
                "home": {
                    "bytes": 5 * MIB,
                    "files": 12,
                    "limit_bytes": 512 * MIB,
                    "limit_files": 20_000,
                },
                "consoles": {"running": 1, "limit": 2},
                "days": [
                    {
                        "day": self.today,
                        "cpu_seconds": 60.5,
                        "memory_gib_hours": 2.0,
                        "disk_gib_hours": 0.0,
                        "network_in": 10,
                        "network_out": 0,
                        "console_hours": 0.5,
                    }
                ],
            },
        )

    async def test_who_is_over_the_allowance_reads_it(self) -> None:
        self.metering.plans.over = {self.alice.number}
        self.assertTrue((await self.call("GET", "/usage")).json["today"]["slowed"])
        self.assertFalse((await self.call("GET", "/usage", token=self.bobs_token)).json["today"]["slowed"])

    async def test_days_are_few(self) -> None:
        for days in ("0", "367", "-1", "x", "1e3"):
            answer = await self.call("GET", f"/usage?days={days}")
            self.assertEqual((answer.status, answer.json["code"]), (400, "bad_query"))

    async def test_limits_of_a_console_in_words(self) -> None:
        console = self.console("main")
        self.metering.means = {
            "memory": Means("memory", "control group", True),
            "cpu": Means("cpu", "nothing", False, "run termhub as root"),
            "home_bytes": Means("home_bytes", "a volume", True),
            "home_files": Means("home_files", "a volume", True),
        }
        self.metering.figures = {console.id: ConsoleFigures(console.id, 1, 2.0, 100 * MIB, 3)}
        self.metering.cpu_percent = {console.id: 12.5}
        self.metering.homes = {self.alice.number: HomeFigures(self.alice.number, MIB, 5)}
        told = (await self.call("GET", "/consoles/main/limits")).json
        self.assertEqual((told["plan"], told["slowed"], told["until"]), ("free", False, None))
        limits = {limit.pop("name"): limit for limit in told["limits"]}
        self.assertEqual(
            limits["memory"],
            {
                "used": 100 * MIB,
                "limit": 512 * MIB,
                "unit": "bytes",
                "by": "control group",
                "enforced": True,
                "advice": None,
            },
        )
        self.assertEqual(
            (limits["cpu"]["used"], limits["cpu"]["limit"], limits["cpu"]["advice"]),
            (12.5, 50, "run termhub as root"),
        )
        self.assertFalse(limits["home_bytes"]["enforced"])  # it is a plain folder
        self.assertEqual((limits["idle"]["limit"], limits["consoles"]["used"]), (7200, 1))
        self.assertNotIn("lifetime", limits)
        self.metering.plans.over = {self.alice.number}
        told = (await self.call("GET", "/consoles/main/limits")).json
        self.assertEqual((told["slowed"], told["until"] is None), (True, False))
        (cpu,) = (limit for limit in told["limits"] if limit["name"] == "cpu")
        self.assertEqual(cpu["limit"], 5)

    async def test_a_network_that_a_console_did_not_get_is_not_told_of(self) -> None:
        console = self.console("main")
        self.metering.plans.users = {
            self.alice.number: attrs.evolve(self.alice, plan="plus"),
        }
        for isolation, is_told in (("none; network: hosts of a list", True), ("none; no network", False)):
            console.isolation = isolation
            told = (await self.call("GET", "/consoles/main/limits")).json
            names = [limit["name"] for limit in told["limits"]]
            self.assertEqual("network_allowlist" in names, is_told, isolation)

    async def test_who_only_looks_reads_nothing_of_the_owner(self) -> None:
        console = self.console("main")
        share = {"role": "observer", "user": "bob"}
        await self.call("POST", "/consoles/main/shares", share)
        told = await self.call("GET", f"/consoles/{console.id}/limits", token=self.bobs_token)
        names = {limit["name"] for limit in told.json["limits"]}
        self.assertIn("memory", names)
        self.assertEqual(names & {"cpu_allowance", "home_bytes", "home_files", "consoles"}, set())
        hidden = self.console("hidden")
        refused = await self.call("GET", f"/consoles/{hidden.id}/limits", token=self.bobs_token)
        self.assertEqual(refused.status, 404)

    # -- those who look after the hub ------------------------------------------------

    def promote(self) -> None:
        self.database.people.change(self.alice.number, 1.0, is_admin=True)

    async def test_bills_are_for_administrators(self) -> None:
        for path in ("/admin/usage?month=2026-11", "/admin/usage.csv?month=2026-11"):
            self.assertEqual((await self.call("GET", path)).status, 403)
            self.assertEqual((await self.call("GET", path, token="")).status, 401)

    async def test_a_bill_has_everybody_also_who_is_gone(self) -> None:
        self.promote()
        carol = self.database.add_user("carol", 1.0, "plus")
        self.use("carol", "2026-11-01", cpu_seconds=1.0)
        self.use("carol", "2026-11-30", cpu_seconds=2.0, disk_mb_seconds=1024 * 3600.0, network_out=5)
        self.use("carol", "2026-12-01", cpu_seconds=100.0)
        self.use("bob", "2026-11-07", cpu_seconds=4.0)
        self.database.people.end_removal(carol.number)
        bill = (await self.call("GET", "/admin/usage?month=2026-11")).json
        self.assertEqual(bill["month"], "2026-11")
        self.assertEqual(
            [(row["number"], row["name"], row["plan"], row["cpu_seconds"]) for row in bill["rows"]],
            [(self.bob.number, "bob", "free", 4.0), (carol.number, None, None, 3.0)],
        )
        self.assertEqual((bill["rows"][1]["disk_gib_hours"], bill["rows"][1]["network_out"]), (1.0, 5))
        answer = await self.call("GET", "/admin/usage.csv?month=2026-11")
        self.assertEqual(answer.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertEqual(answer.headers["Content-Disposition"], 'attachment; filename="usage-2026-11.csv"')
        rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
        self.assertEqual(
            [(row["month"], row["user"], row["name"], row["cpu_seconds"]) for row in rows],
            [("2026-11", str(self.bob.number), "bob", "4.0"), ("2026-11", str(carol.number), "", "3.0")],
        )

    async def test_months_that_are_none(self) -> None:
        self.promote()
        for month in ("2026-13", "2026", "x", "2026-1", "0000-01"):
            answer = await self.call("GET", f"/admin/usage?month={month}")
            self.assertEqual(answer.status, 400, month)

    async def test_looking_at_bills_is_noted(self) -> None:
        self.promote()
        await self.call("GET", "/admin/usage?month=2026-11")
        (entry, *_) = self.database.audit.newest(None, 1)
        self.assertEqual((entry.actor, entry.action, entry.subject), ("alice", "admin.look", "usage"))

    async def metrics(self, token: str) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http("GET", "/metrics", headers=headers)

    async def test_metrics_are_for_administrators_also_on_loopback(self) -> None:
        self.assertEqual((await self.metrics("")).status, 401)
        self.assertEqual((await self.metrics(self.token)).status, 403)
        self.promote()
        self.assertEqual((await self.metrics(self.token)).status, 200)
        writes = manage.create_token(self.database, "alice", scopes=["write"])[1]
        self.assertEqual((await self.metrics(writes)).status, 403)
        reads = manage.create_token(self.database, "alice", scopes=["read"])[1]
        self.assertEqual((await self.metrics(reads)).status, 200)

    async def test_metrics_are_totals_and_name_nobody(self) -> None:
        self.promote()
        console = self.console("main")
        self.console("secret-project", self.bob)
        self.metering.figures = {console.id: ConsoleFigures(console.id, 1, 2.0, 100 * MIB, 3)}
        answer = await self.metrics(self.token)
        self.assertIn("text/plain", answer.headers["Content-Type"])
        lines = answer.body.decode().splitlines()
        for line in (
            'termhub_info{version="1.2.3"} 1.0',
            'termhub_consoles{state="running"} 2.0',
            'termhub_plan_consoles{plan="free"} 2.0',
            'termhub_users{plan="free"} 2.0',
            "termhub_users_over_allowance 0.0",
            "termhub_consoles_memory_bytes 1.048576e+08",
            "termhub_consoles_cpu_seconds_total 0.0",
        ):
            self.assertIn(line, lines)
        for secret in ("alice", "bob", "secret-project", console.id):
            self.assertNotIn(secret, answer.body.decode())


def row(name: str | None) -> dict[str, Any]:
    use = dict.fromkeys(USED, 1)
    return {"number": 7, "name": name, "plan": "free", **use}


def test_no_name_is_a_formula() -> None:
    for name in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert harmless(name) == f"'{name}"
    assert harmless("ann-marie=x") == "ann-marie=x"
    assert ",'=cmd," in bill_csv("2026-11", [row("=cmd")])


@given(st.text(st.characters(exclude_characters="\0"), max_size=40))
def test_any_name_stays_one_cell(name: str) -> None:
    rows = list(csv.reader(io.StringIO(bill_csv("2026-11", [row(name)]), newline="")))
    assert len(rows) == 2
    assert rows[1][2] in (name, f"'{name}")
    assert not rows[1][2].startswith(("=", "+", "-", "@"))


def test_usage_is_billed_in_the_units_of_bills() -> None:
    use = Use.of([Usage(1, "2026-11-23", 1.5, 1024 * 3600.0, 512 * 3600.0, 7, 8, 5400.0)])
    assert use == Use(1.5, 1.0, 0.5, 7, 8, 1.5)
    assert tuple(field.name for field in attrs.fields(Use)) == USED
