"""Debugging a running program from another window: what can be reached, and what is left behind."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from tests.support.inside_pythons import PYTHONS, SYSTEM, Inside
from tests.support.terminal_process import TerminalProcess

LOOP = "print('started')\ncount = 0\nwhile True:\n    count += 1\n"
STATIONS = """
import os, threading, time

def in_a_loop():
    going = [True]
    print('looping')
    while going: pass

def asleep():
    print('sleeping')
    time.sleep(100000)

def reading():
    print('reading')
    os.read(os.pipe()[0], 1)

def in_threads():
    going = [True]
    def work():
        secret = 6 * 7
        while going: pass
    thread = threading.Thread(target=work, name='worker')
    thread.start()
    print('working')
    thread.join()

in_a_loop()
for wait in asleep, reading:
    try:
        wait()
    except KeyboardInterrupt:
        print('stopped')
in_threads()
print('done')
"""


@pytest.fixture
def inside(tmp_path):
    return Inside(tmp_path / "inside")


@pytest.fixture
def loop(inside):
    """A program in a loop without end."""
    (inside.folder / "loop.py").write_text(LOOP)
    with inside.program(SYSTEM, "loop.py") as process:
        line(process)
        yield process


def line(process):
    return process.stdout.readline().rstrip("\n")


def is_going_on(inside, process):
    """Whether the program still runs and answers."""
    return process.poll() is None and "The program goes on." in inside.debug(process, "q")


def left_behind(inside):
    return [path.name for path in inside.folder.iterdir() if path.name.startswith("debug")]


def at_prompt(terminal):
    """Wait until a key would reach line editing."""
    terminal.until(lambda: terminal.lines[terminal.screen.cursor.y] == "(Pdb)")


@contextlib.contextmanager
def window(inside, process):
    """Another window with line editing, at the debugger's prompt."""
    terminal = TerminalProcess([SYSTEM.path, "-m", "console", "debug", str(process.pid)], env=inside.env)
    try:
        at_prompt(terminal)
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python.name)
def test_a_program_is_reached_wherever_it_is(inside, python, tmp_path):
    script = tmp_path / "stations.py"
    script.write_text(STATIONS)
    with inside.program(python, str(script)) as process:
        assert line(process) == "looping"
        said = inside.debug(process, "w", "p 6 * 7", "!going.clear()", "c", python=python)
        assert "in_a_loop()" in said
        assert "42" in said
        assert "The program goes on." in said
        for station in ("sleeping", "reading"):
            assert line(process) == station
            said = inside.debug(process, "p 'here'", "stop", python=python)
            assert "'here'" in said
            assert "KeyboardInterrupt was raised" in said
            assert line(process) == "stopped"
        assert line(process) == "working"
        said = inside.debug(process, "threads", "q", python=python)
        assert "thread.join()" in said
        assert "while going: pass" in said
        assert "-> MainThread" in said
        said = inside.debug(process, "thread worker", "p secret", "p going.clear()", "q", python=python)
        assert "42" in said
        assert "The program goes on." in said
        assert process.wait(60) == 0
        assert process.communicate()[0] == "done\n"
    assert left_behind(inside) == []


