"""Coming in by the link of a share, in the place of a user name."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519
from twisted.conch.ssh.keys import Key
from twisted.internet.defer import ensureDeferred
from twisted.logger import globalLogPublisher

from termhub.errors import TermhubError
from termhub.gateways.ssh.packets import Reader, boolean, string, u32
from termhub.store import Role
from tests.support.ssh_memory import (
    INFO_REQUEST,
    INFO_RESPONSE,
    USERAUTH_BANNER,
    USERAUTH_FAILURE,
    USERAUTH_SUCCESS,
    MemoryCase,
    ScreenConsole,
    channel_request,
    exits,
    outputs,
    pty,
    request,
)

PK_OK = 60
KEY = Key(ed25519.Ed25519PrivateKey.generate())
STRANGE = Key(ed25519.Ed25519PrivateKey.generate())
WRONG = "thsh_" + "a" * 32


class LinkCase(MemoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.database.add_user("bob", 1.0, "default", "bob's password")
        text = KEY.public().toString("openssh").decode()
        self.successResultOf(ensureDeferred(self.accounts.keyring.add(self.bob, text)))
        self.demo: ScreenConsole = self.consoles.add(self.alice, "demo")
        self.log: list[str] = []
        globalLogPublisher.addObserver(self._observe)
        self.addCleanup(globalLogPublisher.removeObserver, self._observe)
        self.reconnect()

    def _observe(self, event: dict[str, Any]) -> None:
        self.log.append(repr(event))

    def reconnect(self) -> None:
        self.line = self.connect()
        self.client = self.ask_login(self.line)

    def answers(self) -> list[tuple[int, bytes]]:
        self.line.pump()
        packets, self.client.packets[:] = list(self.client.packets), []
        return packets

    def ask(self, token: str, method: str, rest: bytes = b"") -> list[tuple[int, bytes]]:
        request(self.client, token, method, rest)
        return self.answers()

    def interact(self, token: str) -> list[tuple[int, bytes]]:
        return self.ask(token, "keyboard-interactive", string("") + string(""))

    def respond(self, *answers: str) -> list[int]:
        self.client.send(INFO_RESPONSE, u32(len(answers)) + b"".join(map(string, answers)))
        return [kind for kind, _ in self.answers()]

    def password(self, token: str, password: str) -> list[int]:
        return [kind for kind, _ in self.ask(token, "password", boolean(False) + string(password))]

    def show(self, key: Key, token: str) -> list[tuple[int, bytes]]:
        algorithm, blob = key.sshType(), key.public().blob()
        assert self.client.sessionID is not None
        head = boolean(True) + string(algorithm) + string(blob)
        message = string(self.client.sessionID) + b"\x32"
        message += string(token) + string("ssh-connection") + string("publickey") + head
        return self.ask(token, "publickey", head + string(key.sign(message, algorithm)))

    def probe(self, key: Key, token: str) -> list[int]:
        rest = boolean(False) + string(key.sshType()) + string(key.public().blob())
        return [kind for kind, _ in self.ask(token, "publickey", rest)]

    def members(self) -> list[tuple[str, bool, Role]]:
        members = self.successResultOf(ensureDeferred(self.shares.members(self.demo.id)))
        return [(each.user.name, each.user.is_guest, each.role) for each in members]

    def run_line(self, line: str, with_terminal: bool = False) -> tuple[int | str, str, str]:
        return self.run_command(self.line, line, with_terminal=with_terminal)


def questions(answer: tuple[int, bytes]) -> tuple[str, list[tuple[str, bool]]]:
    kind, packet = answer
    assert kind == INFO_REQUEST, answer
    reader = Reader(packet)
    reader.text()
    instruction = reader.text()
    reader.text()
    return instruction, [(reader.text(), reader.boolean()) for _ in range(reader.u32())]


class TestGuests(LinkCase):
    def test_who_says_a_name_is_in(self) -> None:
        _, token = self.share(self.demo, "writer")
        (answer,) = self.interact(token)
        self.assertEqual(
            questions(answer),
            (
                "alice shares the console demo with you, to look on and to type.",
                [("Your name (Enter: guest): ", True)],
            ),
        )
        self.assertEqual(self.respond("eve \x1b[31m\n"), [USERAUTH_SUCCESS])
        self.assertEqual(self.members(), [("eve [31m", True, "writer")])

    def test_who_says_none_is_a_guest(self) -> None:
        _, token = self.share(self.demo)
        self.interact(token)
        self.assertEqual(self.respond(""), [USERAUTH_SUCCESS])
        self.assertEqual(self.members(), [("guest", True, "observer")])
        self.assertEqual(self.consoles.came, [], "no console is made ready for a guest")

    def test_the_pass_phrase_is_asked_for_and_the_name_of_the_console_is_not_told(self) -> None:
        _, token = self.share(self.demo, passphrase="open sesame")
        (answer,) = self.interact(token)
        instruction, asked = questions(answer)
        self.assertNotIn("demo", instruction)
        self.assertEqual([is_seen for _, is_seen in asked], [True, False])
        self.assertEqual(self.respond("eve", ""), [USERAUTH_FAILURE])
        self.interact(token)
        self.assertEqual(self.respond("eve", "open barley"), [USERAUTH_FAILURE])
        self.interact(token)
        self.assertEqual(self.respond("eve", "open sesame"), [USERAUTH_SUCCESS])

    def test_scripts_give_the_pass_phrase_as_a_password(self) -> None:
        _, token = self.share(self.demo, passphrase="open sesame")
        self.assertEqual(self.password(token, "open barley"), [USERAUTH_FAILURE])
        self.assertEqual(self.password(token, "open sesame"), [USERAUTH_SUCCESS])
        self.assertEqual(self.members(), [("guest", True, "observer")])

    def test_where_there_is_no_pass_phrase_any_password_will_do(self) -> None:
        _, token = self.share(self.demo)
        self.assertEqual(self.password(token, ""), [USERAUTH_SUCCESS])

    def test_a_pass_phrase_cannot_be_changed(self) -> None:
        _, token = self.share(self.demo)
        rest = boolean(True) + string("x") + string("y")
        self.assertEqual([kind for kind, _ in self.ask(token, "password", rest)], [USERAUTH_FAILURE])

    def test_there_is_an_end_to_guessing_pass_phrases(self) -> None:
        _, token = self.share(self.demo, passphrase="open sesame")
        for number in range(6):
            self.assertFalse(self.line.is_lost, number)
            self.password(token, f"guess {number}")
        self.assertTrue(self.line.is_lost)
        self.reconnect()
        for number in range(4):
            self.password(token, f"guess {number}")
        answers = self.ask(token, "password", boolean(False) + string("open sesame"))
        self.assertEqual([kind for kind, _ in answers], [USERAUTH_BANNER, USERAUTH_FAILURE])
        self.assertIn("Too many wrong pass-phrases", Reader(answers[0][1]).text())

    def test_what_can_be_tried(self) -> None:
        _, token = self.share(self.demo)
        ((kind, packet),) = self.ask(token, "none")
        self.assertEqual(kind, USERAUTH_FAILURE)
        self.assertEqual(Reader(packet).name(), "publickey,keyboard-interactive,password")


class TestAccounts(LinkCase):
    def test_a_key_takes_the_link_for_its_account(self) -> None:
        _, token = self.share(self.demo, "writer")
        self.assertEqual(self.probe(KEY, token), [PK_OK])
        self.assertEqual([kind for kind, _ in self.show(KEY, token)], [USERAUTH_SUCCESS])
        self.assertEqual(self.members(), [("bob", False, "writer")])
        self.assertEqual(self.consoles.came, ["bob"])
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "pty-req", pty())
        channel_request(self.client, channel, "shell")
        self.line.pump()
        self.assertIs(self.uis[0].start.console, self.demo)
        self.assertEqual(self.uis[0].user.name, "bob")

    def test_an_unknown_key_is_not_wanted_and_not_offered(self) -> None:
        _, token = self.share(self.demo)
        self.assertEqual(self.probe(STRANGE, token), [USERAUTH_FAILURE])
        self.assertEqual([kind for kind, _ in self.show(STRANGE, token)], [USERAUTH_FAILURE])
        (answer,) = self.interact(token)
        self.assertEqual(questions(answer)[1], [("Your name (Enter: guest): ", True)])

    def test_an_account_gives_the_pass_phrase_too(self) -> None:
        _, token = self.share(self.demo, passphrase="open sesame")
        ((kind, packet),) = self.show(KEY, token)
        reader = Reader(packet)
        self.assertEqual(
            (kind, reader.name(), reader.boolean()), (USERAUTH_FAILURE, "keyboard-interactive", True)
        )
        (answer,) = self.interact(token)
        self.assertEqual(questions(answer)[1], [("Pass-phrase: ", False)])
        self.assertEqual(self.respond("open barley"), [USERAUTH_FAILURE])
        self.interact(token)
        self.assertEqual(self.respond("open sesame"), [USERAUTH_SUCCESS])
        self.assertEqual(self.members(), [("bob", False, "observer")])

    def test_a_key_that_was_shown_for_one_link_counts_for_no_other(self) -> None:
        _, first = self.share(self.demo, passphrase="open sesame")
        _, second = self.share(self.demo, passphrase="open barley")
        self.show(KEY, first)
        (answer,) = self.interact(second)
        self.assertEqual(len(questions(answer)[1]), 2)

    def test_a_member_comes_again_though_the_link_is_used_up(self) -> None:
        _, token = self.share(self.demo, uses=1)
        for _ in range(2):
            self.assertEqual([kind for kind, _ in self.show(KEY, token)], [USERAUTH_SUCCESS])
            self.reconnect()
        self.assertEqual(len(self.members()), 1)

    def test_the_owner_needs_no_link(self) -> None:
        _, token = self.share(self.demo, uses=1, passphrase="open sesame")
        text = STRANGE.public().toString("openssh").decode()
        self.successResultOf(ensureDeferred(self.accounts.keyring.add(self.alice, text)))
        self.assertEqual([kind for kind, _ in self.show(STRANGE, token)], [USERAUTH_SUCCESS])
        self.assertEqual(self.members(), [])


class TestLinksThatLetNobodyIn(LinkCase):
    def refused(self, answers: list[tuple[int, bytes]]) -> str:
        """What the person is told; the connection is over."""
        self.assertEqual([kind for kind, _ in answers], [USERAUTH_BANNER])
        self.assertTrue(self.line.is_lost)
        said = Reader(answers[0][1]).text()
        self.assertEqual(said.count("\r\n"), 1)
        return said

    def test_a_wrong_one(self) -> None:
        self.assertIn("wrong", self.refused(self.interact(WRONG)))

    def test_a_wrong_one_with_a_key(self) -> None:
        self.assertIn("wrong", self.refused(self.show(KEY, WRONG)))

    def test_a_wrong_one_with_a_password(self) -> None:
        answers = self.ask(WRONG, "password", boolean(False) + string("x"))
        self.assertIn("wrong", self.refused(answers))

    def test_one_that_has_expired(self) -> None:
        _, token = self.share(self.demo, seconds=60.0)
        self.clock.advance(61)
        self.reconnect()
        self.assertIn("expired", self.refused(self.interact(token)))

    def test_one_that_is_used_up(self) -> None:
        _, token = self.share(self.demo, uses=1)
        self.interact(token)
        self.assertEqual(self.respond("eve"), [USERAUTH_SUCCESS])
        self.reconnect()
        self.assertIn("used up", self.refused(self.interact(token)))

    def test_one_that_is_used_up_while_somebody_says_a_name(self) -> None:
        _, token = self.share(self.demo, uses=1)
        self.interact(token)
        taken = self.shares.take(token, user=None, name="x", passphrase=None, address="192.0.2.9")
        self.successResultOf(ensureDeferred(taken))
        self.client.send(INFO_RESPONSE, u32(1) + string("eve"))
        self.assertIn("used up", self.refused(self.answers()))

    def test_wrong_ones_are_counted_by_address(self) -> None:
        _, token = self.share(self.demo)
        for _ in range(20):
            self.interact(WRONG)
            self.reconnect()
        answers = self.interact(WRONG)
        self.assertEqual([kind for kind, _ in answers], [USERAUTH_BANNER, USERAUTH_FAILURE])
        self.assertIn("Too many wrong links", Reader(answers[0][1]).text())
        self.reconnect()
        self.assertEqual([kind for kind, _ in self.interact(token)], [INFO_REQUEST])

    def test_names_that_are_no_token_are_names(self) -> None:
        self.assertEqual([kind for kind, _ in self.ask("th_x", "none")], [USERAUTH_FAILURE])
        answers = self.ask("THSH_x", "password", boolean(False) + string("x"))
        self.assertEqual([kind for kind, _ in answers], [USERAUTH_FAILURE])


class TestLogs(LinkCase):
    def test_no_token_is_logged(self) -> None:
        _, token = self.share(self.demo, passphrase="open sesame")
        self.password(token, "open barley")
        self.password(token, "open sesame")
        self.line.lose()
        self.reconnect()
        self.interact(WRONG)
        self.reconnect()

        async def fails(*_: object, **__: object) -> None:
            raise TermhubError("the disk is full")

        self.shares.look = fails  # type: ignore[method-assign, assignment]
        self.password(token, "open sesame")

        async def breaks(*_: object, **__: object) -> None:
            raise ValueError("a defect")

        self.shares.look = breaks  # type: ignore[method-assign, assignment]
        self.password(token, "open sesame")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        text = "\n".join(self.log)
        self.assertIn("'guest guest'", text)
        self.assertNotIn(token, text)
        self.assertNotIn(WRONG, text)
        self.assertNotIn("sesame", text)


class GuestCase(LinkCase):
    role: Role = "writer"

    def setUp(self) -> None:
        super().setUp()
        self.consoles.add(self.alice, "secret")
        self.share_id, self.token = self.share(self.demo, self.role)
        self.assertEqual(self.password(self.token, ""), [USERAUTH_SUCCESS])

    def shell(self) -> None:
        self.channel = self.open_channel(self.line)
        channel_request(self.client, self.channel, "pty-req", pty())
        channel_request(self.client, self.channel, "shell")
        self.line.pump()


class TestWhatGuestsMayDo(GuestCase):
    def test_the_terminal_shows_the_shared_console(self) -> None:
        self.shell()
        (ui,) = self.uis
        self.assertIs(ui.start.console, self.demo)
        self.assertTrue(ui.user.is_guest)

    def test_attach_screen_and_logs_show_it(self) -> None:
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "pty-req", pty())
        channel_request(self.client, channel, "exec", string("attach alice/demo"))
        self.line.pump()
        self.assertIs(self.uis[0].start.console, self.demo)
        self.demo.printed = b"printed\r\n"
        self.assertEqual(self.run_line("logs alice/demo"), (0, "printed\r\n", ""))
        self.assertEqual(self.run_line("screen alice/demo")[:2], (0, ">>>\n"))

    def test_the_list_has_nothing_else(self) -> None:
        status, out, _ = self.run_line("ls")
        self.assertEqual(status, 0)
        head, line = out.splitlines()
        self.assertEqual(head.split()[:2], ["NAME", "ROLE"])
        self.assertEqual(line.split()[:2], ["alice/demo", "writer"])

    def test_everything_else_is_refused_with_a_sentence(self) -> None:
        for line in (
            "new",
            "new bash",
            "kill alice/demo",
            "kill --remove alice/demo",
            "rename alice/demo mine",
            "share alice/demo",
            "shares alice/demo",
            f"unshare alice/demo {self.share_id}",
            "unshare alice/demo --all",
            "screen alice/secret",
            "logs secret",
            "kill alice/secret",
            "sftp-server",
            "scp -t x",
            "rsync --server . x",
            "key add x",
        ):
            status, out, err = self.run_line(line)
            self.assertIn(status, (1, 2), line)
            self.assertEqual(out, "", line)
            self.assertTrue(err.startswith("termhub: "), (line, err))
            self.assertTrue(err.endswith((".\n", "is.\n", "?\n")), (line, err))
        self.assertEqual(self.consoles.ran, [])
        self.assertEqual(self.demo.state, "running")
        self.assertEqual(len(self.members()), 1)

    def test_attaching_may_not_send_others_away_or_make_a_console(self) -> None:
        self.assertEqual(self.run_line("attach -d alice/demo", with_terminal=True)[0], 1)
        self.assertEqual(self.run_line("attach -A mine", with_terminal=True)[0], 1)
        self.assertEqual(self.run_line("attach alice/secret", with_terminal=True)[0], 1)
        self.assertEqual(self.uis, [])

    def test_sftp_is_refused(self) -> None:
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "subsystem", string("sftp"))
        packets = self.answers()
        self.assertEqual(exits(packets), [1])
        self.assertIn(b"no files", outputs(packets, stderr=True))
        self.assertEqual(self.consoles.ran, [])

    def test_what_is_not_there_and_what_is_not_theirs_look_the_same(self) -> None:
        theirs = self.run_line("screen alice/secret")[2].replace("secret", "X")
        nobodys = self.run_line("screen alice/nothing")[2].replace("nothing", "X")
        self.assertEqual(theirs, nobodys)


class TestWhatGuestOwnersMayDo(GuestCase):
    role = "owner"

    def test_end_and_rename(self) -> None:
        self.assertEqual(self.run_line("rename alice/demo shown")[0], 0)
        self.assertEqual(self.demo.name, "shown")
        self.assertEqual(self.run_line("kill alice/shown")[0], 0)
        self.assertEqual(self.demo.state, "ended")

    def test_but_an_ended_console_is_not_made_anew(self) -> None:
        self.run_line("kill alice/demo")
        status, _, err = self.run_line("attach -A alice/demo", with_terminal=True)
        self.assertEqual(status, 1)
        self.assertIn("has ended", err)


class TestTheEndOfAShare(GuestCase):
    def revoke(self) -> None:
        self.successResultOf(ensureDeferred(self.shares.revoke(self.demo.id, self.share_id, self.alice)))
        self.line.pump()

    def test_the_connection_is_closed_with_words(self) -> None:
        self.shell()
        self.revoke()
        packets = self.answers()
        self.assertEqual(exits(packets), [255])
        self.assertIn(b"no longer shared with you", outputs(packets))
        self.clock.advance(10)
        self.line.pump()
        self.assertTrue(self.line.is_lost)
        assert self.client.disconnected is not None
        self.assertIn("no longer shared with you", self.client.disconnected[1])

    def test_without_a_session_too(self) -> None:
        self.revoke()
        self.assertTrue(self.line.is_lost)

    def test_when_it_expires(self) -> None:
        self.successResultOf(ensureDeferred(self.shares.start()))
        self.addCleanup(self.shares.stop)
        self.clock.pump([3600] * 25)
        self.line.pump()
        self.assertTrue(self.line.is_lost)

    def test_another_share_goes_on(self) -> None:
        other, _ = self.share(self.demo)
        self.successResultOf(ensureDeferred(self.shares.revoke(self.demo.id, other, self.alice)))
        self.line.pump()
        self.assertFalse(self.line.is_lost)

    def test_a_guest_whose_share_ends_before_the_shell_sees_nothing(self) -> None:
        self.gateway._guests.discard(self.line.server)  # as if it were not told yet
        self.revoke()
        self.shell()
        packets = self.answers()
        self.assertEqual((exits(packets), self.uis), ([1], []))
