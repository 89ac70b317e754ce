"""The JSON bodies of what administrators do, as types; see :mod:`.schemas`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from .schemas import RequestBody, Time

Limit = Annotated[int, Meta(ge=1, le=1000, description="Most rows of the answer.")]
UserName = Annotated[str, Meta(min_length=1, max_length=64)]
PlanName = Annotated[str, Meta(min_length=1, max_length=64, description="See `GET /plans`.")]
More = Annotated[
    str | None, Meta(description="Ask again with `after=` this for the next rows; null: there are no more.")
]


class UsersQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the accounts."""

    after: Annotated[str, Meta(max_length=64, description="The name behind which the page begins.")] = ""
    limit: Limit = 100


class RunningQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the consoles."""

    after: Annotated[str, Meta(max_length=64, description="The id behind which the page begins.")] = ""
    limit: Limit = 100


class AuditQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the audit log."""

    before: Annotated[
        Annotated[int, Meta(ge=1, le=(1 << 63) - 1)] | None,
        Meta(description="The number before which the page begins; the newest if it is not said."),
    ] = None
    limit: Limit = 100


class NewUserRequest(RequestBody, frozen=True):
    """An account to make."""

    name: Annotated[UserName, Meta(description="1 to 32 of a-z, 0-9, `_`, `.` and `-`, a letter first.")]
    plan: PlanName | None = None
    password: Annotated[
        Annotated[str, Meta(max_length=1000)] | None,
        Meta(description="At least 8 characters; null: it logs in by the link."),
    ] = None
    is_admin: Annotated[bool, Meta(description="Whether it looks after the hub.")] = False


class UserChange(RequestBody, frozen=True):
    """What to change of an account; null: nothing."""

    plan: PlanName | None = None
    is_admin: Annotated[bool | None, Meta(description="Whether it looks after the hub.")] = None
    suspended: Annotated[
        bool | None,
        Meta(description="Suspended accounts are logged out and let nobody in; their consoles go on."),
    ] = None
    end_consoles: Annotated[bool, Meta(description="Whether to end its consoles, too.")] = False


class EndRequest(RequestBody, frozen=True):
    """Why a console is ended."""

    reason: Annotated[str, Meta(max_length=200, description="What its people are told.")] = ""


class DrainRequest(RequestBody, frozen=True):
    """Whether to take new consoles."""

    draining: bool


class AccountInfo(Struct, frozen=True):
    """An account."""

    name: str
    number: int
    plan: str
    created: Time
    is_admin: bool
    suspended: Annotated[Time | None, Meta(description="Since when; null: it may be used.")]
    expires: Annotated[Time | None, Meta(description="When it goes by itself; null: it stays.")]
    consoles: Annotated[int, Meta(description="Consoles that run.")]
    cpu_seconds_today: float
    home_bytes: Annotated[int | None, Meta(description="Size of its files; null where that is not known.")]
    last_seen: Annotated[Time | None, Meta(description="About when it was last used.")]


class NewAccountInfo(AccountInfo, frozen=True):
    """A new account; the link is told this once."""

    login_link: Annotated[str, Meta(description="Logs it in once, within a day.")]


class AccountList(Struct, frozen=True):
    """Accounts by name."""

    users: list[AccountInfo]
    after: More


class LoginLinkInfo(Struct, frozen=True):
    """A link that logs an account in."""

    url: Annotated[str, Meta(description="Can be used once, within a day.")]


class RunningInfo(Struct, frozen=True):
    """A console that runs, from outside; null is what this machine does not measure."""

    id: str
    name: str
    owner: str
    program: str
    image: str
    state: str
    created: Time
    last_activity: Time
    viewers: int
    memory_bytes: int | None
    cpu_seconds: float | None
    cpu_percent: Annotated[float | None, Meta(description="Of one core, at the last look.")]
    network_in: int | None
    network_out: int | None
    slowed: Annotated[bool, Meta(description="Whether it has less CPU time than its plan says.")]


class RunningList(Struct, frozen=True):
    """Consoles that run, by id."""

    consoles: list[RunningInfo]
    after: More


class MeansInfo(Struct, frozen=True):
    """How a limit is kept on this machine."""

    name: str
    by: Annotated[str, Meta(description="By what, in words.")]
    enforced: bool
    advice: Annotated[str | None, Meta(description="What would make it better.")]


class LoadInfo(Struct, frozen=True):
    """How loaded the hub and its machine are; sizes in bytes."""

    version: str
    started: Time
    draining: bool
    cpus: int
    load: Annotated[list[float], Meta(description="Runnable processes over 1, 5 and 15 minutes.")]
    memory_total: int
    memory_available: int
    disk_total: int
    disk_free: int
    consoles: Annotated[int, Meta(description="Consoles that run.")]
    viewers: int
    isolation: Annotated[str, Meta(description="What holds consoles here, in words.")]
    means: list[MeansInfo]


class DrainInfo(Struct, frozen=True):
    """Whether new consoles are taken."""

    draining: bool


class AuditEntryInfo(Struct, frozen=True):
    """Something that was done."""

    number: int
    time: Time
    actor: Annotated[str, Meta(description="Who did it, by name; empty: the hub, or a stranger.")]
    action: str
    subject: str
    detail: dict[str, Any]
    address: str
    hash: Annotated[str, Meta(description="Covers this entry and all before it.")]


class AuditPage(Struct, frozen=True):
    """Entries of the audit log, the newest first."""

    entries: list[AuditEntryInfo]
    before: Annotated[
        int | None, Meta(description="Ask again with `before=` this for older ones; null: there are none.")
    ]
