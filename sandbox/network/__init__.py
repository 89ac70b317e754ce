"""What of the network a sandbox reaches, and the means that hold it to that.

:class:`Network` says how much: nothing, what a list allows (by a proxy inside, whose connections
others make), or everything that is public.
"""

from .model import MODES, Network

__all__ = ["MODES", "Network"]
