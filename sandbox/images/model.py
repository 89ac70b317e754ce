"""What an image is, and how one is chosen by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import attrs

Source = Literal["system", "pyenv", "uv", "path"]
DEFAULT_NAMES = ("", "python")


@attrs.frozen
class Image:
    """A Python runtime.

    :param name: what people choose it by, such as ``3.13``.
    :param version: the full version, such as ``3.13.0``.
    :param python: path of the interpreter itself, no shim.
    :param prefixes: folders it needs, given to the sandbox read-only at the same paths;
        none for a system interpreter, whose ``/usr`` every sandbox has.
    :param source: how it came here.
    """

    name: str
    version: str
    python: str
    prefixes: tuple[str, ...] = ()
    source: Source = "system"

    @property
    def minor(self) -> str:
        """Its version without the patch, such as ``3.13``."""
        return ".".join(self.version.split(".")[:2])


def version_key(version: str) -> tuple[int, ...]:
    """Sorts versions by number; ``3.9`` before ``3.10``."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def named(found: Iterable[Image]) -> list[Image]:
    """The images with their names: the newest patch of each minor has the short name.

    The first is the default: the system's interpreter, or else the newest. Two of the
    same version are one; the system's counts before others.
    """
    order: dict[Source, int] = {"system": 0, "uv": 1, "pyenv": 2, "path": 3}
    images: dict[str, Image] = {}
    for image in sorted(found, key=lambda image: order[image.source]):
        images.setdefault(image.version, image)
    newest: dict[str, str] = {}
    for version in sorted(images, key=version_key):
        newest[".".join(version.split(".")[:2])] = version
    result = [
        attrs.evolve(image, name=image.minor if newest[image.minor] == version else version)
        for version, image in images.items()
    ]
    result.sort(key=lambda image: version_key(image.version), reverse=True)
    result.sort(key=lambda image: not _is_default(image))
    return result


def _is_default(image: Image) -> bool:
    return image.source == "system" and image.python.endswith("/python3")


def resolve(images: Sequence[Image], name: str) -> Image:
    """The image called ``name``: a short or full version, or ``python`` for the default.

    :param images: as :func:`named` orders them.
    :raises LookupError: with the names there are.
    """
    wanted = name.strip().removeprefix("python")
    if not images:
        raise LookupError("no Python interpreter is installed; apt-get install python3")
    if name.strip() in DEFAULT_NAMES:
        return images[0]
    for image in images:
        if wanted in (image.name, image.version):
            return image
    for image in images:
        if image.minor == wanted:
            return image
    raise LookupError(f"no image {name!r}; there is {', '.join(image.name for image in images)}")
