"""Who may call which operation of the REST API: every operation, by everybody there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from termhub.accounts import manage
from termhub.gateways.web.operations import PREFIX, Operation
from termhub.gateways.web.site import OPERATIONS
from termhub.store import User
from tests.support.web import FakeConsole, Response, WebTestCase

ACCOUNTS = ("observer", "writer", "co-owner")
GUESTS = ("guest observer", "guest writer", "guest owner")
WHO = (*ACCOUNTS, *GUESTS, "stranger", "nobody")
"""Who calls: by a share with an account, as a guest by a link, with an account only, or not known."""

OK, REFUSED, NOT_THERE, UNKNOWN = "ok", 403, 404, 401

_OBSERVERS = (OK, OK, OK, OK, OK, OK, NOT_THERE, UNKNOWN)
_WRITERS = (REFUSED, OK, OK, REFUSED, OK, OK, NOT_THERE, UNKNOWN)
_OWNERS = (REFUSED, REFUSED, OK, REFUSED, REFUSED, OK, NOT_THERE, UNKNOWN)
_OWNERS_WITH_ACCOUNT = (REFUSED, REFUSED, OK, REFUSED, REFUSED, REFUSED, NOT_THERE, UNKNOWN)
_ACCOUNTS = (OK, OK, OK, REFUSED, REFUSED, REFUSED, OK, UNKNOWN)
_KNOWN = (OK, OK, OK, OK, OK, OK, OK, UNKNOWN)
_ALL = (OK,) * 8
_ADMINS = (REFUSED,) * 7 + (UNKNOWN,)

EXPECTED: Mapping[str, tuple[object, ...]] = {
    "POST /consoles": _ACCOUNTS,
    "GET /consoles": _KNOWN,
    "GET /consoles/<console>": _OBSERVERS,
    "PATCH /consoles/<console>": _OWNERS,
    "DELETE /consoles/<console>": _OWNERS,
    "POST /consoles/<console>/windows": _WRITERS,
    "DELETE /consoles/<console>/windows/<int:window>": _WRITERS,
    "POST /consoles/<console>/input": _WRITERS,
    "GET /consoles/<console>/screen": _OBSERVERS,
    "GET /consoles/<console>/output": _OBSERVERS,
    "POST /consoles/<console>/resize": _WRITERS,
    "POST /consoles/<console>/signal": _WRITERS,
    "GET /images": _ACCOUNTS,
    "POST /consoles/<console>/shares": _OWNERS_WITH_ACCOUNT,
    "GET /consoles/<console>/shares": _OWNERS,
    "DELETE /consoles/<console>/shares/<share>": _OWNERS,
    "PATCH /consoles/<console>/members/<int:member>": _OWNERS,
    "DELETE /consoles/<console>/members/<int:member>": _OWNERS,
    "POST /shares/look": _ALL,
    "POST /shares/take": _ALL,
    "POST /login": _ALL,
    "POST /logout": _ALL,
    "GET /me": _KNOWN,
    "POST /login/guest": (REFUSED,) * 8,  # this hub has no visitors
    "PUT /me/password": _ACCOUNTS,
    "GET /server": _ALL,
    "GET /sessions": _ACCOUNTS,
    "DELETE /sessions": _ACCOUNTS,
    "DELETE /sessions/<int:session>": _ACCOUNTS,
    "GET /tokens": _ACCOUNTS,
    "POST /tokens": _ACCOUNTS,
    "DELETE /tokens/<int:token>": _ACCOUNTS,
    "GET /keys": _ACCOUNTS,
    "POST /keys": _ACCOUNTS,
    "DELETE /keys/<int:key>": _ACCOUNTS,
    "GET /keys/offers/<code>": _ACCOUNTS,
    "POST /keys/offers/<code>": _ACCOUNTS,
    "GET /me/export": _ACCOUNTS,
    "DELETE /me": _ACCOUNTS,
    "GET /plans": _ACCOUNTS,
    "GET /usage": _ACCOUNTS,
    "GET /consoles/<console>/limits": _OBSERVERS,
    "GET /admin/users": _ADMINS,
    "POST /admin/users": _ADMINS,
    "PATCH /admin/users/<user>": _ADMINS,
    "DELETE /admin/users/<user>": _ADMINS,
    "POST /admin/users/<user>/link": _ADMINS,
    "GET /admin/consoles": _ADMINS,
    "POST /admin/consoles/<console>/end": _ADMINS,
    "GET /admin/load": _ADMINS,
    "PUT /admin/drain": _ADMINS,
    "GET /admin/audit": _ADMINS,
    "GET /admin/usage": _ADMINS,
    "GET /admin/usage.csv": _ADMINS,
}

WINDOW = 999
"""A window of each console; sessions, tokens, keys and members of this number there are none."""

BODIES: Mapping[str, object] = {
    "POST /consoles": {},
    "POST /consoles/<console>/windows": {},
    "POST /consoles/<console>/resize": {"cols": 90, "rows": 20},
    "POST /consoles/<console>/signal": {"signal": "SIGINT"},
    "POST /consoles/<console>/shares": {"role": "observer"},
    "PATCH /consoles/<console>/members/<int:member>": {"role": "observer"},
    "POST /login": {"name": "alice", "password": "alice's password"},
    "PUT /me/password": {},
    "DELETE /me": {},
    "POST /tokens": {},
    "POST /keys": {"key": "no key"},
    "POST /keys/offers/<code>": {},
}

NOTHING_THERE = frozenset(
    {"no_such_session", "no_such_token", "no_such_key", "no_such_offer", "no_such_share", "no_such_member"}
)
"""Codes that tell a caller who may ask that there is none of this number."""


class AccessTests(WebTestCase):
    """Each call is made on a console of its own, so that none is in the way of another."""

    async def share(self, console: FakeConsole, role: Any, user: str | None = None) -> str | None:
        return (await self.shares.create(console.id, self.alice, role, user=user))[1]

    async def as_guest(self, console: FakeConsole, role: Any) -> dict[str, str]:
        token = await self.share(console, role)
        taken = await self.shares.take(
            token or "", user=None, name="Ann", passphrase=None, address="127.0.0.1"
        )
        return {"Cookie": f"termhub_guest={taken.secret}", "Sec-Fetch-Site": "same-origin"}

    async def headers_of(self, who: str, console: FakeConsole, user: User, token: str) -> dict[str, str]:
        if who in GUESTS:
            return await self.as_guest(console, who.partition(" ")[2])
        if who == "nobody":
            return {}
        if who != "stranger":
            await self.share(console, "owner" if who == "co-owner" else who, user.name)
        return {"Authorization": f"Bearer {token}"}

    async def call_as(self, headers: dict[str, str], operation: Operation, console: str) -> Response:
        path = re.sub(r"<int:\w+>", str(WINDOW), operation.path.replace("<console>", console))
        path = path.replace("<share>", "s-none").replace("<code>", "AAAA-AAAA").replace("<user>", "alice")
        key = f"{operation.method} {operation.path}"
        body = BODIES.get(key)
        if key == "PATCH /consoles/<console>":
            body = {"name": f"new-{console}"}
        if key.startswith("POST /shares/"):
            token = await self.share(self.console(f"public-{len(self.consoles.all)}"), "observer")
            body = {"token": token}
        raw = b"1+1\n" if key.endswith("/input") else None
        return await self.call(operation.method, path, body, raw=raw, token="", headers=headers)

    def test_the_table_says_all(self) -> None:
        operations = {f"{operation.method} {operation.path}" for operation in OPERATIONS}
        self.assertEqual(operations, set(EXPECTED))

    async def test_everybody_may_do_what_they_may_and_nothing_else(self) -> None:
        self.console("private")
        accounts = {}
        for index, who in enumerate(WHO):
            user = self.database.add_user(f"user{index}", 1.0, "default")
            accounts[who] = (user, manage.create_token(self.database, user.name)[1])
        wrong = []
        for operation in OPERATIONS:
            key = f"{operation.method} {operation.path}"
            for who, expected in zip(WHO, EXPECTED[key], strict=True):
                console = self.console(f"main-{len(self.consoles.all)}")
                console.window_numbers.append(WINDOW)
                headers = await self.headers_of(who, console, *accounts[who])
                response = await self.call_as(headers, operation, console.id)
                seen = self.outcome(response)
                if seen != expected:
                    wrong.append(f"{key} as {who}: {response.status} {response.body!r}, expected {expected}")
                if expected == NOT_THERE and console.id in self.consoles.all:
                    # A console one has nothing to do with cannot be told from one that is not.
                    nowhere = await self.call_as(headers, operation, "c-nonexisten")
                    told = response.json["detail"].replace(console.id, "c-nonexisten")
                    self.assertEqual({**response.json, "detail": told}, nowhere.json, key)
                if expected != OK:
                    self.assert_untouched(console, key)
        self.assertEqual(wrong, [], "\n".join(wrong))

    def outcome(self, response: Response) -> object:
        if response.status < 400:
            return OK
        code = response.json["code"]
        # Who may ask is told what is wrong with what they asked for.
        return OK if response.status == 400 or code in NOTHING_THERE else response.status

    def assert_untouched(self, console: FakeConsole, key: str) -> None:
        self.assertIn(console.id, self.consoles.all, key)
        self.assertEqual((console.state, console.window_numbers), ("running", [0, WINDOW]), key)
        self.assertEqual((bytes(console.typed), console.asked), (b"", []), key)
        self.assertTrue(console.name.startswith("main-"), key)

    async def test_no_share_reaches_the_owners_other_consoles(self) -> None:
        main, private = self.console("main"), self.console("private")
        await self.share(main, "owner", "bob")
        told = await self.call("GET", "/consoles", token=self.bobs_token)
        self.assertEqual([each["name"] for each in told.json["consoles"]], ["main"])
        for operation in OPERATIONS:
            if operation.role is not None:
                for key in (private.id, "private"):
                    headers = {"Authorization": f"Bearer {self.bobs_token}"}
                    response = await self.call_as(headers, operation, key)
                    self.assertEqual(response.status, 404, operation.path)
                    self.assertEqual(response.json["code"], "no_such_console")

    async def test_each_operation_says_who_may_call_it(self) -> None:
        for operation in OPERATIONS:
            if operation.access != "admin":  # they look after consoles from outside, without a role
                self.assertEqual(operation.role is not None, "<console>" in operation.path, operation.path)
        document = (await self.http("GET", f"{PREFIX}/openapi.json")).json
        for operation in OPERATIONS:
            path = re.sub(r"<(?:int:)?(\w+)>", r"{\1}", operation.path)
            security = document["paths"][path][operation.method.lower()].get("security", document["security"])
            may_be_guest = {"guest": []} in security or operation.is_public
            self.assertEqual(may_be_guest, not operation.refuses_guests, path)
