"""``termhub new``, ``ls``, ``kill`` and ``rename``: consoles over the REST API."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from ..errors import NoSuchConsole, NotAllowed, TermhubError
from ..gateways.listing import console_table
from .attach import PREFIX_OPTION, size
from .directory import console_key, replaceable
from .output import patience, plain, print_json, print_table
from .remote import takes_hub
from .rest import Rest
from .session import run_session

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.command(short_help="Make a console and attach to it.")
@click.argument("name", required=False)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@click.option("-p", "--program", help="python, ipython, ptpython or bash; the hub chooses otherwise.")
@click.option("-i", "--image", help="The Python to use, such as 3.13.")
@click.option("-e", "--env", "variables", metavar="NAME=VALUE", multiple=True, help="A variable for it.")
@click.option("-d", "--detached", is_flag=True, help="Do not attach.")
@click.option("-A", "existing", is_flag=True, help="If a console of this name runs, attach to it.")
@click.option(
    "--no-post-mortem",
    is_flag=True,
    help="Let a program of your own just end where it fails, instead of waiting in pdb.",
)
@PREFIX_OPTION
@JSON_OPTION
@takes_hub
def new(
    rest: Rest,
    name: str | None,
    argv: tuple[str, ...],
    program: str | None,
    image: str | None,
    variables: tuple[str, ...],
    detached: bool,
    existing: bool,
    no_post_mortem: bool,
    prefix: bytes | None,
    as_json: bool,
) -> int:
    """Make a console named NAME, and attach this terminal to it.

    Words after NAME are a program of your own and its arguments; put -- before them if they
    begin with a dash: termhub new build -- make -j4

    Without a terminal, and with -d or --json, it is only made.
    """
    wanted: dict[str, Any] = {"name": name, "image": image, "program": program, **size()}
    if argv:
        wanted.update(program=program or "script", argv=list(argv))
    if variables:
        wanted["env"] = _parse_variables(variables)
    if no_post_mortem:
        wanted["post_mortem"] = False
    body = {key: value for key, value in wanted.items() if value is not None}
    with patience("Making the console"):
        console = replaceable(rest, name) if existing and name else None
        if console is None:
            console = rest.call("POST", "consoles", body=body)
    if as_json:
        print_json(console)
        return 0
    if detached or not (sys.stdin.isatty() and sys.stdout.isatty()):
        click.echo(console["name"])
        return 0
    return run_session(rest, console, prefix=prefix)


def _parse_variables(variables: tuple[str, ...]) -> dict[str, str]:
    parsed = {}
    for each in variables:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE.", param_hint="--env")
        parsed[name] = value
    return parsed


@click.command(short_help="List your consoles, and those shared with you.")
@JSON_OPTION
@takes_hub
def ls(rest: Rest, as_json: bool) -> None:
    """List your consoles and those shared with you, those that have ended too."""
    with patience("Asking the hub"):
        consoles: list[dict[str, Any]] = rest.call("GET", "consoles")["consoles"]
        # Whose they are is asked for only where a person reads it.
        me = str(rest.call("GET", "me")["name"]) if consoles and not as_json else ""
    if as_json:
        print_json(consoles)
        return
    if not consoles:
        click.echo("No consoles. `termhub new` makes one.", err=True)
        return
    print_table(*console_table(consoles, time.time(), me))


@click.command(short_help="End consoles.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Also take them, and their last screens, off the list.")
@takes_hub
def kill(rest: Rest, names: tuple[str, ...], remove: bool) -> int:
    """End the consoles of these names or ids, and all that runs in them."""
    failed = False
    for name in names:
        try:
            with patience(f"Ending {plain(name)}"):
                query = {"remove": "true"} if remove else None
                rest.call("DELETE", "consoles", console_key(rest, name), query=query)
            click.echo(f"Ended {plain(name)}.", err=True)
        except TermhubError as error:
            if not isinstance(error, NoSuchConsole | NotAllowed):
                raise
            message = error.message
            if isinstance(error, NoSuchConsole):
                message = f"You have no console named {plain(name)}; `termhub ls` lists yours."
            click.echo(f"termhub: {message}", err=True)
            failed = True
    return int(failed)


@click.command(short_help="Give a console another name.")
@click.argument("name")
@click.argument("new_name")
@JSON_OPTION
@takes_hub
def rename(rest: Rest, name: str, new_name: str, as_json: bool) -> None:
    """Give the console NAME the name NEW_NAME."""
    with patience("Renaming"):
        console = rest.call("PATCH", "consoles", console_key(rest, name), body={"name": new_name})
    if as_json:
        print_json(console)
    else:
        click.echo(f"{plain(name)} is {plain(console['name'])} now.", err=True)
