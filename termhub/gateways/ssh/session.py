"""The requests of one session channel (RFC 4254, section 6): a terminal, and what to run.

Invariant: a session runs one thing, and only :mod:`.commands` decides what a line means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from termhub.errors import TermhubError
from termhub.gateways.tui.interface import Start
from termhub.hub.files import SFTP_SERVER
from termhub.hub.streams import Stream
from termhub.screen import clamp_size
from termhub.store import User

from . import commands
from .channel import Channel
from .command_job import CommandJob
from .job import BROKEN, FAILED, USAGE, Job, PersonTerminal, Services
from .packets import Reader
from .relay import RelayJob
from .ui_job import UIJob

VARIABLES = frozenset({"LANG", "LC_ALL", "LC_CTYPE", "COLORTERM"})
"""What a client may set: how its terminal is."""

MOST_VALUE = 128

_NO_TERMINAL = """\
termhub: Your consoles need a terminal, and ssh was not asked for one: use ssh -t, or give a command.
"""


class Session:
    """One session of one user.

    :param console: the id of the one that a link has let them into, which is shown first; None for any.
    """

    def __init__(self, services: Services, user: User, channel: Channel, console: str | None = None) -> None:
        self._services = services
        self._user = user
        self._channel = channel
        self._console = console
        self._variables: dict[str, str] = {}
        self._terminal: PersonTerminal | None = None
        self._job: Job | None = None
        self._start: Callable[[], None] | None = None  # waits until the request is answered
        self._is_started = False
        self._is_lost = False
        self._requests = {
            "pty-req": self._pty,
            "env": self._env,
            "shell": self._shell,
            "exec": self._exec,
            "subsystem": self._subsystem,
            "window-change": self._window_change,
            "signal": self._signal,
            "break": self._break,
        }
        # What is sent before anything runs waits; whatever runs goes on with it.
        channel.pause()

    def requested(self, kind: str, fields: Reader) -> bool:
        """A request of the client; whether it is granted.

        :raises PacketError: when its fields are not those of its kind.
        """
        handler = self._requests.get(kind)
        # Not an agent, not X11: consoles are no way out of here.
        return handler is not None and not self._is_lost and handler(fields)

    def answered(self) -> None:
        """The request was answered: what it asks to run may run."""
        start, self._start = self._start, None
        if start is not None and not self._is_lost:
            start()

    def end(self, reason: str) -> None:
        """The connection is about to be closed from here: give the client its terminal back."""
        if self._job is not None:
            self._job.end(reason)
        self._channel.exit(BROKEN)

    # -- what the channel says -----------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """What the client sent."""
        if self._job is not None:
            self._job.receive(data)

    def ended_input(self) -> None:
        """The client will send nothing more."""
        if self._job is not None:
            self._job.ended_input()

    def drained(self) -> None:
        """Look again whether the channel is writable or clear."""
        if self._job is not None:
            self._job.drained()

    def lost(self) -> None:
        """The channel is gone."""
        self._is_lost = True
        job, self._job = self._job, None
        if job is not None:
            job.lost()

    # -- before it runs --------------------------------------------------------------------

    def _pty(self, fields: Reader) -> bool:
        term = fields.text()
        cols, rows = fields.u32(), fields.u32()
        fields.u32(), fields.u32()  # pixels
        fields.string()  # modes: the line discipline is the console's own
        fields.end()
        if self._is_started or len(term) > MOST_VALUE or not term.isprintable():
            return False
        self._terminal = PersonTerminal(term, "", "", *_size(cols, rows))
        return True

    def _env(self, fields: Reader) -> bool:
        name, value = fields.string(), fields.string()
        fields.end()
        if self._is_started or name.decode("ascii", "replace") not in VARIABLES:
            return False
        text = value.decode("utf-8", "replace")
        if len(text) > MOST_VALUE or not text.isprintable():
            return False
        self._variables[name.decode()] = text
        return True

    # -- what to run -----------------------------------------------------------------------

    def _shell(self, fields: Reader) -> bool:
        fields.end()
        return self._begin(self._run_shell)

    def _exec(self, fields: Reader) -> bool:
        line = fields.string()
        fields.end()
        return self._begin(lambda: self._run_line(line))

    def _subsystem(self, fields: Reader) -> bool:
        name = fields.string()
        fields.end()
        return name == b"sftp" and self._begin(lambda: self._relay(SFTP_SERVER))

    def _begin(self, start: Callable[[], None]) -> bool:
        """Run what was asked for, unless something was before."""
        if self._is_started:
            return False
        self._is_started = True
        self._start = start
        return True

    def _run_shell(self) -> None:
        if self._terminal is not None:
            try:
                self._show(self._first())
            except TermhubError as error:
                self._refuse(error.message, FAILED)
            return
        self._channel.write((_NO_TERMINAL + commands.HELP).encode(), to_stderr=True)
        self._channel.exit(USAGE)

    def _first(self) -> Start:
        """What to show where nothing was asked for."""
        if self._console is None:
            return Start()
        return Start(self._services.consoles.get(self._user, self._console, "observer"))

    def _run_line(self, line: bytes) -> None:
        try:
            command = commands.parse(line.decode())
        except UnicodeDecodeError:
            self._refuse("The command is not UTF-8.")
        except commands.UsageError as error:
            self._refuse(str(error))
        else:
            if isinstance(command, commands.Relay):
                self._relay(command.argv)
                return
            terminal = self._described()
            job = CommandJob(command, self._services, self._user, self._channel, terminal, self._show)
            self._run(job)

    def _described(self) -> PersonTerminal | None:
        """The client's terminal with all that is known of it."""
        terminal = self._terminal
        if terminal is None:
            return None
        said = self._variables
        lang = said.get("LC_ALL") or said.get("LC_CTYPE") or said.get("LANG") or ""
        return PersonTerminal(terminal.term, said.get("COLORTERM", ""), lang, terminal.cols, terminal.rows)

    def _refuse(self, text: str, status: int = USAGE) -> None:
        newline = "\r\n" if self._terminal is not None else "\n"
        self._channel.write(f"termhub: {text}{newline}".encode("utf-8", "replace"), to_stderr=True)
        self._channel.exit(status)

    def _relay(self, argv: Sequence[str]) -> None:
        if self._user.is_guest:
            self._refuse("A console is shared with you, and no files: guests cannot move any.", FAILED)
            return

        async def run(owner: RelayJob) -> Stream:
            return await self._services.consoles.run_for_files(self._user, owner, argv)

        self._run(RelayJob(run, argv[0], self._user, self._channel))

    def _show(self, start: Start) -> None:
        if not self._channel.is_open:
            return
        terminal = self._described()
        assert terminal is not None  # who asks for the UI has looked
        self._run(UIJob(self._services.make_ui, self._user, self._channel, terminal, start))

    def _run(self, job: Job) -> None:
        self._job = job
        job.begin()

    # -- while it runs -----------------------------------------------------------------------

    def _window_change(self, fields: Reader) -> bool:
        cols, rows = fields.u32(), fields.u32()
        if self._terminal is None:
            return False
        cols, rows = _size(cols, rows)
        self._terminal = PersonTerminal(self._terminal.term, "", "", cols, rows)
        if self._job is not None:
            self._job.resized(cols, rows)
        return True

    def _signal(self, fields: Reader) -> bool:
        name = fields.name()
        fields.end()
        return self._job is not None and self._job.signal(name)

    def _break(self, fields: Reader) -> bool:
        fields.u32()  # its length
        return self._job is not None and self._job.signal("INT")


def _size(cols: int, rows: int) -> tuple[int, int]:
    """A size that a window can have; a client that does not know its own says 0."""
    return clamp_size(cols, rows) if cols and rows else (80, 24)
