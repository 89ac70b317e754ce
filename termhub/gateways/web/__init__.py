"""REST, WebSocket and the browser client's files."""

from .services import Client, Console, Consoles, NewConsole, Services, Viewer
from .site import make_site

__all__ = ["Client", "Console", "Consoles", "NewConsole", "Services", "Viewer", "make_site"]
