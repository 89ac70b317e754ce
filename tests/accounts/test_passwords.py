import threading
import time

import pytest
from argon2 import extract_parameters
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from termhub.accounts import Passwords, passwords
from termhub.accounts.passwords import hash_password, verify_password
from termhub.errors import BadRequest, TooMany


def test_a_password_is_hashed_with_argon2id_and_a_salt_of_its_own() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")
    assert first != second
    parameters = extract_parameters(first)
    assert (parameters.type.name, parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        "ID",
        19456,
        2,
        1,
    )


def test_only_the_right_password_verifies() -> None:
    stored = hash_password("correct horse")
    assert verify_password(stored, "correct horse")
    assert not verify_password(stored, "correct horse ")
    assert not verify_password(stored, "")
    assert not verify_password(None, "correct horse")
    assert not verify_password("not a hash", "correct horse")


def test_any_text_is_a_password() -> None:
    for text in ("пароль-пароль", "lone \ud800 surrogate", "nul \0 inside", "x" * 1000):
        assert verify_password(hash_password(text), text)


@pytest.mark.parametrize("length", [0, 7, 1001])
def test_lengths_are_limited(length: int) -> None:
    with pytest.raises(BadRequest, match="8 to 1000 characters"):
        hash_password("x" * length)


def test_an_account_that_does_not_exist_costs_the_same() -> None:
    stored = hash_password("correct horse")

    def best_of_five(password_hash: str | None) -> float:
        times = []
        for _ in range(5):
            start = time.thread_time()
            verify_password(password_hash, "wrong horse")
            times.append(time.thread_time() - start)
        return min(times)

    known, unknown = best_of_five(stored), best_of_five(None)
    assert 0.5 < unknown / known < 2


class PasswordsTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.passwords = Passwords(reactor)

    def start(self) -> None:
        self.passwords.start()
        self.addCleanup(self.passwords.stop)

    async def test_hashing_and_verifying_leave_the_reactor_free(self) -> None:
        self.start()
        ran_in: list[int] = []
        real = passwords._hasher.verify
        self.patch(
            passwords,
            "verify_password",
            lambda stored, text: (ran_in.append(threading.get_ident()), real(stored, text))[1],
        )
        stored = await self.passwords.hash("correct horse")
        self.assertTrue(await self.passwords.verify(stored, "correct horse"))
        self.assertEqual(len(ran_in), 1)
        self.assertNotIn(threading.get_ident(), ran_in)

    def test_the_queue_is_bounded(self) -> None:
        self.patch(passwords, "verify_password", lambda stored, text: True)
        waiting = [
            Deferred.fromCoroutine(self.passwords.verify(None, "x")) for _ in range(passwords.MAX_WAITING)
        ]
        gone = waiting.pop()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        refused = Deferred.fromCoroutine(self.passwords.verify(None, "x"))
        self.assertEqual(self.failureResultOf(refused, TooMany).value.code, "busy")
        self.start()
        return gatherResults(waiting)  # type: ignore[return-value]
