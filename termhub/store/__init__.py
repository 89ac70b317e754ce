"""Where the hub keeps what must outlive it: accounts, credentials, consoles."""

from .database import Database
from .interface import Store
from .records import ConsoleRecord, Key, LoginLink, LoginSession, Token, User
from .threaded import AsyncStore

__all__ = [
    "AsyncStore",
    "ConsoleRecord",
    "Database",
    "Key",
    "LoginLink",
    "LoginSession",
    "Store",
    "Token",
    "User",
]
