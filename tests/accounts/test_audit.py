"""What is noted, how long a note may be, and that nobody fills the log."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from termhub.accounts import Audit
from termhub.accounts.audit import AT_ONCE, LEFT_OUT, MAX_DETAIL_BYTES, SETTLE_SECONDS, bounded
from termhub.errors import TooMany
from termhub.store import AuditEntry, Database, User
from tests.support.folders import temporary_folder
from tests.support.stores import InlineStore

_json: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)


class AuditTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.clock = Clock()
        self.clock.advance(1e9)
        self.store = InlineStore(self.database)
        self.audit = Audit(self.store, self.clock.seconds)
        self.alice = self.database.add_user("alice", 1.0, "free")
        self.admin = self.database.add_user("root_", 1.0, "pro", is_admin=True)

    def entries(self) -> list[AuditEntry]:
        return self.database.audit.newest(None, 1000)[::-1]

    def test_a_note_says_who_did_what_to_whom_and_from_where(self) -> None:
        self.successResultOf(self.audit.note(self.admin, "user.plan", "alice", {"plan": "plus"}, "192.0.2.1"))
        (entry,) = self.entries()
        self.assertEqual(
            (entry.time, entry.actor, entry.action, entry.subject, json.loads(entry.detail), entry.address),
            (1e9, "root_", "user.plan", "alice", {"plan": "plus"}, "192.0.2.1"),
        )

    def test_a_guest_who_says_an_accounts_name_is_told_apart(self) -> None:
        self.audit.note(User(-3, "alice", 1.0, "guest"), "share.take")
        self.assertEqual(self.entries()[0].actor, "alice (guest)")

    def test_a_store_that_refuses_fails_nobody_and_is_logged(self) -> None:
        async def busy(*_: object) -> None:
            raise TooMany("The store has too much to do.", "busy")

        self.store.append_audit = busy  # type: ignore[method-assign, assignment]
        self.assertIsNone(self.successResultOf(self.audit.note(self.alice, "token.add", "x")))

    def test_a_stranger_fills_no_log_and_what_is_left_out_is_counted(self) -> None:
        for _ in range(500):
            self.audit.note(None, "login.refused", "", {"why": "wrong_password"}, "192.0.2.1")
        self.assertEqual(len(self.entries()), AT_ONCE)
        self.audit.note(None, "login.refused", "", {}, "198.51.100.1")
        self.assertEqual(len(self.entries()), AT_ONCE + 1, "another address is not kept from being noted")
        self.audit.settle()
        told = self.entries()[-1]
        self.assertEqual(told.action, LEFT_OUT)
        self.assertEqual(json.loads(told.detail), {"notes": {"login.refused 192.0.2.1": 500 - AT_ONCE}})
        self.audit.settle()
        self.assertEqual(len(self.entries()), AT_ONCE + 2, "nothing new")

    def test_an_ipv6_network_is_one_stranger(self) -> None:
        for number in range(100):
            self.audit.note(None, "login.refused", "", {}, f"2001:db8::{number:x}")
        self.assertEqual(len(self.entries()), AT_ONCE)

    def test_what_is_left_out_is_told_now_and_then(self) -> None:
        def flood() -> None:
            for _ in range(100):
                self.audit.note(self.alice, "token.add", "x")

        for _ in range(10):
            flood()
            self.audit.settle()
        told = [entry for entry in self.entries() if entry.action == LEFT_OUT]
        self.assertEqual(len(told), 1)
        self.clock.advance(SETTLE_SECONDS)
        self.audit.settle()
        counts = [
            sum(json.loads(entry.detail)["notes"].values())
            for entry in self.entries()
            if entry.action == LEFT_OUT
        ]
        self.assertEqual(sum(counts), 1000 - AT_ONCE)

    def test_many_strangers_are_counted_in_bounded_room(self) -> None:
        for number in range(3000):
            for _ in range(AT_ONCE + 1):
                self.audit._leave_out(f"login.refused {number}")
        self.successResultOf(self.audit.settle(0))
        detail = json.loads(self.entries()[-1].detail)
        self.assertEqual(sum(detail["notes"].values()) + detail["others"], 3000 * (AT_ONCE + 1))

    def test_what_administrators_and_the_hub_do_is_noted_always(self) -> None:
        for _ in range(3 * AT_ONCE):
            self.audit.note(self.admin, "console.end", "c-x")
            self.audit.note(None, "user.removed", "bob")
        self.assertEqual(len(self.entries()), 6 * AT_ONCE)

    @given(st.text(), st.text(), st.text(), st.dictionaries(st.text(), _json, max_size=8), st.text())
    def test_notes_are_bounded(
        self, actor: str, action: str, subject: str, detail: dict[str, Any], address: str
    ) -> None:
        parts = bounded(actor, action, subject * 50, detail, address * 50)
        self.assertLessEqual(max(len(part) for part in parts if isinstance(part, str)), 200)
        self.assertLessEqual(len(json.dumps(parts[3])), MAX_DETAIL_BYTES)
        self.successResultOf(Deferred.fromCoroutine(self.store.append_audit(1.0, *parts)))

    def test_what_json_cannot_carry_is_left_out(self) -> None:
        for detail in ({"x": object()}, {"x": "a" * 10, "y": list(range(5000))}):
            self.assertEqual(bounded("", "a", "", detail, "")[3], {"left_out": "too long"})
