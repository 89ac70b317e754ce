"""``termhub login`` and ``logout``: an API token for this machine, saved for later commands."""

from __future__ import annotations

import getpass
import socket
import sys
from urllib.parse import urlsplit

import click

from ..errors import BadRequest, NotLoggedIn, TermhubError
from .local import hub_address, is_usable, local_settings, open_store, takes_data
from .output import patience
from .profile import DEFAULT_HOST, Profile, hub_url, profile_path, save_profile, saved_profile
from .rest import Rest


@click.command(short_help="Log in to a hub and remember it.")
@click.argument("url", required=False, envvar="TERMHUB_HOST")
@click.option("--name", help="Your name there.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--token", metavar="TOKEN", envvar="TERMHUB_TOKEN", help="Save this API token.")
@takes_data
def login(
    url: str | None, name: str | None, password_stdin: bool, token: str | None, data: str | None
) -> None:
    """Log in to the hub at URL (http://127.0.0.1:8000 if there is none) and remember it.

    Your name and password are asked for. The one-time link that the hub printed may stand for
    URL, and on the machine of the hub, whoever may use its data folder needs no password.
    What is saved is a token made for this, readable for you only; `termhub logout` revokes it.
    """
    address, _, link = (url or "").partition("/#login=")
    host = hub_url(address) if address else _usual_host(data)
    if token:
        profile = Profile(host, token)
    elif link:
        profile = _by_session(host, link=link)
    elif name is None and not password_stdin and _is_local(host, data):
        profile = _by_store(host, data)
    else:
        profile = _by_password(host, name, password_stdin)
    rest = Rest(profile)
    with patience(f"Logging in to {host}"):
        me = rest.call("GET", "me")
    rest.close()
    save_profile(profile_path(), profile)
    click.echo(f"Logged in to {host} as {me['name']}.", err=True)


def _label() -> str:
    return f"termhub login on {socket.gethostname()}"[:100]


def _by_session(host: str, **credentials: str) -> Profile:
    rest = Rest(Profile(host))
    try:
        with patience(f"Logging in to {host}"):
            rest.log_in(**credentials)
            token = rest.call("POST", "tokens", body={"label": _label()})
            rest.call("POST", "logout")
    finally:
        rest.close()
    return Profile(host, token["secret"], token["number"])


def _by_password(host: str, name: str | None, password_stdin: bool) -> Profile:
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        name = name or click.prompt("Name", default=getpass.getuser(), err=True)
        password = click.prompt("Password", hide_input=True, err=True)
    else:
        raise click.UsageError("There is no terminal to ask; give --name and --password-stdin, or --token.")
    if not name:
        raise click.UsageError("--password-stdin needs --name.")
    return _by_session(host, name=name, password=password)


def _usual_host(data: str | None) -> str:
    """The hub whose data folder is named or is the usual one, where it runs now; else the default."""
    try:
        return hub_url(hub_address(local_settings(data)))
    except TermhubError:
        if data:
            raise
        return DEFAULT_HOST


def _is_local(host: str, data: str | None) -> bool:
    """Whether the hub at this address is the one whose data folder we may use."""
    try:
        settings = local_settings(data)
        return is_usable(settings) and hub_url(hub_address(settings)) == host
    except TermhubError:
        return False


def _by_store(host: str, data: str | None) -> Profile:
    from ..accounts.manage import create_token

    with open_store(local_settings(data)) as database:
        names = [each.name for each in database.users()]
        if not names:
            raise BadRequest("The hub has no users yet. `termhub user add NAME` makes one.")
        name = getpass.getuser() if getpass.getuser() in names else "admin"
        if name not in names:
            if len(names) > 1:
                raise BadRequest(f"Say who you are: --name and one of {', '.join(names)}.")
            name = names[0]
        token, secret = create_token(database, name, _label())
        return Profile(host, secret, token.number)


@click.command(short_help="Forget the hub and revoke its token here.")
def logout() -> None:
    """Revoke the token that `termhub login` made, and forget it."""
    path = profile_path()
    profile = saved_profile(path)
    if profile is None or not profile.token:
        raise NotLoggedIn("You are not logged in.")
    rest = Rest(profile)
    try:
        with patience(f"Logging out of {profile.host}"):
            if profile.number is not None:
                rest.call("DELETE", "tokens", str(profile.number))
    finally:
        rest.close()
        path.unlink(missing_ok=True)
    click.echo(f"Logged out of {urlsplit(profile.host).netloc}.", err=True)
