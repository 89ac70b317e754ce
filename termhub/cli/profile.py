"""Which hub the commands talk to, and with which token.

In this order: the options ``--host`` and ``--token``, the variables ``TERMHUB_HOST`` and
``TERMHUB_TOKEN``, what ``termhub login`` has saved, and the default address without a
token.  A saved token is only ever sent to the hub it was saved for.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import platformdirs

from ..errors import BadRequest

DEFAULT_HOST = "http://127.0.0.1:8000"


@attrs.frozen
class Profile:
    """A hub's address, and who we are there.

    ``number`` is the token's number where `termhub login` made it, so that logging out revokes it.
    """

    host: str = DEFAULT_HOST
    token: str | None = attrs.field(default=None, repr=False)
    number: int | None = None


def profile_path() -> Path:
    """Where ``termhub login`` saves."""
    return Path(platformdirs.user_config_dir("termhub", appauthor=False)) / "login.json"


def hub_url(text: str) -> str:
    """The address of a hub as ``scheme://host[:port]``, from what a person types.

    Without a scheme it is http for this machine and https for any other.

    :raises BadRequest: when it is no address.
    """
    given = text.strip()
    if "://" not in given:
        name = urlsplit("//" + given).hostname or ""
        is_local = name in ("localhost", "::1") or name.startswith("127.")
        given = ("http://" if is_local else "https://") + given
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"{text!r} is no address of a hub; it looks like {DEFAULT_HOST}.")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


def saved_profile(path: Path) -> Profile | None:
    """What was saved at ``path``; None when nothing was, or it cannot be read as that."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Profile(hub_url(values["host"]), values.get("token"), values.get("number"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BadRequest):
        return None


def save_profile(path: Path, profile: Profile) -> None:
    """Save for later commands, readable for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(attrs.asdict(profile), file)
    fresh.replace(path)


def find_profile(host: str | None, token: str | None, path: Path) -> Profile:
    """The profile to use; ``host`` and ``token`` are what options or variables said, if they did."""
    saved = saved_profile(path) or Profile()
    where = hub_url(host) if host else saved.host
    known = saved.token if where == saved.host else None
    return Profile(where, token or known)
