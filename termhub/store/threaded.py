"""The SQLite store for the hub: each call runs in one thread of its own.

The reactor never waits for a disk.  Invariant: calls run one at a time, in the order
they were made; no more than :data:`MAX_WAITING` wait.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.interfaces import IReactorFromThreads

from termhub.threads import Threads

from .audit import AuditTables
from .chats import ChatTables
from .database import Database
from .hooks import HookTables, StateTables
from .people import PeopleTables
from .sharing import ShareTables
from .usage import UsageTables

P = ParamSpec("P")
R = TypeVar("R")
Part = TypeVar("Part")

MAX_WAITING = 1000
"""Calls that may wait for the thread; the next is refused."""


def _in_thread(
    method: Callable[Concatenate[Database, P], R],
) -> Callable[Concatenate[AsyncStore, P], Coroutine[Any, Any, R]]:
    """The method of :class:`Database`, run in the store's thread."""

    async def call(self: AsyncStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(method, *args, **kwargs)

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


def _of_part(
    part: Callable[[Database], Part], method: Callable[Concatenate[Part, P], R]
) -> Callable[Concatenate[AsyncStore, P], Coroutine[Any, Any, R]]:
    """The method of a part of :class:`Database`, run in the store's thread."""

    def call(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(part(database), *args, **kwargs)

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return _in_thread(call)


def _shares(database: Database) -> ShareTables:
    return database.shares


def _chats(database: Database) -> ChatTables:
    return database.chats


def _usage(database: Database) -> UsageTables:
    return database.usage


def _audit(database: Database) -> AuditTables:
    return database.audit


def _hooks(database: Database) -> HookTables:
    return database.hooks


def _state(database: Database) -> StateTables:
    return database.state


def _people(database: Database) -> PeopleTables:
    return database.people


class AsyncStore:
    """A :class:`~termhub.store.Store` over a :class:`~termhub.store.Database`.

    :param database: from now on used by this store only.
    :param reactor: where the answers arrive.
    """

    def __init__(self, database: Database, reactor: IReactorFromThreads) -> None:
        self._database = database
        self._threads = Threads(
            reactor, "store", 1, MAX_WAITING, "The store has too much to do just now; try again."
        )

    def start(self) -> None:
        """Start the thread; calls made before wait for it."""
        self._threads.start()

    def stop(self) -> None:
        """Finish the calls that were made, end the thread and close the database."""
        self._threads.stop()
        self._database.close()

    async def _run(
        self, method: Callable[Concatenate[Database, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await self._threads.run(method, self._database, *args, **kwargs)

    add_user = _in_thread(Database.add_user)
    users = _in_thread(Database.users)
    user = _in_thread(Database.user)
    user_named = _in_thread(Database.user_named)
    set_password = _in_thread(Database.set_password)
    add_token = _in_thread(Database.add_token)
    tokens = _in_thread(Database.tokens)
    token = _in_thread(Database.token)
    touch_token = _in_thread(Database.touch_token)
    remove_token = _in_thread(Database.remove_token)
    add_session = _in_thread(Database.add_session)
    sessions = _in_thread(Database.sessions)
    session = _in_thread(Database.session)
    touch_session = _in_thread(Database.touch_session)
    remove_session = _in_thread(Database.remove_session)
    add_link = _in_thread(Database.add_link)
    take_link = _in_thread(Database.take_link)
    add_key = _in_thread(Database.add_key)
    keys = _in_thread(Database.keys)
    key = _in_thread(Database.key)
    touch_key = _in_thread(Database.touch_key)
    remove_key = _in_thread(Database.remove_key)
    settings = _in_thread(Database.settings)
    set_settings = _in_thread(Database.set_settings)
    add_console = _in_thread(Database.add_console)
    consoles = _in_thread(Database.consoles)
    console = _in_thread(Database.console)
    rename_console = _in_thread(Database.rename_console)
    set_control = _in_thread(Database.set_control)
    end_console = _in_thread(Database.end_console)
    remove_console = _in_thread(Database.remove_console)
    changes = _in_thread(Database.changes)
    sharing = _of_part(_shares, ShareTables.all)
    add_share = _of_part(_shares, ShareTables.add)
    take_share = _of_part(_shares, ShareTables.take)
    remove_share = _of_part(_shares, ShareTables.remove)
    set_member_role = _of_part(_shares, ShareTables.set_role)
    remove_member = _of_part(_shares, ShareTables.remove_member)
    guest = _of_part(_shares, ShareTables.guest)
    touch_guest = _of_part(_shares, ShareTables.touch_guest)
    add_chat = _of_part(_chats, ChatTables.add)
    chat = _of_part(_chats, ChatTables.before)
    add_usage = _of_part(_usage, UsageTables.add)
    forget_usage_marks = _of_part(_usage, UsageTables.forget_marks)
    usage = _of_part(_usage, UsageTables.of)
    append_audit = _of_part(_audit, AuditTables.append)
    audit_entries = _of_part(_audit, AuditTables.entries)
    newest_audit = _of_part(_audit, AuditTables.newest)
    add_hook_event = _of_part(_hooks, HookTables.add)
    due_hook_events = _of_part(_hooks, HookTables.due)
    put_off_hook_event = _of_part(_hooks, HookTables.put_off)
    remove_hook_event = _of_part(_hooks, HookTables.remove)
    hub_state = _of_part(_state, StateTables.get)
    set_hub_state = _of_part(_state, StateTables.set)
    people_after = _of_part(_people, PeopleTables.after)
    person = _of_part(_people, PeopleTables.named)
    change_user = _of_part(_people, PeopleTables.change)
    begin_removal = _of_part(_people, PeopleTables.begin_removal)
    removals = _of_part(_people, PeopleTables.removals)
    end_removal = _of_part(_people, PeopleTables.end_removal)
