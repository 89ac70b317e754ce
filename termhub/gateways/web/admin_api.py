"""REST: looking after the hub; :class:`termhub.hub.administration.Administration` does it, and notes it.

Administrators see who is here and what is used.  What consoles show is for their people alone: nothing here
tells it, and attaching needs a share like anybody's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from termhub.hub.administration import Account, Listed

from .admin_schemas import (
    AccountInfo,
    AccountList,
    AuditEntryInfo,
    AuditPage,
    AuditQuery,
    DrainInfo,
    DrainRequest,
    EndRequest,
    LoadInfo,
    LoginLinkInfo,
    MeansInfo,
    NewAccountInfo,
    NewUserRequest,
    RunningInfo,
    RunningList,
    RunningQuery,
    UserChange,
    UsersQuery,
)
from .operations import Answer, Call, Operation
from .services import Services


async def list_users(services: Services, call: Call[None, UsersQuery]) -> Answer:
    """List the accounts, by name."""
    services.admin.looked(call.user, "users", call.address)
    accounts, after = await services.admin.users(call.query.after, call.query.limit)
    return Answer(value=AccountList([AccountInfo(**_account(each)) for each in accounts], after))


async def add_user(services: Services, call: Call[NewUserRequest, None]) -> Answer:
    """Make an account, and a link that logs it in once."""
    body = call.body
    account, secret = await services.admin.add_user(
        call.user, body.name, body.plan, body.password, body.is_admin, call.address
    )
    return Answer(201, NewAccountInfo(**_account(account), login_link=services.login_link(secret)))


async def change_user(services: Services, call: Call[UserChange, None]) -> Answer:
    """Give an account another plan, let it look after the hub, suspend or resume it.

    There is always somebody left who looks after the hub, and nobody suspends or demotes themselves.
    """
    body = call.body
    account = await services.admin.change_user(
        call.user,
        call.path["user"],
        plan=body.plan,
        is_admin=body.is_admin,
        suspended=body.suspended,
        end_consoles=body.end_consoles,
        address=call.address,
    )
    return Answer(value=AccountInfo(**_account(account)))


async def remove_user(services: Services, call: Call[None, None]) -> Answer:
    """Remove an account with its consoles, shares, credentials and files.

    It is closed at once and for good; what takes longer to delete goes on behind the answer.
    """
    await services.admin.remove_user(call.user, call.path["user"], call.address)
    return Answer(204)


async def make_login_link(services: Services, call: Call[None, None]) -> Answer:
    """Make a link that logs an account in once, for who has lost the way in."""
    secret = await services.admin.login_link(call.user, call.path["user"], call.address)
    return Answer(value=LoginLinkInfo(services.login_link(secret)))


async def list_running(services: Services, call: Call[None, RunningQuery]) -> Answer:
    """List everybody's consoles that run, by id, and what they use."""
    services.admin.looked(call.user, "consoles", call.address)
    consoles, after = services.admin.consoles(call.query.after, call.query.limit)
    return Answer(value=RunningList([_running(each) for each in consoles], after))


async def end_running(services: Services, call: Call[EndRequest, None]) -> Answer:
    """End somebody's console; it stays listed for its owner, with its last screen and the reason."""
    await services.admin.end_console(call.user, call.path["console"], call.body.reason, call.address)
    return Answer(204)


async def get_load(services: Services, call: Call[None, None]) -> Answer:
    """Say how loaded the hub and its machine are, and what holds consoles to their limits."""
    admin = services.admin
    admin.looked(call.user, "load", call.address)
    node, running = await admin.node(), admin.running()
    return Answer(
        value=LoadInfo(
            version=services.version,
            started=admin.started,
            draining=admin.drain.since is not None,
            cpus=node.cpus,
            load=list(node.load),
            memory_total=node.memory_total,
            memory_available=node.memory_available,
            disk_total=node.disk_total,
            disk_free=node.disk_free,
            consoles=len(running),
            viewers=sum(len(console.viewers) for console in running),
            isolation=admin.isolation(),
            means=[MeansInfo(each.name, each.by, each.enforced, each.advice) for each in admin.means],
        )
    )


