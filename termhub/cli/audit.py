"""``termhub audit``: the audit log of the hub on this machine, whether it runs or not."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from .admin import print_audit
from .consoles import JSON_OPTION
from .local import local_settings, open_store, takes_data
from .output import print_json

_PAGE = 1000


@click.group(short_help="Check and read the audit log of a hub here.")
def audit() -> None:
    """Check and read what was done on the hub on this machine, whether it runs or not."""


def _hash(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    from ..store.audit_chain import HASH

    if text is not None and not HASH.fullmatch(text):
        raise click.BadParameter("a hash is 64 of 0-9 and a-f, as `termhub audit verify` prints it.")
    return text


@audit.command(short_help="Check that nothing in the log was changed.")
@click.option("--head", metavar="HASH", callback=_hash, help="What it printed earlier; noted elsewhere.")
@JSON_OPTION
@takes_data
def verify(head: str | None, as_json: bool, data: str | None) -> int:
    """Check that no entry of the audit log was changed, removed or put elsewhere.

    It prints the hash of the newest entry, the head. Note it where who can write here cannot: given with
    --head it also shows whether newer entries were cut off. Status 1: the log is not as it was written.
    """
    from ..store.audit_chain import Chain

    chain = Chain(head)
    with open_store(local_settings(data)) as database:
        after = 0
        while chain.broken is None and (page := database.audit.entries(after, _PAGE)):
            chain.follow(page)
            after = page[-1].number
    if as_json:
        broken = chain.broken
        print_json(
            {
                "whole": chain.is_whole,
                "entries": chain.count,
                "head": chain.head,
                "broken": None if broken is None else {"number": broken.number, "why": broken.why},
                "has_head": None if head is None else chain.has_noted,
            }
        )
        return 0 if chain.is_whole else 1
    if chain.broken is not None:
        click.echo(f"The log is broken at entry {chain.broken.number}: {chain.broken.why}.", err=True)
        click.echo(f"The {chain.count} entries before it are as they were written.", err=True)
    elif not chain.has_noted:
        click.echo(
            f"The {chain.count} entries fit together, but the one with the hash {head} is not among them: "
            "newer entries were cut off, or the log is another one.",
            err=True,
        )
    else:
        click.echo(f"All {chain.count} entries are as they were written.", err=True)
        click.echo(chain.head)
    return 0 if chain.is_whole else 1


@audit.command("ls", short_help="List what was done.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
@click.option("--all", "everything", is_flag=True, help="All, the oldest first.")
@JSON_OPTION
@takes_data
def list_entries(limit: int, everything: bool, as_json: bool, data: str | None) -> None:
    """List what was done: by whom, to whom, from where. With --json one object a line."""
    with open_store(local_settings(data)) as database:
        after = 0
        if not everything:
            newest = database.audit.newest(None, 1)
            after = max(0, newest[0].number - limit) if newest else 0
        while page := database.audit.entries(after, _PAGE):
            after = page[-1].number
            rows = [_row(each) for each in page]
            if as_json:
                sys.stdout.write("".join(json.dumps(row) + "\n" for row in rows))
            else:
                print_audit(rows)


def _row(entry: Any) -> dict[str, Any]:
    from attrs import asdict

    return {**asdict(entry), "detail": json.loads(entry.detail)}
