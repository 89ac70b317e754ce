"""``termhub user`` and ``termhub token``: accounts of the hub on this machine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ..errors import BadRequest
from ..gateways.durations import parse_duration
from .consoles import JSON_OPTION
from .local import hub_address, local_settings, open_store, takes_data
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..config import Settings
    from ..store import Scope, Token, User

SCOPES: tuple[Scope, ...] = ("read", "write", "account", "admin")


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


def seconds_of(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """The seconds of a time span that an option takes."""
    try:
        return None if text is None else parse_duration(text)
    except BadRequest as error:
        raise click.BadParameter(error.message) from None


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
        "admin": each.is_admin,
        "suspended": when(each.suspended),
        "expires": when(each.expires),
    }


def _state(row: dict[str, Any]) -> str:
    words = ["admin" if row["admin"] else "", "suspended" if row["suspended"] else ""]
    words.append(f"until {row['expires']}" if row["expires"] else "")
    return ", ".join(word for word in words if word)


@user.command("add", short_help="Make an account.")
@click.argument("name")
@click.option("--plan", default=None, help="The plan of the account.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--no-password", is_flag=True, help="No password: it logs in by link or token.")
@click.option("--admin", "is_admin", is_flag=True, help="It may look after the hub.")
@JSON_OPTION
@takes_data
def add(
    name: str,
    plan: str | None,
    password_stdin: bool,
    no_password: bool,
    is_admin: bool,
    as_json: bool,
    data: str | None,
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
    _check_plan(settings, plan)
    has_password = password_stdin or (not no_password and sys.stdin.isatty())
    password = read_password(password_stdin) if has_password else None
    with open_store(settings) as database:
        made = add_user(
            database, name, plan=plan or settings.default_plan, password=password, is_admin=is_admin
        )
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
        ("name", "number", "plan", "created", "password", ""),
        [
            (
                r["name"],
                str(r["number"]),
                r["plan"],
                r["created"],
                "yes" if r["password"] else "no",
                _state(r),
            )
            for r in rows
        ],
    )


@user.command("rm", short_help="Remove an account.")
@click.argument("name")
@takes_data
def remove(name: str, data: str | None) -> None:
    """Remove the account NAME with its consoles and files.

    Nobody can use it from now on. The hub deletes what it has within seconds, or when it runs again.
    """
    from ..accounts.manage import remove_user

    with open_store(local_settings(data)) as database:
        remove_user(database, name)
    click.echo(f"The user {name} is closed for good; the hub removes its consoles and files.", err=True)


def _check_plan(settings: Settings, plan: str | None) -> None:
    if plan is not None and plan not in settings.plans:
        raise click.BadParameter(f"There is no plan {plan}; there are: {', '.join(settings.plans)}.")


def _change(data: str | None, name: str, said: str, **change: Any) -> None:
    from ..accounts.manage import change_user

    with open_store(local_settings(data)) as database:
        change_user(database, name, **change)
    click.echo(said, err=True)


@user.command("suspend", short_help="Let an account be used no more.")
@click.argument("name")
@takes_data
def suspend(name: str, data: str | None) -> None:
    """Let the account NAME be used no more, until `termhub user resume`.

    A hub that runs logs it out everywhere within ten seconds, and refuses its password, tokens and
    keys; what it shares is shared no longer meanwhile. Its consoles go on, slowed.
    """
    said = f"{name} is suspended. `termhub user resume {name}` lets it in again."
    _change(data, name, said, suspended=True)


@user.command("resume", short_help="Let a suspended account in again.")
@click.argument("name")
@takes_data
def resume(name: str, data: str | None) -> None:
    """Let the account NAME be used again."""
    _change(data, name, f"{name} may log in again.", suspended=False)


@user.command("plan", short_help="Give an account another plan.")
@click.argument("name")
@click.argument("plan")
@takes_data
def set_plan(name: str, plan: str, data: str | None) -> None:
    """Give the account NAME the plan PLAN, also for its running consoles where the kernel allows it."""
    _check_plan(local_settings(data), plan)
    _change(data, name, f"{name} has the plan {plan} now.", plan=plan)


@user.command("admin", short_help="Let an account look after the hub.")
@click.argument("name")
@click.option("--no", "resigns", is_flag=True, help="No longer.")
@takes_data
def set_admin(name: str, resigns: bool, data: str | None) -> None:
    """Let the account NAME look after the hub, or no longer with --no."""
    said = f"{name} looks after the hub {'no longer' if resigns else 'now'}."
    _change(data, name, said, is_admin=not resigns)


@user.command("sessions", short_help="List where an account is logged in.")
@click.argument("name")
@click.option("--end", "ended", metavar="NUMBER", type=int, multiple=True, help="Log this browser out.")
@click.option("--end-all", is_flag=True, help="Log all of its browsers out.")
@JSON_OPTION
@takes_data
def sessions(name: str, ended: tuple[int, ...], end_all: bool, as_json: bool, data: str | None) -> None:
    """List the browsers in which NAME is logged in, or log them out."""
    from ..accounts.manage import end_sessions, find_user

    if ended and end_all:
        raise click.UsageError("--end and --end-all exclude each other.")
    with open_store(local_settings(data)) as database:
        if ended or end_all:
            count = end_sessions(database, name, None if end_all else ended)
            click.echo(f"Logged {count} browser{'' if count == 1 else 's'} of {name} out.", err=True)
            return
        found = database.sessions(find_user(database, name).number)
    rows: list[dict[str, Any]] = [
        {
            "number": each.number,
            "created": when(each.created),
            "last_seen": when(each.last_seen),
            "address": each.address,
            "agent": each.agent,
        }
        for each in found
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("number", "since", "last seen", "address", "browser"),
        [(str(r["number"]), r["created"], r["last_seen"], r["address"], r["agent"]) for r in rows],
    )


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
        "scopes": [scope for scope in SCOPES if scope in each.scopes],
        "expires": when(each.expires),
    }


USER_OPTION = click.option("--user", "name", metavar="NAME", required=True, help="Whose token.")


@token.command("create", short_help="Make an API token.")
@USER_OPTION
@click.option("--label", default="", help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it is good for; may be given several times. All if not said.",
)
@click.option(
    "--expires", metavar="TIME", callback=seconds_of, help="How long, such as 30d; for ever if not said."
)
@JSON_OPTION
@takes_data
def create(
    name: str,
    label: str,
    scopes: tuple[Scope, ...],
    expires: float | None,
    as_json: bool,
    data: str | None,
) -> None:
    """Make an API token and print its secret, this once.

    With --scope read it only looks; write makes, uses and changes consoles; account changes the
    account and its credentials; admin looks after the hub, where its user may.
    """
    from ..accounts.manage import create_token

    with open_store(local_settings(data)) as database:
        made, secret = create_token(database, name, label, scopes or SCOPES, expires)
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
        ("number", "label", "created", "last used", "scopes", "expires"),
        [
            (
                str(r["number"]),
                r["label"],
                r["created"],
                r["last_used"] or "never",
                " ".join(r["scopes"]),
                r["expires"] or "never",
            )
            for r in rows
        ],
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
