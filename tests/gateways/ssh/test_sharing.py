"""Commands that share consoles, and what accounts do with consoles of others."""

from __future__ import annotations

import json

from twisted.internet.defer import ensureDeferred

from termhub.gateways.ssh.packets import string, u32
from termhub.store import Role
from tests.support.ssh_memory import MemoryCase, channel_request, exits, outputs, pty

WRITERS = "run programs with the files of your home"


class SharingCase(MemoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.bob = self.database.add_user("bob", 1.0, "default", "bob's password")
        self.demo = self.consoles.add(self.alice, "demo")
        self.line = self.connect()
        self.client = self.log_in(self.line)

    def run_line(
        self, line: str, with_terminal: bool = False, typed: bytes | None = None
    ) -> tuple[int | str, str, str]:
        return self.run_command(self.line, line, with_terminal=with_terminal, typed=typed)

    def be_bob(self) -> None:
        self.line = self.connect()
        self.client = self.log_in(self.line, "bob")

    def share_with_bob(self, role: Role) -> str:
        return self.share(self.demo, role, user="bob")[0]


class TestShare(SharingCase):
    def test_a_link(self) -> None:
        status, out, err = self.run_line("share demo")
        self.assertEqual(status, 0)
        url, ssh = out.splitlines()
        self.assertRegex(url, r"^http://hub\.example/s/thsh_[a-z2-7]{32}$")
        self.assertEqual(ssh, f"ssh -p 2222 {url.rpartition('/')[2]}@hub.example")
        self.assertIn("makes an observer of demo, for 1d. `unshare demo s-", err)
        self.assertNotIn(WRITERS, err)
        looked = ensureDeferred(self.shares.look(url.rpartition("/")[2], "192.0.2.9"))
        self.assertEqual(self.successResultOf(looked).role, "observer")

    def test_who_shares_with_writers_is_told_what_that_means(self) -> None:
        for role in ("writer", "owner"):
            self.assertIn(WRITERS, self.run_line(f"share demo --role {role}")[2])

    def test_to_an_account(self) -> None:
        status, out, err = self.run_line("share demo --user bob --role writer --expires 90m")
        self.assertEqual((status, out), (0, ""))
        self.assertIn("bob is a writer of demo, for 1h30m.", err)
        self.assertEqual(self.shares.role(self.bob, self.demo.id), "writer")

    def test_for_scripts(self) -> None:
        told = json.loads(self.run_line("share demo --json --uses 2")[1])
        self.assertEqual(
            set(told),
            {"id", "role", "user", "expires", "uses_left", "has_passphrase", "created", "url", "ssh"},
        )
        self.assertEqual((told["uses_left"], told["user"], told["has_passphrase"]), (2, None, False))

    def test_the_pass_phrase_is_the_first_line_of_the_input(self) -> None:
        status, out, err = self.run_line("share demo --passphrase-stdin", typed=b"open sesame\r\nmore\n")
        self.assertEqual(status, 0)
        self.assertIn("with the pass-phrase", err)
        self.assertNotIn("sesame", out + err)
        (share,) = self.successResultOf(ensureDeferred(self.shares.of(self.demo.id)))
        self.assertEqual(share.passphrase_hash, "open sesame")  # the tests' passwords are plain

    def test_a_pass_phrase_without_an_end_of_line(self) -> None:
        self.assertEqual(self.run_line("share demo --passphrase-stdin", typed=b"open sesame")[0], 0)

    def test_no_pass_phrase(self) -> None:
        for typed in (b"", b"\n", b"\nlater\n"):
            status, out, err = self.run_line("share demo --passphrase-stdin", typed=typed)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("no pass-phrase on standard input", err)
        self.assertEqual(self.successResultOf(ensureDeferred(self.shares.of(self.demo.id))), [])

    def test_an_endless_pass_phrase_is_not_waited_for(self) -> None:
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "exec", string("share demo --passphrase-stdin"), False)
        self.client.send(94, u32(channel) + string(b"x" * 5000))
        self.line.pump()
        self.assertEqual(len(exits(self.client.packets)), 1)

    def test_a_command_that_waits_for_a_pass_phrase_can_be_left(self) -> None:
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "pty-req", pty(), False)
        channel_request(self.client, channel, "exec", string("share demo --passphrase-stdin"), False)
        self.client.send(94, u32(channel) + string(b"half\x03"))
        self.line.pump()
        self.assertEqual(exits(self.client.packets), [130])
        self.assertEqual(outputs(self.client.packets), b"")
        self.assertEqual(self.successResultOf(ensureDeferred(self.shares.of(self.demo.id))), [])

    def test_what_cannot_be(self) -> None:
        for line, status, said in (
            ("share nothing", 1, "no console named nothing"),
            ("share demo --user carol", 1, "no account 'carol'"),
            ("share demo --user alice", 1, "have the console already"),
            ("share demo --expires 500d", 1, "366 days"),
            ("share demo --expires soon", 2, "looks like 90m, 2h or 1d"),
        ):
            found, out, err = self.run_line(line)
            self.assertEqual((found, out), (status, ""), line)
            self.assertIn(said, err)
            self.assertEqual(err.count("\n"), 1)


