"""What the store keeps, as values.

Times are seconds since 1970 (UTC).  A ``hash`` is the SHA-256 of a secret that only
its holder has; the secret itself is never stored.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class User:
    """An account.

    ``number`` is never given to another account: a console's uid and home derive
    from it.  ``password_hash`` is an argon2id string, or None when the account has
    no password (it logs in by link or token).
    """

    number: int
    name: str
    created: float
    plan: str
    password_hash: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Token:
    """An API token of a user; ``label`` says what it is for."""

    number: int
    user: int
    label: str
    hash: str = attrs.field(repr=False)
    created: float
    last_used: float | None = None


@attrs.frozen
class LoginSession:
    """A browser that is logged in; ``address`` and ``agent`` help to recognise it."""

    number: int
    user: int
    hash: str = attrs.field(repr=False)
    created: float
    last_seen: float
    expires: float
    address: str
    agent: str


@attrs.frozen
class LoginLink:
    """A link that logs its holder in once."""

    hash: str = attrs.field(repr=False)
    user: int
    created: float
    expires: float


@attrs.frozen
class Key:
    """A public key that opens its user's account by ssh.

    ``blob`` is the key as ssh sends it (RFC 4253, section 6.6), ``fingerprint`` what
    ``ssh-keygen -l`` shows of it, and ``label`` what its user calls it.
    """

    number: int
    user: int
    algorithm: str
    blob: bytes = attrs.field(repr=False)
    fingerprint: str
    label: str
    created: float
    last_used: float | None = None


@attrs.frozen
class ConsoleRecord:
    """What the hub must remember of a console.

    ``ended`` is None while it runs; ``prepared`` means that it was started ahead of
    its use and its owner does not see it yet.
    """

    id: str
    owner: int
    name: str
    program: str
    image: str
    created: float
    ended: float | None = None
    reason: str | None = None
    prepared: bool = False
