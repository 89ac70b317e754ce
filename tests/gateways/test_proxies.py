"""Whose word is taken about where a request comes from, and what follows from it."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
import websockets.sync.client
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import DeferredList
from twisted.internet.threads import deferToThread

from sandbox.guest import frames
from termhub.errors import ConfigError
from termhub.gateways.connections import Connections
from termhub.gateways.web.guards import Guards
from termhub.gateways.web.proxies import MAX_HOPS, Proxies, Source
from termhub.gateways.web.rates import Rates
from tests.support.web import WebTestCase

PROXIES = Proxies(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.9", ["203.0.113.1"], "192.0.2.9"),  # no proxy of ours: its word is worth nothing
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("::ffff:127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["198.51.100.7, 203.0.113.1"], "203.0.113.1"),  # the client wrote the first itself
        ("127.0.0.1", ["198.51.100.7", "203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["203.0.113.1, 10.1.2.3"], "203.0.113.1"),
        ("127.0.0.1", ["198.51.100.7, 203.0.113.1, 10.1.2.3,10.0.0.9 "], "203.0.113.1"),
        ("127.0.0.1", ["10.1.2.3, 10.1.2.4"], "10.1.2.3"),
        ("127.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("127.0.0.1", ["[2001:db9::1]:4711"], "2001:db9::1"),
        ("127.0.0.1", ["2001:db9::1"], "2001:db9::1"),
        ("127.0.0.1", ["203.0.113.1, 2001:db8::5"], "203.0.113.1"),
        ("127.0.0.1", ["203.0.113.1, unknown"], "127.0.0.1"),  # not what is before a word that says nothing
        ("127.0.0.1", ["203.0.113.1, "], "127.0.0.1"),
        ("127.0.0.1", ["nonsense, 10.1.2.3"], "10.1.2.3"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours(peer: str, forwarded: list[str], address: str) -> None:
    assert PROXIES.source(peer, forwarded).address == address


def test_https_and_the_host_are_the_last_word() -> None:
    source = PROXIES.source("10.0.0.1", ["192.0.2.1"], ["http, https"], ["evil.example", "hub.example:444"])
    assert source == Source("192.0.2.1", is_proxied=True, is_https=True, host="hub.example:444")
    assert PROXIES.source("192.0.2.1", [], ["https"], ["evil.example"]) == Source("192.0.2.1")
    assert PROXIES.source("10.0.0.1") == Source("10.0.0.1", is_proxied=True)


def test_many_hops_are_not_followed_for_ever() -> None:
    long = ",".join(["203.0.113.1"] + ["10.0.0.1"] * MAX_HOPS)
    assert PROXIES.source("127.0.0.1", [long]).address == "10.0.0.1"


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.0/99", "1.2.3", "::g"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="trusted_proxies"):
        Proxies([text])


def test_nobody_is_trusted_unless_named() -> None:
    assert Proxies().source("127.0.0.1", ["203.0.113.1"], ["https"], ["x"]) == Source("127.0.0.1")


HEADERS = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.one_of(st.ip_addresses().map(str), st.text(max_size=12))).map(",".join),
    ),
    max_size=5,
)


@given(HEADERS, HEADERS, HEADERS)
def test_any_header_gives_an_address(forwarded: list[str], proto: list[str], host: list[str]) -> None:
    source = PROXIES.source("127.0.0.1", forwarded, proto, host)
    ipaddress.ip_address(source.address)
    assert source.is_proxied


@given(st.ip_addresses(), st.ip_addresses(), HEADERS)
def test_what_a_client_writes_never_counts(client: Any, spoofed: Any, before: list[str]) -> None:
    """A trusted proxy adds the client's address at the end: that one it is, whatever stands before."""
    if PROXIES.has(str(client)):
        return
    expected = str(getattr(client, "ipv4_mapped", None) or client)
    assert PROXIES.source("127.0.0.1", [*before, f"{spoofed}, {client}"]).address == expected
    assert PROXIES.source("127.0.0.1", [*before, str(spoofed), str(client)]).address == expected
    assert PROXIES.source(str(client), [*before, str(spoofed)]).address == str(client)


