"""``termhub admin``: looking after a hub over its REST API, from anywhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import click

from ..gateways.sizes import size_words
from .accounts import read_password, when
from .consoles import JSON_OPTION
from .output import age, patience, plain, print_json, print_table
from .remote import takes_hub
from .rest import Rest
from .usage import admin_usage

_PAGE = "500"


@click.group(short_help="Look after a hub: users, consoles, load.")
def admin() -> None:
    """Look after a hub, as an account that may (`termhub user ls` on its machine says which).

    It takes a token with the scope admin. Nothing here shows what is in a console.
    """


def _rows(rest: Rest, *path: str) -> Iterator[dict[str, Any]]:
    """The rows of all pages of a list."""
    query = {"limit": _PAGE}
    while True:
        page = rest.call("GET", "admin", *path, query=query)
        yield from page[path[-1]]
        if not page.get("after"):
            return
        query["after"] = page["after"]


# -- users ---------------------------------------------------------------------------


@admin.command(short_help="List the accounts.")
@JSON_OPTION
@takes_hub
def users(rest: Rest, as_json: bool) -> None:
    """List the accounts, and what they use today."""
    with patience("Asking the hub"):
        found = list(_rows(rest, "users"))
    if as_json:
        print_json(found)
        return
    now = time.time()
    print_table(
        ("name", "plan", "state", "consoles", "cpu today", "home", "last seen"),
        [
            (
                each["name"],
                each["plan"],
                _state(each),
                str(each["consoles"]),
                f"{each['cpu_seconds_today']:.0f} s",
                size_words(each["home_bytes"]),
                "never" if each["last_seen"] is None else age(now - each["last_seen"]),
            )
            for each in found
        ],
    )


def _state(user: dict[str, Any]) -> str:
    if user["suspended"] is not None:
        return "suspended"
    if user["expires"] is not None:
        return "visitor"
    return "admin" if user["is_admin"] else ""


@admin.command(short_help="Make an account.")
@click.argument("name")
@click.option("--plan", help="Its plan; the hub's default if not said.")
@click.option("--admin", "is_admin", is_flag=True, help="It looks after the hub.")
@click.option("--password-stdin", is_flag=True, help="Read a password from standard input.")
@JSON_OPTION
@takes_hub
def add(rest: Rest, name: str, plan: str | None, is_admin: bool, password_stdin: bool, as_json: bool) -> None:
    """Make the account NAME, and print a link that logs it in once, within a day."""
    wanted: dict[str, Any] = {"name": name, "is_admin": is_admin}
    if plan is not None:
        wanted["plan"] = plan
    if password_stdin:
        wanted["password"] = read_password(True)
    with patience("Making the account"):
        made = rest.call("POST", "admin", "users", body=wanted)
    if as_json:
        print_json(made)
        return
    click.echo(f"Made the user {plain(name)} on the plan {made['plan']}.", err=True)
    click.echo(made["login_link"])


@admin.command(short_help="Make a link that logs an account in.")
@click.argument("name")
@takes_hub
def link(rest: Rest, name: str) -> None:
    """Print a link that logs NAME in once, within a day."""
    with patience("Asking the hub"):
        click.echo(rest.call("POST", "admin", "users", name, "link")["url"])


def _change(rest: Rest, name: str, said: str, **change: Any) -> None:
    with patience("Asking the hub"):
        rest.call("PATCH", "admin", "users", name, body=change)
    click.echo(f"{plain(name)} {said}.", err=True)


@admin.command(short_help="Suspend an account.")
@click.argument("name")
@click.option("--end-consoles", is_flag=True, help="End its consoles too; otherwise they go on, slowly.")
@takes_hub
def suspend(rest: Rest, name: str, end_consoles: bool) -> None:
    """Let nobody in as NAME until `termhub admin resume`; who is connected is sent away at once."""
    _change(rest, name, "is suspended", suspended=True, end_consoles=end_consoles)


@admin.command(short_help="Let a suspended account in again.")
@click.argument("name")
@takes_hub
def resume(rest: Rest, name: str) -> None:
    """Let NAME in again."""
    _change(rest, name, "may come in again", suspended=False)


@admin.command(short_help="Give an account another plan.")
@click.argument("name")
@click.argument("plan_name", metavar="PLAN")
@takes_hub
def plan(rest: Rest, name: str, plan_name: str) -> None:
    """Give NAME the plan PLAN; its running consoles follow where the kernel allows it."""
    _change(rest, name, f"has the plan {plain(plan_name)} now", plan=plan_name)


@admin.command(short_help="Let an account look after the hub.")
@click.argument("name")
@takes_hub
def grant(rest: Rest, name: str) -> None:
    """Let NAME look after the hub."""
    _change(rest, name, "looks after the hub now", is_admin=True)


@admin.command(short_help="Let an account look after the hub no longer.")
@click.argument("name")
@takes_hub
def revoke(rest: Rest, name: str) -> None:
    """Let NAME look after the hub no longer; somebody else always does."""
    _change(rest, name, "looks after the hub no longer", is_admin=False)


@admin.command(short_help="Remove an account and all that it has.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@takes_hub
def rm(rest: Rest, name: str, yes: bool) -> None:
    """Remove the account NAME with its consoles, shares, credentials and files. There is no way back.

    NAME can take everything along before, with `termhub export`.
    """
    if not (yes or _agrees(f"Remove {plain(name)}, with all consoles and files?")):
        raise click.Abort
    with patience(f"Removing {plain(name)}"):
        rest.call("DELETE", "admin", "users", name)
    click.echo(f"Removed {plain(name)}.", err=True)


def _agrees(question: str) -> bool:
    """Ask; :raises click.UsageError: when nobody answers."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("There is no terminal to ask; give --yes to do it for good.") from None


