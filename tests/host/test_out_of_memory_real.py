"""Real programs in real sandboxes whose memory runs out."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from sandbox.guest import frames
from termhub.host.memory import GroupMemory
from termhub.host.out_of_memory import MOST_AT_ONCE
from tests.support.console_process import ConsoleProcess, HostLink, LauncherProcess, until

LIMIT_BYTES = 96 << 20
KILLED = "killed: out of memory, limit 96 MB"
FRESH = f"{KILLED} – Enter starts a fresh one\r\n".encode()
EAT = "x = []\nwhile True: x.append(bytearray(1 << 20))"
PYTHON = ["/usr/bin/python3", "-u"]


def held(launcher: LauncherProcess, **spec: object) -> ConsoleProcess:
    """A console whose memory a control group holds."""
    console = launcher.create(limits={"memory_bytes": LIMIT_BYTES}, **spec)
    if GroupMemory(console.folder).kills() is None:
        pytest.skip("no control group can hold memory here")
    return console


@pytest.fixture
def python(launcher: LauncherProcess) -> Iterator[tuple[ConsoleProcess, HostLink]]:
    console = held(launcher, program="script", argv=["/usr/bin/python3", "-q"])
    with console.link() as link:
        link.subscribe()
        link.read_until(b">>> ")
        yield console, link


def until_event(link: HostLink, kind: str, window: int = 0) -> dict[str, object]:
    """The next event of a kind; what came before is forgotten."""
    while True:
        for index, (number, event) in enumerate(link.events):
            if (number, event["type"]) == (window, kind):
                del link.events[: index + 1]
                return event
        link.next()


def eat(link: HostLink) -> None:
    """Have a Python prompt use up the memory, and wait until it is told."""
    link.type(b"x = bytearray(1 << 30)\r")
    link.read_until(FRESH)


def test_a_program_that_ran_out_of_memory_is_begun_again_at_enter(python):
    console, link = python
    eat(link)
    exit_ = until_event(link, "exit")
    assert (exit_["signal"], exit_["out_of_memory"]) == ("SIGKILL", LIMIT_BYTES)
    assert until_event(link, "opened")["argv"] == ["/usr/bin/python3", "-q"]
    link.type(b"\r")
    link.output[0] = b""
    link.read_until(b">>> ")
    link.type(b"'x' in globals(), 6 * 7\r")
    link.read_until(b"(False, 42)")
    assert not console.folder.has("ended.json")


def test_where_no_group_holds_memory_the_program_has_the_error(launcher):
    console = launcher.create(
        limits={"memory_bytes": LIMIT_BYTES}, program="script", argv=["/usr/bin/python3"]
    )
    if GroupMemory(console.folder).kills() is not None:
        pytest.skip("a control group holds memory here")
    with console.link() as link:
        link.subscribe()
        link.read_until(b">>> ")
        link.type(b"x = bytearray(1 << 30)\r")
        link.read_prompt(b"MemoryError")


def test_an_end_by_another_hand_is_a_crash(python):
    console, link = python
    link.type(b"import os, signal; os.kill(os.getpid(), signal.SIGKILL)\r")
    assert "out_of_memory" not in until_event(link, "exit")
    assert console.ended()["reason"] == "the program was killed by SIGKILL"


def test_a_script_is_begun_again_in_the_same_window(launcher):
    console = held(launcher, program="script", argv=[*PYTHON, "-c", f"print('begun')\n{EAT}", "an argument"])
    with console.link() as link:
        link.subscribe()
        link.read_until(FRESH)
        assert link.hello["windows"][0]["argv"][-1] == "an argument"
        link.type(b"\r")
        link.read_until(FRESH + b"\r\nbegun")


@pytest.mark.parametrize("key", [b"\x03", b"\x04"])
def test_who_does_not_want_it_again_leaves(python, key):
    console, link = python
    eat(link)
    link.type(key)
    assert console.ended()["status"] == {"code": 137}


def test_another_window_and_the_size_it_had(python):
    _, link = python
    assert link.request("open", argv=["/bin/bash", "--norc"], cols=90, rows=30)["window"] == 1
    link.subscribe(1)
    link.read_until(b"$ ", 1)
    link.send(frames.resize(1, 101, 31))
    link.type(b"exec /usr/bin/python3 -c 'x = bytearray(1 << 30)'\r", 1)
    link.read_until(FRESH, 1)
    link.output[1] = b""
    link.type(b"\r", 1)
    link.read_until(b"$ ", 1)
    link.type(b"stty size\r", 1)
    link.read_until(b"31 101", 1)


def test_of_a_program_below_a_shell_viewers_are_told(launcher):
    console = held(launcher, program="bash")
    with console.link() as link:
        link.subscribe()
        link.type(b"/usr/bin/python3 -c 'x = bytearray(1 << 30)'; echo status $?\r")
        link.read_until(b"status 137")
        assert until_event(link, "memory", frames.CONSOLE)["limit"] == LIMIT_BYTES
        # It was that one, not the shell.
        link.type(b"kill -KILL $$\r")
        assert "out_of_memory" not in until_event(link, "exit")
    assert console.ended()["reason"] == "the program was killed by SIGKILL"


def test_a_program_that_eats_again_and_again_ends_the_console(launcher):
    console = held(launcher, program="script", argv=[*PYTHON, "-c", "x = bytearray(1 << 30)"])
    with console.link() as link:
        link.subscribe()
        for _ in range(MOST_AT_ONCE - 1):
            link.read_until(FRESH)
            link.output[0] = b""
            link.type(b"\r")
        ended = console.ended()
    assert (ended["reason"], ended["status"]["out_of_memory"]) == (KILLED, LIMIT_BYTES)


def test_a_host_that_is_killed_meanwhile_loses_nothing(launcher):
    console = held(launcher, program="script", argv=["/usr/bin/python3", "-q"])
    memory = GroupMemory(console.folder)
    with console.link() as link:
        link.subscribe()
        link.read_until(b">>> ")
        # It ends while nobody is there to hear of it.
        link.type(b"import time; time.sleep(1); x = bytearray(1 << 30)\r")
        link.read_until(b"30)\r\n")
        os.kill(console.host_pid, signal.SIGSTOP)
        until(lambda: memory.kills(), "the kernel to end it")
        console.kill_host()
    with console.link() as link:
        link.subscribe()
        link.read_until(FRESH)
        assert link.output[0].count(FRESH) == 1
        console.kill_host()
    with console.link() as link:
        assert link.hello["windows"][0]["argv"] == ["/usr/bin/python3", "-q"]
        assert link.hello["windows"][0]["exit"] is None
        link.subscribe()
        link.type(b"\r")
        link.read_prompt(FRESH)
        link.type(b"6 * 7\r")
        link.read_until(b"42")
        assert link.output[0].count(FRESH) == 1
