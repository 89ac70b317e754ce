import pytest
from twisted.internet.task import Clock

from termhub.accounts.attempts import Attempts, address_key
from termhub.errors import TooMany


def spend(attempts: Attempts, key: str, times: int) -> None:
    for _ in range(times):
        attempts.spend(key)


def test_a_burst_is_allowed_then_refused_with_the_time_to_wait() -> None:
    clock = Clock()
    attempts = Attempts(clock.seconds, burst=3, refill_seconds=30.0)
    spend(attempts, "a", 3)
    with pytest.raises(TooMany) as refused:
        attempts.spend("a")
    assert refused.value.retry_after_seconds == pytest.approx(30.0)
    clock.advance(29.9)
    with pytest.raises(TooMany):
        attempts.spend("a")
    clock.advance(0.2)
    attempts.spend("a")
    with pytest.raises(TooMany):
        attempts.spend("a")


def test_keys_do_not_share() -> None:
    attempts = Attempts(Clock().seconds, burst=1, refill_seconds=30.0)
    attempts.spend("a")
    attempts.spend("b")
    with pytest.raises(TooMany):
        attempts.spend("a")


def test_being_refused_costs_nothing() -> None:
    clock = Clock()
    attempts = Attempts(clock.seconds, burst=1, refill_seconds=30.0)
    attempts.spend("a")
    for _ in range(100):
        with pytest.raises(TooMany):
            attempts.spend("a")
    clock.advance(30.1)
    attempts.spend("a")


def test_a_right_attempt_is_given_back() -> None:
    attempts = Attempts(Clock().seconds, burst=2, refill_seconds=30.0)
    for _ in range(50):
        attempts.spend("a")
        attempts.refund("a")
    assert len(attempts) == 0
    attempts.refund("never seen")


def test_memory_is_bounded() -> None:
    clock = Clock()
    attempts = Attempts(clock.seconds, burst=2, refill_seconds=30.0, capacity=100)
    for number in range(10_000):
        attempts.spend(str(number))
    assert len(attempts) == 100
    clock.advance(61)
    attempts.spend("new")
    assert len(attempts) == 1, "buckets that have refilled are forgotten together"


def test_the_longest_unused_is_forgotten_first() -> None:
    attempts = Attempts(Clock().seconds, burst=1, refill_seconds=30.0, capacity=2)
    attempts.spend("a")
    attempts.spend("b")
    attempts.spend("c")
    with pytest.raises(TooMany):
        attempts.spend("b")
    attempts.spend("a")


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("/run/some.sock", "/run/some.sock"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str, key: str) -> None:
    assert address_key(address) == key
