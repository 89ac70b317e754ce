"""What programs show and do on a terminal: prompt marks, breakpoints, a look at what an error left."""

import re
import subprocess

import pytest

from tests.support.inside_pythons import MODULES, PYTHONS, SYSTEM, Inside
from tests.support.terminal_process import TerminalProcess

FAILS = "def divide(a, b):\n    return a / b\n\nname = 'alice'\nprint('started')\ndivide(1, 0)\n"
MARK = re.compile(rb"\x1b\]133;([^\x07]*)\x07")
WAITS = "The program has ended with the error above."


@pytest.fixture
def inside(tmp_path):
    return Inside(tmp_path / "inside")


@pytest.fixture
def terminal(inside):
    """Runs programs on terminals: ``terminal(python, *arguments, **env)``."""
    running = []

    def run(python, *arguments, **env):
        running.append(TerminalProcess([python.path, *arguments], env={**inside.env, **env}, cols=200))
        return running[-1]

    yield run
    for each in running:
        each.close()


def marks(program):
    return [mark.decode() for mark in MARK.findall(bytes(program.raw))]


def at(program, prompt):
    """Wait until the cursor stands behind this prompt."""
    program.until(lambda: program.lines[program.screen.cursor.y] == prompt)


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python.name)
class TestEveryPython:
    def test_prompts_are_marked(self, terminal, python):
        repl = terminal(python, "-q")
        at(repl, ">>>")
        assert marks(repl) == ["A"]
        repl.type("6 * 7\r")
        at(repl, ">>>")
        repl.type("1 / 0\r")
        repl.until_text("ZeroDivisionError")
        at(repl, ">>>")
        assert [mark for mark in marks(repl) if mark != "C"] == ["A", "D;0", "A", "D;1", "A"]
        # Line editing counts the prompt's cells as ever: the cursor is where the line ends.
        repl.type("abc\x01x\x05y")
        at(repl, ">>> xabcy")
        assert repl.screen.cursor.x == len(">>> xabcy")
        repl.type("\x15\x0bimport sys; sys.ps1 = 'mine> '\r")
        at(repl, "mine>")
        repl.type("exit()\r")
        assert repl.finish() == 0

    def test_breakpoint_rings_and_stops_at_its_caller(self, terminal, inside, python):
        if python.version < (3, 7):
            return  # there is no breakpoint() yet
        (inside.folder / "x.py").write_text(
            "def here():\n    secret = 6 * 7\n    breakpoint()\n    secret += 1\n    return secret\nhere()\n"
        )
        program = terminal(python, str(inside.folder / "x.py"))
        at(program, "(Pdb)")
        assert program.raw.count(b"\a") == 1
        assert any("x.py(" in line for line in program.lines)
        program.type("p secret\r")
        program.until_text("42")
        program.type("c\r")
        assert program.finish() == 0

    def test_an_error_leaves_the_program_at_a_prompt(self, terminal, inside, python):
        (inside.folder / "x.py").write_text(FAILS)
        program = terminal(python, str(inside.folder / "x.py"), TERMHUB_POST_MORTEM="1")
        program.until_text(WAITS)
        at(program, "(Pdb)")
        assert b"\a" in program.raw
        assert "ZeroDivisionError" in program.text
        program.type("p a, b\r")
        program.until_text("(1, 0)")
        program.type("c\r")
        program.until_text("cannot go on")
        program.type("u\rp name\r")
        program.until_text("'alice'")
        program.type("q\r")
        assert program.finish() == 1


