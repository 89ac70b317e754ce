"""Coming in by the link of a share: ``ssh TOKEN@host``.

A key that opens an account takes the link for that account.  Whoever has none says a name, gives
the pass-phrase if there is one, and comes as a guest; scripts give the pass-phrase as a password.

Invariant: no token is kept here longer than its connection asks to log in, and none is logged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from termhub.accounts import SharePreview, Shares
from termhub.accounts.secret import SHARE
from termhub.errors import BadRequest, NotAllowed
from termhub.store import User

from ..listing import plain
from .login import Login

GUEST = "guest"
"""The name of who says none."""

Ask = Callable[[str, Sequence[tuple[str, bool]]], Awaitable[list[str]]]
"""Asks the client: an instruction, and prompts with whether what is typed may be seen."""

_ROLES = {"observer": "to look on", "writer": "to look on and to type", "owner": "as if it were yours"}


class LinkRefused(Exception):
    """The link lets nobody in, whatever is shown besides; the message is for the person."""


class PassphraseNeeded(Exception):
    """The key is good; the link's pass-phrase has yet to be given."""


def is_token(name: str) -> bool:
    """Whether a user name is the token of a link; no account is called like one."""
    return name.startswith(SHARE)


class LinkLogin:
    """The ways in by a link, for one connection.

    :param address: where it comes from; wrong tokens and pass-phrases are counted by it.
    """

    def __init__(self, shares: Shares, address: str) -> None:
        self._shares = shares
        self._address = address
        # Who has shown a key for this token, and which key.
        self._proved: tuple[str, User, bytes] | None = None

    async def by_key(self, token: str, user: User, blob: bytes) -> Login:
        """Let an account in, whose key was proved.

        :raises LinkRefused: when the link lets nobody in.
        :raises PassphraseNeeded: when :meth:`by_questions` must ask for it.
        """
        try:
            return await self._take(token, user, blob, user.name, None)
        except NotAllowed:
            self._proved = token, user, blob
            raise PassphraseNeeded from None

    async def by_questions(self, token: str, ask: Ask) -> Login:
        """Ask for what is missing, and let an account or a guest in.

        :raises LinkRefused: when the link lets nobody in.
        :raises NotAllowed: when the pass-phrase is wrong.
        """
        preview = await self._look(token)
        user, blob = None, None
        if self._proved is not None and self._proved[0] == token:
            _, user, blob = self._proved
        if user is None and preview.is_used_up:
            raise LinkRefused("This link is used up. Ask for another one.")
        prompts = [] if user is not None else [(f"Your name (Enter: {GUEST}): ", True)]
        if preview.needs_passphrase:
            prompts.append(("Pass-phrase: ", False))
        answers = await ask(_welcome(preview), prompts)
        passphrase = answers.pop() if preview.needs_passphrase else None
        name = answers.pop().strip() if answers else ""
        return await self._take(token, user, blob, name or GUEST, passphrase)

    async def by_password(self, token: str, password: str) -> Login:
        """Let a guest in who has the pass-phrase; where the link needs none, any will do.

        :raises LinkRefused: when the link lets nobody in.
        :raises NotAllowed: when the pass-phrase is wrong.
        """
        preview = await self._look(token)
        return await self._take(token, None, None, GUEST, password if preview.needs_passphrase else None)

    async def _look(self, token: str) -> SharePreview:
        try:
            return await self._shares.look(token, self._address)
        except BadRequest as error:
            raise LinkRefused(error.message) from None

    async def _take(
        self, token: str, user: User | None, blob: bytes | None, name: str, passphrase: str | None
    ) -> Login:
        """Let somebody in; raises NotAllowed when only the pass-phrase is missing or wrong."""
        try:
            taken = await self._shares.take(
                token, user=user, name=name, passphrase=passphrase, address=self._address
            )
        except (BadRequest, NotAllowed) as error:
            if error.code in ("passphrase_needed", "wrong_passphrase"):
                raise
            raise LinkRefused(error.message) from None
        return Login(taken.user, blob, taken.console, taken.secret)


def _welcome(preview: SharePreview) -> str:
    """Whose console it is; a client shows this as it is."""
    name = f"the console {plain(preview.console_name)}" if preview.console_name else "a console"
    return f"{plain(preview.owner)} shares {name} with you, {_ROLES[preview.role]}."
