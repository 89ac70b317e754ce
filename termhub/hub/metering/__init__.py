"""What everybody uses, and keeping them to their plans; :class:`Metering` is all that others need."""

from .metering import Metering

__all__ = ["Metering"]
