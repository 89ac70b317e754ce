"""How many requests a user and an address may make."""

from __future__ import annotations

from typing import Any

import pytest
import websockets.exceptions
import websockets.sync.client
from twisted.internet.defer import DeferredList
from twisted.internet.threads import deferToThread

from termhub.config import Web
from termhub.errors import TooMany
from termhub.gateways.web import rates as rates_module
from termhub.gateways.web.guards import Guards, guards_of
from termhub.gateways.web.rates import EXPENSIVE_AT_ONCE, EXPENSIVE_SECONDS, Rates
from termhub.gateways.web.site import OPERATIONS
from tests.support.web import WebTestCase


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_at_once_and_then_steadily() -> None:
    time = Time()
    rates = Rates(time, per_user=120)
    for _ in range(120):
        rates.of_user(1)
    with pytest.raises(TooMany) as refused:
        rates.of_user(1)
    assert refused.value.code == "too_many_requests"
    assert refused.value.retry_after_seconds == pytest.approx(0.5)
    rates.of_user(2)  # others are not concerned
    time.now = 0.6
    rates.of_user(1)
    with pytest.raises(TooMany):
        rates.of_user(1)


def test_an_ipv6_network_is_one_address() -> None:
    rates = Rates(Time(), per_address=2)
    rates.of_address("2001:db8::1")
    rates.of_address("2001:db8::2")
    with pytest.raises(TooMany):
        rates.of_address("2001:db8::3")
    rates.of_address("2001:db8:0:1::3")


def test_what_costs_much_has_a_count_of_its_own() -> None:
    time = Time()
    rates = Rates(time, per_user=10_000)
    for _ in range(EXPENSIVE_AT_ONCE):
        rates.of_user(1, is_expensive=True)
    with pytest.raises(TooMany):
        rates.of_user(1, is_expensive=True)
    rates.of_user(1)
    time.now = EXPENSIVE_SECONDS * 1.5
    rates.of_user(1, is_expensive=True)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates_module, "MAX_KEYS", 100)
    rates = Rates(Time(), per_address=5)
    for number in range(1000):
        rates.of_address(f"10.0.{number // 250}.{number % 250}")
    assert rates._addresses is not None
    assert len(rates._addresses) <= 100


def test_without_limits_nothing_is_counted() -> None:
    rates = Rates(Time())
    for _ in range(100_000):
        rates.of_user(1, is_expensive=True)
        rates.of_address("192.0.2.1")


@pytest.mark.parametrize(
    ("web", "tells_apart"),
    [
        (Web(), True),
        (
            Web(public_url="https://hub.example"),
            False,
        ),  # a proxy that nobody told us of: all have one address
        (Web(public_url="https://hub.example", trusted_proxies=["10.0.0.1"]), True),
        (Web(public_url="https://hub.example", tls_certificate="x"), True),
    ],
)
def test_addresses_count_where_they_are_known(web: Web, tells_apart: bool) -> None:
    guards = guards_of(web, Time())
    assert bool(guards.connections._most_per_address) == tells_apart
    assert (guards.rates._addresses is not None) == tells_apart


def test_what_starts_or_writes_out_much_is_expensive() -> None:
    expensive = {operation.name for operation in OPERATIONS if operation.is_expensive}
    assert {"create_console", "open_window"} <= expensive


class LimitedTests(WebTestCase):
    def site_options(self) -> dict[str, Any]:
        self.time = Time()
        guards = Guards(rates=Rates(self.time, per_user=10, per_address=25))
        return {**super().site_options(), "guards": guards}

    async def test_too_many_of_a_user(self) -> None:
        for _ in range(10):
            self.assertEqual((await self.call("GET", "/me")).status, 200)
        refused = await self.call("GET", "/me")
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_requests"))
        self.assertEqual(refused.headers["Retry-After"], "6")
        self.assertEqual((await self.call("GET", "/me", token=self.bobs_token)).status, 200)
        self.time.now = 7
        self.assertEqual((await self.call("GET", "/me")).status, 200)

    async def test_too_many_of_an_address_whatever_they_ask(self) -> None:
        for target in ("/", "/nothing", "/api/v1/me", "/%FF", "/healthz") * 5:
            self.assertNotEqual((await self.http("GET", target)).status, 429)
        for target in ("/", "/api/v1/me", "/healthz"):
            refused = await self.http("GET", target)
            self.assertEqual(refused.status, 429)
            self.assertEqual(refused.headers["Retry-After"], "3")

    async def test_upgrades_count(self) -> None:
        self.console("main")

        def run() -> int:
            for _ in range(20):
                try:
                    with websockets.sync.client.connect(
                        f"ws://127.0.0.1:{self.address}/api/v1/consoles/main/attach",
                        subprotocols=["termhub.v1"],  # type: ignore[list-item]
                        additional_headers={"Authorization": f"Bearer {self.token}"},
                    ):
                        pass
                except websockets.exceptions.InvalidStatus as error:
                    assert error.response.headers["Retry-After"]
                    return error.response.status_code
            return 0

        self.assertEqual(await deferToThread(run), 429)
        await DeferredList(self.connections)
