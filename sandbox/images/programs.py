"""The command that runs a named program of an image."""

from __future__ import annotations

import glob
import os

from .model import Image

_MODULES = {"ipython": "IPython", "ptpython": "ptpython"}
_OPTIONS = {"ipython": ("--ext=_termhub.ipython",)}  # every Python in a sandbox has it


def command(image: Image, program: str) -> tuple[str, ...]:
    """What ``program`` runs: ``python``, ``ipython``, ``ptpython`` or ``bash``.

    :raises LookupError: when the image does not have it, saying what it has.
    """
    if program == "python":
        return (image.python,)
    if program == "bash" and os.path.exists("/bin/bash"):
        return ("/bin/bash",)
    if program in _MODULES and _has_module(image, _MODULES[program]):
        return (image.python, "-m", _MODULES[program], *_OPTIONS.get(program, ()))
    available = ", ".join(programs(image))
    raise LookupError(f"image {image.name} has no program {program!r}; it has {available}")


def programs(image: Image) -> list[str]:
    """The names :func:`command` knows for this image."""
    found = ["python"]
    found += [name for name, module in _MODULES.items() if _has_module(image, module)]
    return [*found, "bash"] if os.path.exists("/bin/bash") else found


def _has_module(image: Image, module: str) -> bool:
    prefix = os.path.dirname(os.path.dirname(image.python))
    patterns = [f"lib/python{image.minor}/site-packages", f"lib/python{image.minor}/dist-packages"]
    patterns += ["lib/python3/dist-packages", f"local/lib/python{image.minor}/dist-packages"]
    return any(glob.glob(f"{glob.escape(prefix)}/{pattern}/{module}/__main__.py") for pattern in patterns)