class TestShares(SharingCase):
    def test_the_list(self) -> None:
        self.share(self.demo, "writer", user="bob")
        link, token = self.share(self.demo, uses=3, passphrase="open sesame")
        taken = self.shares.take(token, user=None, name="Eve", passphrase="open sesame", address="192.0.2.9")
        self.successResultOf(ensureDeferred(taken))
        lines = self.run_line("shares demo")[1].splitlines()
        self.assertEqual(lines[0].split(), ["SHARE", "ROLE", "FOR", "EXPIRES", "USES", "LEFT"])
        self.assertEqual(sum(" writer    bob " in line for line in lines), 1)
        self.assertTrue(any(line.startswith(link) and line.endswith(" 2") for line in lines))
        self.assertTrue(any("Eve (guest)  observer" in line for line in lines), lines)
        told = json.loads(self.run_line("shares demo --json")[1])
        self.assertEqual({each["id"] for each in told["shares"]} & {link}, {link})
        self.assertEqual(
            [(each["name"], each["is_guest"]) for each in told["members"]], [("bob", False), ("Eve", True)]
        )
        self.assertNotIn("sesame", json.dumps(told))

    def test_what_is_not_shared(self) -> None:
        self.assertEqual(
            self.run_line("shares demo"), (0, "", "demo is not shared. `share demo` shares it.\n")
        )

    def test_taken_back(self) -> None:
        first, _ = self.share(self.demo)
        self.share(self.demo, user="bob")
        self.assertEqual(self.run_line(f"unshare demo {first}")[0], 0)
        self.assertEqual(self.shares.role(self.bob, self.demo.id), "observer")
        status, _, err = self.run_line(f"unshare demo {first}")
        self.assertEqual(status, 1)
        self.assertIn("no share", err)
        self.assertEqual(self.run_line("unshare demo --all")[0], 0)
        self.assertIsNone(self.shares.role(self.bob, self.demo.id))
        self.assertEqual(self.successResultOf(ensureDeferred(self.shares.of(self.demo.id))), [])


class TestConsolesOfOthers(SharingCase):
    def test_an_observer_looks_on(self) -> None:
        self.consoles.add(self.alice, "secret")
        self.consoles.add(self.bob, "demo")
        self.share_with_bob("observer")
        self.be_bob()
        lines = self.run_line("ls")[1].splitlines()
        self.assertEqual([line.split()[:3] for line in lines[1:]], [
            ["demo", "owner", "running"],
            ["alice/demo", "observer", "running"],
        ])  # fmt: skip
        told = json.loads(self.run_line("ls --json")[1])
        self.assertEqual(
            [(each["owner"], each["name"], each["role"]) for each in told],
            [("bob", "demo", "owner"), ("alice", "demo", "observer")],
        )
        self.demo.printed = b"printed\r\n"
        self.assertEqual(self.run_line("logs alice/demo")[:2], (0, "printed\r\n"))
        self.assertEqual(self.run_line("screen alice/demo")[:2], (0, ">>>\n"))
        for line in ("kill alice/demo", "rename alice/demo x", "share alice/demo", "screen alice/secret"):
            status, out, err = self.run_line(line)
            self.assertEqual((status, out), (1, ""), line)
            self.assertTrue(err.startswith("termhub: "), err)
        self.assertEqual(self.demo.state, "running")

    def test_an_owner_by_a_share_ends_renames_and_shares(self) -> None:
        self.share_with_bob("owner")
        self.be_bob()
        self.assertEqual(self.run_line("rename alice/demo shown")[0], 0)
        self.assertEqual(self.run_line("share alice/shown")[0], 0)
        self.assertEqual(self.run_line("kill alice/shown")[0], 0)
        self.assertEqual(self.demo.state, "ended")

    def test_attach_by_owner_and_name(self) -> None:
        self.share_with_bob("observer")
        self.be_bob()
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "pty-req", pty())
        channel_request(self.client, channel, "exec", string("attach alice/demo"))
        self.line.pump()
        self.assertIs(self.uis[0].start.console, self.demo)

    def test_what_is_followed_ends_with_the_share(self) -> None:
        share = self.share_with_bob("observer")
        self.be_bob()
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "exec", string("logs alice/demo --follow"))
        self.line.pump()
        (waiting,) = self.demo.output_waits
        self.client.packets.clear()
        self.successResultOf(ensureDeferred(self.shares.revoke(self.demo.id, share, self.alice)))
        self.demo.printed = b"not for bob"
        waiting.callback(None)
        self.line.pump()
        self.assertEqual(outputs(self.client.packets), b"")
        self.assertEqual(exits(self.client.packets), [1])
        self.assertIn(b"no longer shared with you", outputs(self.client.packets, stderr=True))


class TestNewInThePlaceOfOld(SharingCase):
    def test_attach_makes_a_console_where_one_has_ended(self) -> None:
        self.demo.state = "ended"
        channel = self.open_channel(self.line)
        channel_request(self.client, channel, "pty-req", pty())
        channel_request(self.client, channel, "exec", string("attach -A demo"))
        self.line.pump()
        console = self.uis[0].start.console
        assert console is not None
        self.assertIsNot(console, self.demo)
        self.assertEqual((console.name, console.has_ended), ("demo", False))
        self.assertEqual(len(self.consoles.of(self.alice)), 1)

    def test_not_without_being_asked(self) -> None:
        self.demo.state = "ended"
        self.assertEqual(self.run_line("attach demo", with_terminal=True)[0], 1)
        self.assertEqual(self.consoles.of(self.alice), [self.demo])
