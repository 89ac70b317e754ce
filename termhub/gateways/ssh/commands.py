"""What ``ssh console@host COMMAND`` may say: the grammar, and help.

Pure: a line becomes a value of one of the classes here, or :class:`UsageError`.  Invariant:
nothing of a line is run by a shell of this machine; what is relayed to a program in the user's
sandbox is one of the server forms of sftp, scp and rsync.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NoReturn, get_args

import attrs

from termhub.errors import BadRequest
from termhub.hub.files import SFTP_SERVER
from termhub.store import Role

from ..durations import parse_duration

MOST_LINE = 4096
"""Characters of a line; no program is started in a sandbox with more."""

MOST_WORDS = 64
"""Words of a command that is not relayed: what argparse takes grows with their square."""

_MOST_NAME = 40

_RSYNC_DAEMON = re.compile(r"--(daemon|config|dparam|detach|no-detach)(=|$)")
"""Options that make a daemon of rsync, whose settings can name programs to run."""


class UsageError(Exception):
    """The line is not a command; the message says why, and what is."""


@attrs.frozen
class New:
    """Make a console."""

    program: str | None
    image: str | None
    name: str | None


@attrs.frozen
class Attach:
    """Show a console."""

    name: str
    read_only: bool
    detach_others: bool
    create: bool


@attrs.frozen
class List:
    """List the consoles."""

    as_json: bool


@attrs.frozen
class Kill:
    """End consoles.

    :param remove: take them, their last screens and their names off the list too.
    """

    names: Sequence[str]
    remove: bool = False


@attrs.frozen
class Rename:
    """Give a console another name."""

    name: str
    new_name: str


@attrs.frozen
class Logs:
    """Print a window's output."""

    name: str
    window: int
    follow: bool
    raw: bool


@attrs.frozen
class Screen:
    """Print what a window shows."""

    name: str
    window: int
    as_json: bool


@attrs.frozen
class Share:
    """Let others attach to a console.

    :param user: the account that it is for; None makes a link.
    :param seconds: how long; None leaves it to the hub.
    :param uses: how many may come by the link; None: any number.
    :param reads_passphrase: a pass-phrase for it is the first line of the input.
    """

    name: str
    role: Role
    user: str | None
    seconds: float | None
    uses: int | None
    reads_passphrase: bool
    as_json: bool


@attrs.frozen
class Shares:
    """List a console's shares, and who came by them."""

    name: str
    as_json: bool


@attrs.frozen
class Unshare:
    """Take shares of a console back.

    :param share: which one; None for all.
    """

    name: str
    share: str | None


@attrs.frozen
class Help:
    """Print help."""

    text: str


@attrs.frozen
class Relay:
    """Run a program in the user's sandbox for files, on the channel's bytes."""

    argv: Sequence[str]


Printing = New | Attach | List | Kill | Rename | Logs | Screen | Share | Shares | Unshare | Help
Command = Printing | Relay

HELP = """\
usage: ssh -t console@HOST [COMMAND]

Without a command: the console you used last, or a new one.

  new [PROGRAM] [--image IMAGE] [--name NAME]
                         make a console: python, ipython, ptpython or bash
  attach NAME [-r] [-d] [-A]
                         show a console; -r: only look, -d: send others away,
                         -A: make it if there is none of this name
  ls [--json]            list your consoles, and those shared with you
  kill NAME... [--remove]
                         end consoles; --remove: their names are free again
  rename NAME NEW_NAME   give a console another name
  logs NAME [--follow] [--window N] [--raw]
                         print a console's output
  screen NAME [--window N] [--json]
                         print what a console shows
  share NAME [--role ROLE] [--user USER] [--expires 2h] [--uses N]
        [--passphrase-stdin] [--json]
                         let others attach: print a link, and how to ssh by it.
                         Roles: observer, writer, owner
  shares NAME [--json]   list the shares of a console, and who came by them
  unshare NAME SHARE|--all
                         take shares back: who came by them has to leave
  help                   this

new and attach show the console in your terminal: give ssh the option -t.
A console that somebody shares with you is named OWNER/NAME.
Files: sftp, scp and rsync reach your home as they reach any host.
"""


def parse(line: str) -> Command:
    """The command in a line.

    :raises UsageError: when there is none.
    """
    if len(line) > MOST_LINE:
        raise UsageError("The command is too long.")
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {str(error).lower()}.") from None
    if not words:
        raise UsageError("The command is empty; `help` lists what there is.")
    relay = _relay(words)
    if relay is not None:
        return relay
    name, arguments = words[0], words[1:]
    if name in ("help", "-h", "--help"):
        return Help(HELP)
    if len(words) > MOST_WORDS:
        raise UsageError(f"A command has at most {MOST_WORDS} words.")
    if name not in _PARSERS:
        near = difflib.get_close_matches(name[:_MOST_NAME], [*_PARSERS, "help"], 1)
        hint = f"did you mean '{near[0]}'?" if near else "`help` lists what there is."
        raise UsageError(f"There is no command {name!r:.60}; {hint}")
    parser = _Parser(name)
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    make = _PARSERS[name](parser)
    if any(word in ("-h", "--help") for word in arguments):
        return Help(parser.format_help())
    return make(parser.parse_args(arguments))


