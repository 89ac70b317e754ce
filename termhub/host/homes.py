"""The users' homes: volumes where there can be any, else plain folders.

A volume is ``DATA/volumes/NUMBER.ext4``, mounted at ``DATA/homes/NUMBER`` while consoles of
its user live.  A plain home with something in it stays one: nothing is moved or lost.

Invariant: where there is an image, it is the home; a home is never the empty folder below.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from sandbox.limits import Limits, volume
from termhub.errors import BadRequest, NoSandbox
from termhub.host.launcher import log

_GONE = ".gone-"
_PLAIN = "the home is a plain folder: it is watched, nothing holds it"
_MEBIBYTE = 1 << 20


class Homes:
    """The homes of one data folder.

    :param path: ``DATA/homes``.
    :param volumes: ``DATA/volumes``; made when it is first needed.
    :param user_of: uid and gid of a user's consoles, by number; None where everything is ours.
    :param is_used: whether consoles of this user live.
    """

    def __init__(
        self,
        path: Path,
        volumes: Path,
        user_of: Callable[[int], tuple[int | None, int | None]],
        is_used: Callable[[int], bool],
    ) -> None:
        self._path = path
        self._volumes = volumes
        self._user_of = user_of
        self._is_used = is_used
        self._missing: str | None = None
        self._tried = False

    def path(self, number: int) -> Path:
        """The home of a user."""
        return self._path / str(number)

    def _image(self, number: int) -> Path:
        return self._volumes / f"{number}.ext4"

    def missing(self) -> str | None:
        """What keeps homes from being volumes here; None when they can be.  Tried once."""
        if not self._tried:
            if os.geteuid() == 0:
                self._volumes.mkdir(mode=0o700, exist_ok=True)
            self._missing = volume.missing(str(self._volumes))
            self._tried = True
        return self._missing

    def open(self, number: int, limits: Limits) -> Path:
        """The home of a user whose console is about to start, made and mounted.

        :raises NoSandbox: when it is a volume that cannot be mounted.
        :raises OSError: when it cannot be made.
        """
        home, image = self.path(number), self._image(number)
        try:
            if image.exists():
                self._mount(number)
                self._grow(number, limits.home_bytes)
            elif self._can_be_volume(number, limits):
                assert limits.home_bytes is not None
                home.mkdir(mode=0o700, exist_ok=True)
                uid, gid = self._user_of(number)
                volume.make(str(image), limits.home_bytes, limits.home_files, uid or 0, gid or 0)
                self._mount(number)
        except volume.VolumeError as error:
            raise NoSandbox(f"the home cannot be opened: {error}") from error
        if not home.is_dir():
            home.mkdir(mode=0o700)
            uid, gid = self._user_of(number)
            if uid is not None and gid is not None:
                os.chown(home, uid, gid)
        return home

    def _can_be_volume(self, number: int, limits: Limits) -> bool:
        if limits.home_bytes is None or self._is_used(number) or self.missing() is not None:
            return False
        home = self.path(number)
        return not os.path.lexists(home) or (home.is_dir() and not any(home.iterdir()))

    def _mount(self, number: int) -> None:
        home = self.path(number)
        if volume.is_mounted(str(home)):
            return
        missing = self.missing()
        if missing is not None:
            raise volume.VolumeError(f"it is a volume, and {missing}")
        home.mkdir(mode=0o700, exist_ok=True)
        volume.mount(str(self._image(number)), str(home))

    def _grow(self, number: int, size: int | None) -> None:
        """Let a mounted volume be at least so large; one that cannot grow stays as it is."""
        if size is not None:
            try:
                volume.grow(str(self._image(number)), str(self.path(number)), size)
            except volume.VolumeError as error:
                log(str(error))

    def release(self, number: int) -> None:
        """Unmount a home that no console uses; one that is held by something stays."""
        home = str(self.path(number))
        if self._image(number).exists() and not self._is_used(number) and volume.is_mounted(home):
            volume.unmount(home)

    def settle(self) -> None:
        """What an earlier launcher left: mount what is used, unmount what is not, delete what is gone."""
        if not self._volumes.is_dir():
            return
        for image in self._volumes.glob("*.ext4"):
            if not image.stem.isdigit():
                continue
            number = int(image.stem)
            try:
                if self._is_used(number):
                    self._mount(number)
                else:
                    self.release(number)
            except (OSError, volume.VolumeError) as error:
                log(f"the home of user {number}: {error}")

    def limit(self, number: int, size: int | None, files: int | None) -> str | None:
        """Change the limits of a home, also while it is used; None when it has them, else why not.

        :param size: bytes.
        :param files: files, folders and links.
        """
        home = str(self.path(number))
        if not self._image(number).exists():
            return _PLAIN if os.path.isdir(home) else None  # the first console makes it so
        try:
            self._mount(number)
            has = volume.usage(home)
            if size is not None and volume.is_smaller(size, has.limit_bytes):
                return f"a volume cannot shrink: it stays at {has.limit_bytes // _MEBIBYTE} MB"
            if size is None:
                return f"a volume has a limit: it stays at {has.limit_bytes // _MEBIBYTE} MB"
            volume.grow(str(self._image(number)), home, size)
            holds = volume.usage(home).limit_files
        except (OSError, volume.VolumeError) as error:
            return str(error)
        finally:
            self.release(number)
        if files is not None and files > holds:
            return f"it holds {holds} files at most: that number grows only with its size"
        return None

    def usage(self, number: int) -> volume.VolumeUsage | None:
        """What a home uses of its volume; None where it is none."""
        home = str(self.path(number))
        try:
            return volume.usage(home) if volume.is_mounted(home) else None
        except OSError:
            return None

    def forget(self, number: int) -> list[Path]:
        """Take a user's home away; what is to be deleted then.

        :raises BadRequest: while consoles of the user live, or something holds it.
        """
        if self._is_used(number):
            raise BadRequest("consoles of this user live; end them first", "home_in_use")
        home, image = self.path(number), self._image(number)
        if volume.is_mounted(str(home)) and not volume.unmount(str(home)):
            raise BadRequest("the home is in use; try again", "home_in_use")
        for path in (home, image):
            if os.path.lexists(path):
                os.rename(path, path.with_name(f"{_GONE}{number}-{secrets.token_hex(4)}"))
        return self.gone()

    def gone(self) -> list[Path]:
        """What was taken away and is not deleted yet."""
        return [path for folder in (self._path, self._volumes) for path in folder.glob(f"{_GONE}*")]
