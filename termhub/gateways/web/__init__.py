"""REST, WebSocket and the browser client's files."""

from .guards import guards_of
from .services import Services
from .site import make_site

__all__ = ["Services", "guards_of", "make_site"]
