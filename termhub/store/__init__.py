"""Where the hub keeps what must outlive it: accounts, credentials, consoles, shares."""

from .database import Database
from .interface import Store
from .records import (
    ROLES,
    ChatMessage,
    ConsoleRecord,
    ControlMode,
    Guest,
    Key,
    LoginLink,
    LoginSession,
    Member,
    Role,
    Share,
    Sharing,
    Token,
    User,
    rank,
)
from .threaded import AsyncStore

__all__ = [
    "ROLES",
    "AsyncStore",
    "ChatMessage",
    "ConsoleRecord",
    "ControlMode",
    "Database",
    "Guest",
    "Key",
    "LoginLink",
    "LoginSession",
    "Member",
    "Role",
    "Share",
    "Sharing",
    "Store",
    "Token",
    "User",
    "rank",
]
