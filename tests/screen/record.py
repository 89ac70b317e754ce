"""Records real programs for the screen tests: ``python tests/screen/record.py [NAME …]``.

Each program runs in a terminal of its own with an empty home, is driven by a script of keys and
resizes (the next step when the program has been silent for a moment), and is answered as a terminal
answers, by our own screen.  A recording is gzipped JSON: ``{"cols", "rows", "steps": […]}`` where a
step is ``{"data": base64}`` or ``{"resize": [cols, rows]}``.

Needs vim, less, htop, mc and tmux; ``--venv DIR`` names a virtual environment with ipython, ptpython,
rich and pytest; ``--python313 PATH`` a Python 3.13.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen
from ptyprocess import PtyProcess

from termhub.screen import open_screen

RECORDINGS = Path(__file__).with_name("recordings")
SILENCE_SECONDS = 0.5
LONGEST_STEP_SECONDS = 8.0
LIMIT_BYTES = 400_000

# Programs see only themselves, and a host name of no machine.
ALONE = ["unshare", "-Urpfu", "--mount-proc", "sh", "-c", 'hostname console; "$@"', "sh"]

Step = bytes | tuple[int, int]


@frozen
class Program:
    """What to run and what to do with it.

    :param steps: keys to type, or a size.
    """

    argv: Sequence[str]
    steps: Sequence[Step]
    cols: int = 80
    rows: int = 24
    silence_seconds: float = SILENCE_SECONDS


UNICODE = "print('äöü € ─│┌ 你好 こんにちは 👍🏽 👨‍👩‍👧 e\u0301 \\x1b[1;3;4;35mbold\\x1b[0m')\r".encode()
PROGRESS = """
import time
from rich.console import Console
from rich.progress import track, Progress
from rich.table import Table
from rich.live import Live
from rich.traceback import install
console = Console()
for _ in track(range(30), description="Working"):
    time.sleep(.02)
with Progress() as progress:
    tasks = [progress.add_task(f"[{c}]{c} 下载", total=20) for c in ("red", "green", "blue")]
    while not progress.finished:
        for n, task in enumerate(tasks):
            progress.advance(task, n + 1)
        time.sleep(.03)
table = Table(title="Terminal")
for column in ("one", "two", "three"):
    table.add_column(column, style="bold magenta")
for n in range(30):
    table.add_row(str(n), "[link=https://example.org]link[/link]", "[on blue]background[/on blue] " * 3)
console.print(table)
console.print_json('{"a": [1, 2, {"b": null}]}')
"""
HTOP = ["sh", "-c", "for n in 1 2 3 4 5 6 7 8; do sleep 100$n & done; htop -d 5"]
TESTS = """
import pytest
@pytest.mark.parametrize("n", range(40))
def test_number(n):
    assert n % 7 != 3, "a longer message about what went wrong " * 3
