"""Starting sandboxes: backends behind one interface.

A backend turns a :class:`SandboxSpec` into a :class:`Launch`; :func:`start` runs it.
There is no sandbox of a lesser kind when the wanted one is not to be had.
"""

from .bubblewrap import Bubblewrap
from .expose import ExposeError, expose
from .model import Backend, Launch, LaunchError, SandboxSpec
from .start import Sandbox, network_words, start, start_time, without_network
from .unconfined import Unconfined

__all__ = [
    "Backend",
    "Bubblewrap",
    "ExposeError",
    "Launch",
    "LaunchError",
    "Sandbox",
    "SandboxSpec",
    "Unconfined",
    "expose",
    "network_words",
    "start",
    "start_time",
    "without_network",
]
