"""Secrets that termhub makes: API tokens, session cookies, login links, links to shared consoles.

Each carries 160 random bits and a prefix that says what it is, so that a leaked one is
recognised.  Only the SHA-256 is stored: a plain hash is enough for a random secret, and
since the store looks up by hash, timing tells nothing about the secret.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

TOKEN = "th_"
SESSION = "ths_"
LINK = "thl_"
SHARE = "thsh_"
GUEST = "thg_"

_RANDOM_BYTES = 20
_SECRET = re.compile(r"\b(th(?:s|l|sh|g)?_)[A-Za-z0-9]{4,}")


def new_secret(prefix: str) -> str:
    """A secret of this kind: the prefix and 32 characters of a-z and 2-7."""
    return prefix + base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()


def hash_secret(secret: str) -> str:
    """What the store knows of a secret: 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def without_secrets(text: str) -> str:
    """The text with everything that looks like one of our secrets cut short, for a log."""
    return _SECRET.sub(r"\1…", text)
