"""What a console is to be, as the hub asks for it, checked; and its program found."""

from __future__ import annotations

from typing import Any

from attrs import asdict, evolve, field, fields, frozen

from sandbox.guest import frames
from sandbox.images import Image
from sandbox.images.programs import command
from sandbox.limits import Limits
from sandbox.network import MODES, Network
from termhub.errors import BadRequest
from termhub.host.folder import CONSOLE_ID

MAX_TEXT = 4096
MAX_ARGUMENTS = 256
MAX_VARIABLES = 256
MAX_SPEC_BYTES = 1 << 16
JOURNAL_BYTES = 64 << 20
LEAST_JOURNAL_BYTES = 16 << 20
NO_LIMIT = ("cpu_percent", "home_bytes", "home_files")
"""The limits that can be None: there is none."""
MAX_LIMITS = {"cpu_weight": 10_000, "cpu_percent": 1_000_000, "processes": 4_000_000}
MAX_NUMBER = 1 << 24
PROGRAMS = ("python", "ipython", "ptpython", "bash", "script")


@frozen
class ConsoleSpec:
    """One console to create.

    :param console: its id.
    :param user: the owner's name, for people.
    :param number: the owner's number in the store.
    :param image: name of the image; empty for the default.
    :param program: one of :data:`PROGRAMS`.
    :param argv: the program's own command line; empty to take the program's usual one.
    :param journal_bytes: output kept on disk.
    """

    console: str
    user: str
    number: int
    image: str
    program: str
    argv: tuple[str, ...]
    env: dict[str, str]
    cols: int
    rows: int
    limits: Limits
    journal_bytes: int = JOURNAL_BYTES
    network: Network = field(factory=Network)

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``spec.json``."""
        return {**asdict(self), "argv": list(self.argv)}

    def with_argv(self, argv: list[str]) -> ConsoleSpec:
        """The same with a command line."""
        return evolve(self, argv=tuple(argv))


def parse_spec(value: Any) -> ConsoleSpec:
    """The ``spec`` of a create request.

    :raises BadRequest: saying which part cannot be used.
    """
    if not isinstance(value, dict):
        raise BadRequest("spec is an object")
    console = value.get("console")
    if not isinstance(console, str) or not CONSOLE_ID.fullmatch(console):
        raise BadRequest("spec.console is c- and 10 characters of a-z, 2-7")
    number = value.get("number", 0)
    if not is_integer(number, 0, MAX_NUMBER):
        raise BadRequest("spec.number is the owner's number")
    program = _text(value, "program") or "python"
    if program not in PROGRAMS:
        raise BadRequest(f"there is no program {program!r}; there are: {', '.join(PROGRAMS)}", "bad_program")
    argv = value.get("argv") or []
    if not isinstance(argv, list) or len(argv) > MAX_ARGUMENTS or not all(map(_is_text, argv)):
        raise BadRequest("spec.argv is a list of texts")
    env = value.get("env") or {}
    if not isinstance(env, dict) or len(env) > MAX_VARIABLES:
        raise BadRequest("spec.env maps texts to texts")
    if not all(_is_text(name) and name and "=" not in name and _is_text(env[name]) for name in env):
        raise BadRequest("spec.env maps texts to texts")
    cols, rows = value.get("cols", 80), value.get("rows", 24)
    if not is_integer(cols, frames.MIN_COLS, frames.MAX_COLS) or not is_integer(
        rows, frames.MIN_ROWS, frames.MAX_ROWS
    ):
        raise BadRequest(f"no terminal has {cols!r:.20} columns and {rows!r:.20} rows")
    return ConsoleSpec(
        console=console,
        user=_text(value, "user"),
        number=number,
        image=_text(value, "image"),
        program=program,
        argv=tuple(argv),
        env=env,
        cols=cols,
        rows=rows,
        limits=parse_limits(value.get("limits") or {}),
        journal_bytes=_journal_bytes(value.get("journal_bytes", JOURNAL_BYTES)),
        network=_network(value.get("network") or {}),
    )


def command_line(spec: ConsoleSpec, image: Image) -> list[str]:
    """The command line of the console's program in an image.

    :raises BadRequest: when the image has no such program; says which it has.
    """
    if spec.program == "script" and not spec.argv:
        raise BadRequest("the program 'script' needs argv, its command line", "bad_program")
    if spec.argv:
        return list(spec.argv)
    try:
        return list(command(image, spec.program))
    except LookupError as error:
        raise BadRequest(str(error.args[0]), "bad_program") from None


def parse_limits(value: Any) -> Limits:
    """Limits by their names, those that are not given at their defaults.

    :raises BadRequest: saying which cannot be used.
    """
    if not isinstance(value, dict):
        raise BadRequest("limits is an object")
    known = {each.name for each in fields(Limits)}
    for name, limit in value.items():
        if name not in known:
            raise BadRequest(f"there is no limit {name!r:.50}; there are: {', '.join(sorted(known))}")
        if limit is None and name in NO_LIMIT:
            continue
        if not is_integer(limit, 1, MAX_LIMITS.get(name, 1 << 50)):
            raise BadRequest(f"the limit {name} is a number from 1 to {MAX_LIMITS.get(name, 1 << 50)}")
    return Limits(**value)


def _journal_bytes(value: Any) -> int:
    if not is_integer(value, LEAST_JOURNAL_BYTES, 1 << 50):
        raise BadRequest(f"spec.journal_bytes is a number of at least {LEAST_JOURNAL_BYTES}")
    return int(value)


def _network(value: Any) -> Network:
    if not isinstance(value, dict) or not value.keys() <= {"mode", "kbits"}:
        raise BadRequest("spec.network is an object with mode and kbits")
    mode, kbits = value.get("mode", "none"), value.get("kbits")
    if mode not in MODES:
        raise BadRequest(f"there is no network {mode!r:.50}; there are: {', '.join(MODES)}")
    if kbits is not None and not is_integer(kbits, 1, 1 << 40):
        raise BadRequest("spec.network.kbits is a number above 0")
    return Network(mode, kbits)


def _text(value: dict[str, Any], name: str) -> str:
    text = value.get(name) or ""
    if not _is_text(text):
        raise BadRequest(f"spec.{name} is a text")
    return str(text)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value and len(value) <= MAX_TEXT


def is_integer(value: object, least: int, most: int) -> bool:
    """Whether a value of JSON is a whole number in a range."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
