"""Managing accounts from the command line: plain calls on an open database.

They block (a password takes about 60 ms), so the hub does not use them while it
serves; it notices what they do within seconds (:mod:`.watch`).  What is done here is noted in the
audit log under the system's user, such as ``local:root``: no account is called like that.
"""

from __future__ import annotations

import getpass
import os
import re
import time
from collections.abc import Collection

from termhub.errors import BadRequest
from termhub.store import SCOPES, Database, Key, Scope, Token, User

from .accounts import MAX_TOKENS, changes_of, check_scopes, checked_seconds, token_detail
from .audit import bounded
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
    user = database.add_user(name, time.time(), plan, password_hash, is_admin=is_admin)
    _note(database, "user.add", name, plan=plan, is_admin=is_admin)
    return user


def remove_user(database: Database, name: str) -> None:
    """Close an account for good; the hub removes its consoles and files, when it runs, and then the account.

    :raises BadRequest: when there is no such user.
    """
    user = find_user(database, name)
    database.people.begin_removal(user.number, time.time(), local_name(), whoever=True)
    _note(database, "user.remove", name)


def change_user(
    database: Database,
    name: str,
    *,
    plan: str | None = None,
    is_admin: bool | None = None,
    suspended: bool | None = None,
) -> None:
    """Give an account another plan, let it look after the hub, suspend it; None: as it is.

    :param plan: one of the settings' plans; the caller has checked it.
    :raises BadRequest: when there is no such user.
    :raises NotAllowed: when nobody would be left to look after the hub.
    """
    before = find_user(database, name)
    after = database.people.change(
        before.number, time.time(), plan=plan, is_admin=is_admin, suspended=suspended
    )
    for action, detail in changes_of(before, after):
        _note(database, action, name, **detail)


def set_password(database: Database, name: str, password: str | None) -> None:
    """Replace a user's password (None: no password) and log the user out everywhere.

    :raises BadRequest: when there is no such user or the password cannot be used.
    """
    password_hash = None if password is None else hash_password(password)
    database.set_password(find_user(database, name).number, password_hash)
    _note(database, "password.reset", name, has_password=password is not None)


def end_sessions(database: Database, name: str, numbers: Collection[int] | None = None) -> int:
    """Log a user's browsers out; how many they were.

    :param numbers: of their login sessions; None: all.
    :raises BadRequest: when there is no such user, or it has no such session.
    """
    user = find_user(database, name)
    if numbers is None:
        numbers = [session.number for session in database.sessions(user.number)]
    for number in numbers:
        if not database.remove_session(user.number, number):
            raise BadRequest(f"{name} has no login session {number}.", "no_such_session")
        _note(database, "session.revoke", name, number=number)
    return len(numbers)


def create_token(
    database: Database,
    name: str,
    label: str = "",
    scopes: Collection[Scope] = SCOPES,
    seconds: float | None = None,
) -> tuple[Token, str]:
    """A new API token: what is stored of it, and the secret, which is shown once.

    :param label: what it is for, at most 100 characters.
    :param scopes: what it is good for; to look after the hub only as long as its user may.
    :param seconds: how long it is good; None: for ever.
    :raises BadRequest: when there is no such user, it has too many tokens, or the token cannot be like that.
    """
    check_scopes(scopes)
    expires = None if seconds is None else time.time() + checked_seconds(seconds)
    user = find_user(database, name)
    if len(label) > 100:
        raise BadRequest("A token's label has at most 100 characters.", "bad_label")
    if len(database.tokens(user.number)) >= MAX_TOKENS:
        raise BadRequest(f"{name} has {MAX_TOKENS} tokens already. Revoke some first.", "too_many_tokens")
    secret = new_secret(TOKEN)
    token = database.add_token(user.number, label, hash_secret(secret), time.time(), scopes, expires)
    _note(database, "token.add", name, label=label, **token_detail(token))
    return token, secret


def revoke_token(database: Database, name: str, number: int) -> None:
    """Make a token useless from now on.

    :raises BadRequest: when the user has no such token.
    """
    if not database.remove_token(find_user(database, name).number, number):
        raise BadRequest(f"{name} has no token {number}.", "no_such_token")
    _note(database, "token.revoke", name, number=number)


def add_key(database: Database, name: str, text: str, label: str | None = None) -> Key:
    """Let a key open the user's account by ssh; see :meth:`.keyring.Keyring.add`.

    :raises BadRequest: when there is no such user, it has too many keys, or the text is no key.
    :raises KeyTaken: when the key opens an account already.
    """
    user = find_user(database, name)
    key = parse_public_key(text)
    called = key.comment if label is None else clean_label(label)
    added = database.add_key(user.number, key.algorithm, key.blob, key.fingerprint, called, time.time())
    _note(database, "key.add", name, label=called, fingerprint=key.fingerprint)
    return added


def remove_key(database: Database, name: str, number: int) -> None:
    """Let a key of the user open nothing any more.

    :raises BadRequest: when there is no such user, or it has no such key.
    """
    if not database.remove_key(find_user(database, name).number, number):
        raise BadRequest(f"{name} has no key {number}.", "no_such_key")
    _note(database, "key.remove", name, number=number)


def create_link(database: Database, name: str) -> str:
    """The secret of a link that logs the user in once, within a day.

    The address to open is ``http://HOST:PORT/#login=SECRET``.

    :raises BadRequest: when there is no such user.
    """
    secret = new_secret(LINK)
    now = time.time()
    database.add_link(find_user(database, name).number, hash_secret(secret), now, now + LINK_SECONDS)
    _note(database, "user.link", name)
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


def local_name() -> str:
    """Who does something here, for the audit log."""
    try:
        return f"local:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return f"local:{os.getuid()}"


def _note(database: Database, action: str, subject: str, **detail: object) -> None:
    database.audit.append(time.time(), *bounded(local_name(), action, subject, detail, ""))
