"""``termhub share``, ``shares`` and ``unshare``: let others attach to a console, and no more."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from ..gateways.sharing import MEMBER_HEAD, SHARE_HEAD, member_rows, share_notes, share_results, share_rows
from .accounts import seconds_of
from .consoles import JSON_OPTION
from .directory import console_key
from .output import patience, plain, print_json, print_table
from .remote import takes_hub
from .rest import Rest


@click.command(short_help="Let others attach to a console.")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["observer", "writer", "owner"]),
    default="observer",
    show_default=True,
    help="What they may do: look on; type too; or also rename, end and share it.",
)
@click.option("--user", metavar="USER", help="An account of the hub that it is for, instead of a link.")
@click.option(
    "--expires", metavar="TIME", callback=seconds_of, help="How long, such as 90m or 2h; 1d if not said."
)
@click.option(
    "--uses", type=click.IntRange(min=1), help="How many may come by the link; any number if not said."
)
@click.option(
    "--passphrase-stdin", is_flag=True, help="A pass-phrase that the link needs is on standard input."
)
@JSON_OPTION
@takes_hub
def share(
    rest: Rest,
    name: str,
    role: str,
    user: str | None,
    expires: float | None,
    uses: int | None,
    passphrase_stdin: bool,
    as_json: bool,
) -> None:
    """Share the console NAME: print a link, and the ssh command that takes it.

    Whoever has the link can attach to this console and to nothing else of yours, with or without
    an account, until it expires or `termhub unshare` takes it back. With --user there is no link:
    that account finds the console in its list.
    """
    if user is not None and (uses is not None or passphrase_stdin):
        raise click.UsageError("--uses and --passphrase-stdin are for links; --user makes none.")
    wanted: dict[str, Any] = {"user": user, "expires": expires, "uses": uses}
    if passphrase_stdin:
        wanted["passphrase"] = sys.stdin.readline().rstrip("\r\n")
        if not wanted["passphrase"]:
            raise click.UsageError("There is no pass-phrase on standard input.")
    body = {"role": role, **{key: value for key, value in wanted.items() if value is not None}}
    with patience("Sharing"):
        made = rest.call("POST", "consoles", console_key(rest, name), "shares", body=body)
    if as_json:
        print_json(made)
        return
    for line in share_results(made):
        click.echo(line)
    for line in share_notes(made, name, time.time(), "termhub unshare"):
        click.echo(line, err=True)


@click.command(short_help="List a console's shares.")
@click.argument("name")
@JSON_OPTION
@takes_hub
def shares(rest: Rest, name: str, as_json: bool) -> None:
    """List the shares of the console NAME, and who came by them."""
    with patience("Asking the hub"):
        found: dict[str, Any] = rest.call("GET", "consoles", console_key(rest, name), "shares")
    if as_json:
        print_json(found)
        return
    if not found["shares"]:
        click.echo(f"{plain(name)} is not shared. `termhub share {plain(name)}` shares it.", err=True)
        return
    print_table(SHARE_HEAD, share_rows(found["shares"], time.time()))
    if found["members"]:
        click.echo()
        print_table(MEMBER_HEAD, member_rows(found["members"], time.time()))


@click.command(short_help="Take shares of a console back.")
@click.argument("name")
@click.argument("share_id", metavar="SHARE", required=False)
@click.option("--all", "every", is_flag=True, help="Every share of the console.")
@takes_hub
def unshare(rest: Rest, name: str, share_id: str | None, every: bool) -> None:
    """Take the share SHARE of the console NAME back, or all of them.

    Who is attached by it has to leave at once. `termhub shares NAME` lists them.
    """
    if (share_id is None) != every:
        raise click.UsageError("Say which share, or --all.")
    with patience("Taking it back"):
        key = console_key(rest, name)
        chosen = [share_id]
        if every:
            chosen = [each["id"] for each in rest.call("GET", "consoles", key, "shares")["shares"]]
        for each in chosen:
            rest.call("DELETE", "consoles", key, "shares", str(each))
    count = len(chosen)
    click.echo(f"{count} share{'' if count == 1 else 's'} of {plain(name)} taken back.", err=True)
