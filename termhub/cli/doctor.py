"""``termhub doctor``: what works on this machine, what is enforced, and what to install."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from .consoles import JSON_OPTION
from .local import takes_data
from .output import has_colour, patience, plain, print_json

_MARKS: Mapping[str, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "weak": ("!", "yellow"),
    "missing": ("!!", "red"),
}


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (TOML).")
@JSON_OPTION
@takes_data
def doctor(config: Path | None, as_json: bool, data: str | None) -> int:
    """Say what works on this machine, which limits are enforced here, and what to install.

    Before the first start, and at any time later. `ok` is well; `!` works, with less than there could be;
    `!!` is needed and not there: then the exit status is 1.
    """
    from ..config import load
    from .health import findings

    settings = load(config, options={"data": data})
    with patience("Looking"):
        found = list(findings(settings))
    works = all(each.state != "missing" for each in found)
    if as_json:
        rows = [
            {"part": each.part, "state": each.state, "text": each.text, "advice": each.advice}
            for each in found
        ]
        print_json({"works": works, "findings": rows})
        return 0 if works else 1
    width = max(len(each.part) for each in found)
    for each in found:
        mark, colour = _MARKS[each.state]
        shown = click.style(f"{mark:2}", fg=colour) if has_colour() else f"{mark:2}"
        click.echo(f"{shown}  {each.part:{width}}  {plain(each.text)}")
        if each.advice and each.state != "ok":
            click.echo(f"{'':{width + 4}}  -> {plain(each.advice)}")
    if not works:
        click.echo("What is marked !! is needed.", err=True)
    return 0 if works else 1
