"""REST: the plans, and the limits of a console as this machine keeps them."""

from __future__ import annotations

import time

import attrs
import msgspec

from .operations import Answer, Call, Operation
from .services import Services
from .usage_schemas import ConsoleLimitsInfo, LimitInfo, PlanInfo, PlanList


async def list_plans(services: Services, call: Call[None, None]) -> Answer:
    """List the plans: how much one may use with each."""
    plans = services.reports.plans
    yours = plans.name(call.user)
    told = [
        PlanInfo(name=name, yours=name == yours, **msgspec.structs.asdict(plan))
        for name, plan in plans.all.items()
    ]
    return Answer(value=PlanList(told))


async def get_limits(services: Services, call: Call[None, None]) -> Answer:
    """Say what a console may use, what it uses, and what keeps it to that here."""
    report = services.reports.of_console(call.console.id, call.user, time.time())
    limits = [LimitInfo(**attrs.asdict(limit)) for limit in report.limits]
    return Answer(value=ConsoleLimitsInfo(report.plan, report.is_slowed, report.until, limits))


OPERATIONS = (
    Operation("GET", "/plans", "List the plans", list_plans, {200: PlanList}, access="account"),
    Operation(
        "GET",
        "/consoles/<console>/limits",
        "Say what a console may use",
        get_limits,
        {200: ConsoleLimitsInfo},
        access="observer",
    ),
)
