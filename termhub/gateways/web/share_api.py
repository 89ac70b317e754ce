"""REST: sharing a console, and coming in by a link.

Who may share is said by :data:`OPERATIONS`; that a link's token is right, and how often it may be
tried, is for :class:`termhub.accounts.Shares` to say.
"""

from __future__ import annotations

from termhub.hub.invitations import Invitation
from termhub.store import Member, Share

from .operations import NOBODY, Answer, Call, Operation
from .schemas import (
    LookRequest,
    MemberChange,
    MemberInfo,
    NewShareInfo,
    NewShareRequest,
    ShareInfo,
    ShareList,
    SharePreviewInfo,
    TakenInfo,
    TakeRequest,
)
from .services import Services


async def create_share(services: Services, call: Call[NewShareRequest, None]) -> Answer:
    """Share a console: with an account, or by a link that is told this once.

    Writers and owners run programs with the files of the owner's home.
    """
    body = call.body
    share, token = await services.shares.create(
        call.console.id,
        call.user,
        body.role,
        user=body.user,
        seconds=body.expires,
        uses=body.uses,
        passphrase=body.passphrase,
    )
    told = Invitation(None, None) if token is None else services.invitation(token)
    info = NewShareInfo(
        share.id,
        share.role,
        share.label or None,
        share.created,
        share.expires,
        share.uses_left,
        share.has_passphrase,
        told.url,
        told.ssh,
    )
    return Answer(201, info)


async def list_shares(services: Services, call: Call[None, None]) -> Answer:
    """List a console's shares, and whom they have let in."""
    shares = await services.shares.of(call.console.id)
    members = await services.shares.members(call.console.id)
    return Answer(value=ShareList([_share(share) for share in shares], [_member(one) for one in members]))


async def revoke_share(services: Services, call: Call[None, None]) -> Answer:
    """Take a share back; those whom it let in are sent away at once."""
    await services.shares.revoke(call.console.id, call.path["share"], call.user)
    return Answer(204)


async def change_member(services: Services, call: Call[MemberChange, None]) -> Answer:
    """Give somebody whom a share let in another role, at once."""
    await services.shares.set_role(call.console.id, call.path["member"], call.body.role)
    return Answer(204)


async def remove_member(services: Services, call: Call[None, None]) -> Answer:
    """Send somebody away whom a share let in; by that share they cannot come back."""
    await services.shares.remove(call.console.id, call.path["member"])
    return Answer(204)


async def look_at_share(services: Services, call: Call[LookRequest, None]) -> Answer:
    """Say what a link is for; it uses nothing up. Wrong links are counted."""
    seen = await services.shares.look(call.body.token, call.address)
    return Answer(
        value=SharePreviewInfo(
            seen.owner, seen.console_name, seen.role, seen.needs_passphrase, seen.expires, seen.is_used_up
        )
    )


async def take_share(services: Services, call: Call[TakeRequest, None]) -> Answer:
    """Come in by a link: as the account that is logged in, else as a guest, who gets a cookie."""
    body = call.body
    taken = await services.shares.take(
        body.token,
        user=None if call.user is NOBODY else call.user,
        name=body.name,
        passphrase=body.passphrase,
        address=call.address,
    )
    console = services.consoles.get(taken.user, taken.console, "observer")
    info = TakenInfo(
        taken.console, services.consoles.owner_name(console), console.describe()["name"], taken.role
    )
    return Answer(value=info, guest=taken.secret)


def _share(share: Share) -> ShareInfo:
    return ShareInfo(
        share.id,
        share.role,
        share.label or None,
        share.created,
        share.expires,
        share.uses_left,
        share.has_passphrase,
    )


def _member(member: Member) -> MemberInfo:
    user = member.user
    return MemberInfo(member.number, member.share, user.name, member.role, user.is_guest, member.joined)


_SHARES = "/consoles/<console>/shares"
_MEMBER = "/consoles/<console>/members/<int:member>"

OPERATIONS = (
    Operation(
        "POST",
        _SHARES,
        "Share a console",
        create_share,
        {201: NewShareInfo},
        body=NewShareRequest,
        access="owner",
        accounts_only=True,
        is_expensive=True,
    ),
    Operation("GET", _SHARES, "List a console's shares", list_shares, {200: ShareList}, access="owner"),
    Operation("DELETE", f"{_SHARES}/<share>", "Revoke a share", revoke_share, {204: None}, access="owner"),
    Operation(
        "PATCH",
        _MEMBER,
        "Change a member's role",
        change_member,
        {204: None},
        body=MemberChange,
        access="owner",
    ),
    Operation("DELETE", _MEMBER, "Send a member away", remove_member, {204: None}, access="owner"),
    Operation(
        "POST",
        "/shares/look",
        "Say what a link is for",
        look_at_share,
        {200: SharePreviewInfo},
        body=LookRequest,
        refusals=(404,),
        access="anybody",
    ),
    Operation(
        "POST",
        "/shares/take",
        "Come in by a link",
        take_share,
        {200: TakenInfo},
        body=TakeRequest,
        refusals=(404,),
        answer_headers={"Set-Cookie": "A new guest, `termhub_guest`."},
        access="visitor",
    ),
)
