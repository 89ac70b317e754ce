"""Two people at one real console: drafts that are run by programs of their kinds, and who typed what."""

from __future__ import annotations

from typing import Any

from termhub.hub.console import Console
from termhub.store import Role, User
from tests.support.drawn_client import DrawnClient
from tests.support.real_hub import RealHubCase

DRAFT = """
total = 0

def double(n):
    # what it does

    return n * 2

for n in range(4):

    total += double(n)
print("total", "is", total)
"""
MODERN = (3, 13)
"""From here on Python's own prompt knows bracketed paste."""


class TogetherTests(RealHubCase):
    async def client(self, console: Console, user: User, role: Role = "writer") -> DrawnClient:
        client = DrawnClient(len(console.viewers) + 1)
        client.attach(console, user, role)
        reply = await client.ask("view", window=0, cols=80, rows=24)
        self.assertTrue(reply["ok"], reply)
        return client

    async def two(self, **new: Any) -> tuple[DrawnClient, DrawnClient]:
        """The owner and a guest who may write, at a new console."""
        console = await self.console(**new)
        guest = User(-3, "Ann", 0.0, "guest")
        return await self.client(console, self.user, "owner"), await self.client(console, guest)

    async def run_draft(self, runs: DrawnClient, offers: DrawnClient, text: str) -> None:
        draft = (await offers.ask("offer", text=text))["draft"]
        replies = [
            runs.ask("run_draft", draft=draft, window=0),
            offers.ask("run_draft", draft=draft, window=0),
        ]
        self.assertEqual([(await reply)["ok"] for reply in replies], [True, False])

    async def test_a_draft_runs_in_each_kind_of_python(self) -> None:
        images = await self.hub.consoles.images.refresh()
        kinds = {tuple(map(int, image.version.split(".")[:2])) >= MODERN: image.name for image in images}
        for image in kinds.values():
            owner, guest = await self.two(image=image)
            await owner.until(lambda owner=owner: any(">>>" in line for line in owner.grid.text))
            await self.run_draft(owner, guest, DRAFT)
            await guest.until_text("total is 12")
            self.assertEqual(sum("total is 12" in line for line in guest.grid.text), 1)

    async def test_a_shell_runs_it_too_and_lines_are_attributed(self) -> None:
        owner, guest = await self.two(program="bash")
        owner.type(b"PS1='$ '; echo ready $((6*7))\r")
        await guest.until_text("ready 42")
        guest.type(b"echo by Ann $((1+1))\r")
        await owner.until_text("by Ann 2")
        await self.run_draft(owner, guest, "for n in 1 2; do\n\n  echo line $n\ndone\necho finished $((3*3))")
        await guest.until_text("finished 9")
        assert owner.viewer is not None
        typed = await owner.ask("typed", window=0, limit=10)
        who = {line["text"]: line["who"] for line in typed["lines"]}
        self.assertEqual(who["$ echo by Ann $((1+1))"], ["Ann (guest)"])
        self.assertIn([self.user.name], who.values())
