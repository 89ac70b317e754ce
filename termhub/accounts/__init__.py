"""Users, credentials, tokens and login sessions."""

from .identity import Accounts, Bearer, Cookie, Credentials, Link, Password
from .passwords import Passwords

__all__ = ["Accounts", "Bearer", "Cookie", "Credentials", "Link", "Password", "Passwords"]
