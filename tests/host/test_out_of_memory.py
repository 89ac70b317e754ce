"""Programs that memory ran out for: told apart and waited for, without processes."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.host import ended
from termhub.host.memory import killed_words, limit_words
from termhub.host.out_of_memory import (
    AT_ONCE_SECONDS,
    LOOK_SECONDS,
    MOST_AT_ONCE,
    original,
    reset,
    waiting_command,
)
from termhub.screen import Modes, open_screen
from tests.support.console_core import ConsoleCore, FakeMemory, LinkCore

LIMIT = 512 << 20
WORDS = "killed: out of memory, limit 512 MB"


@pytest.fixture
def memory():
    return FakeMemory()


@pytest.fixture
def core(tmp_path, memory):
    core = ConsoleCore(tmp_path, memory=memory)
    core.event({"type": "opened", "argv": ["prog", "-x"]})
    core.work()
    core.to_agent()
    return core


def die(core, memory, window=0):
    """The kernel ends the window's program."""
    memory.killed += 1
    core.event({"type": "exit", "signal": "SIGKILL"}, window)
    core.work()


def asks_and_acks(core):
    """What the agent is sent: ``open`` requests, and acknowledgements by window."""
    sent = core.to_agent()
    requests = [frames.parse_json(frame.payload) for frame in sent if frame.type == frames.REQUEST]
    acks = [(frame.window, frames.parse_ack(frame.payload)) for frame in sent if frame.type == frames.ACK]
    return [request for request in requests if request["op"] == "open"], acks


def opened(core, request, offset=0, window=0):
    """The agent does as it was asked, and the command says its words."""
    core.event({"type": "opened", "argv": request["argv"]}, window)
    core.reply(id=request["id"], ok=True, pid=7)
    core.output(offset, b"words", window)
    core.work()


def test_the_words():
    assert limit_words(512 << 20) == "out of memory, limit 512 MB"
    assert killed_words(64 << 20) == "killed: out of memory, limit 64 MB"


def test_it_is_told_apart_and_opened_again_before_its_end_is_acknowledged(core, memory):
    link = LinkCore(core)
    core.output(0, b">>> ")
    core.work()
    core.to_agent()
    die(core, memory)
    (request,), acks = asks_and_acks(core)
    assert request["argv"] == waiting_command(
        f"{reset(Modes())}\n{WORDS} – Enter starts a fresh one\n", ["prog", "-x"]
    )
    assert (request["window"], request["cols"], request["rows"]) == (0, 80, 24)
    assert acks == [(0, 3)]
    assert {"type": "exit", "signal": "SIGKILL", "out_of_memory": LIMIT} in link.events()
    core.clock.advance(5.0)
    assert asks_and_acks(core) == ([], [])
    opened(core, request, 4)
    assert {"type": "opened", "argv": ["prog", "-x"]} in link.events()
    assert (core.windows[0].argv, core.windows[0].exit) == (["prog", "-x"], None)
    assert link.link._owner.hello()["windows"][0]["argv"] == ["prog", "-x"]


def test_the_last_byte_is_acknowledged_once_the_end_is_known(core, memory):
    core.output(0, b"bye")
    core.work()
    core.clock.advance(5.0)
    assert asks_and_acks(core) == ([], [(0, 2)])
    core.event({"type": "exit", "code": 0})
    core.work()
    assert asks_and_acks(core) == ([], [(0, 3)])


def test_a_window_without_output_is_opened_again_too(core, memory):
    die(core, memory)
    (request,), acks = asks_and_acks(core)
    assert (request["op"], acks) == ("open", [])


@pytest.mark.parametrize("exit_", [{"signal": "SIGKILL"}, {"code": 137}, {"signal": "SIGSEGV"}])
def test_an_end_by_another_hand_is_none_of_it(core, memory, exit_):
    memory.killed += "SIGKILL" not in exit_.values()
    core.event({"type": "exit", **exit_})
    core.work()
    assert asks_and_acks(core) == ([], [(0, 0)])
    assert core.windows[0].exit == exit_


def test_where_nothing_counts_it_is_a_crash(tmp_path):
    core = ConsoleCore(tmp_path)
    core.event({"type": "exit", "signal": "SIGKILL"})
    core.work()
    assert core.windows[0].exit == {"signal": "SIGKILL"}
    assert ended.reason(core.console, ending=None, absent=None)[0] == "the program was killed by SIGKILL"


