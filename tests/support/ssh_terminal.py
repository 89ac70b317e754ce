"""OpenSSH's client in a terminal, attached to a hub, and the console's own screen to compare it with."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from termhub.screen import Screen, open_screen
from termhub.screen.runs import BLINK, BOLD, FAINT, HIDDEN, ITALIC, REVERSE, Style
from tests.support.drawn import Cell, row_cells
from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess
from tests.support.viewer_client import ViewerClient

# What does not show on a cell without a character.
_UNSEEN = BOLD | FAINT | ITALIC | BLINK | HIDDEN


class SshAccount:
    """An account of a hub with a password and a key, logged in over HTTP too.

    :param folder: where the key is kept.
    """

    def __init__(self, hub: HubProcess, name: str, folder: Path) -> None:
        self.hub, self.name, self.folder = hub, name, folder
        self.password = f"the password of {name}"
        make_key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "id"]
        subprocess.run(make_key, check=True, timeout=60)
        for command in (
            ["user", "add", name, "--plan", "pro", "--password-stdin"],
            ["key", "add", str(folder / "id.pub"), "--user", name],
        ):
            subprocess.run(
                [TERMHUB, *command, "--data", str(hub.data)],
                input=self.password + "\n",
                text=True,
                check=True,
                capture_output=True,
                timeout=120,
            )
        status, answer = hub.request("POST", "/login", {"name": name, "password": self.password})
        assert status == 200, answer

    def command(self, *words: str) -> list[str]:
        """``ssh -t`` with these words for the hub; its host key is learnt once and may not change."""
        options = (
            "BatchMode=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "StrictHostKeyChecking=accept-new",
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            "SendEnv=LANG COLORTERM",
        )
        chosen = [word for option in options for word in ("-o", option)]
        where = ["-p", str(self.hub.ssh_port), "-i", str(self.folder / "id"), "console@127.0.0.1"]
        return ["ssh", "-F", "none", "-t", *chosen, *where, *words]


@contextmanager
def ssh_account(**gateways: bool) -> Iterator[SshAccount]:
    """An account of a hub of its own that serves ssh.

    :param gateways: others that it serves, such as ``telnet=True``.
    """
    folder = Path(tempfile.mkdtemp(prefix="termhub-ssh-"))
    folder.chmod(0o711)
    hub = HubProcess(folder / "data", ssh=True, **gateways)
    try:
        hub.start()
        yield SshAccount(hub, "alice", folder)
    finally:
        hub.stop()
        shutil.rmtree(folder, ignore_errors=True)


class SshTerminal(TerminalProcess):
    """``ssh`` in a terminal.

    It is drawn on this project's portable engine, which can be compared cell by cell. That is pyte
    without its mistakes, such as line feeds below a scroll region.

    :param words: the command for the hub, such as ``attach NAME``.
    """

    def __init__(
        self,
        account: SshAccount,
        *words: str,
        env: Mapping[str, str] | None = None,
        cols: int = 100,
        rows: int = 30,
    ) -> None:
        environment = {"LANG": "C.UTF-8", "COLORTERM": "", **(env or {})}
        super().__init__(account.command(*words), environment, cols=cols, rows=rows)
        self._picture = open_screen(cols, rows, scrollback=0, engine="pyte")
        self._pictured = 0

    @property
    def picture(self) -> Screen:
        """What the terminal shows by now."""
        self._picture.feed(bytes(self.raw[self._pictured :]))
        self._pictured = len(self.raw)
        return self._picture

    @property
    def lines(self) -> list[str]:
        """The screen's rows without blanks at their ends."""
        return self.picture.text()

    def resize(self, cols: int, rows: int) -> None:
        """Give the terminal another size."""
        self.picture.resize(cols, rows)
        super().resize(cols, rows)

    def until_same(self, viewer: ViewerClient, seconds: float = 60.0) -> None:
        """Read and draw until everything above the status line is the console's own screen.

        Cell by cell: text, colours and attributes; and the cursor.
        """
        deadline = time.monotonic() + seconds
        while (difference := self._difference(viewer)) is not None:
            assert time.monotonic() < deadline, difference
            self._read(0.1)

    def _difference(self, viewer: ViewerClient) -> str | None:
        own, picture = own_screen(viewer), self.picture
        if (own.cols, own.rows) != (picture.cols, picture.rows - 1):
            return f"the console has {own.cols}x{own.rows}, here are {picture.cols}x{picture.rows}"
        rows = range(own.rows)
        for y, (mine, theirs) in enumerate(zip(cells(picture, rows), cells(own, rows), strict=True)):
            for x, (shown, wanted) in enumerate(zip(mine, theirs, strict=True)):
                if shown != wanted:
                    return f"row {y}, column {x}: shown is {shown}, the console has {wanted}"
        here, there = picture.cursor, own.cursor
        if here.visible != there.visible or (there.visible and (here.x, here.y) != (there.x, there.y)):
            return f"the cursor is at {here}, the console's at {there}"
        return None


def own_screen(viewer: ViewerClient) -> Screen:
    """The console's own screen, which its host has drawn in a keyframe."""
    before = viewer.keyframes
    reply = viewer.request("keyframe", window=0, scrollback=0)
    assert reply["ok"], reply
    viewer.until(lambda: viewer.keyframes > before)
    screen = open_screen(*viewer.size, scrollback=0)
    screen.feed(bytes(viewer.text))
    return screen


def cells(screen: Screen, rows: range) -> list[list[Cell]]:
    """Rows cell by cell; blanks have only what shows on them."""
    return [[_seen(*cell) for cell in row_cells(runs, screen.cols)] for runs in screen.runs(rows)]


def _seen(text: str, style: Style) -> Cell:
    if text != " ":
        return text, style
    foreground = style.fg if style.attrs & ~_UNSEEN else 0
    background = 0 if style.attrs & ~_UNSEEN == REVERSE else style.bg
    return " ", Style(foreground, background, style.underline, style.attrs & ~_UNSEEN)
