"""Sessions: a terminal, its UI, and commands that print."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from sandbox.guest.frames import MAX_COLS, MAX_ROWS
from termhub.config import SshSettings
from termhub.errors import ConsoleError, NoSandbox
from termhub.gateways.ssh.packets import Reader, boolean, string, u32
from termhub.hub.consoles import NewConsole
from termhub.store import User
from tests.support.ssh_memory import (
    CHANNEL_OPEN,
    FakeUI,
    Line,
    MemoryCase,
    channel_request,
    exits,
    outputs,
    pty,
)

SUCCESS, FAILURE = 99, 100


class SessionCase(MemoryCase):
    def setUp(self) -> None:
        super().setUp()
        self.line: Line = self.connect()
        self.client = self.log_in(self.line)
        self.channel = self.open_channel(self.line)

    def ask(self, kind: str, rest: bytes = b"") -> bool:
        """Whether a request is granted."""
        channel_request(self.client, self.channel, kind, rest)
        self.line.pump()
        answers = [kind for kind, _ in self.client.packets if kind in (SUCCESS, FAILURE)]
        self.client.packets[:] = [p for p in self.client.packets if p[0] not in (SUCCESS, FAILURE)]
        (answer,) = answers
        return answer == SUCCESS

    def send(self, data: bytes) -> None:
        self.client.send(94, u32(self.channel) + string(data))
        self.line.pump()

    def ui(self, kind: str = "shell", rest: bytes = b"") -> FakeUI:
        assert self.ask("pty-req", pty())
        assert self.ask(kind, rest)
        return self.uis[-1]

    def run_line(self, line: str, with_terminal: bool = False) -> tuple[int | str, str, str]:
        """The exit status of a command, and what it printed, on a channel of its own."""
        self.channel = self.open_channel(self.line)
        if with_terminal:
            assert self.ask("pty-req", pty())
        assert self.ask("exec", string(line))
        (status,) = exits(self.client.packets)
        out, err = outputs(self.client.packets), outputs(self.client.packets, stderr=True)
        self.client.packets.clear()
        return status, out.decode(), err.decode()


class TestTerminal(SessionCase):
    def test_the_ui_knows_the_terminal(self) -> None:
        self.assertTrue(self.ask("env", string("LANG") + string("C.UTF-8")))
        self.assertTrue(self.ask("env", string("COLORTERM") + string("truecolor")))
        self.assertTrue(self.ask("pty-req", pty("xterm-kitty", 120, 40)))
        self.assertTrue(self.ask("shell"))
        terminal = self.uis[0].terminal
        self.assertEqual(
            (terminal.term, terminal.colorterm, terminal.lang), ("xterm-kitty", "truecolor", "C.UTF-8")
        )
        self.assertEqual((terminal.cols, terminal.rows), (120, 40))
        self.assertEqual(self.uis[0].events, ["begin"])
        self.assertIsNone(self.uis[0].start.console)

    def test_lc_all_is_stronger_than_lang(self) -> None:
        self.ask("env", string("LC_ALL") + string("C"))
        self.ask("env", string("LANG") + string("C.UTF-8"))
        self.assertEqual(self.ui().terminal.lang, "C")

    def test_other_variables_are_refused(self) -> None:
        for name, value in (
            ("PATH", "/tmp"),
            ("LD_PRELOAD", "x"),
            ("TERM", "x"),
            ("LANG", "a\nb"),
            ("LANG", "x" * 1000),
        ):
            self.assertFalse(self.ask("env", string(name) + string(value)), name)

    def test_sizes(self) -> None:
        ui = self.ui()
        self.assertTrue(self.ask("window-change", u32(100) + u32(50) + u32(0) + u32(0)))
        self.assertTrue(self.ask("window-change", u32(1 << 31) + u32(1 << 31) + u32(0) + u32(0)))
        self.assertTrue(self.ask("window-change", u32(0) + u32(0) + u32(0) + u32(0)))
        self.assertEqual(ui.events[1:], [(100, 50), (MAX_COLS, MAX_ROWS), (80, 24)])

    def test_what_is_typed_arrives_and_what_is_drawn_too(self) -> None:
        ui = self.ui()
        self.send(b"6*7\r")
        self.assertEqual(ui.received, b"6*7\r")
        ui.transport.write(b"\x1b[2J")
        self.line.pump()
        self.assertEqual(outputs(self.client.packets), b"\x1b[2J")

    def test_what_is_typed_before_it_runs_is_kept(self) -> None:
        self.ask("pty-req", pty())
        self.send(b"early")
        self.ask("shell")
        self.assertEqual(self.uis[0].received, b"early")

    def test_the_ui_may_stop_the_input(self) -> None:
        ui = self.ui()
        ui.transport.pause_input()
        self.send(b"later")
        self.assertEqual(ui.received, b"")
        ui.transport.resume_input()
        self.assertEqual(ui.received, b"later")

    def test_the_ui_is_told_when_all_has_left(self) -> None:
        ui = self.ui()
        self.assertTrue(ui.transport.is_clear)
        self.line.tcp.is_stuck = True
        ui.transport.write(b"a frame")
        self.assertFalse(ui.transport.is_clear)
        self.assertEqual(ui.events, ["begin"])
        self.line.tcp.release()
        self.assertTrue(ui.transport.is_clear)
        self.assertEqual(ui.events, ["begin", "drained"])

    def test_a_client_that_stops_reading_holds_one_write(self) -> None:
        """What a UI that draws when it may can make the hub hold for a client that never reads."""
        ui = self.ui()
        self.line.tcp.is_stuck = True
        frames = 0
        while ui.transport.is_clear:
            ui.transport.write(b"x" * 8192)
            frames += 1
        self.assertEqual(frames, 1)
        self.assertLess(len(self.line.tcp.dataBuffer), 10_000)

    def test_the_end_of_the_ui(self) -> None:
        ui = self.ui()
        ui.transport.finish(3, "[detached from demo]")
        self.line.pump()
        self.assertEqual(outputs(self.client.packets), b"[detached from demo]\r\n")
        self.assertEqual(exits(self.client.packets), [3])
        self.assertNotIn("lost", ui.events)

    def test_the_end_of_the_client(self) -> None:
        ui = self.ui()
        self.line.lose()
        self.assertEqual(ui.events, ["begin", "lost"])

    def test_the_end_of_its_input(self) -> None:
        ui = self.ui()
        self.client.send(96, u32(self.channel))
        self.line.pump()
        self.assertEqual(exits(self.client.packets), [0])
        self.assertEqual(ui.events, ["begin", "lost"])

    def test_signals_are_keys(self) -> None:
        ui = self.ui()
        self.assertTrue(self.ask("signal", string("INT")))
        self.assertTrue(self.ask("break", u32(500)))
        self.assertTrue(self.ask("signal", string("QUIT")))
        self.assertTrue(self.ask("signal", string("TSTP")))
        self.assertEqual(ui.received, b"\x03\x03\x1c\x1a")

    def test_other_signals_are_passed_on(self) -> None:
        ui = self.ui()
        self.assertTrue(self.ask("signal", string("TERM")))
        self.assertTrue(self.ask("signal", string("USR1")))
        self.assertFalse(self.ask("signal", string("STOP")))
        self.assertEqual((ui.received, ui.events), (b"", ["begin", "SIGTERM", "SIGUSR1"]))


class TestEndedFromHere(SessionCase):
    def test_everything_is_told_why(self) -> None:
        self.consoles.add(self.alice, "demo")
        ui = self.ui()
        self.channel = self.open_channel(self.line)
        self.ask("exec", string("logs demo --follow"))
        self.channel = self.open_channel(self.line)
        self.ask("subsystem", string("sftp"))
        self.open_channel(self.line)  # and one that runs nothing
        self.gateway.stop()
        self.line.pump()
        self.assertFalse(self.line.is_lost, "the client has not written it to its terminal yet")
        self.assertEqual(outputs(self.client.packets), b"The hub restarts; your consoles go on.\r\n")
        said = outputs(self.client.packets, stderr=True)
        self.assertEqual(said, b"termhub: The hub restarts; your consoles go on.\n" * 2)
        self.assertEqual(exits(self.client.packets), [255] * 4)
        self.assertEqual(ui.events, ["begin"])
        for channel in range(4):
            self.client.send(97, u32(channel))
            self.line.pump()
            self.assertEqual(self.line.is_lost, channel == 3)

    def test_nothing_is_shown_any_more(self) -> None:
        """Not even what was asked for before, and is there only now."""
        making: Deferred[Any] = Deferred()

        async def create(user: User, new: NewConsole) -> Any:
            return await making

        self.consoles.create = create  # type: ignore[method-assign]
        self.channel = self.open_channel(self.line, window=0)
        self.ask("pty-req", pty())
        self.ask("exec", string("new"))
        self.gateway.stop()
        making.callback(self.consoles.add(self.alice, "late"))
        self.line.pump()
        self.assertEqual(self.uis, [])

    def test_a_client_that_does_not_close_is_not_waited_for(self) -> None:
        self.ui()
        stopped = self.gateway.stop()
        self.line.pump()
        self.client.packets.clear()
        self.client.send(CHANNEL_OPEN, string("session") + u32(5) + u32(1000) + u32(1000))
        self.line.pump()
        self.assertEqual(self.client.packets.pop()[0], 92)
        self.clock.advance(2)
        self.line.pump()
        self.assertTrue(self.line.is_lost)
        self.successResultOf(stopped)


class TestRefused(SessionCase):
    def test_what_consoles_are_not_for(self) -> None:
        self.assertFalse(self.ask("x11-req", boolean(False) + string("a") + string("b") + u32(0)))
        self.assertFalse(self.ask("auth-agent-req@openssh.com"))
        self.assertFalse(self.ask("subsystem", string("netconf")))
        self.assertFalse(self.ask("signal", string("INT")))
        self.assertFalse(self.ask("window-change", u32(80) + u32(24) + u32(0) + u32(0)))

    def test_one_thing_a_session(self) -> None:
        self.ui()
        self.assertFalse(self.ask("shell"))
        self.assertFalse(self.ask("exec", string("ls")))
        self.assertFalse(self.ask("subsystem", string("sftp")))
        self.assertFalse(self.ask("pty-req", pty()))
        self.assertEqual(len(self.uis), 1)

    def test_forwarding(self) -> None:
        where = string("localhost") + u32(80) + string("localhost") + u32(80)
        for kind in ("direct-tcpip", "forwarded-tcpip", "x11", "tun@openssh.com"):
            self.client.send(CHANNEL_OPEN, string(kind) + u32(3) + u32(1000) + u32(1000) + where)
            self.line.pump()
            answer, packet = self.client.packets.pop()
            self.assertEqual(answer, 92, kind)
            self.assertEqual(Reader(packet).u32(), 3)
        self.client.send(80, string("tcpip-forward") + boolean(True) + string("") + u32(0))
        self.line.pump()
        self.assertEqual(self.client.packets, [(82, b"")])

    def test_packets_that_make_no_sense(self) -> None:
        for kind, payload in (
            (94, u32(99) + string("no such channel")),
            (98, u32(99) + string("shell") + boolean(False)),
            (93, b"\0\0"),
            (94, u32(0) + u32(1000) + b"short"),
            (94, u32(0) + string(b"x" * 40_000)),
            (98, u32(0) + string("pty-req") + boolean(True) + string("xterm")),
        ):
            line = self.connect()
            client = self.log_in(line)
            self.open_channel(line)
            client.send(kind, payload)
            line.pump()
            self.assertTrue(line.is_lost, (kind, payload))
        self.assertEqual(self.flushLoggedErrors(), [])


class TestManyChannels(SessionCase):
    settings = SshSettings(channels=3)

    def test_their_number_is_limited(self) -> None:
        self.open_channel(self.line)
        self.open_channel(self.line)
        self.client.send(CHANNEL_OPEN, string("session") + u32(5) + u32(1000) + u32(1000))
        self.line.pump()
        self.assertEqual(self.client.packets.pop()[0], 92)
        self.client.send(97, u32(self.channel))
        self.line.pump()
        self.client.packets.clear()
        self.open_channel(self.line)

    def test_packets_that_are_all_overhead(self) -> None:
        self.client.send(CHANNEL_OPEN, string("session") + u32(5) + u32(1000) + u32(1))
        self.line.pump()
        self.assertEqual(self.client.packets.pop()[0], 92)


class TestCommands(SessionCase):
    def test_without_a_terminal_it_is_said_how(self) -> None:
        self.assertTrue(self.ask("shell"))
        self.assertEqual(exits(self.client.packets), [2])
        said = outputs(self.client.packets, stderr=True)
        self.client.packets.clear()
        self.assertIn(b"ssh -t", said)
        self.assertIn(b"attach NAME", said)
        console = self.consoles.add(self.alice, "demo")
        status, out, err = self.run_line("attach demo")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("ssh -t HOST attach demo", err)
        self.assertEqual(console.viewers, [])

    def test_what_is_no_command(self) -> None:
        status, out, err = self.run_line("lss")
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err, "termhub: There is no command 'lss'; did you mean 'ls'?\n")

    def test_what_is_no_text(self) -> None:
        self.assertTrue(self.ask("exec", string(b"\xff\xfe")))
        self.assertEqual(exits(self.client.packets), [2])

    def test_new_without_a_terminal_prints_the_name(self) -> None:
        self.assertEqual(self.run_line("new bash --name work"), (0, "work\n", ""))
        (console,) = self.consoles.of(self.alice)
        self.assertEqual((console.name, console.new.program), ("work", "bash"))
        status, _, err = self.run_line("new --name work")
        self.assertEqual(status, 1)
        self.assertIn("already", err)

    def test_new_with_a_terminal_shows_it(self) -> None:
        self.ask("pty-req", pty(cols=100, rows=30))
        self.send(b"typed while it is made")
        self.ask("exec", string("new"))
        (console,) = self.consoles.of(self.alice)
        self.assertEqual((console.new.cols, console.new.rows), (100, 30))
        self.assertIs(self.uis[0].start.console, console)
        self.assertEqual(self.uis[0].received, b"typed while it is made")

    def test_new_goes_on_when_the_client_goes(self) -> None:
        waiting: Deferred[None] = Deferred()
        create = self.consoles.create

        async def slowly(user: Any, new: Any) -> Any:
            await waiting
            return await create(user, new)

        self.consoles.create = slowly  # type: ignore[method-assign]
        self.ask("pty-req", pty())
        self.ask("exec", string("new"))
        self.line.lose()
        waiting.callback(None)
        self.assertEqual(len(self.consoles.of(self.alice)), 1)
        self.assertEqual(self.uis, [])

    def test_attach_shows_it(self) -> None:
        console = self.consoles.add(self.alice, "demo")
        self.ask("pty-req", pty())
        self.ask("exec", string("attach demo -r -d"))
        start = self.uis[0].start
        self.assertIs(start.console, console)
        self.assertTrue(start.read_only)
        self.assertTrue(start.detach_others)

    def test_attach_to_what_there_is_not(self) -> None:
        status, out, err = self.run_line("attach demo", with_terminal=True)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("`attach -A demo` makes it.\r\n", err)
        console = self.consoles.add(self.alice, "old")
        console.state = "ended"
        self.assertEqual(self.run_line("attach old", with_terminal=True)[0], 1)

    def test_attach_makes_it_where_that_is_wanted(self) -> None:
        self.ask("pty-req", pty())
        self.ask("exec", string("attach -A demo"))
        (console,) = self.consoles.of(self.alice)
        self.assertEqual(console.name, "demo")
        self.assertIs(self.uis[0].start.console, console)

    def test_list(self) -> None:
        self.assertEqual(self.run_line("ls"), (0, "", "No consoles. `new` makes one.\n"))
        self.consoles.add(self.alice, "demo")
        _, out, _ = self.run_line("ls")
        head, row = out.splitlines()
        self.assertTrue(head.startswith("NAME  STATE"))
        self.assertIn("a title", row)
        _, out, _ = self.run_line("ls", with_terminal=True)
        self.assertEqual(out.count("\r\n"), 2)
        _, out, _ = self.run_line("ls --json")
        (told,) = json.loads(out)
        self.assertEqual(told["name"], "demo")

    def test_kill_and_rename(self) -> None:
        console = self.consoles.add(self.alice, "demo")
        self.assertEqual(self.run_line("rename demo better"), (0, "", "demo is better now.\n"))
        status, out, err = self.run_line("kill nope better")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("no console named nope", err)
        self.assertIn("Ended better.", err)
        self.assertEqual(console.state, "ended")

    def test_what_is_removed_frees_its_name(self) -> None:
        self.consoles.add(self.alice, "demo")
        self.run_line("kill demo")
        self.assertEqual(self.run_line("kill --remove demo"), (0, "", "Removed demo.\n"))
        self.assertEqual(self.consoles.of(self.alice), [])

    def test_others_consoles_are_not_there(self) -> None:
        bob = self.database.add_user("bob", 1.0, "default", None)
        self.consoles.add(bob, "his")
        for line in ("screen his", "logs his", "kill his", "rename his mine"):
            status, out, err = self.run_line(line)
            self.assertEqual((status, out), (1, ""), line)
            self.assertIn("no console named his", err)

    def test_screen(self) -> None:
        self.consoles.add(self.alice, "demo")
        self.assertEqual(self.run_line("screen demo"), (0, ">>>\n", ""))
        _, out, _ = self.run_line("screen demo --json")
        self.assertEqual(json.loads(out)["cursor"], {"x": 4, "y": 0})
        status, _, err = self.run_line("screen demo --window 9")
        self.assertEqual(status, 1)
        self.assertIn("no window 9", err)

    def test_errors_are_said(self) -> None:
        async def refuse(*_: object) -> None:
            raise NoSandbox("There is no sandbox here.")

        self.consoles.create = refuse  # type: ignore[method-assign, assignment]
        self.assertEqual(self.run_line("new"), (1, "", "termhub: There is no sandbox here.\n"))

    def test_defects_are_logged_and_the_connection_goes_on(self) -> None:
        async def fail(*_: object) -> None:
            raise ZeroDivisionError

        self.consoles.create = fail  # type: ignore[method-assign, assignment]
        self.assertEqual(self.run_line("new")[0], 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.consoles.add(self.alice, "demo")
        self.assertEqual(self.run_line("screen demo")[0], 0)


class TestLogs(SessionCase):
    def setUp(self) -> None:
        super().setUp()
        self.console = self.consoles.add(self.alice, "demo")

    def test_what_there_is(self) -> None:
        self.console.printed = b"one\r\ntwo\x1b[c\r\n" * 20_000
        self.assertEqual(self.run_line("logs demo")[1], "one\r\ntwo\r\n" * 20_000)
        self.assertEqual(self.run_line("logs demo --raw")[1].encode(), self.console.printed)

    def test_little_is_filtered_at_a_time(self) -> None:
        limits: list[int] = []
        output = self.console.output

        async def watched(window: int, since: int, wait: float, limit: int) -> tuple[int, bytes]:
            limits.append(limit)
            return await output(window, since, wait, limit)

        self.console.output = watched  # type: ignore[method-assign]
        self.console.printed = b"\x1b" * 20_000
        self.run_line("logs demo")
        self.assertLessEqual(max(limits), 4096)

    def test_following(self) -> None:
        self.ask("exec", string("logs demo --follow"))
        self.console.print(b"one")
        self.line.pump()
        self.console.print(b"two")
        self.line.pump()
        self.assertEqual(outputs(self.client.packets), b"onetwo")
        self.assertEqual(exits(self.client.packets), [])

        async def ended(*_: object) -> None:
            raise ConsoleError("The console has ended.", "ended")

        self.console.state = "ended"
        self.console.output = ended  # type: ignore[method-assign, assignment]
        self.console.print(b"")
        self.line.pump()
        self.assertEqual(exits(self.client.packets), [0])

    def test_following_ends_with_the_client(self) -> None:
        self.ask("exec", string("logs demo --follow"))
        self.assertEqual(len(self.console.output_waits), 1)
        self.client.send(97, u32(self.channel))
        self.line.pump()
        self.assertEqual(self.console.output_waits, [])

    def test_ctrl_c_in_a_terminal(self) -> None:
        self.ask("pty-req", pty())
        self.ask("exec", string("logs demo --follow"))
        self.send(b"\x03")
        self.assertEqual(exits(self.client.packets), [130])
        self.assertEqual(self.console.output_waits, [])

    def test_a_signal(self) -> None:
        self.ask("exec", string("logs demo --follow"))
        channel_request(self.client, self.channel, "signal", string("TERM"), wants_answer=False)
        self.line.pump()
        self.assertEqual(exits(self.client.packets), ["TERM"])

    def test_a_client_that_does_not_read_is_waited_for(self) -> None:
        self.channel = self.open_channel(self.line, window=1000)
        self.console.printed = b"x" * 200_000
        reads: list[int] = []
        output = self.console.output

        async def watched(window: int, since: int, wait: float, limit: int) -> tuple[int, bytes]:
            reads.append(since)
            return await output(window, since, wait, min(limit, 50_000))

        self.console.output = watched  # type: ignore[method-assign]
        self.ask("exec", string("logs demo"))
        self.assertLessEqual(len(reads), 2)
        self.assertEqual(len(outputs(self.client.packets)), 1000)
        self.client.send(93, u32(self.channel) + u32(1 << 20))
        self.line.pump()
        self.assertEqual(len(outputs(self.client.packets)), 200_000)
        self.assertEqual(exits(self.client.packets), [0])

    def test_what_has_ended_shows_its_last_screen(self) -> None:
        self.console.state = "ended"
        status, out, err = self.run_line("logs demo")
        self.assertEqual((status, out), (0, ">>>\n"))
        self.assertIn("has ended", err)