"""


def programs(venv: Path, python313: Path) -> dict[str, Program]:
    """All recordings by name; paths are relative to the folder the programs run in."""
    repl: list[Step] = [
        b"6*7\r",
        b"import this\r",
        UNICODE,
        b"def f(x):\r    return x + 1\r\r",
        b"f(41)\r",
        b"for i in range(40): print(i, 'x' * i * 3)\r\r",
        b"1/0\r",
        b"\x1b[A\x1b[A",
        b"\x03",
        b"help(len)\r",
        b"q",
        b"\x04",
    ]
    vim: list[Step] = [
        b":syntax on\r",
        b":set number hlsearch\r",
        b"/def\r",
        b"nnn",
        b"\x04\x04\x15",
        b"O# a new line \xe2\x82\xac \xe4\xbd\xa0\xe5\xa5\xbd\x1b",
        b":split\r",
        b":vsplit\r",
        b"\x17w\x06\x06",
        b"vjjj",
        b"\x1b:help\r",
        b":qa!\r",
    ]
    less: list[Step] = [
        b" ",
        b" ",
        b"/class\r",
        b"nn",
        b"G",
        b"b",
        b"\x1b[B\x1b[B\x1b[A",
        b"g",
        b"-N\r",
        b"q",
    ]
    tmux: list[Step] = [
        b"PS1='$ '\r",
        b"ls --color /usr\r",
        b'\x02"',
        b"seq 100\r",
        b"\x02%",
        b"seq 30 | tac\r",
        b"\x02o",
        b"\x02[",
        b"\x1b[5~",
        b"q",
        b"\x02c",
        b"\x02n",
        b"\x02d",
    ]
    mc: list[Step] = [
        b"\x1bOB\x1bOB\x1bOB\x1bOB\x1bOB\x1bOB\x1bOB",
        b"\x1bOR",
        b"\x1b[6~",
        b"\x1b[21~",
        b"\t",
        b"\x1bOB\x1bOB\r",
        b"\x1b[20~",
        b"\x1bOC\x1bOC",
        b"\x1b\x1b",
        b"\x1b[15~",
        b"\x1b\x1b",
        b"\x1b[21~",
        b"\r",
    ]
    return {
        "python3.11": Program(["/usr/bin/python3", "-q"], repl),
        "python3.13": Program([str(python313), "-q"], repl),
        "ipython": Program(
            [str(venv / "bin/ipython"), "--no-banner"],
            [
                b"6*7\r",
                UNICODE,
                b"import os\ros.pa\t",
                b"\t\x1b[B\r",
                b"\x03",
                b"len?\r",
                b"q",
                b"%timeit -n1 -r1 1\r",
                b"1/0\r",
                b"\x12im",
                b"\x03",
                b"exit\r",
            ],
            silence_seconds=1.0,
        ),
        "ptpython": Program(
            [str(venv / "bin/ptpython")],
            [
                b"6*7\r",
                UNICODE,
                b"import os\r",
                b"os.pa",
                b"\x1b[B\x1b[B\r",
                b"\x1bOQ",
                b"\x1b[B\x1b[B",
                b"\x1bOQ",
                b"\x03",
                b"for i in range(30): print(i)\r\r",
                b"\x04",
                b"y",
            ],
            silence_seconds=1.0,
        ),
        "vim": Program(["vim", "-u", "NONE", "-N", "file.py"], vim),
        "less": Program(["less", "file.py"], less),
        "less-raw": Program(["less", "-R", "colored.txt"], [b" ", b" ", b"/3\r", b"\x1b[C", b"G", b"q"]),
        "htop": Program(HTOP, [b"\x1b[B\x1b[B", b"t", b"\x1bOQ", b"\x1b[C\x1b[B", b"\x1b", b"h", b" ", b"q"]),
        "pytest": Program(
            [
                str(venv / "bin/python"),
                "-m",
                "pytest",
                "--color=yes",
                "-p",
                "no:cacheprovider",
                "test_numbers.py",
                "-v",
            ],
            [b""],
            silence_seconds=2.0,
        ),
        "rich": Program([str(venv / "bin/python"), "progress.py"], [b""], silence_seconds=2.0),
        "mc": Program(["mc", "-u", "-x"], mc),
        "tmux": Program(["tmux", "-L", "termhub-record", "-f", "/dev/null", "new", "sh"], tmux),
        "vim-resized": Program(
            ["vim", "-u", "NONE", "-N", "file.py"],
            [*vim[:6], (100, 30), b"jjj", (60, 15), b":vsplit\r", (80, 24), b":qa!\r"],
        ),
        "python3.13-resized": Program(
            [str(python313), "-q"],
            [
                b"print('word ' * 100)\r",
                (60, 20),
                b"print('word ' * 100)\r",
                (120, 40),
                b"for i in range(50): print('line', i)\r\r",
                (80, 24),
                b"1+1\r",
                b"\x04",
            ],
        ),
        "htop-wide": Program(HTOP, [b"\x1b[B", (200, 50), b"\x1b[B", (132, 40), b"q"], cols=160, rows=45),
        "bash": Program(
            ["bash", "--norc", "--noprofile"],
            [
                b"PS1='\\[\\e[32m\\]\\u:\\w\\$\\[\\e[0m\\] '\r",
                b"ls -la --color /usr/lib | head -40\r",
                b"echo " + b"long " * 60 + b"\r",
                b"\x1b[A\x01\x0b\x19",
                b"\x12ls",
                b"\x03",
                b"seq 200 | column\r",
                b"clear\r",
                b"printf '\\e[5;10r\\e[10;1Hscroll\\n\\n\\n\\e[r\\e[20;1H'\r",
                b"exit\r",
            ],
        ),
    }


def record(program: Program, folder: Path) -> bytes:
    """Run a program through its steps; returns the recording's file content."""
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/sh",
        "TMUX_TMPDIR": str(folder),
    }
    process = PtyProcess.spawn(
        [*ALONE, *program.argv], cwd=str(folder), env=environment, dimensions=(program.rows, program.cols)
    )
    screen = open_screen(program.cols, program.rows)
    steps: list[dict[str, object]] = []
    try:
        total = _until_silent(process, screen, steps, program.silence_seconds)
        for step in program.steps:
            if isinstance(step, tuple):
                cols, rows = step
                steps.append({"resize": [cols, rows]})
                screen.resize(cols, rows)
                process.setwinsize(rows, cols)
            elif step:
                with contextlib.suppress(OSError):
                    os.write(process.fd, step)
            total += _until_silent(process, screen, steps, program.silence_seconds)
            if total > LIMIT_BYTES:
                break
    finally:
        process.kill(signal.SIGKILL)
        process.wait()
        process.close()
        screen.close()
    content = {"cols": program.cols, "rows": program.rows, "steps": steps}
    return gzip.compress(json.dumps(content).encode("ascii"), mtime=0)


