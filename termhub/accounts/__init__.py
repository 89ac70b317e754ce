"""Users, credentials, tokens, keys and login sessions."""

from .identity import ANYBODY, Accounts, Admitted, Bearer, Cookie, Credentials, Link, Password, PublicKey
from .offers import KeyOffer
from .passwords import Passwords

__all__ = [
    "ANYBODY",
    "Accounts",
    "Admitted",
    "Bearer",
    "Cookie",
    "Credentials",
    "KeyOffer",
    "Link",
    "Password",
    "Passwords",
    "PublicKey",
]
