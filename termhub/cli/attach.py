"""``termhub attach``: which console to show in this terminal, and how."""

from __future__ import annotations

import os
from typing import Any

import click

from ..errors import NoSuchConsole, TermhubError
from .directory import find_console, replaceable
from .keys import parse_prefix
from .links import come_by, parse_link
from .output import patience
from .remote import takes_hub
from .rest import Rest
from .session import run_session


def _prefix(context: click.Context, option: click.Parameter, text: str) -> bytes | None:
    try:
        return parse_prefix(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


PREFIX_OPTION = click.option(
    "--prefix",
    default="C-b",
    callback=_prefix,
    show_default=True,
    help="The prefix key, such as C-a; none for no prefix.",
)


@click.command(short_help="Show a console in this terminal.")
@click.argument("name", required=False)
@click.option("-A", "create", is_flag=True, help="Make the console if there is none of this name.")
@click.option("-d", "--detach-others", is_flag=True, help="Close it in all other terminals and browsers.")
@click.option("-r", "--read-only", is_flag=True, help="Watch only; type nothing.")
@click.option("-w", "--window", type=click.IntRange(0, 0xFFFE), default=0, help="The window to show.")
@PREFIX_OPTION
@takes_hub
def attach(
    rest: Rest,
    name: str | None,
    create: bool,
    detach_others: bool,
    read_only: bool,
    window: int,
    prefix: bytes | None,
) -> int:
    """Show the console NAME in this terminal: a name, an id, or OWNER/NAME where somebody shares it.

    NAME may also be the link of a share: it is taken by your account if you are logged in at that
    hub, and otherwise you come as a guest. Without NAME it is the console that was used last.

    Detach with C-b d, or with ~. at the start of a line; the console goes on. C-b ? lists the
    other keys.
    """
    if detach_others and read_only:
        raise click.UsageError("-d and -r exclude each other: who only watches detaches nobody.")

    def show(hub: Rest, console: dict[str, Any]) -> int:
        if console.get("state") == "ended":
            raise TermhubError(
                f"The console {console['name']} has ended ({console.get('reason') or 'no reason known'}). "
                f"`termhub new` makes another."
            )
        return run_session(
            hub, console, window=window, read_only=read_only, prefix=prefix, detach_others=detach_others
        )

    link = None if name is None else parse_link(name)
    if link is not None:
        with come_by(link, rest.profile) as (hub, console):
            return show(hub, console)
    with patience("Looking for the console"):
        found = _find(rest, name, create)
    return show(rest, found)


def _find(rest: Rest, name: str | None, create: bool) -> dict[str, Any]:
    if name is None:
        living = [each for each in rest.call("GET", "consoles")["consoles"] if each["state"] != "ended"]
        if living:
            console: dict[str, Any] = max(living, key=lambda each: float(each["last_activity"]))
            return console
        if create:
            return dict(rest.call("POST", "consoles", body=size()))
        raise NoSuchConsole("You have no running console. `termhub new` makes one.")
    found = replaceable(rest, name) if create else find_console(rest, name)
    if found is not None:
        return found
    if create:
        return dict(rest.call("POST", "consoles", body={"name": name, **size()}))
    raise NoSuchConsole(
        f"You have no console named {name}. `termhub ls` lists yours; `termhub new {name}` makes it."
    )


def size() -> dict[str, int]:
    """This terminal's size as the arguments of a new console; nothing where there is none."""
    try:
        cols, rows = os.get_terminal_size()
    except OSError:
        return {}
    return {"cols": cols, "rows": rows} if cols > 1 and rows > 0 else {}