def test_a_window_that_cannot_be_opened_again_has_ended(core, memory):
    die(core, memory)
    (request,), _ = asks_and_acks(core)
    core.reply(id=request["id"], ok=False, code="cannot_start", error="no processes left")
    assert asks_and_acks(core) == ([], [(0, 0)])
    assert ended.reason(core.console, ending=None, absent=None) == (
        WORDS,
        {"signal": "SIGKILL", "out_of_memory": LIMIT},
    )


def test_a_window_that_somebody_else_has_opened_is_left_alone(core, memory):
    die(core, memory)
    (request,), _ = asks_and_acks(core)
    core.reply(id=request["id"], ok=False, code="window_exists", error="it has a program already")
    assert asks_and_acks(core) == ([], [])


def test_a_command_too_long_to_be_sent_again_has_ended(core, memory):
    core.event({"type": "opened", "argv": ["prog", "x" * 4090]})
    core.work()
    core.to_agent()
    die(core, memory)
    assert asks_and_acks(core) == ([], [(0, 0)])


def test_a_console_that_is_being_ended_opens_nothing(core, memory):
    LinkCore(core).request("end", reason="enough")
    core.to_agent()
    die(core, memory)
    assert asks_and_acks(core) == ([], [(0, 0)])


def test_again_and_again_at_once_is_the_end(core, memory):
    offset = 0
    for _ in range(MOST_AT_ONCE - 1):
        die(core, memory)
        (request,), _ = asks_and_acks(core)
        opened(core, request, offset)
        offset += 5
    die(core, memory)
    assert asks_and_acks(core) == ([], [(0, offset)])
    assert ended.reason(core.console, ending=None, absent=None)[0] == WORDS


def test_now_and_then_is_not_the_end(core, memory):
    offset = 0
    for _ in range(2 * MOST_AT_ONCE):
        core.clock.advance(AT_ONCE_SECONDS / (MOST_AT_ONCE - 2))
        die(core, memory)
        (request,), _ = asks_and_acks(core)
        opened(core, request, offset)
        offset += 5


def test_each_window_counts_for_itself(core, memory):
    for number in range(1, 2 * MOST_AT_ONCE):
        core.event({"type": "opened", "argv": ["other"]}, number)
        die(core, memory, number)
        (request,), _ = asks_and_acks(core)
        assert (request["window"], request["argv"][-1]) == (number, "other")


# -- a program below a window's --------------------------------------------------


def test_the_end_of_a_program_below_is_told_once_to_who_is_there(core, memory):
    link = LinkCore(core)
    memory.killed += 1
    core.output(0, b"Killed\r\n$ ")
    core.work()
    core.clock.advance(2 * LOOK_SECONDS)
    told = [event for event in link.events() if event["type"] == "memory"]
    assert told == [{"type": "memory", "limit": LIMIT}]
    core.output(10, b"ls\r\n")
    core.work()
    core.clock.advance(3 * LOOK_SECONDS)
    assert [event for event in link.events() if event["type"] == "memory"] == []
    # It has been told of: a later end by another hand is not that one's.
    core.event({"type": "exit", "signal": "SIGKILL"})
    core.work()
    assert core.windows[0].exit == {"signal": "SIGKILL"}


def test_a_windows_program_that_takes_long_to_end_is_not_taken_for_another(core, memory):
    link = LinkCore(core)
    core.output(0, b"eating")
    core.work()
    memory.killed += 1
    core.clock.advance(LOOK_SECONDS * 1.5)
    core.event({"type": "exit", "signal": "SIGKILL"})
    core.work()
    core.clock.advance(3 * LOOK_SECONDS)
    assert core.windows[0].exit == {"signal": "SIGKILL", "out_of_memory": LIMIT}
    assert [event for event in link.events() if event["type"] == "memory"] == []


def test_an_idle_console_is_not_looked_at(core, memory):
    core.output(0, b"$ ")
    core.work()
    core.clock.advance(60.0)
    assert [timer for timer in core.clock.calls if not timer.cancelled] == []


# -- a successor -----------------------------------------------------------------


def successor(tmp_path, memory, **window):
    """The next host of the same console, greeted by its agent."""
    core = ConsoleCore(tmp_path, start=False, memory=memory)
    core.console.recover()
    core.hello({"window": 0, "argv": ["prog", "-x"], **window})
    core.to_agent()
    return core


KILLED = {"signal": "SIGKILL"}


def test_a_successor_opens_what_its_predecessor_did_not_hear_of(core, memory, tmp_path):
    core.output(0, b"abc")
    core.work()
    memory.killed += 1
    after = successor(tmp_path, memory, end=3, exit=KILLED)
    after.event({"type": "exit", **KILLED})
    after.work()
    (request,), acks = asks_and_acks(after)
    assert request["argv"][-2:] == ["prog", "-x"]
    assert (0, 3) not in acks


