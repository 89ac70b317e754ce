"""``termhub user`` and ``termhub token``: accounts of the hub on this machine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from .consoles import JSON_OPTION
from .local import hub_address, local_settings, open_store, takes_data
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..store import Token, User


@click.group(short_help="Manage the accounts of a hub here.")
def user() -> None:
    """Manage the accounts of the hub on this machine, whether it runs or not."""


@click.group(short_help="Manage the API tokens of a hub here.")
def token() -> None:
    """Manage the API tokens of accounts of the hub on this machine."""


def when(seconds: float | None) -> str | None:
    """A time of the store as UTC in ISO 8601, to the second."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def read_password(from_stdin: bool) -> str:
    """A password: the first line of standard input, or asked for twice.

    :raises click.UsageError: when there is nobody to ask.
    """
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise click.UsageError("--password-stdin was given, but standard input is empty.")
        return line
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for a password; give it with --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _user_row(each: User) -> dict[str, Any]:
    return {
        "name": each.name,
        "number": each.number,
        "plan": each.plan,
        "created": when(each.created),
        "password": each.password_hash is not None,
    }


@user.command("add", short_help="Make an account.")
@click.argument("name")
@click.option("--plan", default=None, help="The plan of the account.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--no-password", is_flag=True, help="No password: it logs in by link or token.")
@JSON_OPTION
@takes_data
def add(
    name: str, plan: str | None, password_stdin: bool, no_password: bool, as_json: bool, data: str | None
) -> None:
    """Make the account NAME.

    Its password is asked for, or read with --password-stdin. Without a terminal and without
    --password-stdin it has none, and logs in by a link (`termhub user link NAME`).
    """
    from ..accounts.manage import add_user, checked_name

    if password_stdin and no_password:
        raise click.UsageError("--password-stdin and --no-password exclude each other.")
    checked_name(name)
    settings = local_settings(data)
    if plan is not None and plan not in settings.plans:
        raise click.BadParameter(f"There is no plan {plan}; there are: {', '.join(settings.plans)}.")
    has_password = password_stdin or (not no_password and sys.stdin.isatty())
    password = read_password(password_stdin) if has_password else None
    with open_store(settings) as database:
        made = add_user(database, name, plan=plan or settings.default_plan, password=password)
    if as_json:
        print_json(_user_row(made))
    else:
        next_step = "" if has_password else f" `termhub user link {name}` makes a link to log in."
        click.echo(f"Made the user {name}.{next_step}", err=True)


@user.command("ls", short_help="List the accounts.")
@JSON_OPTION
@takes_data
def list_users(as_json: bool, data: str | None) -> None:
    """List the accounts."""
    with open_store(local_settings(data)) as database:
        rows = [_user_row(each) for each in database.users()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "number", "plan", "created", "password"),
        [
            (r["name"], str(r["number"]), r["plan"], r["created"], "yes" if r["password"] else "no")
            for r in rows
        ],
    )


@user.command("rm", short_help="Remove an account.")
@click.argument("name")
@takes_data
def remove(name: str, data: str | None) -> None:
    """Remove the account NAME, its tokens and logins. It must have no running console."""
    from ..accounts.manage import remove_user

    with open_store(local_settings(data)) as database:
        remove_user(database, name)
    click.echo(f"Removed the user {name}. The files in its home stay.", err=True)


@user.command("passwd", short_help="Set an account's password.")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--none", "no_password", is_flag=True, help="Take the password away.")
@takes_data
def passwd(name: str, password_stdin: bool, no_password: bool, data: str | None) -> None:
    """Set the password of the account NAME, and log it out everywhere."""
    from ..accounts.manage import find_user, set_password

    settings = local_settings(data)
    with open_store(settings) as database:
        find_user(database, name)
    password = None if no_password else read_password(password_stdin)
    with open_store(settings) as database:
        set_password(database, name, password)
    click.echo(f"{name} {'has no password' if no_password else 'has a new password'} now.", err=True)


@user.command("link", short_help="Make a one-time login link.")
@click.argument("name")
@takes_data
def link(name: str, data: str | None) -> None:
    """Print a link that logs NAME in once, within a day."""
    from ..accounts.manage import create_link

    settings = local_settings(data)
    with open_store(settings) as database:
        secret = create_link(database, name)
    click.echo(f"{hub_address(settings)}/#login={secret}")


def _token_row(each: Token) -> dict[str, Any]:
    return {
        "number": each.number,
        "label": each.label,
        "created": when(each.created),
        "last_used": when(each.last_used),
    }


USER_OPTION = click.option("--user", "name", metavar="NAME", required=True, help="Whose token.")


@token.command("create", short_help="Make an API token.")
@USER_OPTION
@click.option("--label", default="", help="What it is for.")
@JSON_OPTION
@takes_data
def create(name: str, label: str, as_json: bool, data: str | None) -> None:
    """Make an API token and print its secret, this once."""
    from ..accounts.manage import create_token

    with open_store(local_settings(data)) as database:
        made, secret = create_token(database, name, label)
    if as_json:
        print_json({**_token_row(made), "secret": secret})
    else:
        click.echo(secret)


@token.command("ls", short_help="List API tokens.")
@USER_OPTION
@JSON_OPTION
@takes_data
def list_tokens(name: str, as_json: bool, data: str | None) -> None:
    """List the API tokens of an account, without their secrets."""
    from ..accounts.manage import find_user

    with open_store(local_settings(data)) as database:
        rows = [_token_row(each) for each in database.tokens(find_user(database, name).number)]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("number", "label", "created", "last used"),
        [(str(r["number"]), r["label"], r["created"], r["last_used"] or "never") for r in rows],
    )


@token.command("revoke", short_help="Make API tokens useless.")
@click.argument("numbers", metavar="NUMBER...", nargs=-1, type=int, required=True)
@USER_OPTION
@takes_data
def revoke(numbers: tuple[int, ...], name: str, data: str | None) -> None:
    """Make the tokens of these numbers (`termhub token ls`) useless from now on."""
    from ..accounts.manage import revoke_token

    with open_store(local_settings(data)) as database:
        for number in numbers:
            revoke_token(database, name, number)
            click.echo(f"Revoked token {number}.", err=True)
