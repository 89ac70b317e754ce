"""Users, credentials, tokens, keys and login sessions; who may come to shared consoles."""

from .accounts import Accounts
from .audit import Audit
from .credentials import (
    ANYBODY,
    Admitted,
    Bearer,
    Cookie,
    Credentials,
    GuestPass,
    Identity,
    Link,
    Password,
    PublicKey,
)
from .offers import KeyOffer
from .passwords import Passwords
from .shares import SharePreview, Shares, Taken
from .visitors import Visitors
from .watch import Watch

__all__ = [
    "ANYBODY",
    "Accounts",
    "Admitted",
    "Audit",
    "Bearer",
    "Cookie",
    "Credentials",
    "GuestPass",
    "Identity",
    "KeyOffer",
    "Link",
    "Password",
    "Passwords",
    "PublicKey",
    "SharePreview",
    "Shares",
    "Taken",
    "Visitors",
    "Watch",
]
