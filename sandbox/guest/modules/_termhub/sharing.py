"""Asks termhub to share this console, over the agent's socket: a line each way."""

import json
import os
import re
import socket
from typing import NamedTuple

from . import SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Union

_ANSWER_SECONDS = 120.0
_MOST_BYTES = 1 << 16
_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class ShareError(Exception):
    """The console is not shared; the message says why."""


class Share(NamedTuple):
    """A share that was made."""

    url: "Optional[str]"
    """Opens the console in a browser; None where the hub serves none."""
    ssh: "Optional[str]"
    """The command that opens it in a terminal; None where the hub serves no ssh."""
    role: str
    seconds: int

    def __repr__(self) -> str:
        """At a prompt the link stands above already."""
        return "<Share: %s for %s>" % (self.role, time_words(self.seconds))

    @property
    def words(self) -> str:
        """What to tell people."""
        may = "type" if self.role == "writer" else "watch"
        lines = ["Who has this link can %s, for %s:" % (may, time_words(self.seconds))]
        return "\n".join([*lines, *("  " + way for way in (self.url, self.ssh) if way)])


def share(role: str, expires: "Union[str, float]", uses: "Optional[int]") -> Share:
    """A new share of this console; waits for the owner's yes where that is needed.

    :raises ShareError: when there is none.
    """
    seconds = duration(expires)
    answer = _ask({"op": "share", "role": role, "seconds": seconds, "uses": uses})
    if not answer.get("ok"):
        raise ShareError(str(answer.get("error") or "termhub did not say why"))
    url, ssh = (way if isinstance(way, str) else None for way in (answer.get("url"), answer.get("ssh")))
    if not (url or ssh):
        raise ShareError("termhub serves neither browsers nor ssh")
    return Share(url, ssh, role, seconds)


def duration(text: "Union[str, float]") -> int:
    """Seconds in a duration such as ``90``, ``"30m"``, ``"2h"`` or ``"1d"``.

    :raises ShareError: when it is none.
    """
    found = re.match(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw]?)$", str(text).strip().lower())
    seconds = int(float(found.group(1)) * _UNITS[found.group(2) or "s"]) if found else 0
    if seconds < 1:
        raise ShareError("%r is no duration; 30m, 2h and 1d are" % (text,))
    return seconds


def time_words(seconds: int) -> str:
    """A duration for people, in its largest unit that divides it."""
    unit = next(unit for unit in "wdhms" if seconds % _UNITS[unit] == 0)
    count = seconds // _UNITS[unit]
    return "%d %s%s" % (count, _NAMES[unit], "" if count == 1 else "s")


def _ask(request: "Dict[str, Any]") -> "Dict[str, Any]":
    path = os.environ.get(SOCKET)
    if not path:
        raise ShareError("this program does not run in a console of termhub")
    received = b""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(_ANSWER_SECONDS)
        try:
            sock.connect(path)
            sock.sendall(json.dumps(request).encode() + b"\n")
            while not received.endswith(b"\n") and len(received) < _MOST_BYTES:
                data = sock.recv(4096)
                if not data:
                    break
                received += data
        except socket.timeout:
            raise ShareError("termhub did not answer") from None
        except OSError as error:
            raise ShareError("termhub cannot be reached: %s" % error) from None
    try:
        answer = json.loads(received.decode())
    except ValueError:
        raise ShareError("termhub did not answer") from None
    if not isinstance(answer, dict):
        raise ShareError("termhub did not answer")
    return answer
