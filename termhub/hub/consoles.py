"""The directory of all consoles, and their life: create, rename, end, remove.

What must outlive the hub is in the store; which consoles live is what the launcher says.  At start
the two are brought together.

Invariant: every console in the directory has a record in the store, names are unique for their
owner, and a console that is being made is in neither before its sandbox runs.  Whoever gets a console
from here has the role they asked for in it, as its owner or by a share.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol

import attrs
import msgspec
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.accounts import Shares
from termhub.config import Settings
from termhub.errors import NoSuchConsole, NotAllowed, TermhubError
from termhub.hub.backing import StoredBacking
from termhub.hub.clock import Clock
from termhub.hub.console import Console
from termhub.hub.directory import Directory
from termhub.hub.drain import Drain
from termhub.hub.ended import Ended
from termhub.hub.files import PROGRAM as FILES
from termhub.hub.files import WAITING, Files
from termhub.hub.host_messages import Text
from termhub.hub.images import Images
from termhub.hub.invitations import Invitation, invitation
from termhub.hub.keeper import Keeper
from termhub.hub.launcher import Launcher
from termhub.hub.link import HostLink
from termhub.hub.names import CONSOLE_ID, checked_name, free_name, new_id
from termhub.hub.outside import Allowance, Outside
from termhub.hub.plans import Plans
from termhub.hub.prepared import Prepared
from termhub.hub.reservations import Reservations
from termhub.hub.sizes import checked_size
from termhub.hub.streams import Stream, StreamOwner
from termhub.store import ConsoleRecord, Role, Store, User

LINK_SECONDS = 15.0
"""How long creating waits for the first link."""

END_SECONDS = 5.0
"""How long a console has to end by itself when it is told to."""

POST_MORTEM = "TERMHUB_POST_MORTEM"
"""The variable that asks for it; what every Python in a sandbox has looks for it."""

_log = Logger()


@attrs.frozen
class NewConsole:
    """What a new console should be; None leaves it to the settings.

    :param post_mortem: whether a Python script that ends by an error waits at a debugger's prompt.
    """

    name: str | None = None
    program: str | None = None
    image: str | None = None
    cols: int = 80
    rows: int = 24
    argv: Sequence[str] | None = None
    env: Mapping[str, str] | None = None
    post_mortem: bool = True


class Surroundings(Protocol):
    """The files and sockets around consoles, so that tests need none."""

    def connect(self, folder: Path, link: HostLink) -> None:
        """Connect a link to the host of a folder; raises OSError when nobody listens."""

    async def read_ended(self, folder: Path) -> Ended | None:
        """Read ``ended.json`` without holding up anything."""


class _Spec(Struct):
    program: Text = ""
    image: Text = ""


class _Listed(Struct):
    console: Annotated[str, Meta(pattern="^c-[a-z2-7]{10}$")]
    state: str
    owner: int | None = None
    spec: _Spec = msgspec.field(default_factory=_Spec)


class Consoles:
    """All consoles of this hub.

    :param shares: who may come to consoles of others.
    :param now: the wall clock, seconds since 1970.
    :param addresses: how the hub is reached, by gateway (:func:`.invitations.invitation`); may change.
    :param outside: makes the connections of consoles with an allow-list.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        shares: Shares,
        launcher: Launcher,
        surroundings: Surroundings,
        clock: Clock,
        now: Callable[[], float],
        addresses: Mapping[str, str] | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.images = Images(launcher)
        self.plans = Plans(settings)
        self.shares = shares
        self.drain = Drain(store, now)
        self._outside = outside
        self._addresses = addresses if addresses is not None else {}
        self._settings = settings
        self._store = store
        self._launcher = launcher
        self._surroundings = surroundings
        self._clock = clock
        self._now = now
        self._directory = Directory(shares)
        self._consoles = self._directory.consoles
        self._keepers: dict[str, Keeper] = {}
        self._reservations = Reservations(self._directory, self.plans)
        self._leaving: set[int] = set()
        self._is_stopped = False
        self._prepared = Prepared(
            self._make_prepared,
            self.remove,
            clock,
            settings.consoles.prepared_total if settings.consoles.prepare else 0,
            settings.consoles.prepared_idle_seconds,
        )
        self._files = Files(self._make_for_files, self.remove, clock)
        shares.subscribe(self._access_changed)

    # -- start and stop ------------------------------------------------------------

    async def start(self) -> None:
        """Find every console there is, and link those that live."""
        await self.images.refresh()
        await self.drain.start()
        listed = await self._listed()
        records = {record.id: record for record in await self._store.consoles()}
        names = {user.number: user.name for user in await self._store.users()}
        self._directory.owner_names.update(names)
        for entry in listed:
            record = records.pop(entry.console, None)
            if record is None:
                record = await self._adopt(entry, set(names), records)
            if record is not None:
                await self._find(record, entry.state == "ended")
        for record in records.values():
            if record.prepared:
                await self._store.remove_console(record.id)
            else:
                console = self._add(record)
                console.has_gone("Its folder is gone.")

    async def _listed(self) -> list[_Listed]:
        page = await self._launcher.request("list")
        listed = msgspec.convert(page["consoles"], list[_Listed])
        while page.get("after"):
            page = await self._launcher.request("list", after=page["after"])
            listed += msgspec.convert(page["consoles"], list[_Listed])
        return listed

    def stop(self, code: int, reason: str) -> None:
        """Send all viewers away; consoles live on."""
        self._is_stopped = True
        self._prepared.stop()
        self._files.stop()
        for keeper in self._keepers.values():
            keeper.stop()
        for console in self._consoles.values():
            console.close(code, reason)

    async def _adopt(
        self, entry: _Listed, users: set[int], records: Mapping[str, ConsoleRecord]
    ) -> ConsoleRecord | None:
        """A record for a console that the store does not know: a hub died while it was made."""
        if entry.owner not in users or entry.state == "ended":
            _log.warn("{console} belongs to nobody; it is removed", console=entry.console)
            await self._launcher.request("remove", console=entry.console)
            return None
        taken = {record.name for record in records.values() if record.owner == entry.owner}
        taken |= {console.name for console in self._consoles.values() if console.owner == entry.owner}
        program = entry.spec.program or "python"
        record = ConsoleRecord(
            entry.console, entry.owner, free_name(program, taken), program, entry.spec.image, self._now()
        )
        return await self._store.add_console(record)

    async def _find(self, record: ConsoleRecord, has_ended: bool) -> None:
        if has_ended and record.prepared:
            await self._launcher.request("remove", console=record.id)
            await self._store.remove_console(record.id)
            return
        console = self._add(record)
        if has_ended or console.has_ended:
            if not console.has_ended:
                last = await self._surroundings.read_ended(self._folder(record.id)) or Ended()
                console.has_gone(last.reason, last.time or None)
            return
        self._keep(console)
        if record.prepared:
            hidden = self._files if record.program == FILES else self._prepared
            if not hidden.adopt(console):
                await self.remove(console)

    # -- the directory ---------------------------------------------------------------

    def get(self, user: User, key: str, at_least: Role = "owner") -> Console:
        """A console in which somebody has a role, by its id, its name if it is theirs, or ``owner/name``.

        :raises NoSuchConsole: when they have none in it, whether or not there is such a console.
        :raises NotAllowed: when they have a lesser one.
        """
        return self._directory.get(user, key, at_least)

    def role_of(self, user: User, console: Console) -> Role | None:
        """What somebody may do in a console just now; None: not even know that there is one."""
        return self._directory.role_of(user, console)

    def of(self, user: User) -> list[Console]:
        """The user's own consoles, oldest first, ended ones too."""
        return self._directory.of(user)

    def shared(self, user: User) -> list[Console]:
        """The consoles of others that are shared with somebody, oldest first, ended ones too."""
        return self._directory.shared(user)

    def owner_name(self, console: Console) -> str:
        """The name of the account that a console belongs to."""
        return self._directory.owner_name(console)

    def invitation(self, token: str) -> Invitation:
        """What to give to people so that they come by the link with this token."""
        return invitation(token, self._addresses)

    def all(self) -> list[Console]:
        """Everybody's consoles, prepared ones too."""
        return list(self._consoles.values())

    def logged_in(self, user: User) -> None:
        """A user has logged in: have a console ready, unless it is a guest, who can have none."""
        if not user.is_guest:
            self._prepared.want(user)

    def logged_out(self, user: User) -> None:
        """A user has logged out: nothing needs to be ready."""
        self._prepared.drop(user.number)

    def _access_changed(self, id: str) -> None:
        console = self._consoles.get(id)
        if console is not None:
            console.access_changed(lambda user: self.role_of(user, console))

    # -- life ------------------------------------------------------------------------

    async def create(self, user: User, new: NewConsole) -> Console:
        """Start a console.

        :raises BadRequest: when name, size, program or image cannot be.
        :raises NameTaken: when the user has another of this name.
        :raises TooMany: when the user has as many as their plan has.
        :raises NotAllowed: to guests.
        :raises NotNow: while the hub is drained.
        :raises NoSandbox: when no sandbox can be made.
        """
        _refuse_guests(user, "have consoles of their own")
        self.drain.check()
        size = checked_size(new.cols, new.rows)
        program = new.program or ("script" if new.argv else self._settings.consoles.program)
        image = self.images.resolve(new.image or self._settings.consoles.image).name
        with self._reservations.hold(user, new.name, program) as name:
            console = None
            if not new.argv and not new.env:
                console = self._prepared.claim(user, program, image)
            if console is not None:
                await self._give(console, name)
                if (size.cols, size.rows) != (80, 24):
                    console.resize(0, size.cols, size.rows)
                return console
            record = ConsoleRecord(new_id(), user.number, name, program, image, self._now())
            return await self._make(user, record, new)

    async def run_for_files(self, user: User, owner: StreamOwner, argv: Sequence[str]) -> Stream:
        """Start a file server in the user's hidden sandbox for files; see :class:`Files`.

        :raises NotAllowed: to guests.
        """
        _refuse_guests(user, "have files")
        return await self._files.run(user, owner, argv)

    async def rename(self, console: Console, name: str) -> None:
        """Give a console another name.

        :raises BadRequest: when it cannot be a name.
        :raises NameTaken: when its owner has another of this name.
        """
        if checked_name(name) != console.name:
            await self._store.rename_console(console.id, name)
            console.renamed(name)

    async def end(self, console: Console, reason: str = "ended by its owner") -> None:
        """End a console's programs; it stays listed, with its last screen.

        They are hung up first, so that a shell writes its history, and killed soon after.
        """
        if await console.end(reason, END_SECONDS):
            return
        await self._launcher.request("end", console=console.id, reason=reason)
        last = await self._surroundings.read_ended(self._folder(console.id)) or Ended(reason)
        console.has_gone(last.reason, last.time or None)

    async def remove(self, console: Console) -> None:
        """End a console if it lives, and forget it."""
        self._files.gone(console)
        keeper = self._keepers.pop(console.id, None)
        if keeper is not None:
            keeper.stop()
        try:
            await self._launcher.request("remove", console=console.id)
        except NoSuchConsole:
            _log.debug("{console} has no folder any more", console=console.id)
        self._consoles.pop(console.id, None)
        console.has_gone("removed by its owner")
        for viewer in list(console.viewers.values()):
            viewer.close(4004, "the console was removed")
        await self._store.remove_console(console.id)
        self.shares.console_removed(console.id)

    async def remove_all(self, owner: int) -> None:
        """Remove all consoles of an account, prepared and hidden ones too; it gets none from now on."""
        self._leaving.add(owner)
        self._prepared.drop(owner)
        for console in [each for each in self._consoles.values() if each.owner == owner]:
            await self.remove(console)

    async def _give(self, console: Console, name: str) -> None:
        await self._store.rename_console(console.id, name)
        console.is_prepared = False
        console.created = self._now()
        console.renamed(name)

    async def _make_prepared(self, user: User) -> Console:
        self.drain.check()
        return await self._make_hidden(user, self._settings.consoles.program, NewConsole())

    async def _make_for_files(self, user: User) -> Console:
        return await self._make_hidden(user, FILES, NewConsole(program="script", argv=WAITING))

    async def _make_hidden(self, user: User, program: str, new: NewConsole) -> Console:
        image = self.images.resolve(self._settings.consoles.image).name
        identity = new_id()
        record = ConsoleRecord(identity, user.number, identity, program, image, self._now(), prepared=True)
        return await self._make(user, record, new)

    async def _make(self, user: User, record: ConsoleRecord, new: NewConsole) -> Console:
        if user.number in self._leaving:
            raise NotAllowed("This account is being removed.", "removed")
        self._directory.owner_names[user.number] = user.name
        self.plans.users[user.number] = user
        env = {POST_MORTEM: "1"} if new.post_mortem and record.program == "script" else {}
        spec = {
            "console": record.id,
            "user": user.name,
            "number": user.number,
            "image": record.image,
            "program": new.program or record.program,
            "argv": list(new.argv or ()),
            "env": {**env, **(new.env or {})},
            "cols": new.cols,
            "rows": new.rows,
            **self.plans.spec(user),
        }
        started = Deferred.fromCoroutine(self._launcher.request("create", spec=spec))
        try:
            await self._store.add_console(record)
        except TermhubError:
            started.addBoth(self._made_in_vain, record.id)
            raise
        try:
            await started
        except TermhubError:
            await self._store.remove_console(record.id)
            raise
        console = self._add(record)
        self._keep(console)
        await console.settled(LINK_SECONDS)
        _log.info(
            "{console} runs {program} for {user}", console=record.id, program=record.program, user=user.name
        )
        return console

    def _made_in_vain(self, result: object, console: str) -> None:
        removed = Deferred.fromCoroutine(self._launcher.request("remove", console=console))
        removed.addErrback(lambda failure: _log.warn("{why}", why=failure.getErrorMessage()))

    # -- one console -------------------------------------------------------------------

    def _add(self, record: ConsoleRecord) -> Console:
        folder = self._folder(record.id)

        def read_ended() -> Awaitable[Ended | None]:
            return self._surroundings.read_ended(folder)

        backing = StoredBacking(record.id, record.owner, self._store, self.shares, self.invitation)
        console = Console(
            record, self._clock, self._now, read_ended, self.images.argv, backing, self._on_ended
        )
        self._consoles[record.id] = console
        console.check_windows = lambda count: self.plans.check_windows(record.owner, count)
        if self._outside is not None:
            console.streams.way_out = self._outside.way_out(lambda: self._allowance(record.owner))
        return console

    async def _allowance(self, owner: int) -> Allowance:
        return self.plans.outside(await self._store.user(owner))

    def _keep(self, console: Console) -> None:
        folder = self._folder(console.id)
        keeper = Keeper(
            console,
            folder,
            self._launcher,
            lambda link: self._surroundings.connect(folder, link),
            lambda: self._surroundings.read_ended(folder),
            self._clock,
        )
        self._keepers[console.id] = keeper
        keeper.start()

    def _folder(self, console: str) -> Path:
        assert CONSOLE_ID.fullmatch(console), console
        return self._settings.consoles_path / console

    def _on_ended(self, console: Console) -> None:
        keeper = self._keepers.pop(console.id, None)
        if keeper is not None:
            keeper.stop()
        if console.id in self._consoles:
            Deferred.fromCoroutine(self._record_end(console)).addErrback(self._recording_failed)

    async def _record_end(self, console: Console) -> None:
        _log.info("{console} has ended: {why}", console=console.id, why=console.reason)
        if self._prepared.gone(console) or console.is_prepared:
            await self.remove(console)
            return
        await self._store.end_console(console.id, console.ended or self._now(), console.reason or "")
        ended = [
            other for other in self._consoles.values() if other.owner == console.owner and other.has_ended
        ]
        ended.sort(key=lambda other: other.ended or 0)
        for old in ended[: max(0, len(ended) - self._settings.consoles.kept_ended)]:
            await self.remove(old)

    def _recording_failed(self, failure: Failure) -> None:
        if not self._is_stopped:
            _log.failure("Noting the end of a console failed", failure)


def _refuse_guests(user: User, what: str) -> None:
    if user.is_guest:
        raise NotAllowed(f"Guests cannot {what}. Log in first.", "guests_may_not")
