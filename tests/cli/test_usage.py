"""`termhub usage` and `termhub admin usage`."""

from __future__ import annotations

import json
import time
from typing import Any

from .conftest import FakeHub, Run, problem

USE = {
    "cpu_seconds": 12.34,
    "memory_gib_hours": 1.5,
    "disk_gib_hours": 0.25,
    "network_in": 2048,
    "network_out": 0,
    "console_hours": 3.0,
}


def usage(**changes: Any) -> dict[str, Any]:
    return {
        "plan": "free",
        "today": {
            "cpu_seconds": 12.34,
            "allowance_seconds": 1800,
            "slowed": False,
            "resets": time.time() + 3 * 3600 + 30,
        },
        "home": {"bytes": 5 << 20, "files": 7, "limit_bytes": 512 << 20, "limit_files": 20000},
        "consoles": {"running": 1, "limit": 2},
        "days": [{"day": "2026-11-23", **USE}],
        **changes,
    }


def test_what_is_left_and_the_days(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/usage?days=7"] = (200, usage())
    outcome = termhub("usage")
    assert outcome.status == 0
    assert outcome.out.splitlines()[:4] == [
        "Plan       free",
        "CPU today  12.3 s of 1800 s; begins anew in 3 h 0 min",
        "Home       5.0 MiB of 512 MiB, 7 of 20000 files",
        "Consoles   1 of 2",
    ]
    assert outcome.out.splitlines()[-1].split() == [
        *("2026-11-23", "12.3", "s", "1.50", "0.25", "2.0", "KiB", "0", "B", "3.0")
    ]


def test_without_limits_nothing_is_said_of_them(termhub: Run, hub: FakeHub) -> None:
    today = {"cpu_seconds": 5.0, "allowance_seconds": None, "slowed": True, "resets": 0.0}
    home = {"bytes": None, "files": None, "limit_bytes": None, "limit_files": None}
    hub.answers["GET /api/v1/usage?days=1"] = (200, usage(today=today, home=home, days=[]))
    assert termhub("usage", "--days", "1").out.splitlines() == [
        "Plan       free",
        "CPU today  5.0 s; your consoles are slowed",
        "Home       not known yet",
        "Consoles   1 of 2",
    ]


def test_a_home_that_was_not_counted_yet_has_its_limit(termhub: Run, hub: FakeHub) -> None:
    home = {"bytes": None, "files": None, "limit_bytes": 512 << 20, "limit_files": 100}
    hub.answers["GET /api/v1/usage?days=7"] = (200, usage(home=home))
    assert "Home       not known yet, at most 512 MiB" in termhub("usage").out.splitlines()


def test_a_month_that_is_none_is_wrong_usage(termhub: Run, hub: FakeHub) -> None:
    ran = termhub("admin", "usage", "--month", "2026-13")
    assert ran.status == 2
    assert "'2026-13' does not match the format" in ran.err


def test_json_is_what_the_hub_says(termhub: Run, hub: FakeHub) -> None:
    told = usage()
    hub.answers["GET /api/v1/usage?days=30"] = (200, told)
    assert json.loads(termhub("usage", "--days", "30", "--json").out) == told
    assert termhub("usage", "--days", "0").status == 2


def test_what_everybody_used(termhub: Run, hub: FakeHub) -> None:
    rows = [
        {"number": 2, "name": "=bob", "plan": "free", **USE},
        {"number": 3, "name": None, "plan": None, **USE},
    ]
    bill = {"month": "2026-11", "rows": rows}
    hub.answers["GET /api/v1/admin/usage?month=2026-11"] = (200, bill)
    shown = termhub("admin", "usage", "--month", "2026-11").out.splitlines()
    assert shown[1].startswith("=bob")
    assert shown[2].startswith("(3)")
    assert termhub("admin", "usage", "--month", "2026-11", "--csv").out.splitlines() == [
        "month,user,name,plan,cpu_seconds,memory_gib_hours,disk_gib_hours,network_in,network_out,console_hours",
        "2026-11,2,'=bob,free,12.34,1.5,0.25,2048,0,3.0",
        "2026-11,3,,,12.34,1.5,0.25,2048,0,3.0",
    ]
    assert json.loads(termhub("admin", "usage", "--month", "2026-11", "--json").out) == bill


def test_this_month_is_meant_and_refusals_are_said(termhub: Run, hub: FakeHub) -> None:
    month = time.strftime("%Y-%m", time.gmtime())
    refusal = problem(403, "admins_only", "Only who looks after the hub may do that.")
    hub.answers[f"GET /api/v1/admin/usage?month={month}"] = refusal
    outcome = termhub("admin", "usage")
    assert (outcome.status, outcome.err) == (1, "termhub: Only who looks after the hub may do that.\n")
