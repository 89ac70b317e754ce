"""Images: the Python runtimes that a console can run.

:func:`find_images` looks for the interpreters of this machine, :func:`resolve` chooses
one by name, :func:`command` is what runs a program of it.
"""

from .find import find_images
from .model import Image, resolve
from .programs import command, programs

__all__ = ["Image", "command", "find_images", "programs", "resolve"]
