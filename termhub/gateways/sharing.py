"""How shares are told to people, by the command line and over ssh.

Shares and members are what REST describes: ``ShareInfo`` and ``MemberInfo`` as plain values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .durations import duration_text
from .listing import age, plain

if TYPE_CHECKING:  # the command line has no hub to import
    from termhub.hub.invitations import Invitation
    from termhub.store import Member, Share

SHARE_HEAD = ("share", "role", "for", "expires", "uses left")
MEMBER_HEAD = ("member", "who", "role", "share", "came")

WRITERS = "Who comes by it may run programs with the files of your home."
"""What sharing to writers and owners means, said whenever one does."""


def share_info(share: Share, invitation: Invitation | None = None) -> dict[str, Any]:
    """A share as REST describes it.

    :param invitation: how to come by it, where it is a new link.
    """
    told = {
        "id": share.id,
        "role": share.role,
        "user": share.label or None,
        "expires": share.expires,
        "uses_left": share.uses_left,
        "has_passphrase": share.has_passphrase,
        "created": share.created,
    }
    if invitation is not None:
        told.update(url=invitation.url, ssh=invitation.ssh)
    return told


def member_info(member: Member) -> dict[str, Any]:
    """Somebody whom a share let in, as REST describes them."""
    return {
        "member": member.number,
        "share": member.share,
        "name": member.user.name,
        "role": member.role,
        "is_guest": member.user.is_guest,
        "joined": member.joined,
    }


def share_rows(shares: Sequence[Mapping[str, Any]], now: float) -> list[tuple[str, ...]]:
    """The cells of a table of shares, under :data:`SHARE_HEAD`.

    :param now: seconds since 1970.
    """
    return [
        (
            each["id"],
            each["role"],
            each.get("user") or ("link, pass-phrase" if each.get("has_passphrase") else "link"),
            f"in {duration_text(each['expires'] - now)}",
            "any" if each.get("uses_left") is None else str(each["uses_left"]),
        )
        for each in shares
    ]


def member_rows(members: Sequence[Mapping[str, Any]], now: float) -> list[tuple[str, ...]]:
    """The cells of a table of those who came by shares, under :data:`MEMBER_HEAD`."""
    return [
        (
            str(each["member"]),
            f"{each['name']} (guest)" if each["is_guest"] else each["name"],
            each["role"],
            each["share"],
            f"{age(now - each['joined'])} ago",
        )
        for each in members
    ]


def share_results(share: Mapping[str, Any]) -> list[str]:
    """What a new share is for: the link and the ssh command, where there are some."""
    return [plain(str(share[key])) for key in ("url", "ssh") if share.get(key)]


def share_notes(share: Mapping[str, Any], name: str, now: float, unshare: str) -> list[str]:
    """What a person should know of a new share of the console ``name``, a line each.

    :param now: seconds since 1970.
    :param unshare: the command that takes shares back.
    """
    role, user, uses = str(share["role"]), share.get("user"), share.get("uses_left")
    article = "a" if role == "writer" else "an"
    facts = [f"{article} {role} of {plain(name)}", f"for {duration_text(share['expires'] - now)}"]
    if uses is not None:
        facts.append("once" if uses == 1 else f"{uses} times")
    if share.get("has_passphrase"):
        facts.append("with the pass-phrase")
    who = f"{plain(str(user))} is" if user else "The link makes"
    said = [f"{who} {', '.join(facts)}. `{unshare} {plain(name)} {share['id']}` takes it back."]
    if role != "observer":
        said.append(WRITERS)
    return said