class ProxiedTests(WebTestCase):
    trusted = ("127.0.0.1",)

    def site_options(self) -> dict[str, Any]:
        self.counted = Connections(0, 2)
        guards = Guards(self.counted, proxies=Proxies(self.trusted), hsts_seconds=7)
        return {**super().site_options(), "guards": guards}

    async def log_in(self, password: str, address: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call(
            "POST",
            "/login",
            {"name": "alice", "password": password},
            token="",
            headers={"X-Forwarded-For": address, **named},
        )

    async def test_wrong_passwords_are_counted_by_the_clients_address(self) -> None:
        for number in range(20):
            body = {"name": f"user{number}", "password": "wrong"}
            headers = {"X-Forwarded-For": f"203.0.113.{number}, 203.0.113.66"}
            self.assertEqual((await self.call("POST", "/login", body, token="", headers=headers)).status, 401)
        refused = await self.log_in("alice's password", "203.0.113.66")
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_attempts"))
        self.assertEqual((await self.log_in("alice's password", "203.0.113.7")).status, 200)

    async def test_a_session_notes_the_clients_address(self) -> None:
        self.assertEqual((await self.log_in("alice's password", "1.2.3.4, 203.0.113.7")).status, 200)
        (session,) = self.database.sessions(self.alice.number)
        self.assertEqual(session.address, "203.0.113.7")

    async def test_https_to_the_proxy_is_https(self) -> None:
        response = await self.log_in("alice's password", "203.0.113.7", X_Forwarded_Proto="https")
        self.assertRegex(response.headers["Set-Cookie"], "^__Host-termhub_session=.*Secure")
        self.assertEqual(response.headers["Strict-Transport-Security"], "max-age=7")
        response = await self.log_in("alice's password", "203.0.113.7", X_Forwarded_Proto="http")
        self.assertRegex(response.headers["Set-Cookie"], "^termhub_session=")
        self.assertIsNone(response.headers["Strict-Transport-Security"])

    async def test_the_host_that_the_proxy_was_asked_for_is_ours(self) -> None:
        for origin, status in (("https://hub.example", 200), ("https://evil.example", 403)):
            response = await self.log_in(
                "alice's password", "203.0.113.7", X_Forwarded_Host="hub.example", Origin=origin
            )
            self.assertEqual(response.status, status)

    async def test_a_clients_requests_count_as_its_connections_while_they_last(self) -> None:
        console = self.console("main")
        waiting = [
            self.call(
                "GET",
                "/consoles/main/output?since=0&wait=30",
                headers={"X-Forwarded-For": "203.0.113.7"},
            )
            for _ in range(2)
        ]
        while len(console.output_waits) < 2:
            await self.http("GET", "/healthz", headers={"X-Forwarded-For": "203.0.113.8"})
        refused = await self.http("GET", "/healthz", headers={"X-Forwarded-For": "203.0.113.7"})
        self.assertEqual((refused.status, refused.json["code"]), (503, "too_many_connections"))
        other = await self.http("GET", "/healthz", headers={"X-Forwarded-For": "203.0.113.8"})
        self.assertEqual(other.status, 200)
        console.print(b"something")
        for waited in waiting:
            self.assertEqual((await waited).status, 200)
        again = await self.http("GET", "/healthz", headers={"X-Forwarded-For": "203.0.113.7"})
        self.assertEqual(again.status, 200)
        await DeferredList(self.connections)
        self.assertFalse(self.counted._of_address)
        self.assertEqual(self.counted._count, 0)

    async def test_an_attached_client_counts_until_it_is_gone(self) -> None:
        console = self.console("main")
        attached = console.attached

        def run() -> None:
            with websockets.sync.client.connect(
                f"ws://127.0.0.1:{self.address}/api/v1/consoles/main/attach",
                subprotocols=["termhub.v1"],  # type: ignore[list-item]
                additional_headers={
                    "Authorization": f"Bearer {self.token}",
                    "X-Forwarded-For": "203.0.113.7",
                },
            ) as link:
                hello = {"version": 1, "viewer": "1"}
                link.send(frames.encode_json(frames.HELLO, frames.CONSOLE, hello))
                link.recv(timeout=60)
                self.assertEqual(self.counted._of_address, {"203.0.113.7": 1})

        await deferToThread(run)
        await (await attached).left
        await DeferredList(self.connections)
        self.assertFalse(self.counted._of_address)
        self.assertEqual(self.counted._count, 0)


class UntrustedTests(ProxiedTests):
    """The same requests from somebody who is no proxy of ours."""

    trusted = ("10.0.0.0/8",)

    def site_options(self) -> dict[str, Any]:
        rates = Rates(lambda: 0.0, per_address=21)
        guards = Guards(rates=rates, proxies=Proxies(self.trusted), hsts_seconds=7)
        return {**WebTestCase.site_options(self), "guards": guards}

    async def test_wrong_passwords_are_counted_by_the_clients_address(self) -> None:
        for number in range(20):
            self.assertEqual((await self.log_in("wrong", f"203.0.113.{number}")).status in (401, 429), True)
        refused = await self.log_in("alice's password", "203.0.113.99")
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_attempts"))

    async def test_a_session_notes_the_clients_address(self) -> None:
        self.assertEqual((await self.log_in("alice's password", "203.0.113.7")).status, 200)
        (session,) = self.database.sessions(self.alice.number)
        self.assertEqual(session.address, "127.0.0.1")

    async def test_https_to_the_proxy_is_https(self) -> None:
        response = await self.log_in("alice's password", "203.0.113.7", X_Forwarded_Proto="https")
        self.assertRegex(response.headers["Set-Cookie"], "^termhub_session=")
        self.assertIsNone(response.headers["Strict-Transport-Security"])

    async def test_the_host_that_the_proxy_was_asked_for_is_ours(self) -> None:
        for origin, status in (("https://evil.example", 403), (self.origin, 200)):
            response = await self.log_in(
                "alice's password", "203.0.113.7", X_Forwarded_Host="evil.example", Origin=origin
            )
            self.assertEqual(response.status, status)

    async def test_a_clients_requests_count_as_its_connections_while_they_last(self) -> None:
        for number in range(21):
            headers = {"X-Forwarded-For": f"203.0.113.{number}"}
            self.assertEqual((await self.http("GET", "/healthz", headers=headers)).status, 200)
        refused = await self.http("GET", "/healthz", headers={"X-Forwarded-For": "203.0.113.99"})
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_requests"))

    async def test_an_attached_client_counts_until_it_is_gone(self) -> None:
        """Nothing is counted for whom a client names."""
