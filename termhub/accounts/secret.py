"""Secrets that termhub makes: API tokens, session cookies, login links.

Each carries 160 random bits and a prefix that says what it is, so that a leaked one is
recognised.  Only the SHA-256 is stored: a plain hash is enough for a random secret, and
since the store looks up by hash, timing tells nothing about the secret.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

TOKEN = "th_"
SESSION = "ths_"
LINK = "thl_"

_RANDOM_BYTES = 20


def new_secret(prefix: str) -> str:
    """A secret of this kind: the prefix and 32 characters of a-z and 2-7."""
    return prefix + base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()


def hash_secret(secret: str) -> str:
    """What the store knows of a secret: 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
