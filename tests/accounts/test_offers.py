"""Codes for keys that open no account yet."""

from __future__ import annotations

import re

from termhub.accounts.offers import Offers


class Time:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def key(number: int) -> bytes:
    return b"key %d" % number


def test_a_code_finds_its_key_however_it_is_typed() -> None:
    offers = Offers(Time())
    offer = offers.add(key(1), "ssh-ed25519", "192.0.2.1")
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", offer.code)
    assert (offer.blob, offer.algorithm, offer.address) == (key(1), "ssh-ed25519", "192.0.2.1")
    bare = offer.code.replace("-", "")
    mistaken = bare.replace("0", "o").replace("1", "l")
    for typed in (offer.code, bare, offer.code.lower(), f" {bare[:2]} {bare[2:]}\n", mistaken):
        assert offers.find(typed) == offer
    for wrong in ("", "-", bare[:-1], bare + bare, "\0", "\ud800", "ß" * 4):
        assert offers.find(wrong) is None


def test_a_code_is_good_for_ten_minutes_and_once() -> None:
    time = Time()
    offers = Offers(time)
    late = offers.add(key(1), "ssh-ed25519", "")
    taken = offers.add(key(2), "ssh-ed25519", "")
    time.seconds += 599
    assert offers.find(late.code) == late
    offers.discard(taken)
    assert offers.find(taken.code) is None
    time.seconds += 1
    assert offers.find(late.code) is None
    assert len(offers) == 0


def test_a_key_has_one_code_and_its_time_begins_anew() -> None:
    time = Time()
    offers = Offers(time)
    first = offers.add(key(1), "ssh-ed25519", "192.0.2.1")
    time.seconds += 400
    again = offers.add(key(1), "ssh-ed25519", "192.0.2.2")
    assert (again.code, again.expires, again.address) == (first.code, first.expires + 400, "192.0.2.2")
    assert len(offers) == 1
    time.seconds += 600
    assert offers.add(key(1), "ssh-ed25519", "192.0.2.1").code != first.code
    assert len(offers) == 1


def test_the_table_is_bounded_and_the_oldest_go_first() -> None:
    offers = Offers(Time(), capacity=5)
    made = [offers.add(key(number), "ssh-rsa", f"192.0.2.{number}") for number in range(8)]
    assert len(offers) == 5
    assert [offers.find(offer.code) is not None for offer in made] == [False] * 3 + [True] * 5


def test_one_address_cannot_push_out_the_others() -> None:
    offers = Offers(Time())
    one = offers.add(key(0), "ssh-rsa", "198.51.100.1")
    flood = [offers.add(key(number), "ssh-rsa", f"2001:db8::{number:x}") for number in range(1, 2000)]
    assert offers.find(one.code) == one
    assert len(offers) == 21
    assert offers.find(flood[-1].code) == flood[-1]


def test_a_code_does_not_show_in_logs() -> None:
    offer = Offers(Time()).add(key(1), "ssh-ed25519", "")
    assert offer.code not in repr(offer)
