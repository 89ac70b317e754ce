"""Coming to a shared console by its link: ``termhub attach https://hub.example.org/s/thsh_…``."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import attrs
import click

from ..errors import BadRequest, TermhubError
from .output import patience, plain
from .profile import Profile, find_profile, hub_url, profile_path
from .rest import Rest

_PATH = "/s/"


@attrs.frozen
class Link:
    """Where a link leads: a hub's address, and the token that lets in there."""

    host: str
    token: str = attrs.field(repr=False)


def parse_link(text: str) -> Link | None:
    """The link in what a person gave as a console; None when it is no link.

    :raises BadRequest: when it is an address, but not that of a share.
    """
    if not text.startswith(("http://", "https://")):
        return None
    host = hub_url(text)
    path = urlsplit(text).path
    token = path.removeprefix(_PATH)
    if not path.startswith(_PATH) or not token or "/" in token:
        raise BadRequest("This address is no link to a shared console; such links have /s/ in them.")
    return Link(host, token)


@contextmanager
def come_by(link: Link, known: Profile) -> Iterator[tuple[Rest, dict[str, Any]]]:
    """Come in by a link: as the account that is logged in at its hub, else as a guest.

    :param known: the hub that the options and the settings name, and our token there, which is
        sent to no other.
    :returns: the hub, as who has come in, and the console.
    """
    profile = known if known.host == link.host else find_profile(link.host, None, profile_path())
    rest = Rest(profile)
    try:
        body = {"token": link.token}
        if not profile.token:
            with patience("Looking at the link"):
                seen = rest.call("POST", "shares", "look", body=body)
            body["name"] = _name(seen)
        try:
            taken = _take(rest, body)
        except TermhubError as error:
            if error.code != "passphrase_needed" or not sys.stdin.isatty():
                raise
            body["passphrase"] = click.prompt("Pass-phrase", hide_input=True, err=True)
            taken = _take(rest, body)
        yield rest, dict(rest.call("GET", "consoles", taken["console"]))
    finally:
        rest.close()


def _take(rest: Rest, body: dict[str, str]) -> dict[str, Any]:
    with patience("Coming in"):
        return dict(rest.call("POST", "shares", "take", body=body))


def _name(seen: dict[str, Any]) -> str:
    """What a guest wants to be called."""
    if not sys.stdin.isatty():
        raise BadRequest("There is no terminal to ask for a name; log in with `termhub login` first.")
    console = f"the console {plain(str(seen['name']))}" if seen.get("name") else "a console"
    click.echo(f"{plain(str(seen['owner']))} shares {console} with you, as {seen['role']}.", err=True)
    return str(click.prompt("Your name", default=getpass.getuser(), err=True))
