"""Which console a person means: by name, by id, or as ``OWNER/NAME`` where somebody shares it."""

from __future__ import annotations

from typing import Any

from ..errors import NoSuchConsole
from .output import plain
from .rest import Rest


def find_console(rest: Rest, name: str) -> dict[str, Any] | None:
    """The console of this name or id, as REST describes it; None when there is none for us."""
    try:
        return dict(rest.call("GET", "consoles", name)) if "/" not in name else _shared(rest, name)
    except NoSuchConsole:
        return None


def console_key(rest: Rest, name: str) -> str:
    """What stands for a console in the paths of REST: a name or id as it is, an id for ``OWNER/NAME``.

    :raises NoSuchConsole: when nobody shares one of this name with us.
    """
    if "/" not in name:
        return name
    return str(_shared(rest, name)["id"])


def replaceable(rest: Rest, name: str) -> dict[str, Any] | None:
    """The console of this name or id; ours of this name is removed if it has ended: its name is free then."""
    console = find_console(rest, name)
    if console is not None and console["state"] == "ended" and console["name"] == name:
        rest.call("DELETE", "consoles", console["id"], query={"remove": "true"})
        return None
    return console


def _shared(rest: Rest, name: str) -> dict[str, Any]:
    owner, _, own = name.partition("/")
    for each in rest.call("GET", "consoles")["consoles"]:
        if each.get("owner") == owner and each["name"] in (own, name):
            return dict(each)
    raise NoSuchConsole(f"Nobody shares a console {plain(name)} with you.")
