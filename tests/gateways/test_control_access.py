"""Who has a role may be kept from typing by REST too, while others do."""

from __future__ import annotations

from tests.support.web import WebTestCase

CHANGES = (
    ("POST", "/windows", {}),
    ("DELETE", "/windows/0", None),
    ("POST", "/resize", {"cols": 90, "rows": 20}),
    ("POST", "/signal", {"signal": "SIGINT"}),
    ("POST", "/input", None),
)


class ControlAccessTests(WebTestCase):
    async def test_a_writer_changes_nothing_while_only_owners_type(self) -> None:
        console = self.console()
        await self.shares.create(console.id, self.alice, "writer", user="bob")
        console.only_owners_type = True
        for method, path, body in CHANGES:
            raw = b"1+1\n" if path == "/input" else None
            response = await self.call(
                method, f"/consoles/{console.id}{path}", body, raw=raw, token=self.bobs_token
            )
            self.assertEqual((response.status, response.json["code"]), (403, "not_in_control"), path)
        self.assertEqual((console.asked, console.window_numbers, bytes(console.typed)), ([], [0], b""))
        screen = await self.call("GET", f"/consoles/{console.id}/screen", token=self.bobs_token)
        self.assertEqual(screen.status, 200)

    async def test_an_owner_does(self) -> None:
        console = self.console()
        console.only_owners_type = True
        response = await self.call("POST", f"/consoles/{console.id}/input", raw=b"1+1\n")
        self.assertEqual((response.status, bytes(console.typed)), (202, b"1+1\n"))
