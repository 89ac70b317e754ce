"""What an image is."""

from __future__ import annotations

from typing import Literal

import attrs

Source = Literal["system", "pyenv", "uv", "path"]


@attrs.frozen
class Image:
    """A Python runtime.

    :param name: what people choose it by, such as ``3.13``.
    :param version: the full version, such as ``3.13.0``.
    :param python: path of the interpreter, no shim and no symbolic link into elsewhere.
    :param prefixes: folders it needs, given to the sandbox read-only at the same paths.
    :param source: how it came here.
    """

    name: str
    version: str
    python: str
    prefixes: tuple[str, ...] = ()
    source: Source = "system"
