"""Passwords: argon2id, computed off the reactor in a small bounded pool.

A verification takes about 60 ms of a core on purpose, so there are two threads for it
and a short queue; beyond it the answer is "busy".  Invariant: verifying against an
account that does not exist or has no password takes the same work as against one that
has.
"""

from __future__ import annotations

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.internet.interfaces import IReactorFromThreads

from termhub.errors import BadRequest
from termhub.threads import Threads

MIN_LENGTH = 8
MAX_LENGTH = 1000
"""Characters of a password."""

THREADS = 2
MAX_WAITING = 32
"""Computations that may be under way or wait; the next is refused."""

_hasher = PasswordHasher(
    time_cost=2, memory_cost=19456, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)

_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$QUFBQUFBQUFBQUFBQUFBQQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""Verified against when there is no hash; no password is known to give it."""


def hash_password(password: str, what: str = "password") -> str:
    """The argon2id string of a password, with a salt of its own.

    :param what: what to call it.
    :raises BadRequest: when it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadRequest(
            f"A {what} has {MIN_LENGTH} to {MAX_LENGTH} characters; this one has {len(password)}.",
            "bad_password",
        )
    return _hasher.hash(_encoded(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether this is the password; the same work whether or not there is a hash."""
    try:
        matches = _hasher.verify(password_hash or _NOBODY, _encoded(password))
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def _encoded(password: str) -> bytes:
    # A lone surrogate, which JSON can carry, is no reason to fail.
    return password.encode("utf-8", "surrogatepass")


class Passwords:
    """Hashes and verifies in its own threads.

    :param reactor: where the answers arrive.
    """

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._threads = Threads(
            reactor,
            "passwords",
            THREADS,
            MAX_WAITING,
            "Too many people log in just now; try again in a moment.",
        )

    def start(self) -> None:
        """Let the computations begin."""
        self._threads.start()

    def stop(self) -> None:
        """Finish what was asked and end the threads."""
        self._threads.stop()

    async def hash(self, password: str, what: str = "password") -> str:
        """See :func:`hash_password`; :raises TooMany: when too many wait."""
        return await self._threads.run(hash_password, password, what)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """See :func:`verify_password`; :raises TooMany: when too many wait."""
        return await self._threads.run(verify_password, password_hash, password)
