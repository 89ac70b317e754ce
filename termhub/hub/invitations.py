"""What people are given to come to a shared console: the link and the command."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from termhub.accounts import ANYBODY


@attrs.frozen
class Invitation:
    """How one comes by a link.

    :param url: the page; None when the hub has none.
    :param ssh: the command; None when ssh is not served.
    """

    url: str | None = attrs.field(repr=False)
    ssh: str | None = attrs.field(repr=False)


def invitation(token: str, addresses: Mapping[str, str]) -> Invitation:
    """How one comes by the link with this token.

    :param addresses: how the hub is reached, by gateway: the URL of ``web``, which ends with a slash,
        and the command line of ``ssh``.
    """
    web, ssh = addresses.get("web"), addresses.get("ssh")
    return Invitation(
        f"{web}s/{token}" if web else None,
        ssh.replace(f"{ANYBODY}@", f"{token}@") if ssh else None,
    )
