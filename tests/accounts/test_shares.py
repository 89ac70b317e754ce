"""Sharing consoles: who comes in, as what, for how long, and who does not."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from termhub.accounts import GuestPass, Shares, Taken
from termhub.accounts.shares import COMING_SECONDS, MAX_SHARES, MOST_AT_ONCE
from termhub.accounts.watch import CHECK_SECONDS
from termhub.errors import BadRequest, NoSuchConsole, NotAllowed, NotLoggedIn, TooMany
from termhub.store import ConsoleRecord, Database, Share, User
from tests.support.folders import temporary_folder
from tests.support.stores import AccountsOfTest, InlineStore, PlainPasswords

HERE = "127.0.0.1"
ELSEWHERE = "192.0.2.7"
MAIN = "c-aaaaaaaaaa"
OTHER = "c-bbbbbbbbbb"

T = TypeVar("T")


class SharesCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.clock = Clock()
        self.clock.advance(1000)
        self.passwords = PlainPasswords()
        self.store = InlineStore(self.database)
        self.alice, self.bob, self.carol = (
            self.database.add_user(name, 1.0, "default") for name in ("alice", "bob", "carol")
        )
        for id, name in ((MAIN, "main"), (OTHER, "other")):
            self.database.add_console(ConsoleRecord(id, self.alice.number, name, "python", "3.11", 1.0))
        self.told: list[str] = []
        self.shares = self.new_hub()

    def new_hub(self) -> Shares:
        made = AccountsOfTest(self.store, self.clock, self.passwords)
        self.accounts, shares = made.accounts, made.shares
        self.result(made.watch.start())
        self.addCleanup(made.watch.stop)
        shares.subscribe(self.told.append)
        self.result(shares.start())
        self.addCleanup(shares.stop)
        return shares

    def result(self, call: Coroutine[Any, Any, T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(call))

    def failure(self, call: Coroutine[Any, Any, object], kind: Any = BadRequest) -> Any:
        return self.failureResultOf(Deferred.fromCoroutine(call), kind).value

    def link(self, role: Any = "writer", **options: Any) -> tuple[Share, str]:
        console, by = options.pop("console", MAIN), options.pop("by", self.alice)
        share, token = self.result(self.shares.create(console, by, role, **options))
        assert token is not None
        return share, token

    def named(self, name: str, role: Any = "writer", **options: Any) -> Share:
        console, by = options.pop("console", MAIN), options.pop("by", self.alice)
        share, token = self.result(self.shares.create(console, by, role, user=name, **options))
        assert token is None
        return share

    def taking(self, token: str, user: User | None = None, **options: Any) -> Coroutine[Any, Any, Taken]:
        values = {"name": "Ann", "passphrase": None, "address": HERE, **options}
        return self.shares.take(token, user=user, **values)

    def take(self, token: str, user: User | None = None, **options: Any) -> Taken:
        return self.result(self.taking(token, user, **options))

    def member(self, user: User, console: str = MAIN) -> int:
        members = self.result(self.shares.members(console))
        (number,) = [member.number for member in members if member.user.number == user.number]
        return number


class LinkTests(SharesCase):
    def test_a_guest_comes_by_a_link_and_is_known_from_then_on(self) -> None:
        share, token = self.link("observer")
        self.assertTrue(token.startswith("thsh_"))
        taken = self.take(token, name="  Ann\tLee ")
        self.assertTrue(taken.user.is_guest)
        self.assertEqual((taken.user.name, taken.user.plan), ("Ann Lee", "guest"))
        self.assertEqual((taken.console, taken.role), (MAIN, "observer"))
        self.assertEqual(self.shares.role(taken.user, MAIN), "observer")
        self.assertIsNone(self.shares.role(taken.user, OTHER))
        self.assertEqual(self.shares.shared_with(taken.user), [MAIN])
        accounts = self.accounts
        assert taken.secret is not None
        self.assertEqual(self.result(accounts.identify(GuestPass(taken.secret), HERE)).user, taken.user)
        self.failure(accounts.identify(GuestPass("thg_x"), HERE), NotLoggedIn)
        self.failure(accounts.identify(GuestPass(token), HERE), NotLoggedIn)
        (member,) = self.result(self.shares.members(MAIN))
        self.assertEqual((member.share, member.user, member.role), (share.id, taken.user, "observer"))
        self.assertEqual(self.shares.member(taken.user, MAIN), member.number)
        self.assertIsNone(self.shares.member(taken.user, OTHER))
        self.assertIsNone(self.shares.member(self.alice, MAIN))
        self.assertEqual(self.told, [MAIN, MAIN])

    def test_an_account_comes_by_a_link(self) -> None:
        _, token = self.link("writer")
        taken = self.take(token, self.bob)
        self.assertEqual((taken.user, taken.secret, taken.role), (self.bob, None, "writer"))
        self.assertEqual(self.shares.role(self.bob, MAIN), "writer")
        self.assertIsNone(self.shares.role(self.carol, MAIN))

    def test_neither_secret_is_in_the_store_or_a_repr(self) -> None:
        share, token = self.link(passphrase="correct horse")
        taken = self.take(token, passphrase="correct horse")
        written = "".join(self.database._connection.iterdump())
        for secret in (token, taken.secret):
            assert secret is not None
            self.assertNotIn(secret, written)
            self.assertNotIn(secret, repr((share, taken, self.result(self.shares.of(MAIN)))))

    def test_looking_uses_nothing_up(self) -> None:
        _, token = self.link("writer", uses=1, seconds=60)
        for _ in range(3):
            seen = self.result(self.shares.look(token, HERE))
        self.assertEqual((seen.owner, seen.console_name, seen.role), ("alice", "main", "writer"))
        self.assertEqual((seen.needs_passphrase, seen.expires, seen.is_used_up), (False, 1060.0, False))
        self.take(token)
        self.assertTrue(self.result(self.shares.look(token, HERE)).is_used_up)

    def test_a_link_is_used_as_often_as_it_may(self) -> None:
        _, token = self.link(uses=2)
        first = self.take(token)
        self.take(token, self.bob)
        self.assertEqual(self.failure(self.taking(token), NotAllowed).code, "share_used_up")
        self.assertEqual(self.failure(self.taking(token, self.carol), NotAllowed).code, "share_used_up")
        # Who is in uses nothing up.
        self.assertEqual(self.take(token, self.bob).role, "writer")
        again = self.take(token, first.user)
        self.assertEqual((again.user, again.secret), (first.user, None))
        self.assertEqual(self.result(self.shares.of(MAIN))[0].uses_left, 0)

    def test_of_many_at_once_one_gets_the_one_use(self) -> None:
        _, token = self.link(uses=1)
        takings = [Deferred.fromCoroutine(self.taking(token, name=f"n{n}")) for n in range(50)]
        won = [taking for taking in takings if not self._has_failed(taking)]
        self.assertEqual(len(won), 1)
        self.assertEqual(len(self.result(self.shares.members(MAIN))), 1)

    def _has_failed(self, taking: Deferred[Taken]) -> bool:
        failures: list[Any] = []
        taking.addErrback(failures.append)
        return bool(failures)

    def test_the_owner_takes_an_own_link_without_using_it(self) -> None:
        _, token = self.link("observer", uses=1)
        self.assertEqual(self.take(token, self.alice).role, "owner")
        self.assertEqual(self.result(self.shares.members(MAIN)), [])
        self.assertEqual(self.result(self.shares.of(MAIN))[0].uses_left, 1)

    def test_wrong_tokens_are_all_answered_alike_and_counted_by_address(self) -> None:
        share, token = self.link(seconds=10)
        revoked, gone = self.link()
        self.result(self.shares.revoke(MAIN, revoked.id, self.alice))
        self.clock.advance(10)
        wrong = ["", "thsh_" + "a" * 32, token, gone, share.id, token[:-1], "th_" + token[5:], "\udcff"]
        answers = set()
        for each in wrong:
            error = self.failure(self.shares.look(each, HERE))
            answers.add((type(error), error.code, error.message))
            error = self.failure(self.taking(each))
            answers.add((type(error), error.code, error.message))
        self.assertEqual(len(answers), 1)
        _, right = self.link()
        for _ in range(20 - 2 * len(wrong)):
            self.failure(self.shares.look("thsh_x", HERE))
        self.failure(self.shares.look("thsh_x", HERE), TooMany)
        self.failure(self.taking("thsh_x"), TooMany)
        self.failure(self.shares.look("thsh_x", ELSEWHERE))
        # Who has a right one is not kept out by others behind the same address.
        self.result(self.shares.look(right, HERE))
        self.take(right)
        self.clock.advance(31)
        self.failure(self.shares.look("thsh_x", HERE))

    def test_right_tokens_are_never_too_many(self) -> None:
        _, token = self.link()
        for number in range(100):
            self.take(token, name=f"n{number}")
        self.assertEqual(len(self.result(self.shares.members(MAIN))), 100)

    def test_a_pass_phrase_is_needed_and_tried_a_few_times_only(self) -> None:
        _, token = self.link(passphrase="correct horse")
        seen = self.result(self.shares.look(token, HERE))
        self.assertEqual((seen.needs_passphrase, seen.console_name), (True, None))
        for _ in range(30):
            self.assertEqual(self.failure(self.taking(token), NotAllowed).code, "passphrase_needed")
        for number in range(10):
            error = self.failure(
                self.taking(token, passphrase=f"wrong {number}", address=f"10.0.0.{number}"), NotAllowed
            )
            self.assertEqual(error.code, "wrong_passphrase")
        # By share: from another address too, and though it is right.
        self.failure(self.taking(token, passphrase="correct horse", address=ELSEWHERE), TooMany)
        self.clock.advance(31)
        taken = self.take(token, passphrase="correct horse")
        # Who is in needs it no more.
        self.assertEqual(self.take(token, taken.user).role, "writer")

    def test_a_pass_phrase_that_could_not_be_verified_was_not_tried(self) -> None:
        _, token = self.link(passphrase="correct horse")
        self.passwords.busy = True
        for _ in range(30):
            self.assertEqual(
                self.failure(self.taking(token, passphrase="correct horse"), TooMany).code, "busy"
            )
        self.passwords.busy = False
        self.take(token, passphrase="correct horse")

    def test_what_cannot_be_a_share_is_refused(self) -> None:
        for options, code in (
            ({"seconds": 0.5}, "bad_expiry"),
            ({"seconds": float("nan")}, "bad_expiry"),
            ({"seconds": float("inf")}, "bad_expiry"),
            ({"seconds": 400 * 86400.0}, "bad_expiry"),
            ({"uses": 0}, "bad_uses"),
            ({"uses": 1001}, "bad_uses"),
            ({"user": "bob", "uses": 1}, "bad_request"),
            ({"user": "bob", "passphrase": "correct horse"}, "bad_request"),
        ):
            error = self.failure(self.shares.create(MAIN, self.alice, "writer", **options))  # type: ignore[arg-type]
            self.assertEqual(error.code, code, options)
        role: Any = "god"
        self.assertEqual(self.failure(self.shares.create(MAIN, self.alice, role)).code, "bad_role")
        self.failure(self.shares.create("c-cccccccccc", self.alice, "writer"), NoSuchConsole)
        self.assertEqual(self.result(self.shares.of(MAIN)), [])

    def test_a_console_has_so_many_shares(self) -> None:
        first, _ = self.link()
        for _ in range(MAX_SHARES - 1):
            self.link()
        self.assertEqual(
            self.failure(self.shares.create(MAIN, self.alice, "writer"), TooMany).code, "too_many_shares"
        )
        self.link(console=OTHER)
        self.result(self.shares.revoke(MAIN, first.id, self.alice))
        self.link()

    @given(token=st.text(max_size=120), name=st.text(max_size=120), phrase=st.none() | st.text(max_size=60))
    def test_nothing_that_is_said_at_the_door_lets_anybody_in(
        self, token: str, name: str, phrase: str | None
    ) -> None:
        self.clock.advance(60)
        if not self.result(self.shares.of(MAIN)):
            self.link(passphrase="correct horse")
        call = self.shares.take(token, user=None, name=name, passphrase=phrase, address=HERE)
        self.assertEqual(self.failure(call).code, "no_such_share")
        self.assertEqual(self.failure(self.shares.look(token, HERE)).code, "no_such_share")
        self.assertEqual(self.result(self.shares.members(MAIN)), [])


class NamedTests(SharesCase):
    def test_a_share_with_an_account_lets_it_in_at_once(self) -> None:
        share = self.named("bob", "observer")
        self.assertEqual((share.is_link, share.label, share.has_passphrase), (False, "bob", False))
        self.assertEqual(self.shares.role(self.bob, MAIN), "observer")
        self.assertEqual(self.shares.shared_with(self.bob), [MAIN])
        self.result(self.shares.revoke(MAIN, share.id, self.alice))
        self.assertIsNone(self.shares.role(self.bob, MAIN))
        self.assertEqual(self.shares.shared_with(self.bob), [])

    def test_neither_oneself_nor_the_owner_needs_a_share(self) -> None:
        call = self.shares.create(MAIN, self.alice, "writer", user="alice")
        self.assertEqual(self.failure(call).code, "share_with_oneself")
        self.named("bob", "owner")
        call = self.shares.create(MAIN, self.bob, "writer", user="bob")
        self.assertEqual(self.failure(call).code, "share_with_oneself")
        call = self.shares.create(MAIN, self.bob, "writer", user="alice")
        self.assertEqual(self.failure(call).code, "share_with_owner")

    def test_unknown_names_are_told_a_few_times_only(self) -> None:
        for number in range(20):
            name = f"nobody{number}\udcff"
            error = self.failure(self.shares.create(MAIN, self.alice, "writer", user=name))
            self.assertEqual(error.code, "no_such_user")
        self.failure(self.shares.create(MAIN, self.alice, "writer", user="nobody"), TooMany)
        # Nor are right ones then, or guessing would go on.
        self.failure(self.shares.create(MAIN, self.alice, "writer", user="bob"), TooMany)
        self.clock.advance(31)
        self.named("bob")

    def test_the_best_of_several_shares_counts(self) -> None:
        writer = self.named("bob", "writer", seconds=10)
        self.named("bob", "observer", seconds=20)
        self.assertEqual(self.shares.role(self.bob, MAIN), "writer")
        (member,) = self.result(self.shares.members(MAIN))
        self.assertEqual((member.share, member.role), (writer.id, "writer"))
        self.assertEqual(self.shares.member(self.bob, MAIN), member.number)
        self.assertIsNone(self.shares.member(self.carol, MAIN))
        self.clock.advance(10)
        self.assertEqual(self.shares.role(self.bob, MAIN), "observer")
        self.clock.advance(10)
        self.assertIsNone(self.shares.role(self.bob, MAIN))


class ComingTests(SharesCase):
    def test_only_so_many_come_at_once(self) -> None:
        _, token = self.link()
        _, used_up = self.link(uses=1)
        _, elsewhere = self.link(console=OTHER)
        self.take(used_up)
        for _ in range(MOST_AT_ONCE - 1):
            self.failure(self.taking(used_up), NotAllowed)  # who does not come in is not counted
            self.take(token)
        self.failure(self.taking(token), TooMany)
        self.take(elsewhere)
        self.clock.advance(COMING_SECONDS)
        self.take(token)


class NameTests(SharesCase):
    def test_guests_of_one_console_have_names_of_their_own(self) -> None:
        _, token = self.link()
        _, another = self.link()
        _, elsewhere = self.link(console=OTHER)
        names = [
            self.take(each, name=name).user.name
            for each, name in (
                (token, "Ann"),
                (another, "ANN"),
                (token, "Ann"),
                (token, "Ann 2"),
                (token, "bob"),
                (elsewhere, "Ann"),
            )
        ]
        self.assertEqual(names, ["Ann", "ANN 2", "Ann 3", "Ann 2 2", "bob", "Ann"])


class MemberTests(SharesCase):
    def test_a_role_can_be_changed(self) -> None:
        _, token = self.link("observer")
        guest = self.take(token).user
        self.told.clear()
        self.result(self.shares.set_role(MAIN, self.member(guest), "writer"))
        self.assertEqual(self.shares.role(guest, MAIN), "writer")
        self.assertEqual(self.told, [MAIN])
        self.assertEqual(self.take(token, guest).role, "writer")
        self.result(self.shares.set_role(MAIN, self.member(guest), "observer"))
        self.assertEqual(self.shares.role(guest, MAIN), "observer")

    def test_a_role_is_that_of_a_person_by_whichever_share(self) -> None:
        self.named("bob", "writer")
        self.named("bob", "owner")
        self.result(self.shares.set_role(MAIN, self.member(self.bob), "observer"))
        self.assertEqual(self.shares.role(self.bob, MAIN), "observer")
        self.result(self.shares.remove(MAIN, self.member(self.bob)))
        self.assertIsNone(self.shares.role(self.bob, MAIN))
        self.assertEqual(self.result(self.shares.of(MAIN)), [])

    def test_who_was_sent_away_does_not_come_back_by_the_same_share(self) -> None:
        _, token = self.link(uses=5)
        guest = self.take(token).user
        self.take(token, self.bob)
        for user in (guest, self.bob):
            self.result(self.shares.remove(MAIN, self.member(user)))
            self.assertIsNone(self.shares.role(user, MAIN))
            self.assertEqual(self.failure(self.taking(token, user), NotAllowed).code, "removed_from_share")
        self.assertEqual(self.result(self.shares.of(MAIN))[0].uses_left, 3)
        _, another = self.link()
        self.assertEqual(self.take(another, self.bob).role, "writer")

    def test_members_of_other_consoles_are_not_touched(self) -> None:
        self.named("bob")
        number = self.member(self.bob)
        for call in (self.shares.remove(OTHER, number), self.shares.set_role(OTHER, number, "owner")):
            self.assertEqual(self.failure(call).code, "no_such_member")
        share = self.result(self.shares.of(MAIN))[0]
        self.assertEqual(self.failure(self.shares.revoke(OTHER, share.id, self.alice)).code, "no_such_share")
        self.result(self.shares.revoke_all(OTHER, self.alice))
        self.assertEqual(self.shares.role(self.bob, MAIN), "writer")
        role: Any = "god"
        self.assertEqual(self.failure(self.shares.set_role(MAIN, number, role)).code, "bad_role")

    def test_revoking_all_leaves_nobody(self) -> None:
        _, token = self.link()
        guest = self.take(token)
        self.named("bob")
        self.result(self.shares.revoke_all(MAIN, self.alice))
        self.assertEqual([self.shares.role(user, MAIN) for user in (guest.user, self.bob)], [None, None])
        self.failure(self.taking(token))
        # A guest whom nothing is shared with is forgotten.
        accounts = self.accounts
        self.failure(accounts.identify(GuestPass(guest.secret or ""), HERE), NotLoggedIn)


class CoOwnerTests(SharesCase):
    def test_only_owners_share(self) -> None:
        self.named("bob", "writer")
        self.failure(self.shares.create(MAIN, self.bob, "observer"), NotAllowed)
        self.failure(self.shares.create(MAIN, self.carol, "observer"), NotAllowed)
        _, token = self.link("owner")
        guest = self.take(token).user
        error = self.failure(self.shares.create(MAIN, guest, "observer"), NotAllowed)
        self.assertEqual(error.code, "guests_may_not")

    def test_what_a_co_owner_shares_ends_when_they_are_none_any_more(self) -> None:
        for end in ("revoke", "remove", "demote"):
            share = self.named("bob", "owner")
            _, token = self.link("writer", by=self.bob)
            guest = self.take(token).user
            self.named("carol", "owner", by=self.bob)
            _, further = self.link("writer", by=self.carol)
            second = self.take(further).user
            self.assertEqual(self.shares.role(second, MAIN), "writer")
            if end == "revoke":
                self.result(self.shares.revoke(MAIN, share.id, self.alice))
            elif end == "remove":
                self.result(self.shares.remove(MAIN, self.member(self.bob)))
            else:
                self.result(self.shares.set_role(MAIN, self.member(self.bob), "writer"))
            for user in (guest, self.carol, second):
                self.assertIsNone(self.shares.role(user, MAIN), end)
            self.result(self.shares.revoke_all(MAIN, self.alice))

    def test_two_co_owners_cannot_keep_each_other(self) -> None:
        share = self.named("bob", "owner")
        self.named("carol", "owner", by=self.bob)
        self.named("bob", "owner", by=self.carol)
        self.result(self.shares.revoke(MAIN, share.id, self.alice))
        self.assertIsNone(self.shares.role(self.bob, MAIN))
        self.assertIsNone(self.shares.role(self.carol, MAIN))

    def test_what_a_co_owner_shares_lasts_no_longer_than_their_own_share(self) -> None:
        self.named("bob", "owner", seconds=100)
        share, _ = self.link("writer", by=self.bob, seconds=1000)
        self.assertEqual(share.expires, 1100.0)
        share, _ = self.link("writer", by=self.bob, seconds=50)
        self.assertEqual(share.expires, 1050.0)


class TimeTests(SharesCase):
    def test_what_expires_is_told_then(self) -> None:
        _, token = self.link(seconds=60)
        guest = self.take(token)
        self.named("bob", seconds=90, console=OTHER)
        self.told.clear()
        self.clock.advance(59.9)
        self.assertEqual(self.shares.role(guest.user, MAIN), "writer")
        self.assertEqual(self.told, [])
        self.clock.advance(0.2)
        self.assertIsNone(self.shares.role(guest.user, MAIN))
        self.assertEqual(self.told, [MAIN])
        self.assertEqual(self.result(self.shares.of(MAIN)), [])
        self.assertEqual(self.result(self.shares.members(MAIN)), [])
        accounts = self.accounts
        self.failure(accounts.identify(GuestPass(guest.secret or ""), HERE), NotLoggedIn)
        self.clock.advance(30)
        self.assertEqual(self.told, [MAIN, OTHER])
        self.assertEqual(self.database.shares.all(0.0), [])

    def test_nothing_counts_after_its_time_though_no_timer_came(self) -> None:
        _, token = self.link(seconds=60)
        guest = self.take(token).user
        self.shares.stop()
        self.clock.advance(60)
        self.assertIsNone(self.shares.role(guest, MAIN))
        self.assertEqual(self.shares.shared_with(guest), [])
        self.assertEqual(self.result(self.shares.members(MAIN)), [])
        self.failure(self.taking(token, guest))

    def test_a_store_that_fails_keeps_nobody_in(self) -> None:
        self.named("bob", seconds=60)

        async def fail(*_: object) -> None:
            raise TooMany("busy", "busy")

        self.store.sharing = fail  # type: ignore[method-assign,assignment]
        self.told.clear()
        self.clock.advance(61)
        self.assertEqual(self.told, [MAIN])
        self.assertIsNone(self.shares.role(self.bob, MAIN))

    def test_what_an_owner_by_two_shares_shares_ends_with_the_one_that_is_left(self) -> None:
        self.named("bob", "owner", seconds=60)
        longer = self.named("bob", "owner", seconds=600)
        self.named("carol", "observer", by=self.bob, seconds=600)
        _, token = self.link("observer", by=self.bob, seconds=600)
        self.result(self.shares.revoke(MAIN, longer.id, self.alice))
        self.assertEqual(self.shares.role(self.carol, MAIN), "observer")
        self.told.clear()
        self.clock.advance(60)
        self.assertIsNone(self.shares.role(self.bob, MAIN))
        self.assertIsNone(self.shares.role(self.carol, MAIN))
        self.assertEqual(set(self.told), {MAIN})
        self.assertEqual(self.result(self.shares.of(MAIN)), [])
        self.failure(self.shares.look(token, HERE))

    def test_what_a_failing_store_did_not_say_is_asked_for_again(self) -> None:
        self.named("bob", "owner", seconds=60)
        longer = self.named("bob", "owner", seconds=600)
        self.named("carol", "observer", by=self.bob, seconds=600)
        self.result(self.shares.revoke(MAIN, longer.id, self.alice))
        whole = self.store.sharing

        async def fail(*_: object) -> None:
            raise TooMany("busy", "busy")

        self.store.sharing = fail  # type: ignore[method-assign,assignment]
        self.clock.advance(60)
        self.store.sharing = whole  # type: ignore[method-assign]
        self.clock.advance(CHECK_SECONDS)
        self.assertIsNone(self.shares.role(self.carol, MAIN))

    def test_a_hub_that_starts_anew_knows_everything(self) -> None:
        _, token = self.link("writer", uses=2, passphrase="correct horse")
        guest = self.take(token, passphrase="correct horse").user
        self.named("bob", "owner", seconds=60)
        self.result(self.shares.set_role(MAIN, self.member(guest), "observer"))
        self.take(token, self.carol, passphrase="correct horse")
        self.result(self.shares.remove(MAIN, self.member(self.carol)))
        before = (self.result(self.shares.of(MAIN)), self.result(self.shares.members(MAIN)))
        self.shares.stop()
        self.shares = self.new_hub()
        self.assertEqual((self.result(self.shares.of(MAIN)), self.result(self.shares.members(MAIN))), before)
        self.assertEqual(self.shares.role(guest, MAIN), "observer")
        self.failure(self.taking(token, self.carol, passphrase="correct horse"), NotAllowed)
        self.clock.advance(61)
        self.assertIsNone(self.shares.role(self.bob, MAIN))


class OtherProcessTests(SharesCase):
    """The command line changes accounts beside the hub."""

    def setUp(self) -> None:
        super().setUp()
        self.beside = Database(self.database.path)
        self.addCleanup(self.beside.close)

    def test_a_removed_account_is_noticed(self) -> None:
        self.named("bob", "owner")
        _, token = self.link(by=self.bob)
        guest = self.take(token).user
        self.told.clear()
        self.beside.people.end_removal(self.bob.number)
        self.clock.advance(CHECK_SECONDS)
        self.assertIsNone(self.shares.role(self.bob, MAIN))
        self.assertIsNone(self.shares.role(guest, MAIN))
        self.assertEqual(self.result(self.shares.of(MAIN)), [])
        self.assertEqual(self.told, [MAIN])

    def test_what_a_removed_owner_shared_is_over(self) -> None:
        self.named("bob", "observer")
        self.beside.end_console(MAIN, 5.0, "exit")
        self.beside.end_console(OTHER, 5.0, "exit")
        self.beside.people.end_removal(self.alice.number)
        self.clock.advance(CHECK_SECONDS)
        self.assertIsNone(self.shares.role(self.bob, MAIN))

    def test_other_changes_change_nothing(self) -> None:
        self.named("bob")
        self.told.clear()
        self.beside.add_user("dave", 1.0, "default")
        self.clock.advance(CHECK_SECONDS)
        self.assertEqual(self.told, [])
        self.assertEqual(self.shares.role(self.bob, MAIN), "writer")
        self.named("dave")

    def test_a_console_that_is_no_more_is_shared_with_nobody(self) -> None:
        _, token = self.link()
        guest = self.take(token)
        self.database.remove_console(MAIN)
        self.shares.console_removed(MAIN)
        self.assertIsNone(self.shares.role(guest.user, MAIN))
        self.failure(self.taking(token, guest.user))
        self.assertEqual(self.database._connection.execute("SELECT * FROM guests").fetchall(), [])
