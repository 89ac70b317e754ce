"""REST, WebSocket and the browser client's files."""

from .services import Services
from .site import make_site

__all__ = ["Services", "make_site"]
