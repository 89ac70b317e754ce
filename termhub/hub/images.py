"""The images the launcher offers, and what their programs run."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Struct

from sandbox.images import Image, command, programs, resolve
from sandbox.images.model import Source
from termhub.errors import BadRequest
from termhub.hub.host_messages import Text
from termhub.hub.launcher import Launcher


class _Told(Struct):
    name: Text
    version: Text
    python: Text
    source: Source


class _Images(Struct):
    images: Annotated[list[_Told], msgspec.Meta(max_length=1000)]


class Images:
    """What consoles can run on.

    :param launcher: finds them.
    """

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._found: list[Image] = []

    async def refresh(self) -> list[Image]:
        """Look again; the images there are."""
        told = msgspec.convert(await self._launcher.request("images"), _Images)
        self._found = [
            Image(image.name, image.version, image.python, source=image.source) for image in told.images
        ]
        return self._found

    async def listed(self) -> list[dict[str, Any]]:
        """The images for REST, found anew; the first is the default."""
        return [
            {
                "name": image.name,
                "version": image.version,
                "source": image.source,
                "programs": programs(image),
            }
            for image in await self.refresh()
        ]

    def resolve(self, name: str) -> Image:
        """The image of this name; empty: the default.

        :raises BadRequest: when there is none, with the nearest names.
        """
        try:
            return resolve(self._found, name)
        except LookupError as error:
            raise BadRequest(f"There is {error.args[0]}.", "bad_image") from None

    def argv(self, image: str, program: str) -> list[str]:
        """The command line of a program of an image.

        :raises BadRequest: when it has no such program; says which it has.
        """
        try:
            return list(command(self.resolve(image), program))
        except LookupError as error:
            raise BadRequest(f"The {error.args[0]}.", "bad_program") from None