class TestPrompts:
    def test_of_the_users_start_up_file(self, terminal, inside):
        (inside.folder / "rc.py").write_text("import sys; sys.ps1 = 'mine> '; theirs = 6 * 7\n")
        repl = terminal(SYSTEM, "-q", PYTHONSTARTUP=str(inside.folder / "rc.py"))
        at(repl, "mine>")
        repl.type("theirs, type(sys.ps1).__mro__[1], sys.ps1 == 'mine> '\r")
        repl.until_text("(42, <class 'str'>, True)")
        assert "A" in marks(repl)

    def test_that_are_more_than_text_stay_what_they_are(self, terminal, inside):
        (inside.folder / "rc.py").write_text(
            "import sys\nclass Count:\n    n = 0\n    def __str__(self):\n"
            "        Count.n += 1\n        return 'no %d> ' % Count.n\nsys.ps1 = Count()\n"
        )
        repl = terminal(SYSTEM, "-q", PYTHONSTARTUP=str(inside.folder / "rc.py"))
        at(repl, "no 1>")
        assert marks(repl) == []

    @pytest.mark.parametrize("python", PYTHONS[:2], ids=lambda python: python.name)
    def test_without_a_terminal_nothing_is_marked(self, inside, python):
        done = inside.run(python, "-q", input="6 * 7\n")
        assert (done.stdout, done.stderr) == ("", "")
        done = inside.run(python, "-qi", input="6 * 7\n")
        assert done.stdout == "42\n"
        assert "133" not in done.stderr
        assert done.stderr.startswith(">>> ")

    def test_after_a_script_that_goes_on_at_the_prompt(self, terminal, inside):
        repl = terminal(SYSTEM, "-i", "-c", "x = 6 * 7")
        at(repl, ">>>")
        assert marks(repl) == ["A"]

    def test_a_dumb_terminal_gets_no_marks(self, terminal):
        repl = terminal(SYSTEM, "-q", TERM="dumb")
        at(repl, ">>>")
        assert marks(repl) == []

    def test_a_script_is_not_taken_for_interactive(self, terminal):
        program = terminal(SYSTEM, "-c", "import sys; print(hasattr(sys, 'ps1'))")
        assert program.finish() == 0
        assert "False" in program.text

    @pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python.name)
    def test_of_ipython(self, terminal, python):
        found = subprocess.run([python.path, "-c", "import IPython"], capture_output=True, timeout=120)
        if found.returncode:
            return  # this one does not have it
        ipython = terminal(python, "-m", "IPython", "--ext=_termhub.ipython", "--no-banner")
        ipython.until_text("In [1]:")
        ipython.type("1 / 0\r")
        ipython.until_text("In [2]:")
        assert marks(ipython) == ["C", "D;1", "A"]


class TestBreakpoint:
    def test_switched_off(self, terminal):
        program = terminal(SYSTEM, "-c", "breakpoint(); print('on')", PYTHONBREAKPOINT="0")
        assert program.finish() == 0
        assert "on" in program.text
        assert b"\a" not in program.raw

    def test_switched_off_while_it_runs(self, terminal):
        code = "import os; os.environ['PYTHONBREAKPOINT'] = '0'; breakpoint(); print('on')"
        program = terminal(SYSTEM, "-c", code)
        assert program.finish() == 0
        assert b"\a" not in program.raw

    def test_of_the_users_choice(self, terminal, inside):
        (inside.folder / "mine.py").write_text(
            "import sys\ndef stop(*args): print('mine', args, sys._getframe(1).f_code.co_name)\n"
        )
        where = f"{MODULES}:{inside.folder}"
        code = "def caller(): breakpoint(1)\ncaller()"
        program = terminal(SYSTEM, "-c", code, PYTHONBREAKPOINT="mine.stop", PYTHONPATH=where)
        assert program.finish() == 0
        assert "mine (1,) caller" in program.text

    def test_a_hook_of_the_programs_own(self, terminal):
        code = "import sys; sys.breakpointhook = lambda: print('mine'); breakpoint()"
        program = terminal(SYSTEM, "-c", code)
        assert program.finish() == 0
        assert "mine" in program.text


