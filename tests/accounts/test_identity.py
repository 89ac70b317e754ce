from base64 import b64decode
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from termhub.accounts import (
    Admitted,
    Bearer,
    Cookie,
    Credentials,
    Link,
    Password,
    PublicKey,
    manage,
)
from termhub.accounts.identity import DAY_SECONDS, SESSION_SECONDS
from termhub.errors import BadRequest, KeyTaken, NotLoggedIn, TooMany
from termhub.store import Database, User
from tests.support.folders import temporary_folder
from tests.support.stores import AccountsOfTest, InlineStore, PlainPasswords

HERE = "127.0.0.1"

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
BLOB = b64decode(ED25519.split()[1])

T = TypeVar("T")


class IdentifyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.clock = Clock()
        # The CLI's calls use the real time.
        self.clock.advance(manage.time.time())
        self.passwords = PlainPasswords()
        self.accounts = AccountsOfTest(InlineStore(self.database), self.clock, self.passwords).accounts
        self.alice = self.database.add_user("alice", 1.0, "default", "right")

    def identify(self, credentials: Credentials, address: str = HERE) -> User:
        return self.result(self.accounts.identify(credentials, address)).user

    def refusal(self, credentials: Credentials, address: str = HERE, kind: Any = NotLoggedIn) -> Any:
        call = Deferred.fromCoroutine(self.accounts.identify(credentials, address))
        return self.failureResultOf(call, kind).value

    def result(self, call: Coroutine[Any, Any, T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(call))

    def failure(self, call: Coroutine[Any, Any, object], kind: Any) -> Any:
        return self.failureResultOf(Deferred.fromCoroutine(call), kind).value

    def open_session(self) -> str:
        return self.successResultOf(
            Deferred.fromCoroutine(self.accounts.open_session(self.alice, HERE, "browser" * 100))
        )

    def test_admitted_user_stays_until_the_password_changes_or_the_account_goes(self) -> None:
        admitted = Admitted(self.identify(Password("alice", "right")))
        self.assertEqual(self.identify(admitted), self.alice)
        self.database.set_password(self.alice.number, "another")
        self.refusal(admitted)
        admitted = Admitted(self.identify(Password("alice", "another")))
        self.database.people.end_removal(self.alice.number)
        self.refusal(admitted)

    def test_the_right_password(self) -> None:
        self.assertEqual(self.identify(Password("alice", "right")), self.alice)

    def test_a_wrong_password_and_an_unknown_account_look_and_cost_the_same(self) -> None:
        wrong = self.refusal(Password("alice", "wrong"))
        unknown = self.refusal(Password("nobody", "wrong"))
        self.assertEqual((wrong.message, wrong.code), (unknown.message, unknown.code))
        self.assertEqual(self.passwords.asked, ["right", None])

    def test_wrong_passwords_of_an_account_are_limited_from_everywhere(self) -> None:
        for number in range(10):
            self.refusal(Password("alice", "wrong"), f"192.0.2.{number}")
        refused = self.refusal(Password("alice", "right"), "198.51.100.1", TooMany)
        self.assertGreater(refused.retry_after_seconds, 0)
        self.clock.advance(31)
        self.assertEqual(self.identify(Password("alice", "right"), "198.51.100.1"), self.alice)

    def test_wrong_passwords_from_an_address_are_limited_for_all_accounts(self) -> None:
        for number in range(20):
            self.refusal(Password(f"user{number}", "wrong"))
        self.refusal(Password("alice", "right"), HERE, TooMany)
        self.assertEqual(self.identify(Password("alice", "right"), "192.0.2.1"), self.alice)

    def test_being_limited_verifies_nothing(self) -> None:
        for _ in range(10):
            self.refusal(Password("alice", "wrong"))
        verified = len(self.passwords.asked)
        self.refusal(Password("alice", "wrong"), HERE, TooMany)
        self.assertEqual(len(self.passwords.asked), verified)

    def test_right_passwords_are_not_limited(self) -> None:
        for _ in range(100):
            self.identify(Password("alice", "right"))

    def test_an_attempt_that_could_not_be_verified_does_not_count(self) -> None:
        self.passwords.busy = True
        for _ in range(50):
            self.assertEqual(self.refusal(Password("alice", "right"), HERE, TooMany).code, "busy")
        self.passwords.busy = False
        self.identify(Password("alice", "right"))

    def test_a_token_is_known_until_it_is_revoked(self) -> None:
        token, secret = manage.create_token(self.database, "alice", "laptop")
        self.assertRegex(secret, r"^th_[a-z2-7]{32}$")
        self.assertNotIn(secret, token.hash)
        self.assertEqual(self.identify(Bearer(secret)), self.alice)
        self.assertEqual(self.database.tokens(1)[0].last_used, self.clock.seconds())
        manage.revoke_token(self.database, "alice", token.number)
        self.assertEqual(self.refusal(Bearer(secret)).code, "bad_token")

    def test_last_use_is_not_written_at_every_request(self) -> None:
        _, secret = manage.create_token(self.database, "alice")
        first = self.clock.seconds()
        self.identify(Bearer(secret))
        self.clock.advance(100)
        self.identify(Bearer(secret))
        self.assertEqual(self.database.tokens(1)[0].last_used, first)
        self.clock.advance(300)
        self.identify(Bearer(secret))
        self.assertEqual(self.database.tokens(1)[0].last_used, first + 400)

    def test_a_session_slides(self) -> None:
        secret = self.open_session()
        for _ in range(6):
            self.clock.advance(20 * DAY_SECONDS)
            self.assertEqual(self.identify(Cookie(secret)), self.alice)
        self.clock.advance(SESSION_SECONDS)
        self.refusal(Cookie(secret))

    def test_a_closed_session_is_over(self) -> None:
        first, second = self.open_session(), self.open_session()
        self.successResultOf(Deferred.fromCoroutine(self.accounts.close_session(first)))
        self.refusal(Cookie(first))
        self.assertEqual(self.identify(Cookie(second)), self.alice)
        self.successResultOf(Deferred.fromCoroutine(self.accounts.close_session("ths_unknown")))

    def test_sessions_are_stored_without_their_secret(self) -> None:
        secret = self.open_session()
        (session,) = self.database.sessions(1)
        self.assertNotIn(secret[4:], repr(session) + session.hash)
        self.assertEqual(len(session.agent), 200)

    def test_sessions_of_a_user_are_bounded(self) -> None:
        secrets = [self.open_session() for _ in range(60)]
        self.assertEqual(len(self.database.sessions(1)), 50)
        self.refusal(Cookie(secrets[0]))
        self.identify(Cookie(secrets[-1]))

    def test_a_new_password_logs_out_everywhere(self) -> None:
        secret = self.open_session()
        manage.set_password(self.database, "alice", "a new password")
        self.refusal(Cookie(secret))

    def test_a_link_works_once(self) -> None:
        secret = manage.create_link(self.database, "alice")
        self.assertEqual(self.identify(Link(secret)), self.alice)
        self.assertEqual(self.refusal(Link(secret)).code, "bad_link")

    def test_a_link_expires(self) -> None:
        secret = manage.create_link(self.database, "alice")
        self.clock.advance(DAY_SECONDS + 60)
        self.refusal(Link(secret))

    def test_guessing_links_is_limited(self) -> None:
        for _ in range(20):
            self.refusal(Link("thl_guess"))
        self.refusal(Link("thl_guess"), HERE, TooMany)

    def test_one_kind_of_secret_is_not_taken_for_another(self) -> None:
        _, token = manage.create_token(self.database, "alice")
        session = self.open_session()
        link = manage.create_link(self.database, "alice")
        for wrong in (Cookie(token), Cookie(link), Bearer(session), Bearer(link), Link(token), Link(session)):
            self.refusal(wrong)
        for strange in ("", "th_", "\0", "th_\ud800"):
            self.refusal(Bearer(strange))
            self.refusal(Cookie(strange))
            self.refusal(Password(strange, strange), "192.0.2.99")

    def test_a_key_is_its_users_until_it_is_removed(self) -> None:
        bob = self.database.add_user("bob", 1.0, "default")
        key = self.result(self.accounts.keyring.add(self.alice, f"{ED25519} alice@laptop"))
        self.assertEqual((key.label, key.blob, key.last_used), ("alice@laptop", BLOB, None))
        for name in ("", "console", "alice"):
            self.assertEqual(self.identify(PublicKey(name, BLOB)), self.alice)
        self.assertEqual(self.result(self.accounts.keyring.of(self.alice))[0].last_used, self.clock.seconds())
        for name in ("bob", "nobody", "Alice"):
            self.assertEqual(self.refusal(PublicKey(name, BLOB)).code, "unknown_key")
        self.assertEqual(self.result(self.accounts.keyring.owner(BLOB)), self.alice)
        self.assertEqual(
            self.failure(self.accounts.keyring.remove(bob, key.number), BadRequest).code, "no_such_key"
        )
        self.result(self.accounts.keyring.remove(self.alice, key.number))
        self.assertEqual(self.refusal(PublicKey("alice", BLOB)).code, "unknown_key")
        self.assertIsNone(self.result(self.accounts.keyring.owner(BLOB)))

    def test_a_key_opens_one_account(self) -> None:
        bob = self.database.add_user("bob", 1.0, "default")
        self.result(self.accounts.keyring.add(self.alice, ED25519, "my\x1blaptop"))
        self.assertEqual(self.result(self.accounts.keyring.of(self.alice))[0].label, "my laptop")
        taken = self.failure(self.accounts.keyring.add(bob, ED25519), KeyTaken)
        self.assertEqual(taken.code, "key_taken")
        self.assertNotIn("alice", taken.message)
        self.assertEqual(
            self.failure(self.accounts.keyring.add(self.alice, ED25519), KeyTaken).code, "have_key"
        )
        self.assertEqual(self.failure(self.accounts.keyring.add(bob, "nonsense"), BadRequest).code, "bad_key")

    def test_an_offered_key_is_added_by_its_code_once(self) -> None:
        offer = self.accounts.keyring.offer(BLOB, "ssh-ed25519", "192.0.2.1")
        self.assertEqual(self.accounts.keyring.offered(self.alice, offer.code.lower(), HERE), offer)
        key = self.result(self.accounts.keyring.accept_offer(self.alice, offer.code, "phone", HERE))
        self.assertEqual((key.label, key.blob, key.fingerprint), ("phone", BLOB, offer.fingerprint))
        self.assertEqual(self.identify(PublicKey("", BLOB)), self.alice)
        again = self.failure(self.accounts.keyring.accept_offer(self.alice, offer.code, "", HERE), BadRequest)
        self.assertEqual(again.code, "no_such_offer")

    def test_an_offer_that_could_not_be_accepted_stays_open(self) -> None:
        bob = self.database.add_user("bob", 1.0, "default")
        taken = manage.add_key(self.database, "bob", ED25519)
        offer = self.accounts.keyring.offer(BLOB, "ssh-ed25519")
        self.failure(self.accounts.keyring.accept_offer(self.alice, offer.code, "", HERE), KeyTaken)
        self.failure(self.accounts.keyring.accept_offer(self.alice, offer.code, "x" * 101, HERE), BadRequest)
        manage.remove_key(self.database, "bob", taken.number)
        self.result(self.accounts.keyring.accept_offer(bob, offer.code, "", HERE))

    def test_an_offer_expires(self) -> None:
        offer = self.accounts.keyring.offer(BLOB, "ssh-ed25519")
        self.clock.advance(600)
        with self.assertRaises(BadRequest):
            self.accounts.keyring.offered(self.alice, offer.code, HERE)

    def test_only_keys_that_can_be_added_are_offered(self) -> None:
        for blob, algorithm in ((b"", "ssh-ed25519"), (BLOB, "ssh-dss"), (BLOB, "rsa-sha2-512")):
            with self.assertRaises(BadRequest):
                self.accounts.keyring.offer(blob, algorithm)

    def test_guessing_codes_is_limited_by_address_and_by_account(self) -> None:
        offer = self.accounts.keyring.offer(BLOB, "ssh-ed25519")
        for _ in range(50):
            self.accounts.keyring.offered(self.alice, offer.code, HERE)
        for number in range(20):
            with self.assertRaises(BadRequest):
                self.accounts.keyring.offered(self.alice, "0000-0000", f"192.0.2.{number}")
        with self.assertRaises(TooMany) as limited:
            self.accounts.keyring.offered(self.alice, offer.code, "198.51.100.1")
        self.assertIn("wrong codes", limited.exception.message)
        self.clock.advance(31)
        self.accounts.keyring.offered(self.alice, offer.code, "198.51.100.1")
        for number in range(20):
            other = User(100 + number, "", 0.0, "")
            with self.assertRaises(BadRequest):
                self.accounts.keyring.offered(other, "0000-0000", HERE)
        with self.assertRaises(TooMany):
            self.accounts.keyring.offered(self.database.add_user("bob", 1.0, "default"), offer.code, HERE)

    def test_credentials_do_not_show_in_logs(self) -> None:
        for credentials in (Password("alice", "hush"), Bearer("hush"), Cookie("hush"), Link("hush")):
            self.assertNotIn("hush", repr(credentials))
