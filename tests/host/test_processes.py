"""Real launcher, hosts and sandboxes: what the pure tests cannot show."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from sandbox.guest import frames
from termhub.errors import TermhubError
from termhub.host.folder import connect
from tests.support.console_process import LauncherProcess, until, wait_for


def test_a_console_answers_over_its_socket(launcher):
    console = launcher.create()
    with console.link() as link:
        assert link.hello["console"] == console.id
        assert link.hello["ended"] is None
        assert "namespaces" in link.hello["isolation"]
        assert link.hello["windows"][0]["window"] == 0
        link.subscribe()
        link.read_until(b">>> ")
        link.type(b"6*7\n")
        link.read_prompt(b"42\r\n")
        lines = link.request("text", 0)["lines"]
        assert lines[3:5] == ["6*7", "42"] or "42" in lines


def test_keyframe_draws_the_screen(launcher):
    from termhub.screen import open_screen

    console = launcher.create(program="script", argv=["/bin/sh", "-c", "seq 100; printf '\\033[31mred'; cat"])
    with console.link() as link:
        link.subscribe()
        link.read_until(b"red")
        offset, data = link.keyframe(0, None)
        assert offset == link.offsets[0]
        screen = open_screen(80, 24)
        screen.feed(data)
        assert screen.text(1000)[:100] == [str(number) for number in range(1, 101)]
        assert link.request("text", 0, scrollback=3)["lines"][-1] == "red"


def test_windows_open_resize_signal_and_close(launcher):
    console = launcher.create(program="script", argv=["/bin/cat"])
    with console.link() as link:
        link.subscribe()
        reply = link.request("open", argv=["/bin/bash", "--norc"], env={"PS1": "$ "}, cols=100, rows=30)
        assert reply["ok"], reply
        number = reply["window"]
        assert number == 1
        link.subscribe(number)
        link.read_until(b"$ ", number)
        link.type(b"stty size\n", number)
        link.read_until(b"30 100", number)
        link.send(frames.resize(number, 120, 40))
        while (number, 120, 40) not in link.sizes:
            link.next()
        while not [keyframe for keyframe in link.keyframes if keyframe[2:4] == (120, 40)]:
            link.next()
        link.type(b"sh -c 'echo wa\"\"its; exec sleep 1000'\n", number)
        link.read_until(b"waits\r\n", number)
        assert link.request("signal", number, signal="SIGINT")["ok"]
        link.type(b"echo status $?\n", number)
        link.read_until(b"status 130", number)
        assert link.request("close", number)["ok"]
        link.wait_event("closed")
        assert link.request("text", number)["code"] == "no_such_window"


def test_the_end_of_the_program_ends_the_console_with_its_last_screen(launcher):
    console = launcher.create(program="script", argv=["/bin/sh", "-c", "echo last words; exit 3"])
    ended = console.ended()
    assert ended["reason"] == "the program ended with status 3"
    assert ended["status"] == {"code": 3}
    assert ended["windows"][0]["lines"][0] == "last words"
    launcher.ask("host", console=console.id)
    states = {entry["console"]: entry["state"] for entry in launcher.ask("list")["consoles"]}
    assert states[console.id] == "ended"
    launcher.ask("remove", console=console.id)
    assert not console.path.exists()


def test_end_kills_the_sandbox_and_says_why(launcher):
    console = launcher.create(program="script", argv=["/bin/sh", "-c", "echo here; trap '' HUP TERM; cat"])
    with console.link() as link:
        link.subscribe()
        link.read_until(b"here")
        agent = console.sandbox_pid
        launcher.ask("end", console=console.id, reason="enough of it")
        assert console.folder.read("ended.json")["reason"] == "enough of it"
        assert link.wait_event("ended")["reason"] == "enough of it"
    until(lambda: not os.path.exists(f"/proc/{agent}"), "the agent's end")


def test_a_host_that_ended_hears_its_links_until_they_have_read_all(launcher):
    """Were it to close before, a link that is acknowledging would lose the last output."""
    console = launcher.create(program="script", argv=["/bin/sh", "-c", "echo here; read -r line; seq 20000"])
    with console.link() as link, console.link() as deaf:
        deaf.subscribe()
        link.subscribe()
        link.read_until(b"here")
        link.type(b"go\n")
        assert link.wait_event("ended")["status"] == {"code": 0}
        assert link.output[0].endswith(b"\r\n19999\r\n20000\r\n")
        with pytest.raises(ConnectionResetError):
            link.next()
        link.send(frames.ack(0, link.offsets[0]))
        deaf.read_until(b"\r\n20000\r\n")
        assert deaf.wait_event("ended")
        host = os.pidfd_open(console.host_pid)
    wait_for(host)


def test_a_link_ends_the_console_politely(launcher):
    script = "trap 'echo bye; exit 0' HUP; echo here; while :; do sleep 0.02; done"
    console = launcher.create(program="script", argv=["/bin/sh", "-c", script])
    with console.link() as link:
        link.subscribe()
        link.read_until(b"here")
        assert link.request("end", reason="closed by alice")["ok"]
        assert link.wait_event("ended")["reason"] == "closed by alice"
    assert console.ended()["windows"][0]["lines"][0] == "here"


def test_the_sandbox_killed_from_outside_is_said(launcher):
    console = launcher.create(program="script", argv=["/bin/sh", "-c", "echo here; cat"])
    with console.link() as link:
        link.subscribe()
        link.read_until(b"here")
    os.kill(console.sandbox_pid, signal.SIGKILL)
    ended = console.ended()
    assert ended["reason"] == "the sandbox was killed"
    assert ended["windows"][0]["lines"][0] == "here"


def test_ctrl_c_ends_a_flood_that_one_link_does_not_read(launcher):
    console = launcher.create()
    with console.link() as deaf, console.link() as link:
        deaf.send(frames.encode_json(frames.REQUEST, 0, {"id": 1, "op": "subscribe", "window": 0}))
        link.subscribe()
        link.read_until(b">>> ")
        link.type(b"while 1: print('x' * 80)\n\n")
        link.read_until(b"x" * 80)
        while link.offsets[0] < 3 << 20:
            link.next()
        link.type(b"\x03")
        link.read_until(b"KeyboardInterrupt\r\n")
        link.type(b"6*7\n")
        link.read_prompt(b"42\r\n")
        assert link.request("text", 0)["lines"][-1] == ">>>"


def test_a_killed_host_has_a_successor_that_lost_nothing(launcher):
    program = "import sys\nfor i in range(200000): print(i)\nsys.stdin.read()"
    console = launcher.create(program="script", argv=["/usr/bin/python3", "-c", program])
    output = b""
    offset = 0
    kills = 0
    while b"199999\r\n" not in output:
        link = console.link()
        try:
            link.offsets[0] = offset
            link.subscribe(0, since=offset)
            while b"199999\r\n" not in link.output.get(0, b""):
                link.next()
                if len(link.output.get(0, b"")) > 150_000 and kills < 5:
                    console.kill_host()
                    kills += 1
        except OSError:
            pass
        finally:
            output += link.output.get(0, b"")
            offset = link.offsets[0]
            link.close()
    assert kills == 5
    assert b"<skip>" not in output
    assert output == b"".join(b"%d\r\n" % number for number in range(200000))


def test_input_is_written_once_whatever_is_killed(launcher):
    """The client keeps what is not accepted and goes back to it at each new host."""
    program = 'while read -r line; do echo "got $line"; done'
    console = launcher.create(program="script", argv=["/bin/bash", "-c", f"stty -echo; echo on; {program}"])
    lines = [b"line %d\n" % number for number in range(3000)]
    whole = b"".join(lines)
    viewer = 4711
    accepted = 0
    output = b""
    offset = 0
    kills = 0
    while output.count(b"got") < len(lines):
        link = console.link()
        link.viewer = viewer
        sent = accepted
        try:
            link.offsets[0] = offset
            link.subscribe(0, since=offset)
            if not output:
                link.read_until(b"on\r\n")
            while (output + link.output.get(0, b"")).count(b"got") < len(lines):
                while sent < len(whole) and sent - accepted < 4096:
                    link.send(frames.input_(0, viewer, sent, whole[sent : sent + 200]))
                    sent = min(sent + 200, len(whole))
                link.next()
                if link.accepted.get(0, accepted) > accepted:
                    accepted = link.accepted[0]
                if accepted > (kills + 1) * len(whole) // 8 and kills < 5:
                    console.kill_host()
                    kills += 1
        except OSError:
            pass
        finally:
            output += link.output.get(0, b"")
            offset = link.offsets[0]
            link.close()
    assert kills == 5
    got = [int(found) for found in re.findall(rb"got line (\d+)\r\n", output)]
    assert got == list(range(3000))


def test_a_killed_launcher_is_replaced_and_consoles_stay():
    with LauncherProcess() as launcher:
        console = launcher.create()
        with console.link() as link:
            link.subscribe()
            link.read_until(b">>> ")
            before = launcher.pid
            os.kill(before, signal.SIGKILL)  # its keeper starts another
            launcher.until_replaced(before)
            link.type(b"6*7\n")
            link.read_until(b"42\r\n")
        launcher.kill()
        with console.link() as link:
            link.subscribe()
            link.type(b"7*7\n")
            link.read_until(b"49\r\n")
        launcher.start()
        console.kill_host()
        with console.link() as link:
            link.subscribe()
            link.type(b"8*8\n")
            link.read_until(b"64\r\n")
        launcher.ask("end", console=console.id, reason="done")
        assert console.ended()["reason"] == "done"


def test_after_a_restart_of_the_machine_the_last_screen_is_there():
    with LauncherProcess() as launcher:
        console = launcher.create(program="script", argv=["/bin/sh", "-c", "echo before; cat"])
        with console.link() as link:
            link.subscribe()
            link.read_until(b"before\r\n")
            link.keyframe()
        launcher.kill()
        console.kill_host()
        record = console.folder.read("sandbox.json")
        os.kill(record["pid"], signal.SIGKILL)
        console.folder.write("sandbox.json", {**record, "boot": "another boot"})
        launcher.start()
        launcher.ask("host", console=console.id)
        ended = console.folder.read("ended.json")
        assert ended["reason"] == "the machine restarted"
        assert ended["windows"][0]["lines"][0] == "before"


def test_hosts_that_fail_are_followed_by_more_careful_ones(launcher):
    """At last one that does not look at the past: the output itself may be what fails."""
    console = launcher.create(program="script", argv=["/bin/sh", "-c", "echo poison; cat"])
    with console.link() as link:
        link.subscribe()
        link.read_until(b"poison")
        link.keyframe()
    hosts = [console.kill_host(signal.SIGSEGV) for _ in range(5)]
    with console.link() as link:
        assert link.request("text", 0)["lines"][0] == ""
        link.subscribe()
        link.type(b"alive\n")
        link.read_until(b"alive\r\nalive\r\n")
        assert link.request("text", 0)["lines"].count("alive") == 2
    assert len(set(hosts)) == 5


def test_a_new_version_takes_over_running_consoles():
    with LauncherProcess() as launcher:
        console = launcher.create(program="script", argv=["/bin/cat"])
        with console.link() as link:
            link.subscribe()
            link.type(b"before\n")
            link.read_until(b"before\r\nbefore\r\n")
        before, host = launcher.pid, console.host_pid
        with open(console.path / "host.lock", "r+") as lock:
            lock.truncate()
            lock.write(f"{host} 0.0.1")
        launcher.ask("renew")
        launcher.until_replaced(before)
        until(lambda: console.folder.locked_by() not in (None, host), "the new host")
        with console.link() as link:
            link.subscribe()
            assert link.output.get(0, b"") or link.read_until(b"before\r\nbefore\r\n")
            link.type(b"after\n")
            link.read_until(b"after\r\nafter\r\n")


def test_half_made_folders_are_deleted():
    with LauncherProcess() as launcher:
        launcher.kill()
        half = launcher.data / "run" / "consoles" / "c-aaaaaaaaaa"
        half.mkdir()
        launcher.start()
        assert not half.exists()


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"console": "../../etc"}, "bad_request"),
        ({"console": 5}, "bad_request"),
        ({"program": "emacs"}, "bad_program"),
        ({"image": "2.7"}, "bad_image"),
        ({"cols": 0}, "bad_request"),
        ({"argv": "ls"}, "bad_request"),
        ({"env": {"A": 1}}, "bad_request"),
        ({"limits": {"speed": 1}}, "bad_request"),
    ],
)
def test_a_bad_spec_is_refused_and_leaves_nothing(launcher, spec, code):
    folder = launcher.data / "run" / "consoles"
    before = set(folder.iterdir())
    with pytest.raises(TermhubError) as caught:
        launcher.create(**spec)
    assert caught.value.code == code
    assert set(folder.iterdir()) == before


def test_unknown_operations_are_refused(launcher):
    with pytest.raises(TermhubError) as caught:
        launcher.ask("dance")
    assert caught.value.code == "unknown_op"
    with pytest.raises(TermhubError) as caught:
        launcher.ask("host", console="c-aaaaaaaaaa")
    assert caught.value.code == "no_such_console"


def test_garbage_closes_the_link_and_nothing_else(launcher):
    console = launcher.create(program="script", argv=["/bin/cat"])
    for path in (console.path / "host.sock", launcher.data / "run" / "launcher.sock"):
        for garbage in (b"\xff" * 100, b"GET / HTTP/1.0\r\n\r\n", frames.encode(frames.REQUEST, 0, b"[1]")):
            with connect(path, 10) as client:
                client.sendall(garbage)
                while client.recv(1000):
                    pass
    with console.link() as link:
        link.subscribe()
        link.type(b"still\n")
        link.read_until(b"still\r\nstill\r\n")


def test_hosts_do_without_twisted():
    unwanted = "[m for m in sys.modules if m.split('.')[0] in ('twisted', 'asyncio', 'zope')]"
    code = f"import sys, termhub.host.launcher_service as l; l.preload(); print({unwanted})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
