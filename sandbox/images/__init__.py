"""Images: the Python runtimes that a console can run."""

from .model import Image

__all__ = ["Image"]
