"""The hub, assembled: store, accounts, launcher, consoles, and what starts and stops them.

Gateways are put on top by whoever starts it (``termhub.cli.service``), because they import the
hub and not the other way round.

Invariant: :meth:`Hub.prepare` runs before the reactor serves anything and is the only thing that
runs as root.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from twisted.internet import protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from termhub.accounts import Accounts, Audit, Passwords, Shares, Visitors, Watch
from termhub.accounts.manage import checked_name, create_link, first_link
from termhub.config import Settings
from termhub.errors import BadRequest
from termhub.host import start as launcher_start
from termhub.hub import ended, pidfile, privilege
from termhub.hub.administration import Administration
from termhub.hub.allow_list import AllowList
from termhub.hub.consoles import Consoles
from termhub.hub.export import Exports
from termhub.hub.hooks import Hooks, Target, read_target
from termhub.hub.launcher import Launcher
from termhub.hub.link import HostLink
from termhub.hub.metering import Metering, Reports
from termhub.hub.node import NodeLoad, node_load
from termhub.hub.outside import Outside
from termhub.hub.removal import Removals
from termhub.hub.sockets import adopt, connect
from termhub.hub.viewers import CLOSE_RESTART
from termhub.store import GUEST_PLAN, AsyncStore, Database, User

GOODBYE_SECONDS = 0.25
"""How long clients have to take the close frame when the hub stops."""

_log = Logger()


class Hub:
    """Everything of a hub but its gateways.

    :param reactor: Twisted's.
    """

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self.settings = settings
        self.addresses: dict[str, str] = {}
        """How people come in, by gateway: a URL for ``web``, command lines for the others."""
        self.isolation = ""
        self.login_secret: str | None = None
        self._first_user = first_user_name()
        self._reactor = reactor
        self._pid_file: pidfile.PidFile | None = None
        self._files = ThreadPool(minthreads=0, maxthreads=2, name="files")
        self._launcher = Launcher(self._connect_launcher, reactor)
        self.outside = Outside(
            AllowList(settings.network.allow),
            settings.network.connections,
            settings.network.connections_total,
            reactor,
        )
        self.store: AsyncStore
        self.watch: Watch
        self.audit: Audit
        self.accounts: Accounts
        self.shares: Shares
        self.consoles: Consoles
        self.visitors: Visitors
        self.removals: Removals
        self.exports: Exports
        self.admin: Administration
        self.hooks: Hooks
        self.metering: Metering
        self.reports: Reports
        self._hook: Target | None = None
        self._passwords = Passwords(reactor)

    # -- before the reactor runs -------------------------------------------------------

    def prepare(self) -> None:
        """Take the data folder and see to it that a launcher runs; blocks.

        As root also: make the service user, and open what it needs.  What needs
        root besides (low ports) may be done between this and :meth:`drop`.

        :raises TermhubError: when something is missing; the message says what to do.
        """
        settings = self.settings
        self._hook = read_target(settings.hooks)
        privilege.make_folders(settings)
        self._pid_file = pidfile.hold(settings.pid_path)
        user = privilege.service_user(settings.service_user) if privilege.is_root() else None
        privilege.allow_many_files()
        # First, so that it has the files as they are: what the hub opens below may hide others.
        self.isolation = self._start_launcher()
        if user is not None:
            privilege.open_paths(settings)
            privilege.check_reach(user)
        privilege.make_hub_folder(settings, user)

    def drop(self) -> None:
        """As root: become the service user for good."""
        if privilege.is_root():
            user = privilege.service_user(self.settings.service_user)
            privilege.drop(user, self.settings.hub_path)
            _log.info("The hub runs as {user} now", user=user.pw_name)

    def _start_launcher(self) -> str:
        settings = self.settings
        version = launcher_start.ensure_launcher(
            settings.data_path,
            service_user=settings.service_user if privilege.is_root() else None,
            insecure_no_sandbox=settings.insecure_no_sandbox,
            arguments=launcher_arguments(settings),
        )
        return str(version.get("isolation", ""))

    # -- while it runs -----------------------------------------------------------------

    async def start(self) -> None:
        """Open the store and find the consoles.

        Afterwards ``login_secret`` is that of a login link, as long as nobody has ever logged in.

        :raises TermhubError: when that is not possible.
        """
        if self._pid_file is not None:
            self._pid_file.write()
        database = Database(self.settings.database_path)
        self.login_secret = _first_login(database, self._first_user)
        self.store = AsyncStore(database, self._reactor)
        self.store.start()
        self._passwords.start()
        self._files.start()
        self.outside.start()
        self.watch = Watch(self.store, self._reactor)
        self.audit = Audit(self.store, time.time)
        self.accounts = Accounts(
            self.store, self._passwords, self._reactor.seconds, time.time, self.watch, self.audit
        )
        self.shares = Shares(self.store, self._passwords, self._reactor, time.time, self.watch, self.audit)
        self.consoles = Consoles(
            self.settings,
            self.store,
            self.shares,
            self._launcher,
            self,
            self._reactor,
            time.time,
            self.addresses,
            self.outside,
        )
        self.visitors = Visitors(
            self.store,
            self.settings.guests,
            self.settings.plans[GUEST_PLAN].lifetime_seconds,
            self._reactor.seconds,
            time.time,
            self.watch,
            self.audit,
            self._remove_visitor,
        )
        self.removals = Removals(
            self.store, self.consoles, self.shares, self._launcher, self.watch, self.audit, time.time
        )
        self.exports = Exports(self.store, self.consoles, self.shares, time.time)
        self.hooks = Hooks(
            self._hook or read_target(self.settings.hooks), self.store, self._reactor, time.time
        )
        self.metering = Metering(
            self.settings,
            self.store,
            self.consoles,
            self._launcher,
            self.hooks,
            self._reactor,
            time.time,
            self._relayed,
        )
        self.admin = Administration(
            self.store,
            self.accounts,
            self._passwords,
            self.consoles,
            self.removals,
            self.metering,
            self.audit,
            self._load,
            lambda: self.isolation,
            time.time,
        )
        self.reports = Reports(self.metering, self.store, self.consoles)
        self.watch.on_account_changed(self.metering.account_changed)
        self.watch.on_round(lambda elsewhere: self.audit.settle())
        await self.shares.start()
        await self.visitors.start()
        await self.watch.start()
        await self.consoles.start()
        self.removals.start()
        await self.metering.start()
        self.hooks.start()

    def _relayed(self) -> dict[str, tuple[int, int]]:
        """Bytes that came in for consoles by the hub, and that went out."""
        ways = ((console.id, console.streams.way_out) for console in self.consoles.all())
        return {id: (way.bytes_in, way.bytes_out) for id, way in ways if way is not None}

    async def _remove_visitor(self, user: User) -> None:
        """Remove a visitor's account with all that it has."""
        await self.removals.remove(user)

    async def _load(self) -> NodeLoad:
        """How loaded this machine is."""
        load: NodeLoad = await deferToThreadPool(
            self._reactor, self._files, node_load, self.settings.data_path
        )
        return load

    def reached_at(self, address: str) -> None:
        """Note where people reach it, for the commands that run beside it."""
        if self._pid_file is not None:
            self._pid_file.write(address)

    async def stop(self) -> None:
        """Send the clients away, to come back to the next hub; consoles live on."""
        if hasattr(self, "consoles"):
            had_viewers = any(console.viewers for console in self.consoles.all())
            self.watch.stop()
            self.removals.stop()
            self.metering.stop()
            self.hooks.stop()
            self.shares.stop()
            self.audit.settle(0)
            self.consoles.stop(CLOSE_RESTART, "the hub restarts")
            if had_viewers:
                await deferLater(self._reactor, GOODBYE_SECONDS)
        self._launcher.close()
        for part in (self._files, self.outside, self._passwords, getattr(self, "store", None)):
            if part is not None:
                part.stop()
        if self._pid_file is not None:
            self._pid_file.release()
            self._pid_file = None

    # -- files and sockets: what consoles are surrounded by ------------------------------

    def connect(self, folder: Path, link: HostLink) -> None:
        """Connect a link to the host of a folder; raises OSError when nobody listens."""
        adopt(connect(folder / "host.sock"), link, self._reactor)

    async def read_ended(self, folder: Path) -> ended.Ended | None:
        """Read ``ended.json`` in a thread."""
        last: ended.Ended | None = await deferToThreadPool(self._reactor, self._files, ended.read, folder)
        return last

    def _connect_launcher(self, connection: protocol.Protocol) -> None:
        adopt(connect(self.settings.launcher_socket), connection, self._reactor)


def launcher_arguments(settings: Settings) -> tuple[str, ...]:
    """What a launcher is told of the settings."""
    return ("--uid-base", str(settings.uid_base), "--engine", settings.screen.engine)


def _first_login(database: Database, name: str) -> str | None:
    """The secret of a login link, while nobody has ever logged in; else None."""
    secret = first_link(database, name)
    users = database.users()
    if secret is None and len(users) == 1:
        (user,) = users
        if not (user.password_hash or database.sessions(user.number) or database.tokens(user.number)):
            secret = create_link(database, user.name)
    return secret


def first_user_name() -> str:
    """The name of the first account: whoever starts the hub."""
    name = os.environ.get("SUDO_USER") or os.environ.get("USER") or ""
    if name in ("", "root"):
        return "admin"
    try:
        return checked_name(name.lower())
    except BadRequest:
        return "admin"
