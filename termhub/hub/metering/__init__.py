"""What everybody uses, and keeping them to their plans.

:class:`Metering` measures, counts and keeps; :class:`Reports` tells.
"""

from .metering import Metering
from .reports import Reports

__all__ = ["Metering", "Reports"]
