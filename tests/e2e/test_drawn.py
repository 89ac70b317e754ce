"""What programs draw reaches a terminal behind ssh cell by cell, whatever the terminal can do."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from termhub.screen.runs import BOLD, REVERSE, RGB, Style
from tests.support.ssh_terminal import SshAccount, SshTerminal, cells, ssh_account
from tests.support.viewer_client import ViewerClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

Show = Callable[..., tuple[SshTerminal, ViewerClient]]


@pytest.fixture(scope="module")
def account() -> Iterator[SshAccount]:
    """An account of a hub that serves ssh."""
    with ssh_account() as account:
        yield account


@pytest.fixture
def show(account: SshAccount) -> Iterator[Show]:
    """Make a console and attach to it by ssh, and to look at its own screen."""
    opened: list[SshTerminal | ViewerClient] = []

    def start(env: dict[str, str] | None = None, **console: Any) -> tuple[SshTerminal, ViewerClient]:
        made = account.hub.new_console(cols=100, rows=29, **console)
        terminal = SshTerminal(account, "attach", made["name"], env=env)
        viewer = ViewerClient(account.hub, made["id"], cols=100, rows=29)
        opened.extend((terminal, viewer))
        viewer.connect()
        return terminal, viewer

    yield start
    for client in opened:
        client.close()


def shell(show: Show, env: dict[str, str] | None = None) -> tuple[SshTerminal, ViewerClient]:
    """A console with a shell, whose prompt has come."""
    terminal, viewer = show(env, program="bash")
    terminal.until_text("$")
    terminal.type("PS1='$ '; clear; echo rea''dy\r")
    terminal.until(lambda: "ready" in terminal.lines)
    return terminal, viewer


PROGRAM = '''\
"""Numbers."""
import sys


def add(one: int, two: int = 5) -> str:
    # Sums; \u00fcber \u6f22\u5b57 \U0001f600 e\u0301.
    return f"{one + two:>10}"  # the end


class Sum(dict[str, int]):
    def __init__(self, values: list[int]) -> None:
        super().__init__()
        self["sum"] = sum(values, start=0x10)
'''


def test_vim(show: Show) -> None:
    terminal, viewer = shell(show)
    terminal.type("vim -u NONE -N numbers.py\r")
    terminal.until_text("[New]")
    terminal.type(":set paste background=dark mouse=a | syntax on\r")
    terminal.type(f"i\x1b[200~{PROGRAM}\x1b[201~\x1b:set number hlsearch cursorline\r/sum\r")
    terminal.until_text("14")
    terminal.until_same(viewer)
    terminal.type(":vsplit\rggVjj")
    terminal.until_text("VISUAL LINE")
    terminal.until_same(viewer)
    # A click into the right half, on the class in line 10.
    terminal.type("\x1b\x1b[<0;60;10M\x1b[<0;60;10m")
    terminal.type(":echo 'at line' line('.') 'of window' winnr()\r")
    terminal.until_text("at line 10 of window 2")
    terminal.until_same(viewer)
    terminal.resize(70, 20)
    terminal.until(lambda: terminal.lines[-1].startswith("["))
    terminal.until_same(viewer)
    terminal.type(":qa!\r")
    terminal.until(lambda: "ready" in terminal.lines)
    terminal.until_same(viewer)


def test_less(show: Show) -> None:
    terminal, viewer = shell(show)
    terminal.type(
        "for i in $(seq 400); do printf '\\033[3%d;1mline\\033[0m %d of \u6f22\\n' $((i % 8)) $i; done > f\r"
    )
    terminal.type("LESSSECURE=1 less -RM f\r")
    terminal.until_text("lines 1-28/400")
    terminal.until_same(viewer)
    terminal.type("  kk/107 of\r")
    terminal.until_text("107 of")
    terminal.until_same(viewer)
    terminal.type("G")
    terminal.until_text("(END)")
    terminal.until_same(viewer)
    terminal.type("q")
    terminal.until(lambda: "ready" in terminal.lines)
    terminal.until_same(viewer)


def test_htop(show: Show) -> None:
    terminal, viewer = shell(show)
    terminal.type("htop -d 100\r")
    terminal.until_text("F10Quit")
    terminal.until_same(viewer)
    terminal.type("\x1b[B\x1b[B")
    terminal.until_same(viewer)
    # A click on Setup, which is in the last row.
    terminal.type("\x1b[<0;12;29M\x1b[<0;12;29m")
    terminal.until_text("For current screen tab")
    terminal.until_same(viewer)
    terminal.type("\x1b[21~q")
    terminal.until(lambda: "ready" in terminal.lines)
    terminal.until_same(viewer)


def test_mc(show: Show) -> None:
    terminal, viewer = shell(show)
    terminal.type("mkdir -p folder; mc --nosubshell folder /etc\r")
    terminal.until_text("10Quit")
    terminal.until_same(viewer)
    terminal.type("\x1b[20~\r")
    terminal.until_text("File listing")
    terminal.until_same(viewer)
    terminal.type("\x1b\x1b\x1b[21~\r")
    terminal.until(lambda: "ready" in terminal.lines)
    terminal.until_same(viewer)


def test_the_repl_with_colours(account: SshAccount, show: Show) -> None:
    """Python's own line editor, which there is from 3.13 on."""
    images = account.hub.request("GET", "/images")[1]["images"]
    new = [image["name"] for image in images if tuple(map(int, image["version"].split(".")[:2])) >= (3, 13)]
    if not new:
        pytest.skip("no Python from 3.13 on is installed here")
    terminal, viewer = show(program="python", image=new[0])
    terminal.until_text(">>>")
    terminal.type("def twice(n):\n    return 2 * n\n\n\x1b\r")
    terminal.type("twice('\u6f22e\u0301')\r")
    terminal.until_text("'\u6f22e\u0301\u6f22e\u0301'")
    terminal.until_same(viewer)
    terminal.type("\x1b[A\x1b[A\x1b[D\x1b[C")
    terminal.until_same(viewer)
    terminal.type("\x03")
    terminal.until_text("KeyboardInterrupt")
    terminal.type("1 / 0\r")
    terminal.until_text("ZeroDivisionError")
    terminal.until_same(viewer)
    terminal.type("import time\rtime.\t\t")
    terminal.until_text("time.monotonic")
    terminal.until_same(viewer)


