"""The start-up file of every Python program: what it leaves, and that nobody notices it."""

import shutil
import subprocess

import pytest

from tests.support.inside_pythons import MODULES, PYTHONS, PYTHONS_2, SYSTEM, Inside

LOOK = (
    "import sys, signal, sitecustomize, console\n"
    "print(sys.path[-1])\n"
    "print(sitecustomize.__file__)\n"
    "print(console.__file__)\n"
    "print(hasattr(sys, 'ps1'), signal.getsignal(signal.SIGURG).__module__)\n"
)


@pytest.fixture
def inside(tmp_path):
    return Inside(tmp_path / "inside")


@pytest.fixture
def theirs(tmp_path):
    """A folder of the user's with a start-up file and a module of the same name as ours."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("print('their start-up file')\n")
    (folder / "console.py").write_text("print('their console')\n")
    return folder


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python.name)
class TestEveryPython:
    def test_it_steps_back_behind_everything_of_the_users(self, inside, theirs, python):
        done = inside.run(python, "-c", LOOK, PYTHONPATH=f"{MODULES}:{theirs}")
        assert done.stderr == ""
        assert done.stdout.splitlines() == [
            "their start-up file",
            "their console",
            MODULES,
            str(theirs / "sitecustomize.py"),
            str(theirs / "console.py"),
            "False _termhub",
        ]

    def test_alone(self, inside, python):
        done = inside.run(python, "-c", LOOK)
        assert done.stderr == ""
        path, started, console, state = done.stdout.splitlines()
        assert (path, console, state) == (MODULES, f"{MODULES}/console.py", "False _termhub")
        assert started.endswith("/sitecustomize.py")

    @pytest.mark.parametrize("option", ["-I", "-E", "-S"])
    def test_whoever_wants_no_start_up_file_has_none(self, inside, python, option):
        code = "import sys, signal; print('_termhub' in sys.modules, signal.getsignal(signal.SIGURG) == 0)"
        done = inside.run(python, option, "-c", code)
        assert done.stderr == ""
        assert done.stdout == "False True\n"


@pytest.mark.parametrize("prefix", PYTHONS_2)
def test_python_2_does_not_notice_it(inside, theirs, prefix):
    done = subprocess.run(
        [
            f"{prefix}/bin/python",
            "-c",
            "import sys, sitecustomize; print(sys.path[-1], sitecustomize.__file__)",
        ],
        env={**inside.env, "PYTHONPATH": f"{MODULES}:{theirs}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("their start-up file\n")
    assert MODULES in done.stdout
    assert str(theirs) in done.stdout


def test_an_error_in_the_users_start_up_file_is_shown_as_ever(inside, theirs):
    (theirs / "sitecustomize.py").write_text("import no_such_module\n")
    env = {"PYTHONPATH": f"{MODULES}:{theirs}"}
    with_ours = inside.run(SYSTEM, "-c", "import sys; print('_termhub' in sys.modules)", **env)
    alone = inside.run(SYSTEM, "-c", "", PYTHONPATH=str(theirs))
    assert "no_such_module" in alone.stderr
    assert with_ours.stderr == alone.stderr
    assert with_ours.stdout == "True\n"


@pytest.mark.parametrize("text", ["raise ValueError\n", "this is no Python\n", "def start(): 1 / 0\n"])
def test_what_is_broken_in_ours_breaks_no_program(inside, tmp_path, text):
    broken = tmp_path / "modules"
    shutil.copytree(MODULES, broken, ignore=shutil.ignore_patterns("__pycache__"))
    (broken / "_termhub" / "__init__.py").write_text(text)
    done = inside.run(SYSTEM, "-c", "print('runs')", PYTHONPATH=str(broken))
    assert (done.stdout, done.stderr, done.returncode) == ("runs\n", "", 0)


def test_a_folder_that_is_not_there_is_nothing(inside):
    done = inside.run(SYSTEM, "-c", "print('runs')", PYTHONPATH="/no/such/folder")
    assert (done.stdout, done.stderr) == ("runs\n", "")


def test_in_a_venv(inside, tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([SYSTEM.path, "-m", "venv", "--without-pip", venv], check=True, timeout=120)
    done = subprocess.run(
        [venv / "bin" / "python", "-c", LOOK], env=inside.env, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert f"{MODULES}/console.py" in done.stdout


def test_outside_of_a_console_no_signal_is_caught(inside):
    code = "import signal; print(signal.getsignal(signal.SIGURG) == signal.SIG_DFL)"
    assert inside.run(SYSTEM, "-c", code, TERMHUB_SOCKET="").stdout == "True\n"


def test_children_are_started_with_default_signals(inside):
    code = "import subprocess; print(subprocess.check_output(['grep', 'SigCgt', '/proc/self/status']))"
    caught = int(inside.run(SYSTEM, "-c", code).stdout.split("\\t")[1].split("\\n")[0], 16)
    assert not caught & 1 << 22


def test_a_stray_signal_is_nothing(inside):
    code = "import os, signal, sys; os.kill(os.getpid(), signal.SIGURG); print('runs', 'pdb' in sys.modules)"
    assert inside.run(SYSTEM, "-c", code).stdout == "runs False\n"
