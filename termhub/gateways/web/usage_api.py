"""REST: what was used, by oneself, and by everybody for those who look after the hub."""

from __future__ import annotations

import time

import attrs
import msgspec

from ..bills import bill_csv
from .operations import Answer, Call, Operation
from .services import Services
from .usage_schemas import (
    Bill,
    BillQuery,
    BillRowInfo,
    Csv,
    DayInfo,
    HomeInfo,
    RunningConsolesInfo,
    TodayInfo,
    UsageInfo,
    UsageQuery,
)


async def get_usage(services: Services, call: Call[None, UsageQuery]) -> Answer:
    """Say what you used in the last days, and what is left."""
    report = await services.reports.of_user(call.user, call.query.days, time.time())
    home = report.home
    info = UsageInfo(
        report.plan,
        TodayInfo(report.cpu_seconds, report.allowance_seconds, report.is_slowed, report.resets),
        HomeInfo(home.bytes, home.files, home.limit_bytes, home.limit_files),
        RunningConsolesInfo(report.running, report.most_consoles),
        [DayInfo(*attrs.astuple(use), day=day) for day, use in report.days],
    )
    return Answer(value=info)


async def get_bill(services: Services, call: Call[None, BillQuery]) -> Answer:
    """Say what everybody used in a month."""
    return Answer(value=await _bill(services, call))


async def get_bill_csv(services: Services, call: Call[None, BillQuery]) -> Answer:
    """Say what everybody used in a month, for spreadsheets."""
    bill = await _bill(services, call)
    headers = {"Content-Disposition": f'attachment; filename="usage-{bill.month}.csv"'}
    return Answer(data=bill_csv(bill.month, msgspec.to_builtins(bill.rows)).encode(), headers=headers)


async def _bill(services: Services, call: Call[None, BillQuery]) -> Bill:
    services.admin.looked(call.user, "usage", call.address)
    rows = await services.reports.bill(call.query.month)
    told = [
        BillRowInfo(*attrs.astuple(row.use), number=row.number, name=row.name, plan=row.plan) for row in rows
    ]
    return Bill(call.query.month, told)


OPERATIONS = (
    Operation(
        "GET",
        "/usage",
        "Say what you used",
        get_usage,
        {200: UsageInfo},
        query=UsageQuery,
        access="account",
    ),
    Operation(
        "GET",
        "/admin/usage",
        "Say what everybody used in a month",
        get_bill,
        {200: Bill},
        query=BillQuery,
        access="admin",
        is_expensive=True,
    ),
    Operation(
        "GET",
        "/admin/usage.csv",
        "Say what everybody used in a month, as CSV",
        get_bill_csv,
        {200: Csv},
        query=BillQuery,
        answer_headers={"Content-Disposition": "It is to be kept as a file."},
        access="admin",
        is_expensive=True,
    ),
)