class TestSession:
    def test_steps_and_breakpoints(self, inside, tmp_path):
        script = tmp_path / "steps.py"
        script.write_text(
            "def add(a, b):\n    total = a + b\n    return total\n\nprint('started')\n"
            "n = 0\nwhile True:\n    n = add(n, 1)\n"
        )
        with inside.program(SYSTEM, str(script)) as process:
            line(process)
            said = inside.debug(
                process, f"b {script}:3", "c", "p ('total', total)", "n", "n", "p __file__", "cl 1", "c"
            )
            assert "('total', " in said
            assert "-> return total" in said
            assert "--Return--" in said
            assert is_going_on(inside, process)

    def test_nothing_slow_is_left(self, inside, loop):
        """A trace function that stayed would make every line of the program slow."""
        inside.debug(loop, "b 4", "c", "q")
        inside.debug(loop, "n", "n", "q")
        assert "\n(Pdb) None\n" in inside.debug(loop, "p __import__('sys').gettrace()", "q")

    def test_the_programs_own_trace_function_is_given_back(self, inside):
        code = "import sys\ndef own(*_): return own\nsys.settrace(own)\nprint('started')\nwhile True: pass"
        with inside.program(SYSTEM, "-c", code) as process:
            line(process)
            inside.debug(process, "q")
            said = inside.debug(process, "p __import__('sys').gettrace()", "q")
            assert "<function own at" in said
            assert is_going_on(inside, process)

    def test_leaving_at_the_end_of_input_lets_it_go_on(self, inside, loop):
        assert "The program goes on." in inside.debug(loop)
        assert loop.poll() is None

    def test_a_program_that_ends_while_it_is_debugged(self, inside, loop):
        assert "The program has ended." in inside.debug(loop, "p __import__('os')._exit(3)")
        assert loop.wait(60) == 3

    def test_what_cannot_be_asked_here_is_said(self, inside, loop):
        said = inside.debug(loop, "run", "interact", "thread 1", "thread x", "nonsense", "q")
        assert said.count("***") == 5
        assert loop.poll() is None

    def test_a_long_answer_comes_whole(self, inside, loop):
        assert "x" * 300_000 in inside.debug(loop, "p 'x' * 300000", "q")

    def test_lines_are_edited_and_recalled(self, inside, loop):
        with window(inside, loop) as terminal:
            terminal.type("p 6 * 9\x7f7\r")
            terminal.until_text("42")
            at_prompt(terminal)
            terminal.type("p 'again'\r")
            terminal.until_text("'again'")
            at_prompt(terminal)
            terminal.type("\x1b[A\x01\x1b[3~\x1b[3~print(1, \x05, 2)\r")
            terminal.until_text("1 again 2")
            terminal.type("q\r")
            terminal.until_text("The program goes on.")
            assert terminal.finish() == 0

    def test_ctrl_c_ends_what_is_evaluated_and_not_the_program(self, inside, loop):
        with window(inside, loop) as terminal:
            terminal.type("print('evaluating') or [0 for _ in iter(int, 1)]\r")
            terminal.until(lambda: "\nevaluating" in terminal.text)
            terminal.type("\x03")
            terminal.until_text("*** KeyboardInterrupt")
            terminal.type("p 6 * 7\r")
            terminal.until_text("42")
            terminal.type("q\r")
            assert terminal.finish() == 0
        assert is_going_on(inside, loop)

    def test_ctrl_c_breaks_into_a_program_that_runs(self, inside, loop):
        with window(inside, loop) as terminal:
            terminal.type("b 1\rc\r")
            terminal.until_text("The program runs")
            terminal.type("\x03")
            at_prompt(terminal)
            terminal.type("p 6 * 7\r")
            terminal.until_text("42")
            at_prompt(terminal)
            terminal.type("\x04")
            terminal.until_text("The program goes on.")
        assert is_going_on(inside, loop)

    def test_ctrl_c_twice_leaves(self, inside, loop):
        with window(inside, loop) as terminal:
            # The program's main thread cannot answer while it is in code that is not Python.
            terminal.type("print('deaf') or sum(range(10**15))\r")
            terminal.until(lambda: "\ndeaf" in terminal.text)
            terminal.type("\x03")
            terminal.until_text("once more leaves")
            terminal.type("\x03")
            terminal.until_text("Left; the program goes on.")
            assert terminal.finish() == 0

    def test_a_window_that_dies_leaves_the_program_running_and_room_for_the_next(self, inside, loop):
        with window(inside, loop) as terminal:
            terminal.process.kill(signal.SIGKILL)
            terminal.process.wait()
        assert is_going_on(inside, loop)

    def test_a_window_that_dies_while_the_program_runs(self, inside, loop):
        with window(inside, loop) as terminal:
            terminal.type("b 1\rc\r")
            terminal.until_text("The program runs")
            terminal.process.kill(signal.SIGKILL)
            terminal.process.wait()
        assert is_going_on(inside, loop)
        said = inside.debug(loop, "p __import__('sys').gettrace()", "q")
        assert "None" in said, loop.communicate()

    def test_two_cannot_debug_one_program(self, inside, loop):
        with window(inside, loop) as terminal:
            assert "somebody else debugs" in inside.debug(loop, "q")
            terminal.type("p 6 * 7\r")
            terminal.until_text("42")
        assert is_going_on(inside, loop)

    def test_ctrl_c_in_the_programs_own_window_waits_for_the_debugger(self, inside, loop):
        with window(inside, loop) as terminal:
            loop.send_signal(signal.SIGINT)
            terminal.type("p 6 * 7\r")
            terminal.until_text("42")
            terminal.type("q\r")
            assert terminal.finish() == 0
        assert is_going_on(inside, loop)

    def test_a_child_that_is_forked_meanwhile_is_free(self, inside):
        code = (
            "import os, time\nprint('started')\nwhile not os.path.exists('fork'): pass\n"
            "if os.fork(): print('forked')\nwhile not os.path.exists('end'): pass\nos._exit(0)\n"
        )
        (inside.folder / "forks.py").write_text(code)
        with inside.program(SYSTEM, "forks.py") as process:
            line(process)
            with window(inside, process) as terminal:
                terminal.type("b forks.py:1\rc\r")
                terminal.until_text("The program runs")
                (inside.folder / "fork").touch()
                assert line(process) == "forked"
                (inside.folder / "end").touch()
                terminal.until_text("The program has ended.")
        assert process.wait(60) == 0


