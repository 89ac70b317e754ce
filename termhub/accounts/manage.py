"""Managing accounts from the command line: plain calls on an open database.

They block (a password takes about 60 ms), so the hub does not use them while it
serves.
"""

from __future__ import annotations

import re
import time

from termhub.errors import BadRequest
from termhub.store import Database, Key, Token, User

from .accounts import MAX_TOKENS
from .identity import LINK_SECONDS
from .passwords import hash_password
from .public_keys import clean_label, parse_public_key
from .secret import LINK, SHARE, TOKEN, hash_secret, new_secret

FIRST_PLAN = "pro"
"""The plan of the account of whoever sets a hub up."""

_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


def checked_name(name: str) -> str:
    """The name itself, when an account can have it.

    :raises BadRequest: when it cannot.
    """
    if not _NAME.fullmatch(name):
        raise BadRequest(
            f"{name!r} cannot be a user name: use 1 to 32 of a-z, 0-9, '_', '.' and '-', "
            "beginning with a letter or '_'.",
            "bad_name",
        )
    if name.startswith(SHARE):
        raise BadRequest(
            f"{name!r} cannot be a user name: it looks like a link to a shared console.", "bad_name"
        )
    return name


def find_user(database: Database, name: str) -> User:
    """The user of this name.

    :raises BadRequest: when there is none.
    """
    user = database.user_named(name)
    if user is None:
        raise BadRequest(f"There is no user {name}.", "no_such_user")
    return user


def add_user(
    database: Database, name: str, *, plan: str, password: str | None = None, is_admin: bool = False
) -> User:
    """A new account.

    :param plan: one of the settings' plans; the caller has checked it.
    :param password: None for an account that logs in by link or token only.
    :raises BadRequest: when the name or the password cannot be used.
    :raises NameTaken: when there is such a user.
    """
    checked_name(name)
    password_hash = None if password is None else hash_password(password)
    return database.add_user(name, time.time(), plan, password_hash, is_admin=is_admin)


def remove_user(database: Database, name: str) -> None:
    """Remove an account and its credentials.

    :raises BadRequest: when there is no such user.
    :raises StoreError: while it has running consoles.
    """
    database.remove_user(find_user(database, name).number)


def set_password(database: Database, name: str, password: str | None) -> None:
    """Replace a user's password (None: no password) and log the user out everywhere.

    :raises BadRequest: when there is no such user or the password cannot be used.
    """
    password_hash = None if password is None else hash_password(password)
    database.set_password(find_user(database, name).number, password_hash)


def create_token(database: Database, name: str, label: str = "") -> tuple[Token, str]:
    """A new API token: what is stored of it, and the secret, which is shown once.

    :param label: what it is for, at most 100 characters.
    :raises BadRequest: when there is no such user, or it has too many tokens.
    """
    user = find_user(database, name)
    if len(label) > 100:
        raise BadRequest("A token's label has at most 100 characters.", "bad_label")
    if len(database.tokens(user.number)) >= MAX_TOKENS:
        raise BadRequest(f"{name} has {MAX_TOKENS} tokens already. Revoke some first.", "too_many_tokens")
    secret = new_secret(TOKEN)
    return database.add_token(user.number, label, hash_secret(secret), time.time()), secret


def revoke_token(database: Database, name: str, number: int) -> None:
    """Make a token useless from now on.

    :raises BadRequest: when the user has no such token.
    """
    if not database.remove_token(find_user(database, name).number, number):
        raise BadRequest(f"{name} has no token {number}.", "no_such_token")


def add_key(database: Database, name: str, text: str, label: str | None = None) -> Key:
    """Let a key open the user's account by ssh; see :meth:`.identity.Accounts.add_key`.

    :raises BadRequest: when there is no such user, it has too many keys, or the text is no key.
    :raises KeyTaken: when the key opens an account already.
    """
    user = find_user(database, name)
    key = parse_public_key(text)
    called = key.comment if label is None else clean_label(label)
    return database.add_key(user.number, key.algorithm, key.blob, key.fingerprint, called, time.time())


def remove_key(database: Database, name: str, number: int) -> None:
    """Let a key of the user open nothing any more.

    :raises BadRequest: when there is no such user, or it has no such key.
    """
    if not database.remove_key(find_user(database, name).number, number):
        raise BadRequest(f"{name} has no key {number}.", "no_such_key")


def create_link(database: Database, name: str) -> str:
    """The secret of a link that logs the user in once, within a day.

    The address to open is ``http://HOST:PORT/#login=SECRET``.

    :raises BadRequest: when there is no such user.
    """
    secret = new_secret(LINK)
    now = time.time()
    database.add_link(find_user(database, name).number, hash_secret(secret), now, now + LINK_SECONDS)
    return secret


def first_link(database: Database, name: str) -> str | None:
    """On a database without users: make one of this name, who may look after the hub, and a login link.

    :returns: the link's secret, or None when there are users already.
    :raises BadRequest: when the name cannot be used.
    """
    if database.users():
        return None
    add_user(database, name, plan=FIRST_PLAN, is_admin=True)
    return create_link(database, name)
