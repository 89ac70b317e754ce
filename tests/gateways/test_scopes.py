"""What a token is good for: every operation, with tokens of every set of scopes."""

from __future__ import annotations

import re
from itertools import chain, combinations
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from sandbox.guest import frames
from termhub.accounts import manage
from termhub.gateways.web.operations import Operation
from termhub.gateways.web.site import OPERATIONS
from termhub.store import SCOPES, Scope
from tests.support.web import Response, WebTestCase

from .test_attach import HELLO, AttachTestCase

SETS: list[tuple[Scope, ...]] = list(
    chain.from_iterable(combinations(SCOPES, count) for count in range(1, len(SCOPES) + 1))
)

ACCOUNT = re.compile(r"/(tokens|keys|sessions|me/)")


class OperationTests(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.console("main")
        self.database.people.change(self.alice.number, 0.0, is_admin=True)

    def token_of(self, name: str, scopes: tuple[Scope, ...]) -> str:
        return manage.create_token(self.database, name, "", scopes)[1]

    async def call_with(self, operation: Operation, token: str) -> Response:
        """Call it with a body that no operation can use, so that who may call it is refused after that."""
        path = operation.path.replace("<console>", "main")
        path = re.sub(r"<(int:)?\w+>", "999", path)
        raw = None if operation.body is None else b"[]"
        return await self.call(operation.method, path, raw=raw, token=token)

    def test_every_operation_takes_the_scope_that_its_method_or_its_subject_says(self) -> None:
        for operation in OPERATIONS:
            name = f"{operation.method} {operation.path}"
            if operation.is_public:
                continue
            if operation.access == "admin":
                self.assertEqual(operation.scopes[-1], "admin", name)
            elif ACCOUNT.match(operation.path) or name == "DELETE /me":
                self.assertEqual(operation.scope, "account", name)
            else:
                self.assertEqual(operation.scope, "read" if operation.method == "GET" else "write", name)

    async def test_no_token_may_do_more_than_its_scopes(self) -> None:
        for scopes in SETS:
            token = self.token_of("alice", scopes)
            for operation in OPERATIONS:
                if operation.is_public:
                    continue
                response = await self.call_with(operation, token)
                code = response.json["code"] if response.status >= 400 else ""
                told = f"{operation.method} {operation.path} with {scopes}: {response.status} {code}"
                if set(operation.scopes) <= set(scopes):
                    self.assertNotIn(code, ("no_scope", "admins_only"), told)
                else:
                    self.assertEqual((response.status, code), (403, "no_scope"), told)

    async def test_the_admin_scope_is_worth_nothing_to_who_does_not_look_after_the_hub(self) -> None:
        token = self.token_of("bob", SCOPES)
        for operation in OPERATIONS:
            if operation.access == "admin":
                response = await self.call_with(operation, token)
                self.assertEqual((response.status, response.json["code"]), (403, "admins_only"))

    async def test_a_token_gives_no_more_than_it_has(self) -> None:
        token = self.token_of("alice", ("read", "account"))
        made = await self.call("POST", "/tokens", {}, token=token)
        self.assertEqual((made.status, made.json["scopes"]), (201, ["read", "account"]))
        refused = await self.call("POST", "/tokens", {"scopes": ["read", "write"]}, token=token)
        self.assertEqual((refused.status, refused.json["code"]), (403, "no_scope"))
        self.assertIn("write", refused.json["detail"])
        for scopes in ([], ["everything"], "read", [1]):
            refused = await self.call("POST", "/tokens", {"scopes": scopes}, token=token)
            self.assertEqual(refused.status, 400, scopes)

    async def test_a_token_that_expires_makes_none_that_outlives_it(self) -> None:
        first = (await self.call("POST", "/tokens", {"expires_in": 3600})).json
        for body in ({}, {"expires_in": 7200}):
            made = await self.call("POST", "/tokens", body, token=first["secret"])
            self.assertEqual(made.json["expires"], first["expires"])
        made = await self.call("POST", "/tokens", {"expires_in": 60}, token=first["secret"])
        self.assertLess(made.json["expires"], first["expires"])

    async def test_an_expired_token_is_refused_everywhere(self) -> None:
        token, secret = manage.create_token(self.database, "alice", "", SCOPES, 1)
        self.database._connection.execute("UPDATE tokens SET expires = 1 WHERE number = ?", (token.number,))
        response = await self.call("GET", "/me", token=secret)
        self.assertEqual((response.status, response.json["code"]), (401, "expired_token"))


class AttachTests(AttachTestCase):
    def headers(self, *scopes: Scope) -> dict[str, Any]:
        secret = manage.create_token(self.database, "alice", "", scopes)[1]
        return {"additional_headers": {"Authorization": f"Bearer {secret}"}}

    async def test_a_token_that_reads_attaches_as_an_observer_and_stays_one(self) -> None:
        console = self.console("main")

        def talk(connection: ClientConnection) -> None:
            connection.send(HELLO)
            connection.recv(timeout=60)

        for given, is_read_only in (
            (("read",), True),
            (("read", "account"), True),
            (("read", "write"), None),
        ):
            attached = console.attached
            talking = self.in_thread(talk, **self.headers(*given))  # type: ignore[arg-type]
            viewer = await attached
            await talking
            # The hub's viewer is an observer for good then, whatever its user becomes.
            self.assertEqual(viewer.hello.get("read_only"), is_read_only, given)

    async def test_what_a_client_says_of_itself_does_not_help(self) -> None:
        console = self.console("main")
        hello = frames.encode_json(
            frames.HELLO, frames.CONSOLE, {"version": 1, "viewer": "0123456789abcdef", "read_only": False}
        )
        attached = console.attached

        def talk(connection: ClientConnection) -> None:
            connection.send(hello)
            connection.recv(timeout=60)

        talking = self.in_thread(talk, **self.headers("read"))
        self.assertTrue((await attached).hello["read_only"])
        await talking

    async def test_a_token_that_does_not_read_attaches_not_at_all(self) -> None:
        self.console("main")
        for scopes in (("write",), ("account",), ("write", "account")):
            code, reason = await self.closed(**self.headers(*scopes))  # type: ignore[arg-type]
            self.assertEqual(code, 1008)
            self.assertIn("read", reason)

    async def attached_with(self, scopes: str) -> Any:
        console = self.console("main")
        attached = console.attached
        closing = self.closed(HELLO, **self.headers(*scopes.split()))  # type: ignore[arg-type]
        await attached
        return closing

    async def test_a_token_that_expires_ends_what_is_attached_by_it(self) -> None:
        closing = await self.attached_with("read write")
        self.database._connection.execute("UPDATE tokens SET expires = 1")
        await self.watch.look()
        code, reason = await closing
        self.assertEqual(code, 1008)
        self.assertIn("expired", reason)

    async def test_a_token_that_may_do_less_ends_what_is_attached_by_it(self) -> None:
        closing = await self.attached_with("read write")
        self.database._connection.execute("UPDATE tokens SET scopes = 'read'")
        await self.watch.look()
        self.assertEqual((await closing)[0], 1008)

    async def test_who_looks_after_the_hub_no_longer_stays_attached(self) -> None:
        for user in (self.alice, self.bob):  # one of them stays
            self.database.people.change(user.number, 0.0, is_admin=True)
        console = self.console("main")
        attached = console.attached

        def talk(connection: ClientConnection) -> bool:
            connection.send(HELLO)
            connection.recv(timeout=60)
            connection.send(frames.input_(0, 7, 0, b"x"))
            try:
                return bool(connection.recv(timeout=60))
            except ConnectionClosed:
                return False

        talking = self.in_thread(talk, **self.headers(*SCOPES))
        viewer = await attached
        self.database.people.change(self.alice.number, 0.0, is_admin=False)
        await self.watch.look()
        viewer.client.send(frames.accepted(0, 7, 1))
        self.assertTrue(await talking)