def test_a_successor_opens_what_its_predecessor_had_only_noted(core, memory, tmp_path):
    core.output(0, b"abc")
    die(core, memory)
    core.to_agent()  # lost with the predecessor
    after = successor(tmp_path, memory, end=3, exit=KILLED)
    assert after.windows[0].exit == {**KILLED, "out_of_memory": LIMIT}
    after.event({"type": "exit", **KILLED})
    after.work()
    (request,), acks = asks_and_acks(after)
    assert (request["op"], acks) == ("open", [])
    assert memory.saved["kills"] == 1


def test_a_successor_leaves_what_its_predecessor_has_opened(core, memory, tmp_path):
    core.output(0, b"abc")
    die(core, memory)
    (request,), _ = asks_and_acks(core)
    after = successor(tmp_path, memory, end=8, argv=request["argv"])
    assert (after.windows[0].argv, after.windows[0].exit) == (["prog", "-x"], None)
    # What the agent has not had acknowledged it says again.
    after.event({"type": "exit", **KILLED})
    after.event({"type": "opened", "argv": request["argv"]})
    after.output(3, b"words")
    after.work()
    assert asks_and_acks(after) == ([], [(0, 2)])
    assert (after.windows[0].argv, after.windows[0].exit) == (["prog", "-x"], None)


def test_a_successor_does_not_take_a_later_end_for_it(core, memory, tmp_path):
    core.output(0, b"abc")
    die(core, memory)
    (request,), _ = asks_and_acks(core)
    # Meanwhile: Enter, a fresh program, and its end by its own will.
    after = successor(tmp_path, memory, end=9, argv=request["argv"], exit={"code": 0})
    after.event({"type": "exit", **KILLED})
    after.event({"type": "opened", "argv": request["argv"]})
    after.output(3, b"words\n")
    after.event({"type": "exit", "code": 0})
    after.work()
    assert asks_and_acks(after) == ([], [(0, 9)])
    assert after.windows[0].exit == {"code": 0}


def test_a_successor_tells_two_ends_that_nobody_heard_of(core, memory, tmp_path):
    core.output(0, b"abc")
    die(core, memory)
    (request,), _ = asks_and_acks(core)
    memory.killed += 1
    after = successor(tmp_path, memory, end=9, argv=request["argv"], exit=KILLED)
    after.event({"type": "exit", **KILLED})
    after.event({"type": "opened", "argv": request["argv"]})
    after.output(3, b"words\n")
    after.event({"type": "exit", **KILLED})
    after.work()
    (request,), acks = asks_and_acks(after)
    assert request["argv"][-2:] == ["prog", "-x"]
    assert (0, 9) not in acks
    assert memory.saved["kills"] == 2


def test_a_file_of_nonsense_is_as_good_as_none(tmp_path, memory):
    memory.saved = {"kills": "many", "places": [5, [1], ["a", 2], [0, 3]]}
    core = ConsoleCore(tmp_path, memory=memory)
    core.event({"type": "opened", "argv": ["prog"]})
    die(core, memory)
    assert core.windows[0].exit == {**KILLED, "out_of_memory": LIMIT}


# -- the command that waits ------------------------------------------------------


@given(st.lists(st.text(), min_size=1), st.text())
def test_a_waiting_command_is_known_for_what_it_waits_to_run(argv, message):
    assert original(waiting_command(message, argv)) == argv


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists) | st.lists(st.text()))
def test_any_other_command_is_itself(value):
    assert original(value) == value


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_it_runs_the_program_as_it_was(shell):
    argv = waiting_command("a message", ["printf", "<%s>", "two words", "$HOME", "-n"])
    try:
        ran = subprocess.run([shell, *argv[1:]], input="\n", capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip(f"no {shell} here: {shlex.join(argv)}")
    assert ran.stdout == "a message<two words><$HOME><-n>"


def test_what_a_program_asked_of_its_terminal_is_taken_back():
    screen = open_screen(80, 24, scrollback=0)
    before = screen.modes
    screen.feed(
        b"line\x1b[?1h\x1b=\x1b[?2004h\x1b[?1049h\x1b[?1003h\x1b[?1006h\x1b[?1004h\x1b[4h\x1b[?7l\x1b[?5h"
        b"\x1b[?25l\x1b[?2026h\x1b[>1u\x1b[20h\x1b[1;31mfull screen"
    )
    assert screen.modes.alternate_screen
    screen.feed(reset(screen.modes).encode())
    assert screen.modes == before
    assert screen.cursor.visible
    assert screen.text(0)[0].rstrip() == "line"
