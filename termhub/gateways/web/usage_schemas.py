"""The JSON bodies of plans, limits and usage, as types; see :mod:`.schemas`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, defstruct
from msgspec.structs import fields

from termhub.config import Plan

from .operations import Bytes
from .schemas import Time

Day = Annotated[str, Meta(description="A day (UTC), such as `2026-11-23`.")]


class UsageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which days."""

    days: Annotated[int, Meta(ge=1, le=366, description="How many, today included.")] = 30


class BillQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which month."""

    month: Annotated[
        str, Meta(pattern="^[12][0-9]{3}-(0[1-9]|1[0-2])$", description="Such as `2026-11` (UTC).")
    ]


PlanInfo = defstruct(
    "PlanInfo",
    [
        ("name", str),
        ("yours", Annotated[bool, Meta(description="Whether it is your plan.")]),
        *((field.name, field.type) for field in fields(Plan)),
    ],
    frozen=True,
    namespace={"__doc__": "A plan: how much one may use."},
)


class PlanList(Struct, frozen=True):
    """All plans, in the operator's order."""

    plans: list[PlanInfo]  # type: ignore[valid-type]


class UseInfo(Struct, frozen=True):
    """What was used."""

    cpu_seconds: float
    memory_gib_hours: Annotated[float, Meta(description="Memory held, times how long.")]
    disk_gib_hours: Annotated[float, Meta(description="Space of the home, times how long.")]
    network_in: Annotated[int, Meta(description="Bytes that came in.")]
    network_out: Annotated[int, Meta(description="Bytes that went out.")]
    console_hours: Annotated[float, Meta(description="Consoles, times how long they ran.")]


class DayInfo(UseInfo, frozen=True, kw_only=True):
    """What was used on a day."""

    day: Day


class TodayInfo(Struct, frozen=True):
    """The day's allowance of CPU time."""

    cpu_seconds: float
    allowance_seconds: Annotated[int | None, Meta(description="Null: as much as there is.")]
    slowed: Annotated[bool, Meta(description="Whether your consoles have little CPU time now.")]
    resets: Annotated[Time, Meta(description="When the next day begins.")]


class HomeInfo(Struct, frozen=True):
    """Your files; null is what is not known, or not limited."""

    bytes: int | None
    files: int | None
    limit_bytes: int | None
    limit_files: int | None


class RunningConsolesInfo(Struct, frozen=True):
    """Your consoles that run."""

    running: int
    limit: int


class UsageInfo(Struct, frozen=True):
    """What you used, and what is left."""

    plan: str
    today: TodayInfo
    home: HomeInfo
    consoles: RunningConsolesInfo
    days: Annotated[list[DayInfo], Meta(description="The oldest first; days without use are left out.")]


class LimitInfo(Struct, frozen=True):
    """A limit, how much of it is used, and what keeps to it on this machine."""

    name: str
    used: Annotated[float | None, Meta(description="Null where it is not measured.")]
    limit: Annotated[float | None, Meta(description="Null: none.")]
    unit: str
    by: Annotated[str, Meta(description="What keeps to it, in words.")]
    enforced: Annotated[bool, Meta(description="Whether a hostile program is held to it.")]
    advice: Annotated[str | None, Meta(description="What the operator could do, where it is not.")]


class ConsoleLimitsInfo(Struct, frozen=True):
    """The limits of a console; those that all consoles of its owner share are told to the owner only."""

    plan: str
    slowed: bool
    until: Annotated[Time | None, Meta(description="When it is no longer slowed, where that is known.")]
    limits: list[LimitInfo]


class BillRowInfo(UseInfo, frozen=True, kw_only=True):
    """What a user used in a month."""

    number: int
    name: Annotated[str | None, Meta(description="Null: the account is no more.")]
    plan: Annotated[str | None, Meta(description="The plan now.")]


class Bill(Struct, frozen=True):
    """What everybody used in a month."""

    month: str
    rows: list[BillRowInfo]


class Csv(Bytes):
    """Rows of text (RFC 4180), the first with the names of the columns."""

    content_type = "text/csv; charset=utf-8"