class TestWhoIsReached:
    def test_the_only_other_program_is_taken(self, inside, loop):
        done = inside.run(SYSTEM, "-c", "import console; console.debug()", input="q\n")
        assert f"Attached to {loop.pid}" in done.stdout
        assert loop.poll() is None

    def test_of_several_one_is_chosen(self, inside, loop):
        with inside.program(SYSTEM, "-c", LOOP) as other:
            line(other)
            done = inside.run(SYSTEM, "-m", "console", "debug", input=f"nonsense\n{other.pid}\nq\n")
            assert f"  {loop.pid}  no terminal  {SYSTEM.path} -u loop.py" in done.stdout
            assert "nonsense is none of these." in done.stdout
            assert f"Attached to {other.pid}" in done.stdout
            assert inside.run(SYSTEM, "-m", "console", "debug", input="\n").returncode == 0

    def test_none(self, inside, tmp_path):
        done = inside.run(SYSTEM, "-m", "console", "debug")
        assert (done.returncode, done.stderr) == (
            1,
            "console: no other Python program runs in this console\n",
        )
        other = Inside(tmp_path / "other")
        with other.program(SYSTEM, "-c", LOOP) as process:
            line(process)
            assert inside.run(SYSTEM, "-m", "console", "debug").returncode == 1

    def test_outside_of_a_console(self, inside):
        done = inside.run(SYSTEM, "-m", "console", "debug", TERMHUB_SOCKET="")
        assert "does not run in a console" in done.stderr

    def test_itself(self, inside):
        done = inside.run(SYSTEM, "-c", "import console, os; console.debug(os.getpid())")
        assert "breakpoint() opens the debugger here" in done.stderr

    def test_a_number_that_is_no_program(self, inside):
        done = inside.run(SYSTEM, "-m", "console", "debug", "4194304")
        assert (done.returncode, done.stderr) == (1, "console: there is no program 4194304\n")

    def test_what_is_no_python(self, inside):
        with subprocess.Popen(["sleep", "1000"]) as process:
            assert "is no Python program" in inside.debug(process)
            assert process.poll() is None
            process.kill()

    @pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python.name)
    def test_a_python_without_the_start_up_file_is_not_harmed(self, inside, python):
        with inside.program(python, "-I", "-c", LOOP) as process:
            line(process)
            said = inside.debug(process, "p 6 * 7", "q", python=python)
            if python.version >= (3, 14):
                assert "42" in said
            else:
                assert "was started without termhub's start-up file" in said
            assert process.poll() is None
        assert [name for name in left_behind(inside) if not name.endswith(".py")] == []

    def test_a_program_that_handles_the_signal_itself(self, inside):
        code = (
            "import signal\nsignal.signal(signal.SIGURG, lambda *_: print('urgent'))\n"
            "print('started')\nwhile True: pass\n"
        )
        with inside.program(SYSTEM, "-c", code) as process:
            line(process)
            terminal = TerminalProcess(
                [SYSTEM.path, "-m", "console", "debug", str(process.pid)], env=inside.env, cols=200
            )
            try:
                terminal.until_text("does not answer yet")
                terminal.type("\x03")
                terminal.until_text("given up")
            finally:
                terminal.close()
            assert line(process) == "urgent"
        assert left_behind(inside) == []

    def test_a_program_at_its_own_prompt(self, inside):
        terminal = TerminalProcess([SYSTEM.path, "-q"], env=inside.env)
        try:
            terminal.until_text(">>>")
            said = inside.debug(terminal.process, "q")
            assert "waits at its own prompt" in said
            terminal.type("6 * 7\r")
            terminal.until_text("42")
        finally:
            terminal.close()

    def test_the_socket_is_for_its_user_alone(self, inside):
        """Looked at while a program that is stopped keeps it waiting."""
        with inside.program(SYSTEM, "-c", LOOP) as process:
            line(process)
            process.send_signal(signal.SIGSTOP)
            terminal = TerminalProcess(
                [SYSTEM.path, "-m", "console", "debug", str(process.pid)], env=inside.env, cols=200
            )
            try:
                terminal.until_text("is stopped")
                status = os.stat(inside.folder / f"debug-{process.pid}")
                assert status.st_mode & 0o777 == 0o600
                process.send_signal(signal.SIGCONT)
                terminal.until_text("(Pdb)")
            finally:
                terminal.close()


def test_pythons_start_with_this_one():
    """What the tests call the system's Python is at least as old as what the agent needs."""
    assert SYSTEM.version >= (3, 8)
    assert sys.version_info >= (3, 11)
