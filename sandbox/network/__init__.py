"""What of the network a sandbox reaches, and the means that hold it to that.

:class:`Network` says how much: nothing, what a list allows (by a proxy inside, whose connections
others make), or everything that is public.
"""

from .addresses import is_public, own_addresses
from .full import CONNECT_SECONDS, Connecting, NetworkError, check, connect, disconnect, is_connected, usage
from .model import MODES, PROXY_PORT, Network

__all__ = [
    "CONNECT_SECONDS",
    "MODES",
    "PROXY_PORT",
    "Connecting",
    "Network",
    "NetworkError",
    "check",
    "connect",
    "disconnect",
    "is_connected",
    "is_public",
    "own_addresses",
    "usage",
]
