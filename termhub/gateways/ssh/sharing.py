"""The commands that share a console: ``share``, ``shares`` and ``unshare``."""

from __future__ import annotations

from typing import assert_never

from termhub.accounts.identity import DAY_SECONDS
from termhub.hub.console import Console
from termhub.store import User

from ..listing import json_text, plain, table
from ..sharing import (
    MEMBER_HEAD,
    SHARE_HEAD,
    member_info,
    member_rows,
    share_info,
    share_notes,
    share_results,
    share_rows,
)
from .commands import Share, Shares, Unshare
from .first_line import FirstLine
from .job import USAGE, Services
from .printer import Printer


class Sharing:
    """What one user does with the shares of one console, as an owner of it."""

    def __init__(
        self, services: Services, user: User, console: Console, printer: Printer, given: FirstLine
    ) -> None:
        self._services = services
        self._shares = services.consoles.shares
        self._user = user
        self._console = console
        self._printer = printer
        self._given = given

    async def run(self, command: Share | Shares | Unshare) -> int:
        """Do what the command says; the exit status.

        :raises TermhubError: when that cannot be.
        """
        match command:
            case Share():
                return await self._share(command)
            case Shares():
                await self._list(command)
            case Unshare():
                await self._unshare(command)
            case _:
                assert_never(command)
        return 0

    async def _share(self, command: Share) -> int:
        passphrase = None
        if command.reads_passphrase:
            passphrase = await self._given.read()
            if not passphrase:
                await self._printer.complain("There is no pass-phrase on standard input.")
                return USAGE
        services = self._services
        share, token = await self._shares.create(
            self._console.id,
            self._user,
            command.role,
            user=command.user,
            seconds=DAY_SECONDS if command.seconds is None else command.seconds,
            uses=command.uses,
            passphrase=passphrase,
        )
        told = share_info(share, None if token is None else services.consoles.invitation(token))
        if command.as_json:
            await self._printer.result(json_text(told) + "\n")
            return 0
        await self._printer.result("".join(f"{line}\n" for line in share_results(told)))
        for line in share_notes(told, command.name, services.now(), "unshare"):
            await self._printer.note(line)
        return 0

    async def _list(self, command: Shares) -> None:
        now, name = self._services.now(), plain(command.name)
        shares = [share_info(each) for each in await self._shares.of(self._console.id)]
        members = [member_info(each) for each in await self._shares.members(self._console.id)]
        if command.as_json:
            await self._printer.result(json_text({"shares": shares, "members": members}) + "\n")
        elif shares:
            lines = table(SHARE_HEAD, share_rows(shares, now))
            if members:
                lines += ["", *table(MEMBER_HEAD, member_rows(members, now))]
            await self._printer.result("".join(f"{line}\n" for line in lines))
        else:
            await self._printer.note(f"{name} is not shared. `share {name}` shares it.")

    async def _unshare(self, command: Unshare) -> None:
        if command.share is None:
            await self._shares.revoke_all(self._console.id, self._user)
        else:
            await self._shares.revoke(self._console.id, command.share, self._user)
        what = "All shares" if command.share is None else "The share"
        verb = "are" if command.share is None else "is"
        await self._printer.note(f"{what} of {plain(command.name)} {verb} taken back.")
