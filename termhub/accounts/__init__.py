"""Users, credentials, tokens, keys and login sessions; who may come to shared consoles."""

from .identity import (
    ANYBODY,
    Accounts,
    Admitted,
    Bearer,
    Cookie,
    Credentials,
    GuestPass,
    Link,
    Password,
    PublicKey,
)
from .offers import KeyOffer
from .passwords import Passwords
from .shares import SharePreview, Shares, Taken

__all__ = [
    "ANYBODY",
    "Accounts",
    "Admitted",
    "Bearer",
    "Cookie",
    "Credentials",
    "GuestPass",
    "KeyOffer",
    "Link",
    "Password",
    "Passwords",
    "PublicKey",
    "SharePreview",
    "Shares",
    "Taken",
]
