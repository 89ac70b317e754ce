"""What those do who look after a hub, over consoles, a launcher and figures that only remember."""

from __future__ import annotations

from typing import Any

from termhub.accounts import manage
from termhub.config import Settings
from termhub.errors import TermhubError
from termhub.hub.drain import Drain
from termhub.hub.plans import Plans
from termhub.store import User


class ConsolesOfHub:
    """What administration, removals and exports ask of the hub's directory."""

    def __init__(self, consoles: Any, store: Any) -> None:
        self._fake = consoles
        self.plans = Plans(Settings())
        self.drain = Drain(store, manage.time.time)
        self.of, self.shared, self.owner_name = consoles.of, consoles.shared, consoles.owner_name
        self.end = consoles.end
        self.files = b"the end of the archive"

    def all(self) -> list[Any]:
        return list(self._fake.all.values())

    async def remove_all(self, owner: int) -> None:
        for console in [each for each in self.all() if each.owner == owner]:
            await self._fake.remove(console)

    async def run_for_files(self, user: User, owner: Any, argv: Any) -> Any:
        if argv[0] == "tar":
            owner.stream_data(self.files)
        owner.stream_data(b"")
        owner.stream_ended({"code": 0, "said": ""})
        return FakeStream()


class FakeStream:
    """A program that has ended."""

    def consumed(self, count: int) -> None:
        pass

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class FakeLauncher:
    """Forgets users."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.failure: TermhubError | None = None

    async def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append((op, arguments))
        if self.failure is not None:
            raise self.failure
        return {}


class FakeFigures:
    """What was measured: nothing, unless a test says it."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.cpu_percent: dict[str, float] = {}
        self.homes: dict[int, Any] = {}
        self.means: dict[str, Any] = {}

    def used_today(self, user: User) -> float:
        return 0.0
