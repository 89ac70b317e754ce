"""How much a console may use, and the means that hold it to that.

:class:`Limits` says how much; :func:`make` makes a control group for a sandbox where the
machine has any that we may use (version 2 or 1); rlimits hold the rest.
"""

from .cgroup import Group, Usage, find, make
from .model import Limits, host_limits
from .places import CONSOLES, HOSTS

__all__ = ["CONSOLES", "HOSTS", "Group", "Limits", "Usage", "find", "host_limits", "make"]
