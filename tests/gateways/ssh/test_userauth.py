"""Logging in over ssh: keys, passwords, questions, codes for unknown keys, and guesses in a row."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from twisted.conch.ssh.keys import Key
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred

from termhub.config import SshSettings
from termhub.errors import StoreError
from termhub.gateways.ssh import userauth
from termhub.gateways.ssh.packets import Reader, boolean, string, u32
from tests.support.ssh_memory import (
    INFO_REQUEST,
    INFO_RESPONSE,
    USERAUTH_BANNER,
    USERAUTH_FAILURE,
    USERAUTH_SUCCESS,
    MemoryCase,
    request,
)

PK_OK = 60
ED25519 = Key(ed25519.Ed25519PrivateKey.generate())
ED25519_2 = Key(ed25519.Ed25519PrivateKey.generate())
ECDSA = Key(ec.generate_private_key(ec.SECP384R1()))
RSA = Key(rsa.generate_private_key(65537, 2048))
WEAK = Key(rsa.generate_private_key(65537, 1024))


class LoginCase(MemoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.line = self.connect()
        self.client = self.ask_login(self.line)

    def ask(self, name: str | bytes, method: str, rest: bytes = b"") -> list[tuple[int, bytes]]:
        """What is answered to one request."""
        request(self.client, name, method, rest)
        return self.answers()

    def answers(self) -> list[tuple[int, bytes]]:
        self.line.pump()
        packets, self.client.packets[:] = list(self.client.packets), []
        return packets

    def kinds(self, answers: list[tuple[int, bytes]]) -> list[int]:
        return [kind for kind, _ in answers]

    def respond(self, *answers: str) -> list[tuple[int, bytes]]:
        self.client.send(INFO_RESPONSE, u32(len(answers)) + b"".join(map(string, answers)))
        return self.answers()

    def add(self, key: Key, user: Any = None) -> None:
        text = key.public().toString("openssh").decode()
        self.successResultOf(ensureDeferred(self.accounts.keyring.add(user or self.alice, text)))

    def proof(
        self, key: Key, algorithm: bytes | None = None, name: str = "console", signed_by: bytes | None = None
    ) -> bytes:
        """The rest of a request with a signature."""
        algorithm = algorithm or key.sshType()
        blob = key.public().blob()
        assert self.client.sessionID is not None
        head = boolean(True) + string(algorithm) + string(blob)
        message = string(self.client.sessionID) + b"\x32"
        message += string(name) + string("ssh-connection") + string("publickey") + head
        return head + string(key.sign(message, signed_by or algorithm))

    def show(self, key: Key, algorithm: bytes | None = None, name: str = "console") -> list[int]:
        """What is answered to a proof of a key."""
        return self.kinds(self.ask(name, "publickey", self.proof(key, algorithm, name)))

    def probe(self, key: Key, name: str = "console", algorithm: bytes | None = None) -> list[int]:
        """What is answered to the question whether a key would do."""
        blob = key.public().blob()
        rest = boolean(False) + string(algorithm or key.sshType()) + string(blob)
        return self.kinds(self.ask(name, "publickey", rest))

    @property
    def is_gone(self) -> bool:
        return self.line.is_lost


def methods(answer: tuple[int, bytes]) -> str:
    kind, packet = answer
    assert kind == USERAUTH_FAILURE
    return Reader(packet).name()


def questions(answer: tuple[int, bytes]) -> tuple[str, list[tuple[str, bool]]]:
    kind, packet = answer
    assert kind == INFO_REQUEST, answer
    reader = Reader(packet)
    reader.text()
    instruction = reader.text()
    reader.text()
    asked = [(reader.text(), reader.boolean()) for _ in range(reader.u32())]
    reader.end()
    return instruction, asked


class TestMethods(LoginCase):
    def test_what_can_be_tried_depends_on_the_name(self) -> None:
        self.assertEqual(methods(self.ask("console", "none")[0]), "publickey,keyboard-interactive")
        self.assertEqual(methods(self.ask("alice", "none")[0]), "publickey,keyboard-interactive,password")
        self.assertEqual(self.kinds(self.ask("alice", "hostbased")), [USERAUTH_FAILURE])

    def test_a_name_that_is_no_text_is_nobody(self) -> None:
        answers = self.ask(b"\xff\xfe", "password", boolean(False) + string("x"))
        self.assertEqual(self.kinds(answers), [USERAUTH_FAILURE])

    def test_endless_questions_are_not_answered(self) -> None:
        for _ in range(userauth.MOST_PROBES + 1):
            if self.is_gone:
                break
            self.ask("alice", "none")
        self.assertTrue(self.is_gone)

    def test_another_service_than_consoles(self) -> None:
        self.client.send(50, string("alice") + string("ssh-userauth") + string("none"))
        self.line.pump()
        self.assertTrue(self.is_gone)

    def test_a_session_before_the_login(self) -> None:
        self.client.send(90, string("session") + u32(0) + u32(1000) + u32(1000))
        self.line.pump()
        self.assertTrue(self.is_gone)
        self.assertEqual(self.client.packets, [])


class TestPassword(LoginCase):
    def password(self, name: str, password: str) -> list[int]:
        return self.kinds(self.ask(name, "password", boolean(False) + string(password)))

    def test_right_and_wrong(self) -> None:
        self.assertEqual(self.password("alice", "no"), [USERAUTH_FAILURE])
        self.assertEqual(self.password("nobody", "alice's password"), [USERAUTH_FAILURE])
        self.assertEqual(self.password("alice", "alice's password"), [USERAUTH_SUCCESS])
        self.assertEqual(self.consoles.came, ["alice"])

    def test_console_is_no_account(self) -> None:
        self.assertEqual(self.password("console", "alice's password"), [USERAUTH_FAILURE])
        self.assertEqual(self.passwords.asked, [])

    def test_there_is_an_end_to_guessing(self) -> None:
        for number in range(userauth.MOST_ATTEMPTS):
            self.assertFalse(self.is_gone, number)
            self.password("alice", f"guess {number}")
        self.assertTrue(self.is_gone)
        assert self.client.disconnected is not None
        self.assertIn("too many failed", self.client.disconnected[1])

    def test_a_change_is_refused(self) -> None:
        rest = boolean(True) + string("alice's password") + string("new")
        self.assertEqual(self.kinds(self.ask("alice", "password", rest)), [USERAUTH_FAILURE])

    def test_who_guesses_too_much_is_told_to_wait(self) -> None:
        for _ in range(2):
            for _ in range(5):
                self.password("alice", "no")
            self.line = self.connect()
            self.client = self.ask_login(self.line)
        answers = self.ask("alice", "password", boolean(False) + string("alice's password"))
        self.assertEqual(self.kinds(answers), [USERAUTH_BANNER, USERAUTH_FAILURE])
        self.assertIn("Too many failed attempts", Reader(answers[0][1]).text())

    def test_a_store_that_fails_is_not_the_strangers_to_see(self) -> None:
        async def fails(*_: object) -> None:
            raise StoreError("the disk is full")

        self.accounts.identify = fails  # type: ignore[method-assign, assignment]
        self.assertEqual(self.password("alice", "alice's password"), [USERAUTH_FAILURE])
        self.assertFalse(self.is_gone)


class TestInARow(LoginCase):
    """Requests that do not wait for answers."""

    def setUp(self) -> None:
        super().setUp()
        self.tries: list[Deferred[None]] = []
        identify = self.accounts.identify

        async def slowly(credentials: Any, address: str) -> Any:
            wait: Deferred[None] = Deferred()
            self.tries.append(wait)
            await wait
            return await identify(credentials, address)

        self.accounts.identify = slowly  # type: ignore[method-assign]

    def guess(self, count: int) -> None:
        for number in range(count):
            request(self.client, "alice", "password", boolean(False) + string(f"guess {number}"))
        self.line.pump()

    def test_one_is_tried_at_a_time(self) -> None:
        self.guess(userauth.MOST_WAITING)
        self.assertEqual(len(self.tries), 1)
        self.assertEqual(self.answers(), [])
        self.tries[0].callback(None)
        self.assertEqual(self.kinds(self.answers()), [USERAUTH_FAILURE])
        self.assertEqual(len(self.tries), 2)

    def test_more_than_a_few_end_the_connection(self) -> None:
        self.guess(300)
        self.assertTrue(self.is_gone)
        self.assertEqual(len(self.tries), 1)
        assert self.client.disconnected is not None
        self.assertIn("at once", self.client.disconnected[1])

    def test_what_waits_behind_the_right_one_is_not_tried(self) -> None:
        request(self.client, "alice", "password", boolean(False) + string("alice's password"))
        self.guess(3)
        self.tries[0].callback(None)
        self.assertEqual(self.kinds(self.answers()), [USERAUTH_SUCCESS])
        self.assertEqual(len(self.tries), 1)
        request(self.client, "alice", "none")
        self.assertEqual(self.answers(), [])  # ignored, as RFC 4252, section 5.1, wants it

    def test_a_connection_that_is_lost_meanwhile(self) -> None:
        self.guess(2)
        self.line.lose()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.tries), 1)


class TestKeys(LoginCase):
    def test_every_kind_of_key_opens_its_account(self) -> None:
        for key, algorithm in (
            (ED25519, b"ssh-ed25519"),
            (ECDSA, b"ecdsa-sha2-nistp384"),
            (RSA, b"rsa-sha2-256"),
            (RSA, b"rsa-sha2-512"),
        ):
            if algorithm != b"rsa-sha2-512":
                self.add(key)
            self.assertEqual(self.probe(key, algorithm=algorithm), [PK_OK])
            self.assertEqual(self.show(key, algorithm), [USERAUTH_SUCCESS], algorithm)
            self.line = self.connect()
            self.client = self.ask_login(self.line)

    def test_only_the_account_that_is_named(self) -> None:
        self.database.add_user("bob", 1.0, "default", None)
        self.add(ED25519)
        self.assertEqual(self.probe(ED25519, "bob"), [USERAUTH_FAILURE])
        self.assertEqual(self.show(ED25519, name="bob"), [USERAUTH_FAILURE])
        self.assertEqual(self.show(ED25519, name="alice"), [USERAUTH_SUCCESS])

    def test_sha1_and_weak_keys_are_refused(self) -> None:
        self.add(RSA)
        self.assertEqual(self.probe(RSA, algorithm=b"ssh-rsa"), [USERAUTH_FAILURE])
        self.assertEqual(self.show(RSA, b"ssh-rsa"), [USERAUTH_FAILURE])
        self.assertEqual(self.probe(WEAK, algorithm=b"rsa-sha2-256"), [USERAUTH_FAILURE])

    def test_a_signature_of_another_algorithm_than_announced(self) -> None:
        self.add(RSA)
        rest = self.proof(RSA, b"rsa-sha2-256", signed_by=b"ssh-rsa")
        self.assertEqual(self.kinds(self.ask("console", "publickey", rest)), [USERAUTH_FAILURE])

    def test_signatures_that_are_wrong(self) -> None:
        self.add(ED25519)
        right = self.proof(ED25519)
        other = self.proof(ED25519, name="alice")
        head = boolean(True) + string("ssh-ed25519") + string(ED25519.public().blob())
        cut = head + string(right[len(head) + 4 :][:40])
        changed = right[:-1] + bytes([right[-1] ^ 1])
        for wrong in (other, changed, cut):
            self.assertEqual(self.kinds(self.ask("console", "publickey", wrong)), [USERAUTH_FAILURE])

    def test_a_signature_of_another_connection(self) -> None:
        self.add(ED25519)
        elsewhere = self.proof(ED25519)
        self.line = self.connect()
        self.client = self.ask_login(self.line)
        self.assertEqual(self.kinds(self.ask("console", "publickey", elsewhere)), [USERAUTH_FAILURE])

    def test_a_client_with_many_keys_gets_to_the_known_one(self) -> None:
        self.add(ECDSA)
        for _ in range(10):
            stranger = Key(ed25519.Ed25519PrivateKey.generate())
            if self.probe(stranger) == [PK_OK]:
                self.assertEqual(self.show(stranger), [USERAUTH_FAILURE])
        self.assertEqual(self.probe(ECDSA), [PK_OK])
        self.assertEqual(self.show(ECDSA), [USERAUTH_SUCCESS])

    def test_what_is_no_key(self) -> None:
        for blob in (b"", b"\0" * 60, string("ssh-ed25519") + string(b"short")):
            rest = boolean(False) + string("ssh-ed25519") + string(blob)
            self.assertEqual(self.kinds(self.ask("console", "publickey", rest)), [USERAUTH_FAILURE])

    def test_a_request_that_is_cut_off(self) -> None:
        self.ask("console", "publickey", boolean(False) + string("ssh-ed25519"))
        self.assertTrue(self.is_gone)


class TestSecurityTokens(LoginCase):
    """Keys whose signatures say that somebody was there (OpenSSH's PROTOCOL.u2f)."""

    def token(self, kind: bytes) -> tuple[Any, bytes]:
        application = string("ssh:")
        if kind.startswith(b"sk-ssh-ed25519"):
            private: Any = ed25519.Ed25519PrivateKey.generate()
            return private, string(kind) + string(private.public_key().public_bytes_raw()) + application
        private = ec.generate_private_key(ec.SECP256R1())
        point = Key(private.public_key()).blob()
        reader = Reader(point)
        reader.string()
        curve, point = reader.string(), reader.string()
        return private, string(kind) + string(curve) + string(point) + application

    def signed(self, kind: bytes, private: Any, blob: bytes, flags: int) -> bytes:
        head = boolean(True) + string(kind) + string(blob)
        assert self.client.sessionID is not None
        message = string(self.client.sessionID) + b"\x32"
        message += string("console") + string("ssh-connection") + string("publickey") + head
        state = bytes([flags]) + u32(7)
        signed = hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(message).digest()
        plain = Key(private)
        reader = Reader(plain.sign(signed))
        reader.string()
        return head + string(string(kind) + string(reader.string()) + state)

    def test_a_token_opens_its_account_if_it_was_touched(self) -> None:
        for kind in (b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com"):
            private, blob = self.token(kind)
            self.database.add_key(self.alice.number, kind.decode(), blob, f"SHA256:{kind!r}", "", 0.0)
            untouched = self.signed(kind, private, blob, 0)
            self.assertEqual(self.kinds(self.ask("console", "publickey", untouched)), [USERAUTH_FAILURE])
            touched = self.signed(kind, private, blob, 1)
            self.assertEqual(self.kinds(self.ask("console", "publickey", touched)), [USERAUTH_SUCCESS])
            self.line = self.connect()
            self.client = self.ask_login(self.line)


class TestQuestions(LoginCase):
    def interact(self, name: str = "console") -> tuple[str, list[tuple[str, bool]]]:
        (answer,) = self.ask(name, "keyboard-interactive", string("") + string(""))
        return questions(answer)

    def test_account_and_password_are_asked(self) -> None:
        asked = self.interact()
        self.assertEqual(asked, ("", [("Account: ", True), ("Password: ", False)]))
        self.assertEqual(self.kinds(self.respond("alice", "alice's password")), [USERAUTH_SUCCESS])

    def test_only_the_password_of_a_named_account(self) -> None:
        self.assertEqual(self.interact("alice"), ("", [("Password: ", False)]))
        self.assertEqual(self.kinds(self.respond("no")), [USERAUTH_FAILURE])
        self.interact("alice")
        self.assertEqual(self.kinds(self.respond("alice's password")), [USERAUTH_SUCCESS])

    def test_something_else_instead_of_an_answer(self) -> None:
        self.interact()
        self.assertEqual(self.kinds(self.ask("alice", "none")), [USERAUTH_FAILURE])
        self.respond("alice", "alice's password")
        self.assertTrue(self.is_gone, "an answer to a question that was dropped")

    def test_as_many_answers_as_questions(self) -> None:
        for answers in ((), ("alice",), ("a", "b", "c"), tuple("abcdefghi")):
            self.line = self.connect()
            self.client = self.ask_login(self.line)
            self.interact()
            self.respond(*answers)
            self.assertTrue(self.is_gone, answers)

    def test_a_person_who_does_not_answer(self) -> None:
        self.interact()
        self.clock.advance(61)
        self.line.pump()
        self.assertTrue(self.is_gone)


class TestUnknownKeys(LoginCase):
    settings = SshSettings(login_seconds=60)

    def offered(self, name: str = "console") -> str:
        """Prove an unknown key; the code that is shown."""
        self.assertEqual(self.probe(ED25519, name), [PK_OK])
        self.assertEqual(self.show(ED25519, name=name), [USERAUTH_FAILURE])
        self.said, self.asked = self.interact(name)
        return self.said.partition("code ")[2][:9]

    def interact(self, name: str = "console") -> tuple[str, list[tuple[str, bool]]]:
        (answer,) = self.ask(name, "keyboard-interactive", string("") + string(""))
        return questions(answer)

    def accept(self, code: str) -> None:
        accepted = self.accounts.keyring.accept_offer(self.alice, code, "", "192.0.2.9")
        self.successResultOf(ensureDeferred(accepted))

    def test_it_is_shown_how_to_add_the_key(self) -> None:
        code = self.offered()
        self.assertRegex(code, r"^[0-9A-Z]{4}-[0-9A-Z]{4}$")
        self.assertIn(f"http://hub.example/keys#offer={code}", self.said)
        self.assertIn("SHA256:", self.said)
        self.assertLessEqual(max(map(len, self.said.splitlines())), 79)
        self.accept(code)
        self.assertEqual(self.kinds(self.respond("")), [USERAUTH_SUCCESS])

    def test_enter_too_early_asks_again(self) -> None:
        code = self.offered()
        (answer,) = self.respond("")
        self.assertIn("not been added yet", questions(answer)[0])
        self.accept(code)
        self.assertEqual(self.kinds(self.respond("")), [USERAUTH_SUCCESS])

    def test_name_and_password_instead(self) -> None:
        self.offered()
        (answer,) = self.respond("alice")
        self.assertEqual(questions(answer), ("", [("Password: ", False)]))
        self.assertEqual(self.kinds(self.respond("alice's password")), [USERAUTH_SUCCESS])

    def test_the_password_of_a_named_account_instead(self) -> None:
        self.offered("alice")
        self.assertEqual(len(self.asked), 1)
        self.assertFalse(self.asked[0][1])
        self.assertEqual(self.kinds(self.respond("no")), [USERAUTH_FAILURE])
        self.interact("alice")
        self.assertEqual(self.kinds(self.respond("alice's password")), [USERAUTH_SUCCESS])

    def test_a_key_that_was_added_to_another_account_than_named(self) -> None:
        self.database.add_user("bob", 1.0, "default", None)
        self.accept(self.offered("bob"))
        (answer,) = self.respond("")
        self.assertIn("not been added yet", questions(answer)[0])

    def test_there_is_time_for_it(self) -> None:
        code = self.offered()
        self.clock.advance(200)
        self.accept(code)
        self.assertEqual(self.kinds(self.respond("")), [USERAUTH_SUCCESS])

    def test_but_not_for_ever(self) -> None:
        self.offered()
        self.clock.advance(301)
        self.line.pump()
        self.assertTrue(self.is_gone)

    def test_asking_anew_gives_no_more_time(self) -> None:
        self.offered()
        self.clock.advance(200)
        self.interact()
        self.clock.advance(101)
        self.line.pump()
        self.assertTrue(self.is_gone)

    def test_an_offer_takes_no_time_away(self) -> None:
        self.gateway.login_seconds = 600.0
        self.line = self.connect()
        self.client = self.ask_login(self.line)
        self.offered()
        self.clock.advance(599)
        self.line.pump()
        self.assertFalse(self.is_gone)
        self.clock.advance(2)
        self.line.pump()
        self.assertTrue(self.is_gone)

    def test_there_is_an_end_to_asking(self) -> None:
        self.offered()
        for _ in range(userauth.MOST_ENTERS - 1):
            (answer,) = self.respond("")
            questions(answer)
        self.assertEqual(self.kinds(self.respond("")), [USERAUTH_FAILURE])

    def test_a_key_of_somebody_is_not_offered(self) -> None:
        bob = self.database.add_user("bob", 1.0, "default", None)
        self.add(ED25519_2, bob)
        self.assertEqual(self.show(ED25519_2, name="alice"), [USERAUTH_FAILURE])
        self.assertEqual(self.interact("alice"), ("", [("Password: ", False)]))

    def test_a_key_that_was_not_proved_is_not_offered(self) -> None:
        self.probe(ED25519)
        self.assertEqual(self.interact()[1], [("Account: ", True), ("Password: ", False)])


class TestWithoutWeb(LoginCase):
    link = ""

    def test_no_code_is_shown_where_there_is_no_page(self) -> None:
        self.assertEqual(self.probe(ED25519), [USERAUTH_FAILURE])
        self.assertEqual(self.show(ED25519), [USERAUTH_FAILURE])
        (answer,) = self.ask("console", "keyboard-interactive", string("") + string(""))
        self.assertEqual(questions(answer)[0], "")


class TestCounts(MemoryCase):
    settings = SshSettings(connections=6, connections_per_address=4, unauthenticated=4)

    def comes(self, host: str) -> bool:
        """Whether another connection is let in."""
        transport = self.gateway.buildProtocol(IPv4Address("TCP", host, 1))
        if transport is not None:
            self.gateway.lost(transport)
        return transport is not None

    def test_strangers_of_one_address_leave_room_for_others(self) -> None:
        first, second = self.connect(), self.connect()
        self.assertFalse(self.comes("192.0.2.7"))
        self.log_in(first)
        third = self.connect()
        second.lose()
        self.log_in(third)
        self.log_in(self.connect())
        self.log_in(self.connect())
        self.assertFalse(self.comes("192.0.2.7"), "more than its share")
        self.assertTrue(self.comes("192.0.2.8"))

    def test_lost_connections_count_no_more(self) -> None:
        for _ in range(7):
            line = self.connect()
            self.log_in(line)
            line.lose()
        self.assertTrue(self.comes("192.0.2.7"))


class TestAccessEnds(LoginCase):
    def check(self) -> None:
        self.successResultOf(ensureDeferred(self.watch.access_ended(self.alice)))
        self.line.pump()

    def test_a_key_that_is_removed(self) -> None:
        self.add(ED25519)
        self.assertEqual(self.show(ED25519), [USERAUTH_SUCCESS])
        self.check()
        self.assertFalse(self.is_gone)
        (key,) = self.database.keys(self.alice.number)
        self.database.remove_key(self.alice.number, key.number)
        self.check()
        self.assertTrue(self.is_gone)

    def test_a_user_who_is_removed_on_the_command_line(self) -> None:
        request(self.client, "alice", "password", boolean(False) + string("alice's password"))
        self.assertEqual(self.kinds(self.answers()), [USERAUTH_SUCCESS])
        self.database.people.end_removal(self.alice.number)
        self.successResultOf(ensureDeferred(self.watch.look()))
        self.line.pump()
        self.assertTrue(self.is_gone)

    def suspend(self, is_suspended: bool = True) -> None:
        self.successResultOf(ensureDeferred(self.accounts.change(self.alice, None, suspended=is_suspended)))
        self.line.pump()

    def test_a_user_who_is_suspended_is_sent_away_at_once(self) -> None:
        self.add(ED25519)
        self.assertEqual(self.show(ED25519), [USERAUTH_SUCCESS])
        self.suspend()
        self.assertTrue(self.is_gone)

    def test_who_is_suspended_is_told_so_once_they_have_shown_who_they_are(self) -> None:
        self.add(ED25519)
        self.suspend()
        refused = [USERAUTH_BANNER, USERAUTH_FAILURE]
        answers = self.ask("alice", "publickey", self.proof(ED25519, name="alice"))
        self.assertEqual(self.kinds(answers), refused)
        self.assertIn(b"suspended", answers[0][1])
        right = boolean(False) + string("alice's password")
        self.assertEqual(self.kinds(self.ask("alice", "password", right)), refused)
        wrong = boolean(False) + string("wrong")
        self.assertEqual(self.kinds(self.ask("alice", "password", wrong)), [USERAUTH_FAILURE])
        self.suspend(False)
        self.assertEqual(self.kinds(self.ask("alice", "password", right)), [USERAUTH_SUCCESS])

    def test_who_comes_is_noted(self) -> None:
        self.add(ED25519)
        self.show(ED25519)
        entry = self.database.audit.newest(None, 1)[0]
        self.assertEqual(
            (entry.actor, entry.action, entry.detail), ("alice", "login.ok", '{"way":"ssh, by a key"}')
        )

    def test_the_hub_stops(self) -> None:
        stopped = self.gateway.stop()
        self.line.pump()
        self.assertTrue(self.is_gone)
        self.successResultOf(stopped)
        assert self.client.disconnected is not None
        self.assertIn("restarts", self.client.disconnected[1])
