"""The keys that open accounts by ssh: one's own, and those that are offered by a code."""

from __future__ import annotations

from collections.abc import Callable

from termhub.errors import BadRequest
from termhub.store import Key, Store, User

from .attempts import Attempts, address_key
from .audit import Audit
from .offers import KeyOffer, Offers
from .public_keys import check_public_key, clean_label, parse_public_key
from .watch import Watch


class Keyring:
    """The keys of everybody.

    :param store: where they are kept.
    :param seconds: a clock that never goes back, for the limits on attempts.
    :param now: seconds since 1970.
    :param watch: tells who is connected that a key is gone.
    :param audit: what is done here is noted there.
    """

    def __init__(
        self,
        store: Store,
        seconds: Callable[[], float],
        now: Callable[[], float],
        watch: Watch,
        audit: Audit,
    ) -> None:
        self._store = store
        self._now = now
        self._watch = watch
        self._audit = audit
        self._offers = Offers(now)
        self._by_code = Attempts(seconds, burst=20, refill_seconds=30.0, what="wrong codes")

    async def add(self, user: User, text: str, label: str | None = None, address: str = "") -> Key:
        """Let a key open the user's account by ssh.

        :param text: a line of OpenSSH or a file of RFC 4716 (:func:`.public_keys.parse_public_key`).
        :param label: what to call it; None for the comment in ``text``.
        :raises BadRequest: when that is no key that can be used, or the user has too many.
        :raises KeyTaken: when the key opens an account already.
        """
        key = parse_public_key(text)
        called = key.comment if label is None else clean_label(label)
        return await self._add(user, key.algorithm, key.blob, key.fingerprint, called, address)

    async def of(self, user: User) -> list[Key]:
        """The user's keys, oldest first."""
        return await self._store.keys(user.number)

    async def remove(self, user: User, number: int, address: str = "") -> None:
        """Let a key of the user open nothing any more.

        :raises BadRequest: when the user has none of this number.
        """
        if not await self._store.remove_key(user.number, number):
            raise BadRequest(f"You have no key {number}.", "no_such_key")
        self._audit.note(user, "key.remove", str(number), address=address)
        await self._watch.access_ended(user)

    async def owner(self, blob: bytes) -> User | None:
        """Whose account a key opens.

        It says so to anybody: it is for a gateway that asks on behalf of who has proved the key,
        or that must know whether a proof is worth asking for.
        """
        found = await self._store.key(blob)
        return found[1] if found else None

    def offer(self, blob: bytes, algorithm: str, address: str = "") -> KeyOffer:
        """A code by which somebody who is logged in can add a key that opens no account yet.

        :param blob: a key whose holder has proved to have it.
        :param algorithm: its type, or that of the signature.
        :param address: where its holder comes from.
        :raises BadRequest: when such a key cannot be added.
        """
        if algorithm.startswith("rsa-sha2-"):
            algorithm = "ssh-rsa"
        check_public_key(blob, algorithm)
        return self._offers.add(blob, algorithm, address)

    def offered(self, user: User, code: str, address: str) -> KeyOffer:
        """The offer of this code.

        :param user: who asks; wrong codes are counted by who and where they are.
        :raises BadRequest: when there is no such offer, or no more.
        :raises TooMany: after too many wrong codes.
        """
        spent = (address_key(address), f"user {user.number}")
        for key in spent:
            self._by_code.spend(key)
        offer = self._offers.find(code)
        if offer is None:
            raise BadRequest(
                "This code is wrong, was used already or has expired. Connect by ssh again for a new one.",
                "no_such_offer",
            )
        for key in spent:
            self._by_code.refund(key)
        return offer

    async def accept_offer(self, user: User, code: str, label: str, address: str) -> Key:
        """Let the key that was offered by this code open the user's account.

        :raises BadRequest: when there is no such offer, or the user has too many keys.
        :raises KeyTaken: when the key opens an account already.
        :raises TooMany: after too many wrong codes.
        """
        offer = self.offered(user, code, address)
        called = clean_label(label)
        key = await self._add(user, offer.algorithm, offer.blob, offer.fingerprint, called, address)
        self._offers.discard(offer)
        return key

    async def _add(
        self, user: User, algorithm: str, blob: bytes, fingerprint: str, label: str, address: str
    ) -> Key:
        key = await self._store.add_key(user.number, algorithm, blob, fingerprint, label, self._now())
        self._audit.note(user, "key.add", label, {"fingerprint": fingerprint}, address)
        return key