def _until_silent(process: PtyProcess, screen: object, steps: list[dict[str, object]], silence: float) -> int:
    """Record until nothing has come for a moment; answers queries; returns the bytes."""
    total = 0
    end = time.monotonic() + LONGEST_STEP_SECONDS
    while time.monotonic() < end and select.select([process.fd], [], [], silence)[0]:
        try:
            data = os.read(process.fd, 65536)
        except OSError:
            break
        if not data:
            break
        total += len(data)
        steps.append({"data": base64.b64encode(data).decode("ascii")})
        replies = screen.feed(data)  # type: ignore[attr-defined]
        if replies:
            os.write(process.fd, replies)
    return total


def prepare(folder: Path) -> None:
    """The files that the programs look at."""
    source = Path(argparse.__file__).read_text(encoding="utf-8")
    (folder / "file.py").write_text(source, encoding="utf-8")
    (folder / "progress.py").write_text(PROGRESS, encoding="utf-8")
    (folder / "test_numbers.py").write_text(TESTS, encoding="utf-8")
    lines = (f"\x1b[3{n % 8};4{(n + 3) % 8}mline {n}\x1b[0m {'text ' * (n % 25)}" for n in range(300))
    (folder / "colored.txt").write_text("\n".join(lines), encoding="utf-8")
    for name in ("alpha", "beta", "gamma"):
        (folder / name).mkdir()


def main() -> None:
    """Record all programs, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--venv", type=Path, default=Path(sys.prefix))
    parser.add_argument(
        "--python313", type=Path, default=Path.home() / ".pyenv/versions/3.13.0/bin/python3.13"
    )
    arguments = parser.parse_args()
    RECORDINGS.mkdir(exist_ok=True)
    for name, program in programs(arguments.venv.absolute(), arguments.python313).items():
        if arguments.names and name not in arguments.names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder))
            content = record(program, Path(folder))
        (RECORDINGS / f"{name}.json.gz").write_bytes(content)
        sys.stdout.write(f"{name}: {len(content)} bytes\n")


if __name__ == "__main__":
    main()
