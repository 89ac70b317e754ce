"""The OpenAPI document says what the routes do, and every answer is as it says."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any

from jsonschema import Draft202012Validator

from termhub.config import GuestsSettings
from termhub.gateways.web.openapi import path_template
from termhub.gateways.web.site import OPERATIONS
from tests.support.web import Response, WebTestCase


class OpenApiTests(WebTestCase):
    guests = GuestsSettings(enabled=True, most=1)

    async def document(self) -> dict[str, Any]:
        response = await self.http("GET", "/api/v1/openapi.json")
        self.assertEqual(response.headers["Content-Type"], "application/json")
        document: dict[str, Any] = response.json
        return document

    async def test_it_names_exactly_the_routes(self) -> None:
        document = await self.document()
        described = {
            (method.upper(), path) for path, methods in document["paths"].items() for method in methods
        }
        self.assertEqual(
            described, {(operation.method, path_template(operation)) for operation in OPERATIONS}
        )
        routed = set()
        root: Any = self.site.resource
        for rule in root._app.url_map.iter_rules():
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            if path.startswith("/api/v1/"):
                routed |= {(method, path.removeprefix("/api/v1")) for method in rule.methods - {"HEAD"}}
        others = {("GET", "/openapi.json"), ("GET", "/consoles/{console}/attach")}
        self.assertEqual(routed - others, described)

    async def test_it_is_valid_and_complete(self) -> None:
        document = await self.document()
        self.assertEqual(document["openapi"], "3.1.0")
        schemas = document["components"]["schemas"]
        for schema in schemas.values():
            Draft202012Validator.check_schema(schema)
        refs = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
        self.assertEqual(refs - set(schemas), set())
        names = [method["operationId"] for path in document["paths"].values() for method in path.values()]
        self.assertEqual(len(names), len(set(names)))
        for path, methods in document["paths"].items():
            for method in methods.values():
                given = {p["name"] for p in method.get("parameters", []) if p["in"] == "path"}
                self.assertEqual(given, set(re.findall(r"{(\w+)}", path)))

    def check(self, document: dict[str, Any], method: str, path: str, response: Response) -> None:
        described = document["paths"][path][method.lower()]["responses"]
        self.assertIn(str(response.status), described, f"{method} {path}: {response.body!r}")
        content = described[str(response.status)].get("content")
        if content is None:
            self.assertEqual(response.body, b"")
            return
        ((content_type, media),) = content.items()
        self.assertEqual(response.headers["Content-Type"], content_type)
        if "schema" in media:
            validator = Draft202012Validator({**media["schema"], "components": document["components"]})
            validator.validate(response.json)
        for name in described[str(response.status)].get("headers", {}):
            self.assertIsNotNone(response.headers[name])

    async def test_every_answer_is_as_described(self) -> None:
        document = await self.document()
        seen: set[tuple[str, str]] = set()

        async def call(method: str, path: str, target: str, body: Any = None, **kwargs: Any) -> Response:
            response = await self.call(method, target, body, **kwargs)
            self.check(document, method, path, response)
            seen.add((method, path))
            return response

        one = "/consoles/{console}"
        await call("POST", "/consoles", "/consoles", {"name": "main"})
        await call("POST", "/consoles", "/consoles", {"name": "main"})
        await call("POST", "/consoles", "/consoles", {"name": 7})
        await call("POST", "/consoles", "/consoles", raw=b"x" * 70_000)
        await call("GET", "/consoles", "/consoles")
        await call("GET", "/consoles", "/consoles", token="th_wrong")
        await call("GET", one, "/consoles/main")
        await call("GET", one, "/consoles/nothing")
        await call("PATCH", one, "/consoles/main", {"name": "other"})
        await call("POST", f"{one}/windows", "/consoles/other/windows", {})
        await call("DELETE", f"{one}/windows/{{window}}", "/consoles/other/windows/1")
        await call("DELETE", f"{one}/windows/{{window}}", "/consoles/other/windows/1")
        await call("POST", f"{one}/input", "/consoles/other/input", raw=b"1+1\n")
        await call("POST", f"{one}/input", "/consoles/other/input?window=7", raw=b"1+1\n")
        await call("GET", f"{one}/screen", "/consoles/other/screen")
        await call("GET", f"{one}/output", "/consoles/other/output")
        await call("GET", f"{one}/output", "/consoles/other/output?since=x")
        await call("POST", f"{one}/resize", "/consoles/other/resize", {"cols": 90, "rows": 20})
        await call("POST", f"{one}/signal", "/consoles/other/signal", {"signal": "SIGINT"})
        await call("GET", f"{one}/limits", "/consoles/other/limits")
        await call("GET", f"{one}/limits", "/consoles/nothing/limits")
        await call("GET", "/plans", "/plans")
        await call("GET", "/usage", "/usage")
        await call("GET", "/usage", "/usage?days=0")
        shares = f"{one}/shares"
        made = await call("POST", shares, "/consoles/other/shares", {"role": "writer"})
        await call("POST", shares, "/consoles/other/shares", {"role": "writer", "user": "carol"})
        await call("POST", shares, "/consoles/other/shares", {"role": "writer"}, token=self.bobs_token)
        token = made.json["url"].rpartition("/")[2]
        await call("POST", "/shares/look", "/shares/look", {"token": token}, token="")
        await call("POST", "/shares/look", "/shares/look", {"token": "thsh_x"}, token="")
        took = await call("POST", "/shares/take", "/shares/take", {"token": token, "name": "Ann"}, token="")
        await call("POST", "/shares/take", "/shares/take", {"token": "thsh_x"}, token="")
        cookie = {"Cookie": took.headers["Set-Cookie"].partition(";")[0], "Sec-Fetch-Site": "same-origin"}
        await call("GET", "/me", "/me", token="", headers=cookie)
        await call("POST", "/keys", "/keys", {"key": "none"}, token="", headers=cookie)
        await call("POST", shares, "/consoles/other/shares", {"role": "writer"}, token="", headers=cookie)
        told = await call("GET", shares, "/consoles/other/shares")
        (member,), member_path = told.json["members"], f"{one}/members/{{member}}"
        target = f"/consoles/other/members/{member['member']}"
        await call("PATCH", member_path, target, {"role": "observer"})
        await call("DELETE", member_path, target)
        await call("DELETE", member_path, target)
        target = f"/consoles/other/shares/{made.json['id']}"
        await call("DELETE", f"{shares}/{{share}}", target)
        await call("DELETE", f"{shares}/{{share}}", target)
        await call("DELETE", one, "/consoles/other")
        await call("POST", f"{one}/input", "/consoles/other/input", raw=b"x")
        await call("GET", "/images", "/images")
        await call("GET", "/me", "/me")
        await call("GET", "/me", "/me", token="")
        await call("GET", "/tokens", "/tokens")
        made = await call("POST", "/tokens", "/tokens", {"label": "x", "scopes": ["read"], "expires_in": 60})
        await call("POST", "/tokens", "/tokens", {"scopes": ["admin"]})
        await call("POST", "/tokens", "/tokens", {"scopes": []})
        await call("GET", "/tokens", "/tokens", token=made.json["secret"])
        await call("DELETE", "/tokens/{token}", f"/tokens/{made.json['number']}")
        await call("DELETE", "/tokens/{token}", f"/tokens/{made.json['number']}")
        await call("GET", "/server", "/server")
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f laptop"
        made = await call("POST", "/keys", "/keys", {"key": key})
        await call("POST", "/keys", "/keys", {"key": key})
        await call("POST", "/keys", "/keys", {"key": "none"})
        await call("GET", "/keys", "/keys")
        await call("DELETE", "/keys/{key}", f"/keys/{made.json['number']}")
        await call("DELETE", "/keys/{key}", f"/keys/{made.json['number']}")
        offer = self.accounts.keyring.offer(b64decode(key.split()[1]), "ssh-ed25519", "192.0.2.1")
        offers = "/keys/offers/{code}"
        await call("GET", offers, f"/keys/offers/{offer.code}")
        await call("POST", offers, f"/keys/offers/{offer.code}", {"label": "phone"})
        await call("POST", offers, f"/keys/offers/{offer.code}", {})
        await call("GET", offers, f"/keys/offers/{offer.code}")
        login = {"name": "alice", "password": "alice's password"}
        await call("POST", "/login", "/login", login, token="")
        await call("POST", "/login", "/login", {"link": "thl_x"}, token="")
        foreign = {"Origin": "http://evil.example"}
        await call("POST", "/login", "/login", login, token="", headers=foreign)
        logged_in = await call("POST", "/login", "/login", login, token="")
        await call("GET", "/sessions", "/sessions")
        await call("DELETE", "/sessions/{session}", "/sessions/1")
        await call("DELETE", "/sessions/{session}", "/sessions/1")
        password = {"old": "alice's password", "new": "another one"}
        cookie = {"Cookie": logged_in.headers["Set-Cookie"].partition(";")[0], "Origin": self.origin}
        await call("PUT", "/me/password", "/me/password", password, token="", headers=cookie)
        await call("PUT", "/me/password", "/me/password", password, token="", headers=cookie)
        await call("PUT", "/me/password", "/me/password", {})
        await call("DELETE", "/sessions", "/sessions")
        for _ in range(2):
            await call("POST", "/login/guest", "/login/guest", token="")
        await call("POST", "/logout", "/logout", token="")
        await self.call_as_administrator(call)
        await call("GET", "/me/export", "/me/export")
        await call("DELETE", "/me", "/me", {"name": "bob"})
        await call("DELETE", "/me", "/me", {"name": "alice"})
        await call("DELETE", "/me", "/me", {"name": "bob", "password": "no"}, token=self.bobs_token)
        bye = {"name": "bob", "password": "bob's password"}
        await call("DELETE", "/me", "/me", bye, token=self.bobs_token)
        self.assertEqual(
            seen,
            {(operation.method, path_template(operation)) for operation in OPERATIONS},
            "all were called",
        )

    async def call_as_administrator(self, call: Any) -> None:
        """Look after the hub as alice, first without being allowed to."""
        users, one = "/admin/users", "/admin/users/{user}"
        await call("GET", users, users)
        self.database.people.change(self.alice.number, 1.0, is_admin=True)
        await call("GET", users, f"{users}?limit=1")
        await call("GET", users, f"{users}?limit=0")
        await call("POST", users, users, {"name": "dora", "plan": "plus", "password": "correct horse"})
        await call("POST", users, users, {"name": "dora"})
        await call("POST", users, users, {"name": "Dora"})
        await call("PATCH", one, f"{users}/dora", {"suspended": True, "end_consoles": True})
        await call("PATCH", one, f"{users}/alice", {"is_admin": False})
        await call("PATCH", one, f"{users}/nobody", {"plan": "plus"})
        await call("POST", f"{one}/link", f"{users}/bob/link")
        await call("POST", f"{one}/link", f"{users}/nobody/link")
        await call("DELETE", one, f"{users}/dora")
        await call("DELETE", one, f"{users}/dora")
        console = self.console("to-end")
        end = "/admin/consoles/{console}/end"
        await call("GET", "/admin/consoles", "/admin/consoles")
        await call("POST", end, f"/admin/consoles/{console.id}/end", {"reason": "too loud"})
        await call("POST", end, f"/admin/consoles/{console.id}/end", {})
        await call("GET", "/admin/load", "/admin/load")
        await call("PUT", "/admin/drain", "/admin/drain", {"draining": True})
        await call("PUT", "/admin/drain", "/admin/drain", {"draining": False})
        await call("PUT", "/admin/drain", "/admin/drain", {})
        await call("GET", "/admin/usage", "/admin/usage?month=2026-11")
        await call("GET", "/admin/usage", "/admin/usage?month=2026-13")
        await call("GET", "/admin/usage", "/admin/usage")
        await call("GET", "/admin/usage.csv", "/admin/usage.csv?month=2026-11")
        await call("GET", "/admin/audit", "/admin/audit?limit=2")
        await call("GET", "/admin/audit", "/admin/audit?before=9223372036854775808")
