"""The keys that open one's own account by ssh, over real HTTP."""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from urllib.parse import quote

from termhub.accounts import PublicKey
from termhub.errors import NotLoggedIn
from tests.support.web import Response, WebTestCase

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
BLOB = b64decode(KEY.split()[1])
FINGERPRINT = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"


class KeyTests(WebTestCase):
    def refused(self, response: Response, status: int, code: str) -> str:
        self.assertEqual((response.status, response.json.get("code")), (status, code), response.body)
        detail: str = response.json["detail"]
        return detail

    async def keys(self, token: str | None = None) -> list[dict[str, Any]]:
        keys: list[dict[str, Any]] = (await self.call("GET", "/keys", token=token)).json["keys"]
        return keys

    async def test_a_key_is_added_listed_used_and_removed(self) -> None:
        made = await self.call("POST", "/keys", {"key": f"{KEY} alice@laptop\n"})
        self.assertEqual(made.status, 201)
        self.assertEqual(
            {**made.json, "created": 0.0},
            {
                "number": 1,
                "label": "alice@laptop",
                "algorithm": "ssh-ed25519",
                "fingerprint": FINGERPRINT,
                "created": 0.0,
                "last_used": None,
            },
        )
        self.assertEqual(await self.keys(), [made.json])
        self.assertEqual((await self.accounts.identify(PublicKey("alice", BLOB), "")).user, self.alice)
        self.assertIsNotNone((await self.keys())[0]["last_used"])
        self.assertEqual(self.ended, [])
        self.assertEqual((await self.call("DELETE", "/keys/1")).status, 204)
        self.assertEqual(self.ended, ["alice"], "what came with it is closed")
        self.assertEqual(await self.keys(), [])
        with self.assertRaises(NotLoggedIn):
            await self.accounts.identify(PublicKey("alice", BLOB), "")

    async def test_a_label_is_taken_instead_of_the_comment(self) -> None:
        made = await self.call("POST", "/keys", {"key": f"{KEY} alice@laptop", "label": "my laptop"})
        self.assertEqual(made.json["label"], "my laptop")

    async def test_others_keys_do_not_exist(self) -> None:
        await self.call("POST", "/keys", {"key": f"{KEY} alice@laptop"})
        self.assertEqual(await self.keys(self.bobs_token), [])
        removed = await self.call("DELETE", "/keys/1", token=self.bobs_token)
        self.refused(removed, 404, "no_such_key")
        self.assertEqual(self.ended, [])
        taken = await self.call("POST", "/keys", {"key": KEY}, token=self.bobs_token)
        said = self.refused(taken, 409, "key_taken")
        self.assertNotIn("alice", said)
        self.refused(await self.call("POST", "/keys", {"key": KEY}), 409, "have_key")
        self.assertEqual(len(await self.keys()), 1)

    async def test_what_is_no_key_is_refused_with_the_reason(self) -> None:
        private = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
        said = self.refused(await self.call("POST", "/keys", {"key": private}), 400, "private_key")
        self.assertIn("never give it to anybody", said)
        self.assertNotIn("c2VjcmV0", said)
        self.refused(await self.call("POST", "/keys", {"key": "hello"}), 400, "bad_key")
        for body in ({}, {"key": ""}, {"key": "k" * 16385}, {"key": KEY, "label": "l" * 101}, {"key": 1}):
            self.refused(await self.call("POST", "/keys", body), 400, "bad_body")
        self.assertEqual(await self.keys(), [])

    async def test_without_a_login_there_are_no_keys(self) -> None:
        for method, path in (("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/1")):
            self.refused(await self.call(method, path, token=""), 401, "not_logged_in")
        self.refused(await self.call("GET", "/keys/offers/AAAA-AAAA", token=""), 401, "not_logged_in")

    async def test_an_offered_key_is_shown_and_added_once(self) -> None:
        offer = self.accounts.keyring.offer(BLOB, "ssh-ed25519", "192.0.2.1")
        path = f"/keys/offers/{offer.code.lower()}"
        shown = await self.call("GET", path)
        self.assertEqual(shown.status, 200)
        self.assertEqual(
            shown.json,
            {
                "code": offer.code,
                "algorithm": "ssh-ed25519",
                "fingerprint": FINGERPRINT,
                "address": "192.0.2.1",
                "expires": offer.expires,
            },
        )
        made = await self.call("POST", path, {"label": "phone"})
        self.assertEqual((made.status, made.json["label"], made.json["number"]), (201, "phone", 1))
        self.assertEqual(await self.accounts.keyring.owner(BLOB), self.alice)
        self.refused(await self.call("GET", path), 404, "no_such_offer")
        self.refused(await self.call("POST", path, {}, token=self.bobs_token), 404, "no_such_offer")

    async def test_an_offered_key_that_somebody_has_stays_theirs(self) -> None:
        offer = self.accounts.keyring.offer(BLOB, "ssh-ed25519")
        await self.call("POST", "/keys", {"key": KEY}, token=self.bobs_token)
        self.refused(await self.call("POST", f"/keys/offers/{offer.code}", {}), 409, "key_taken")
        self.assertEqual(await self.accounts.keyring.owner(BLOB), self.bob)

    async def test_guessing_codes_is_limited(self) -> None:
        for guess in ("AAAA-AAAA", "x", "%00", quote("ß" * 200), "A" * 500):
            self.refused(await self.call("GET", f"/keys/offers/{guess}"), 404, "no_such_offer")
        for _ in range(15):
            await self.call("POST", "/keys/offers/AAAA-AAAA", {})
        limited = await self.call("GET", "/keys/offers/AAAA-AAAA")
        self.refused(limited, 429, "too_many_attempts")
        self.assertTrue(int(limited.headers["Retry-After"]))
        self.assertEqual((await self.call("GET", "/keys")).status, 200)

    async def test_the_hub_says_how_to_come_by_ssh(self) -> None:
        self.assertEqual(
            (await self.call("GET", "/server")).json, {"version": "1.2.3", "ssh": None, "guests": False}
        )
        self.ssh_address = "ssh -p 2222 console@hub.example"
        server = await self.call("GET", "/server")
        self.assertEqual(server.json["ssh"], "ssh -p 2222 console@hub.example")

    async def test_a_revoked_token_is_told_to_the_other_gateways_too(self) -> None:
        (token,) = self.database.tokens(self.bob.number)
        await self.call("DELETE", f"/tokens/{token.number}", token=self.bobs_token)
        self.assertEqual(self.ended, ["bob"])
