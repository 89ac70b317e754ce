"""``termhub usage`` and ``termhub admin usage``: what one has used, and what everybody has."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from ..gateways.bills import bill_csv
from ..gateways.sizes import size_words
from .consoles import JSON_OPTION
from .output import patience, plain, print_json, print_table
from .remote import takes_hub
from .rest import Rest


@click.command(short_help="Show what you have used, and what is left.")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How many days.")
@JSON_OPTION
@takes_hub
def usage(rest: Rest, days: int, as_json: bool) -> None:
    """Show what your consoles used on the last days (UTC), and what is left of your plan."""
    with patience("Asking the hub"):
        found = rest.call("GET", "usage", query={"days": str(days)})
    if as_json:
        print_json(found)
        return
    for line in _left(found, time.time()):
        click.echo(line)
    rows = [(day["day"], *_used(day)) for day in found["days"]]
    if rows:
        click.echo("")
        print_table(("day", *_HEAD), rows)


@click.command("usage", short_help="Show what everybody used in a month.")
@click.option(
    "--month",
    type=click.DateTime(["%Y-%m"]),
    metavar="YYYY-MM",
    help="Which; this one if it is not said (UTC).",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for bills and spreadsheets.")
@JSON_OPTION
@takes_hub
def admin_usage(rest: Rest, month: datetime | None, as_csv: bool, as_json: bool) -> None:
    """Show what everybody used in a month, also accounts that are no more."""
    asked = (month or datetime.now(UTC)).strftime("%Y-%m")
    with patience("Asking the hub"):
        bill = rest.call("GET", "admin", "usage", query={"month": asked})
    if as_csv:
        sys.stdout.write(bill_csv(bill["month"], bill["rows"]))
    elif as_json:
        print_json(bill)
    else:
        print_table(
            ("user", "plan", *_HEAD),
            [
                (plain(row["name"] or f"({row['number']})"), plain(row["plan"] or ""), *_used(row))
                for row in bill["rows"]
            ],
        )


_HEAD = ("cpu", "memory GiB h", "disk GiB h", "in", "out", "console h")


def _used(use: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{use['cpu_seconds']:.1f} s",
        f"{use['memory_gib_hours']:.2f}",
        f"{use['disk_gib_hours']:.2f}",
        size_words(use["network_in"]),
        size_words(use["network_out"]),
        f"{use['console_hours']:.1f}",
    )


def _left(found: dict[str, Any], now: float) -> list[str]:
    """What there is of the plan and what is left of it, a line each."""
    today, home, consoles = found["today"], found["home"], found["consoles"]
    allowance = today["allowance_seconds"]
    cpu = f"CPU today  {today['cpu_seconds']:.1f} s"
    if allowance is not None:
        minutes = max(0, round((today["resets"] - now) / 60))
        cpu += f" of {allowance} s; begins anew in {minutes // 60} h {minutes % 60} min"
    if today["slowed"]:
        cpu += "; your consoles are slowed"
    most_bytes = None if home["limit_bytes"] is None else size_words(home["limit_bytes"])
    if home["bytes"] is None:
        held = "not known yet" if most_bytes is None else f"not known yet, at most {most_bytes}"
    else:
        held = size_words(home["bytes"]) + ("" if most_bytes is None else f" of {most_bytes}")
    if home["files"] is not None:
        most = "" if home["limit_files"] is None else f" of {home['limit_files']}"
        held += f", {home['files']}{most} files"
    return [
        f"Plan       {plain(found['plan'])}",
        cpu,
        f"Home       {held}",
        f"Consoles   {consoles['running']} of {consoles['limit']}",
    ]
