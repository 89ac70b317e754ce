"""Hubs that differ only in their plan: one with every limit there is, one with as few as there can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.clients import COLS, ROWS
from tests.bench.peers.hub import USER, HubClient, HubPeer

_COMMON = """\
[web]
requests_per_minute = 0
requests_per_minute_address = 0

[consoles]
prepare = false
kept_ended = 0

[plans.pro]
consoles = 5000
"""

_FEW = """\
memory_mb = 1048576
processes = 4000000
cpu_seconds_a_day = 0
cpu_percent = 0
cpu_weight = 100
home_mb = 0
home_files = 0
idle_seconds = 0
lifetime_seconds = 0
network = "none"
"""

_ALL = """\
memory_mb = 512
processes = 64
cpu_seconds_a_day = 3600
cpu_percent = 100
cpu_weight = 50
file_mb = 256
home_mb = 512
home_files = 20000
idle_seconds = 7200
when_idle = "end"
lifetime_seconds = 86400
network = "none"
"""


class Person:
    """A user with one console.

    :param token: theirs.
    """

    def __init__(self, peer: LimitsPeer, token: str, argv: Sequence[str]) -> None:
        self._peer = peer
        self._credential = ("Authorization", f"Bearer {token}")
        body = {"program": "script", "argv": list(argv), "cols": COLS, "rows": ROWS}
        self.console = str(peer.request("POST", "/consoles", body, self._credential)["id"])

    def connect(self) -> HubClient:
        """Attach a terminal."""
        return HubClient(self._peer.port, self.console, self._credential)

    def end(self) -> None:
        """End the console."""
        self._peer.request("DELETE", f"/consoles/{self.console}", None, self._credential)


class LimitsPeer(HubPeer):
    """A hub whose users have all limits, or few.

    :param has_all: which.
    """

    section = "limits"

    def __init__(self, name: str, folder: Path, has_all: bool) -> None:
        super().__init__(name, folder, engine="auto")
        self.has_all = has_all
        self._plan = _ALL if has_all else _FEW
        self._tokens: list[str] = []

    def settings(self) -> str:
        return _COMMON + self._plan

    def start(self) -> None:
        super().start()
        self.run("user", "admin", USER)

    def people(self, count: int) -> list[str]:
        """Tokens of so many users, each of their own."""
        while len(self._tokens) < count:
            name = f"person{len(self._tokens)}"
            made = self.request("POST", "/admin/users", {"name": name, "plan": "pro"})
            secret = str(made["login_link"]).rpartition("=")[2]
            cookie = self.log_in_by(secret)
            token = self.request("POST", "/tokens", {}, cookie)
            self._tokens.append(str(token["secret"]))
        return self._tokens[:count]

    def log_in_by(self, secret: str) -> tuple[str, str]:
        """The cookie of who has just logged in by a link, as a header."""
        answer = self.answer("POST", "/login", {"link": secret}, ("Sec-Fetch-Site", "same-origin"))
        cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
        answer.read()
        return "Cookie", cookie

    def plan_of(self) -> dict[str, object]:
        """The plan of everybody, as the hub has it."""
        plans = self.request("GET", "/plans")["plans"]
        assert isinstance(plans, list)
        found: dict[str, object] = next(plan for plan in plans if plan["yours"])
        return found
