"""Connections end with the logins they stand on."""

from __future__ import annotations

from base64 import b64decode

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from termhub.accounts import PublicKey, manage
from termhub.accounts.watch import CHECK_SECONDS
from termhub.gateways import attached
from termhub.store import Database
from tests.support.folders import temporary_folder
from tests.support.stores import AccountsOfTest, InlineStore

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
BLOB = b64decode(KEY.split()[1])


@attrs.define(eq=False)
class Connection:
    closed: list[tuple[int, str]] = attrs.field(factory=list)

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


class KeyConnectionTests(SynchronousTestCase):
    """Connections that came with a key, under the name that anybody may give."""

    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.clock = Clock()
        made = AccountsOfTest(InlineStore(self.database), self.clock)
        self.accounts = made.accounts
        self.successResultOf(Deferred.fromCoroutine(made.watch.start()))
        self.addCleanup(made.watch.stop)
        self.attached = attached.Attached(made.accounts)
        self.alice = self.database.add_user("alice", 1.0, "default")
        self.bob = self.database.add_user("bob", 1.0, "default")
        self.key = manage.add_key(self.database, "alice", KEY)
        self.connection = Connection()
        self.attached.add(self.connection, self.alice, PublicKey("", BLOB))
        self.addCleanup(self.attached.discard, self.connection)

    def test_they_stay_while_the_key_does(self) -> None:
        self.clock.pump([CHECK_SECONDS] * 3)
        self.assertEqual(self.connection.closed, [])

    def test_they_end_when_the_key_is_removed_here(self) -> None:
        manage.remove_key(self.database, "alice", self.key.number)
        self.successResultOf(Deferred.fromCoroutine(self.attached.check(self.alice)))
        self.assertEqual([code for code, _ in self.connection.closed], [attached.NOT_ALLOWED])

    def test_they_end_when_the_key_is_removed_elsewhere(self) -> None:
        manage.remove_key(self.database, "alice", self.key.number)
        self.clock.advance(CHECK_SECONDS)
        self.assertEqual(len(self.connection.closed), 1)

    def test_they_end_when_the_key_opens_another_account_now(self) -> None:
        manage.remove_key(self.database, "alice", self.key.number)
        manage.add_key(self.database, "bob", KEY)
        self.clock.advance(CHECK_SECONDS)
        ((code, reason),) = self.connection.closed
        self.assertEqual(code, attached.NOT_ALLOWED)
        self.assertIn("another account", reason)
