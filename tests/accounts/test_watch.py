"""Changes of accounts are told, whoever made them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from termhub.accounts import manage
from termhub.accounts.watch import CHECK_SECONDS
from termhub.errors import NotAllowed, TooMany
from termhub.store import Database, User
from tests.support.folders import temporary_folder
from tests.support.stores import AccountsOfTest, InlineStore


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.clock = Clock()
        self.clock.advance(manage.time.time())
        self.store = InlineStore(self.database)
        made = AccountsOfTest(self.store, self.clock)
        self.accounts, self.watch = made.accounts, made.watch
        self.alice = self.database.add_user("alice", 1.0, "free", is_admin=True)
        self.bob = self.database.add_user("bob", 1.0, "free")
        self.told: list[tuple[str, Any]] = []
        self.watch.on_account_changed(self.account_changed)
        self.watch.on_access_ended(self.access_ended)
        self.result(self.watch.start())
        self.addCleanup(self.watch.stop)
        self.beside = Database(self.database.path)
        self.addCleanup(self.beside.close)

    def result(self, call: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(call))

    async def account_changed(self, before: User, after: User) -> None:
        self.told.append(
            (after.name, (before.plan, before.suspended is None, after.plan, after.suspended is None))
        )

    async def access_ended(self, user: User) -> None:
        self.told.append((user.name, "access"))

    def test_what_is_done_here_is_told_at_once_and_once(self) -> None:
        bob = self.result(self.accounts.change(self.bob, self.alice, plan="plus", suspended=True))
        self.assertEqual((bob.plan, bob.suspended is None), ("plus", False))
        told = [("bob", ("free", True, "plus", False))]
        self.assertEqual(self.told, told)
        manage.create_token(self.beside, "alice")
        self.clock.advance(CHECK_SECONDS)
        self.assertEqual(self.told, told, "not once more when something else changes")

    def test_what_another_process_does_is_told_in_the_next_round(self) -> None:
        manage.change_user(self.beside, "bob", suspended=True)
        self.assertEqual(self.told, [])
        self.clock.advance(CHECK_SECONDS)
        self.assertEqual(self.told, [("bob", ("free", True, "free", False))])
        self.clock.advance(CHECK_SECONDS)
        self.assertEqual(len(self.told), 1)

    def test_credentials_that_end_are_told(self) -> None:
        token = manage.create_token(self.database, "bob")[0]
        self.result(self.accounts.revoke_token(self.bob, token.number))
        secret = self.result(self.accounts.open_session(self.bob, "", ""))
        self.result(self.accounts.close_session(secret))
        self.assertEqual(self.told, [("bob", "access")] * 2)

    def test_a_store_that_fails_is_asked_again(self) -> None:
        changes = self.store.changes

        async def busy() -> int:
            raise TooMany("busy", "busy")

        self.store.changes = busy  # type: ignore[method-assign]
        manage.change_user(self.beside, "bob", plan="plus")
        self.clock.advance(CHECK_SECONDS)
        self.store.changes = changes  # type: ignore[method-assign]
        self.assertEqual(self.told, [])
        self.clock.advance(CHECK_SECONDS)
        self.assertEqual(len(self.told), 1)

    def test_a_listener_that_fails_keeps_no_other_from_being_told(self) -> None:
        async def fails(before: User, after: User) -> None:
            raise RuntimeError("a defect")

        self.watch._accounts.insert(0, fails)
        self.result(self.accounts.change(self.bob, None, plan="plus"))
        self.assertEqual(len(self.told), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_there_is_always_somebody_left_who_looks_after_the_hub(self) -> None:
        for change in ({"is_admin": False}, {"suspended": True}):
            call = Deferred.fromCoroutine(self.accounts.change(self.alice, self.bob, **change))
            self.failureResultOf(call, NotAllowed)
        self.assertEqual(self.told, [])
