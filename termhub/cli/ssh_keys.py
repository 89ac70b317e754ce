"""``termhub key``: the keys of ssh that open one's account.

A person uses them through the hub's REST API, with their token; who may use the hub's data folder
can do it for anybody with ``--user``, whether the hub runs or not.  A key is looked at here before
it is sent anywhere: a private key never leaves this machine.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs
import click

from ..errors import BadRequest
from .accounts import when
from .consoles import JSON_OPTION
from .local import local_settings, open_store, takes_data
from .output import plain, print_json, print_table
from .profile import find_profile, profile_path
from .rest import Rest

if TYPE_CHECKING:
    from ..store import Database

F = TypeVar("F", bound=Callable[..., Any])

# The names under which ssh itself looks for keys, the best first.
_USUAL_NAMES = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")


class Keyring(Protocol):
    """The keys of one account; a key is a row of REST's ``KeyInfo``."""

    def add(self, text: str, label: str | None) -> dict[str, Any]:
        """Add the key in a line or file."""

    def all(self) -> list[dict[str, Any]]:
        """All, oldest first."""

    def remove(self, number: int) -> None:
        """Forget one."""


@attrs.frozen
class _OfHub:
    rest: Rest

    def add(self, text: str, label: str | None) -> dict[str, Any]:
        body = {"key": text} if label is None else {"key": text, "label": label}
        return dict(self.rest.call("POST", "keys", body=body))

    def all(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self.rest.call("GET", "keys")["keys"]]

    def remove(self, number: int) -> None:
        self.rest.call("DELETE", "keys", str(number))


@attrs.frozen
class _OfDatabase:
    database: Database
    name: str

    def add(self, text: str, label: str | None) -> dict[str, Any]:
        from ..accounts.manage import add_key

        return _row(add_key(self.database, self.name, text, label))

    def all(self) -> list[dict[str, Any]]:
        from ..accounts.manage import find_user

        return [_row(key) for key in self.database.keys(find_user(self.database, self.name).number)]

    def remove(self, number: int) -> None:
        from ..accounts.manage import remove_key

        remove_key(self.database, self.name, number)


def _row(key: Any) -> dict[str, Any]:
    return attrs.asdict(key, filter=attrs.filters.exclude("user", "blob"))


@contextmanager
def _open_keyring(
    host: str | None, token: str | None, name: str | None, data: str | None
) -> Iterator[Keyring]:
    if name is not None:
        with open_store(local_settings(data)) as database:
            yield _OfDatabase(database, name)
        return
    if data is not None:
        raise click.UsageError("--data names the folder of a hub here; it goes with --user NAME.")
    rest = Rest(find_profile(host, token, profile_path()))
    try:
        yield _OfHub(rest)
    finally:
        rest.close()


def _takes_keyring(command: F) -> F:
    """Give a command the options, and the keys of the account they name as its first argument."""

    @click.option("--host", metavar="URL", envvar="TERMHUB_HOST", help="The hub's address.")
    @click.option("--token", metavar="TOKEN", envvar="TERMHUB_TOKEN", help="An API token of yours there.")
    @click.option("--user", "name", metavar="NAME", help="Whose keys, on the hub's own machine.")
    @takes_data
    @functools.wraps(command)
    def with_keyring(
        *args: Any, host: str | None, token: str | None, name: str | None, data: str | None, **options: Any
    ) -> Any:
        with _open_keyring(host, token, name, data) as keyring:
            return command(keyring, *args, **options)

    return with_keyring  # type: ignore[return-value]


@click.group(short_help="Manage the keys that open your account by ssh.")
def key() -> None:
    """Manage the keys that open your account by ssh.

    They are those of the account you are logged in to (`termhub login`); on the hub's own machine
    those of any account with --user NAME.
    """


@key.command("add", short_help="Let a key open your account.")
@click.argument("file", required=False)
@click.option("--label", help="What to call it; else the comment in the key.")
@JSON_OPTION
@_takes_keyring
def add(keyring: Keyring, file: str | None, label: str | None, as_json: bool) -> None:
    """Let the public key in FILE open your account by ssh.

    FILE is a .pub file, or - for standard input. Without it, it is the first that there is of
    the keys that ssh uses by itself, such as ~/.ssh/id_ed25519.pub.
    """
    from ..accounts.public_keys import parse_public_key

    path = _usual_file() if file is None else file
    text = _read(path)
    parse_public_key(text)
    row = keyring.add(text, label)
    if as_json:
        print_json(_shown(row))
        return
    called = f" ({plain(row['label'])})" if row["label"] else ""
    click.echo(f"Added key {row['number']}{called}: {row['algorithm']} {row['fingerprint']}", err=True)


@key.command("ls", short_help="List the keys of your account.")
@JSON_OPTION
@_takes_keyring
def list_keys(keyring: Keyring, as_json: bool) -> None:
    """List the keys that open your account by ssh."""
    rows = [_shown(row) for row in keyring.all()]
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("There is no key. `termhub key add` adds the one that ssh uses by itself.", err=True)
    else:
        print_table(
            ("number", "label", "type", "fingerprint", "created", "last used"),
            [
                (
                    str(r["number"]),
                    r["label"],
                    r["algorithm"],
                    r["fingerprint"],
                    r["created"],
                    r["last_used"] or "never",
                )
                for r in rows
            ],
        )


@key.command("rm", short_help="Let keys open your account no more.")
@click.argument("keys", metavar="NUMBER|FINGERPRINT...", nargs=-1, required=True)
@_takes_keyring
def remove(keyring: Keyring, keys: tuple[str, ...]) -> None:
    """Let the keys of these numbers or fingerprints (`termhub key ls`) open your account no more."""
    rows = keyring.all()
    chosen = {row["number"]: row for row in (_find(rows, given) for given in keys)}
    for number, row in chosen.items():
        keyring.remove(number)
        click.echo(f"Removed key {number}: {row['fingerprint']}", err=True)


def _find(rows: list[dict[str, Any]], given: str) -> dict[str, Any]:
    bare = given.removeprefix("SHA256:").rstrip("=")
    for row in rows:
        if given == str(row["number"]) or bare == str(row["fingerprint"]).removeprefix("SHA256:"):
            return row
    raise BadRequest(f"There is no key {given}. `termhub key ls` lists those there are.", "no_such_key")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "created": when(row["created"]), "last_used": when(row["last_used"])}


def _usual_file() -> str:
    folder = Path.home() / ".ssh"
    for name in _USUAL_NAMES:
        if (folder / f"{name}.pub").is_file():
            return str(folder / f"{name}.pub")
    raise BadRequest(
        f"There is no public key in {folder}. Make a key with `ssh-keygen -t ed25519`, "
        "or name the file of another."
    )


def _read(path: str) -> str:
    """What is in a file, but no more of it than a key can have."""
    from ..accounts.public_keys import MAX_TEXT

    if path == "-":
        return sys.stdin.read(MAX_TEXT + 1)
    try:
        with open(path, "rb") as file:
            return file.read(MAX_TEXT + 1).decode("utf-8", "replace")
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from None