async def set_draining(services: Services, call: Call[DrainRequest, None]) -> Answer:
    """Take no new consoles, or take them again; those that run go on.  A restart changes nothing of it."""
    await services.admin.set_draining(call.user, call.body.draining, call.address)
    return Answer(value=DrainInfo(services.admin.drain.since is not None))


async def list_audit(services: Services, call: Call[None, AuditQuery]) -> Answer:
    """List what was done, the newest first."""
    services.admin.looked(call.user, "audit", call.address)
    entries, before = await services.admin.audit_entries(call.query.before, call.query.limit)
    shown = [
        AuditEntryInfo(
            each.number,
            each.time,
            each.actor,
            each.action,
            each.subject,
            msgspec.json.decode(each.detail, type=dict[str, Any]),
            each.address,
            each.hash,
        )
        for each in entries
    ]
    return Answer(value=AuditPage(shown, before))


def _account(account: Account) -> dict[str, Any]:
    user = account.user
    return {
        "name": user.name,
        "number": user.number,
        "plan": user.plan,
        "created": user.created,
        "is_admin": user.is_admin,
        "suspended": user.suspended,
        "expires": user.expires,
        "consoles": account.consoles,
        "cpu_seconds_today": round(account.cpu_seconds_today, 3),
        "home_bytes": account.home_bytes,
        "last_seen": account.person.last_seen,
    }


def _running(listed: Listed) -> RunningInfo:
    console, figures = listed.console, listed.figures
    return RunningInfo(
        id=console.id,
        name=console.name,
        owner=listed.owner,
        program=console.program,
        image=console.image,
        state=console.state,
        created=console.created,
        last_activity=round(console.last_activity, 3),
        viewers=len(console.viewers),
        memory_bytes=None if figures is None else figures.memory_bytes,
        cpu_seconds=None if figures is None else figures.cpu_seconds,
        cpu_percent=listed.cpu_percent,
        network_in=None if figures is None else figures.network_in,
        network_out=None if figures is None else figures.network_out,
        slowed=listed.is_slowed,
    )


_USER = "/admin/users/<user>"

OPERATIONS = (
    Operation(
        "GET",
        "/admin/users",
        "List the accounts",
        list_users,
        {200: AccountList},
        query=UsersQuery,
        access="admin",
    ),
    Operation(
        "POST",
        "/admin/users",
        "Make an account",
        add_user,
        {201: NewAccountInfo},
        body=NewUserRequest,
        refusals=(409,),
        access="admin",
        is_expensive=True,
    ),
    Operation(
        "PATCH",
        _USER,
        "Change what an account may do",
        change_user,
        {200: AccountInfo},
        body=UserChange,
        refusals=(404, 409, 503),
        access="admin",
    ),
    Operation(
        "DELETE",
        _USER,
        "Remove an account and all that it has",
        remove_user,
        {204: None},
        refusals=(404,),
        access="admin",
    ),
    Operation(
        "POST",
        f"{_USER}/link",
        "Make a link that logs an account in",
        make_login_link,
        {200: LoginLinkInfo},
        refusals=(404,),
        access="admin",
    ),
    Operation(
        "GET",
        "/admin/consoles",
        "List everybody's consoles that run",
        list_running,
        {200: RunningList},
        query=RunningQuery,
        access="admin",
    ),
    Operation(
        "POST",
        "/admin/consoles/<console>/end",
        "End somebody's console",
        end_running,
        {204: None},
        body=EndRequest,
        refusals=(404, 409, 503),
        access="admin",
    ),
    Operation("GET", "/admin/load", "Say how loaded the hub is", get_load, {200: LoadInfo}, access="admin"),
    Operation(
        "PUT",
        "/admin/drain",
        "Take no new consoles, or take them again",
        set_draining,
        {200: DrainInfo},
        body=DrainRequest,
        access="admin",
    ),
    Operation(
        "GET",
        "/admin/audit",
        "List what was done",
        list_audit,
        {200: AuditPage},
        query=AuditQuery,
        access="admin",
    ),
)