class TestPostMortem:
    def ends(self, program, status, *, says=""):
        """It ends by itself, without a prompt."""
        assert program.finish() == status
        assert WAITS not in program.text
        assert says in program.text

    def test_only_where_it_is_wanted(self, terminal):
        self.ends(terminal(SYSTEM, "-c", FAILS), 1, says="ZeroDivisionError")
        self.ends(terminal(SYSTEM, "-c", FAILS, TERMHUB_POST_MORTEM="0"), 1, says="ZeroDivisionError")

    def test_ctrl_d_leaves_and_ctrl_c_does_not(self, terminal):
        program = terminal(SYSTEM, "-c", FAILS, TERMHUB_POST_MORTEM="1")
        at(program, "(Pdb)")
        program.type("\x03\r")  # Enter, because line editing may sleep through what comes just before it does
        program.until_text("--KeyboardInterrupt--")
        at(program, "(Pdb)")
        program.type("\x04")
        assert program.finish() == 1

    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("raise SystemExit(3)", 3),
            ("import sys; sys.exit('bye')", 1),
            ("raise KeyboardInterrupt", None),
            ("this is no Python", 1),
            ("import bdb; raise bdb.BdbQuit", 1),
            ("import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()", 0),
            ("import os, sys; os.close(0); 1 / 0", 1),
            ("import sys; sys.excepthook(*(lambda: (ValueError, ValueError(), None))())", 0),
            ("import sys\ntry: 1 / 0\nexcept Exception: sys.excepthook(*sys.exc_info())", 0),
        ],
    )
    def test_what_is_no_end_by_an_error_ends_as_ever(self, terminal, code, status):
        program = terminal(SYSTEM, "-c", code, TERMHUB_POST_MORTEM="1")
        assert program.finish() in ((status,) if status is not None else (1, 130, None))
        assert WAITS not in program.text

    def test_an_error_in_a_module_that_is_imported(self, terminal, inside):
        (inside.folder / "broken.py").write_text("def f(:\n")
        code = f"import sys; sys.path.insert(0, {str(inside.folder)!r}); import broken"
        program = terminal(SYSTEM, "-c", code, TERMHUB_POST_MORTEM="1")
        at(program, "(Pdb)")
        program.type("q\r")
        assert program.finish() == 1

    def test_a_module_run_by_name(self, terminal, inside):
        (inside.folder / "fails.py").write_text(FAILS)
        path = f"{MODULES}:{inside.folder}"
        program = terminal(SYSTEM, "-m", "fails", TERMHUB_POST_MORTEM="1", PYTHONPATH=path)
        at(program, "(Pdb)")
        program.type("p a, b\r")
        program.until_text("(1, 0)")

    def test_a_hook_that_passes_it_on(self, terminal):
        code = (
            "import sys\nbefore = sys.excepthook\ndef mine(*args):\n    print('mine')\n    before(*args)\n"
            "sys.excepthook = mine\n1 / 0\n"
        )
        program = terminal(SYSTEM, "-c", code, TERMHUB_POST_MORTEM="1")
        program.until_text("mine")
        at(program, "(Pdb)")

    def test_a_program_that_left_its_terminal_raw_and_its_output_elsewhere(self, terminal):
        code = "import io, sys, tty; tty.setraw(0); sys.stdout = io.StringIO(); sys.stdin = None; 1 / 0"
        program = terminal(SYSTEM, "-c", code, TERMHUB_POST_MORTEM="1")
        at(program, "(Pdb)")
        program.type("p 6 * 7\r")
        program.until_text("42")
        program.type("q\r")
        assert program.finish() == 1

    def test_children_do_not_inherit_it(self, terminal):
        code = (
            "import os, subprocess, sys\n"
            "print(os.environ.get('TERMHUB_POST_MORTEM'))\n"
            "print('child', subprocess.call([sys.executable, '-c', '1 / 0']))\n"
        )
        self.ends(terminal(SYSTEM, "-c", code, TERMHUB_POST_MORTEM="1"), 0, says="child 1")

    def test_a_program_that_is_not_the_windows_own(self, inside):
        env = {"TERMHUB_POST_MORTEM": "1"}
        program = TerminalProcess(
            ["/bin/sh", "-c", f"{SYSTEM.path} -c '1 / 0'; echo status $?"], env={**inside.env, **env}
        )
        try:
            self.ends(program, 0, says="status 1")
        finally:
            program.close()

    def test_at_the_interpreters_own_prompt(self, terminal):
        repl = terminal(SYSTEM, "-q", TERMHUB_POST_MORTEM="1")
        at(repl, ">>>")
        repl.type("1 / 0\r")
        repl.until_text("ZeroDivisionError")
        at(repl, ">>>")
        repl.type("exit()\r")
        self.ends(repl, 0)

    def test_a_script_that_goes_on_at_the_prompt(self, terminal):
        repl = terminal(SYSTEM, "-i", "-c", "1 / 0", TERMHUB_POST_MORTEM="1")
        at(repl, ">>>")
        assert WAITS not in repl.text