class _Parser(argparse.ArgumentParser):
    """Raises what argparse prints before it exits."""

    def __init__(self, name: str) -> None:
        super().__init__(prog=name, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}. {' '.join(self.format_usage().split())}")


_Make = Callable[[argparse.Namespace], Command]


def _window(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 0xFFFE:
        raise argparse.ArgumentTypeError(f"{text!r:.20} is not a window's number")
    return int(text)


def _new(parser: _Parser) -> _Make:
    parser.add_argument("program", nargs="?", help="python, ipython, ptpython or bash")
    parser.add_argument("-i", "--image", help="the Python to use, such as 3.13")
    parser.add_argument("-n", "--name", help="what to call it")
    return lambda found: New(found.program, found.image, found.name)


def _attach(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("-r", "--read-only", action="store_true", help="only look")
    parser.add_argument("-d", "--detach-others", action="store_true", help="send others away")
    parser.add_argument("-A", "--create", action="store_true", help="make it if there is none")
    return lambda found: Attach(found.name, found.read_only, found.detach_others, found.create)


def _ls(parser: _Parser) -> _Make:
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return lambda found: List(found.json)


def _kill(parser: _Parser) -> _Make:
    parser.add_argument("names", nargs="+", metavar="name")
    parser.add_argument("--remove", action="store_true", help="also take them off the list")
    return lambda found: Kill(found.names, found.remove)


def _rename(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("new_name")
    return lambda found: Rename(found.name, found.new_name)


def _logs(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the console ends")
    parser.add_argument("-w", "--window", type=_window, default=0)
    parser.add_argument("--raw", action="store_true", help="with what a terminal would answer")
    return lambda found: Logs(found.name, found.window, found.follow, found.raw)


def _screen(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("-w", "--window", type=_window, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return lambda found: Screen(found.name, found.window, found.json)


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(error.message.rstrip(".")) from None


def _uses(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < len(text) <= 9 or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r:.20} is not how often a link can be used")
    return int(text)


def _share(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("--role", choices=get_args(Role), default="observer", help="what they may do")
    parser.add_argument("--user", help="an account here that it is for, instead of a link for anybody")
    parser.add_argument("--expires", type=_duration, metavar="TIME", help="such as 90m or 2h; 1d if not said")
    parser.add_argument("--uses", type=_uses, help="how many may come by the link")
    parser.add_argument(
        "--passphrase-stdin", action="store_true", help="a pass-phrase for the link is on standard input"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")

    def make(found: argparse.Namespace) -> Share:
        if found.user is not None and (found.uses is not None or found.passphrase_stdin):
            parser.error("--uses and --passphrase-stdin are for links; --user makes none")
        role: Role = found.role
        return Share(
            found.name, role, found.user, found.expires, found.uses, found.passphrase_stdin, found.json
        )

    return make


def _shares(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    return lambda found: Shares(found.name, found.json)


def _unshare(parser: _Parser) -> _Make:
    parser.add_argument("name")
    parser.add_argument("share", nargs="?", help="which one, as `shares` lists it")
    parser.add_argument("--all", action="store_true", help="every share of the console")

    def make(found: argparse.Namespace) -> Unshare:
        if (found.share is None) != found.all:
            parser.error("say which share, or --all")
        return Unshare(found.name, found.share)

    return make


_PARSERS: dict[str, Callable[[_Parser], _Make]] = {
    "new": _new,
    "attach": _attach,
    "ls": _ls,
    "kill": _kill,
    "rename": _rename,
    "logs": _logs,
    "screen": _screen,
    "share": _share,
    "shares": _shares,
    "unshare": _unshare,
}


def _relay(words: Sequence[str]) -> Relay | None:
    """The server form of a program that moves files; None for anything else.

    Clients send these lines themselves: ``sftp-server`` where there is no subsystem, ``scp -t``
    or ``-f`` for the old scp protocol, ``rsync --server``.
    """
    program = PurePosixPath(words[0]).name
    if program == "sftp-server" and len(words) == 1:
        return Relay(SFTP_SERVER)
    if program == "scp":
        options = [word for word in words[1:] if word.startswith("-") and word != "--"]
        letters = "".join(options).replace("-", "")
        has_direction = ("t" in letters) != ("f" in letters)
        if not has_direction or set(letters) - set("tfrpvd") or any(len(word) < 2 for word in options):
            raise UsageError("Of scp only its server forms, `scp -t` and `scp -f`, are run here.")
        return Relay(["scp", *map(_at_home, words[1:])])
    if program == "rsync":
        if words[1:2] != ["--server"] or any(map(_RSYNC_DAEMON.match, words)):
            raise UsageError("Of rsync only its server form, `rsync --server`, is run here.")
        return Relay(["rsync", *map(_at_home, words[1:])])
    return None


def _at_home(word: str) -> str:
    """A path as a shell would give it: programs start in the home, so ``~/x`` is ``./x``."""
    if word == "~":
        return "."
    return f".{word[1:]}" if word.startswith("~/") else word