COLOURS = r"""
printf '\033[38;2;255;100;0mtrue \033[48;2;0;30;60mcolours\033[0m \033[38;5;208mindexed\033[0m\n'
printf '\033[1mbold \033[2;22mplain \033[2mfaint\033[0m \033[3mitalic\033[0m '
printf '\033[4munder\033[0m \033[9mstruck\033[0m\n'
printf '\033[5mblink\033[0m \033[7mreverse \033[31mred\033[0m '
printf '\033[44m  blank  \033[0m\033[97;101mbright\033[K\033[0m\n'
printf '漢字 😀 éä กำ Ａ · ─╬█ שלום |\n'
printf '%99s漢end\n' right
"""


def show_colours(show: Show, env: dict[str, str]) -> tuple[SshTerminal, ViewerClient]:
    """A console whose shell has printed everything there is of colours and characters."""
    terminal, viewer = shell(show, env)
    terminal.type(f"cat > colours <<'END'\r\x1b[200~{COLOURS}\x1b[201~END\rclear; . ./colours; echo shown\r")
    terminal.until(lambda: "shown" in terminal.lines)
    return terminal, viewer


def test_wide_characters_and_true_colours(show: Show) -> None:
    terminal, viewer = show_colours(show, {"COLORTERM": "truecolor"})
    terminal.until_same(viewer)
    first = cells(terminal.picture, range(1))[0]
    assert first[0] == ("t", Style(fg=RGB | 255 << 16 | 100 << 8))
    assert first[5] == ("c", Style(fg=RGB | 255 << 16 | 100 << 8, bg=RGB | 30 << 8 | 60))


LESS_CAPABLE = {
    "linux": (
        {"LANG": "C.UTF-8"},
        "漢字 😀 ea กำ Ａ · ─╬█ שלום |",
        {"0", "1", "2", "4", "5", "7", "22", "24", "25", "27", "39", "49"}
        | {str(n) for n in (*range(30, 38), *range(40, 48))},
    ),
    # Its line drawing characters are switched to.
    "vt100": ({"LANG": "C"}, "???? ?? ea ?? A  · ─┼# ???? |", {"0", "1", "4", "5", "7"}),
}


@pytest.mark.parametrize("term", LESS_CAPABLE)
def test_terminals_that_can_do_less(show: Show, term: str) -> None:
    env, characters, codes = LESS_CAPABLE[term]
    terminal, _ = show_colours(show, {"TERM": term, **env})
    assert terminal.lines[:3] == [
        "true colours indexed",
        "bold plain faint italic under struck",
        "blink reverse red   blank  bright",
    ]
    assert terminal.lines[3] == characters
    pens = re.findall(rb"\x1b\[([\d;:]*)m", terminal.raw)
    assert {code or "0" for pen in pens for code in pen.decode().split(";")} <= codes
    drawn = cells(terminal.picture, range(3))
    assert drawn[1][0][1].attrs == BOLD
    assert drawn[2][6][1].attrs == REVERSE
    if term == "vt100":
        assert terminal.raw.isascii()


def test_a_terminal_that_cannot_place_its_cursor_is_told_what_works(account: SshAccount) -> None:
    terminal = SshTerminal(account, env={"TERM": "dumb"})
    assert terminal.finish() == 1
    assert "A terminal of the kind 'dumb' cannot show consoles." in terminal.text
    assert b"\x1b" not in terminal.raw


def test_tmux_shows_it_too(account: SshAccount, tmp_path: Path) -> None:
    """Another terminal than the ones we wrote, and the one that most people will look through."""
    hub = account.hub
    made = hub.new_console(program="bash", cols=100, rows=29)

    def tmux(*words: str) -> str:
        command = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "tmux"), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def until(holds: Callable[[list[str]], object]) -> None:
        deadline = time.monotonic() + 60
        while not holds(lines := [line.rstrip() for line in tmux("capture-pane", "-p").splitlines()]):
            assert time.monotonic() < deadline, "\n".join(lines)
            time.sleep(0.05)

    def shown() -> list[str]:
        lines: list[str] = hub.request("GET", f"/consoles/{made['id']}/screen")[1]["lines"]
        return [line.rstrip() for line in lines]

    ssh = shlex.join(account.command("attach", made["name"]))
    tmux("new-session", "-d", "-x100", "-y30", "-eLANG=C.UTF-8", ssh)
    try:
        until(lambda lines: lines[0].endswith("$"))
        tmux("send-keys", "-l", f"cat > colours <<'END'\n{COLOURS}END\nclear; . ./colours; echo rea''dy\n")
        until(lambda lines: "ready" in lines and lines[:29] == shown())
        tmux("set-option", "prefix", "None")
        tmux("send-keys", "C-b", "%")
        until(lambda lines: sum("│" in line for line in lines) == 29)
        tmux("send-keys", "C-b", '"')
        until(lambda lines: lines[14].endswith("├" + "─" * 49))
    finally:
        tmux("kill-server")