# -- consoles --------------------------------------------------------------------------


@admin.command(short_help="List everybody's consoles that run.")
@JSON_OPTION
@takes_hub
def consoles(rest: Rest, as_json: bool) -> None:
    """List everybody's consoles that run, and what they use."""
    with patience("Asking the hub"):
        found = list(_rows(rest, "consoles"))
    if as_json:
        print_json(found)
        return
    now = time.time()
    print_table(
        ("id", "console", "program", "active", "viewers", "cpu", "memory"),
        [
            (
                each["id"],
                f"{each['owner']}/{each['name']}",
                each["program"],
                age(now - each["last_activity"]),
                str(each["viewers"]),
                _cpu(each),
                size_words(each["memory_bytes"]),
            )
            for each in found
        ],
    )


def _cpu(console: dict[str, Any]) -> str:
    percent = console["cpu_percent"]
    text = "-" if percent is None else f"{percent:.0f} %"
    return f"{text} slowed" if console["slowed"] else text


@admin.command(short_help="End somebody's console.")
@click.argument("id")
@click.option("--reason", default="", help="What its people are told.")
@takes_hub
def end(rest: Rest, id: str, reason: str) -> None:
    """End the console of this id (`termhub admin consoles`) and all that runs in it.

    Its owner finds it listed, with its last screen and the reason.
    """
    with patience(f"Ending {plain(id)}"):
        rest.call("POST", "admin", "consoles", id, "end", body={"reason": reason})
    click.echo(f"Ended {plain(id)}.", err=True)


# -- the hub -----------------------------------------------------------------------------


@admin.command(short_help="Say how loaded the hub is.")
@JSON_OPTION
@takes_hub
def load(rest: Rest, as_json: bool) -> None:
    """Say how loaded the hub and its machine are, and what holds consoles to their limits there."""
    with patience("Asking the hub"):
        found = rest.call("GET", "admin", "load")
    if as_json:
        print_json(found)
        return
    loads = " ".join(f"{each:.2f}" for each in found["load"])
    taking = "draining: no new consoles" if found["draining"] else "taking new consoles"
    lines = [
        ("hub", f"termhub {found['version']}, since {when(found['started'])}, {taking}"),
        ("consoles", f"{found['consoles']} running, {found['viewers']} viewers"),
        ("load", f"{loads} on {found['cpus']} processors"),
        ("memory", f"{size_words(found['memory_available'])} of {size_words(found['memory_total'])} free"),
        ("disk", f"{size_words(found['disk_free'])} of {size_words(found['disk_total'])} free"),
        ("isolation", found["isolation"]),
    ]
    for name, text in lines:
        click.echo(f"{name:10}{plain(text)}")
    if found["means"]:
        click.echo()
        print_table(
            ("limit", "enforced", "by"),
            [(each["name"], "yes" if each["enforced"] else "no", each["by"]) for each in found["means"]],
        )


def _drain(rest: Rest, draining: bool) -> None:
    with patience("Asking the hub"):
        rest.call("PUT", "admin", "drain", body={"draining": draining})


@admin.command(short_help="Take no new consoles.")
@takes_hub
def drain(rest: Rest) -> None:
    """Take no new consoles, also after a restart, until `termhub admin undrain`. Those that run go on."""
    _drain(rest, True)
    click.echo("The hub takes no new consoles now; `termhub admin undrain` ends that.", err=True)


@admin.command(short_help="Take new consoles again.")
@takes_hub
def undrain(rest: Rest) -> None:
    """Take new consoles again."""
    _drain(rest, False)
    click.echo("The hub takes new consoles again.", err=True)


admin.add_command(admin_usage)


@admin.command(short_help="Say what was done.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@JSON_OPTION
@takes_hub
def audit(rest: Rest, limit: int, as_json: bool) -> None:
    """Say what was done last, by whom and from where.

    `termhub audit verify`, on the hub's machine, checks the log.
    """
    with patience("Asking the hub"):
        entries = rest.call("GET", "admin", "audit", query={"limit": str(limit)})["entries"]
    if as_json:
        print_json(entries)
    else:
        print_audit(entries)


def print_audit(entries: list[dict[str, Any]]) -> None:
    """Entries of the audit log as a table."""
    print_table(
        ("number", "time", "who", "action", "subject", "detail", "from"),
        [
            (
                str(each["number"]),
                when(each["time"]) or "",
                each["actor"] or ("-" if each["address"] else "hub"),
                each["action"],
                each["subject"],
                ", ".join(f"{name} {value}" for name, value in each["detail"].items()),
                each["address"],
            )
            for each in entries
        ],
    )
