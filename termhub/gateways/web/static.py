"""The browser client's files, as Vite built them.

Files below ``assets/`` have a hash of their content in their name, so browsers keep them
for good; ``index.html`` is asked for again each time.  Everything is small and read once
into memory, compressed there, and read again when ``index.html`` changes: a rebuilt
client is served without a restart.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

import attrs

FOREVER = "public, max-age=31536000, immutable"
ALWAYS_ASK = "no-cache"

_COMPRESSED = (".js", ".css", ".html", ".svg", ".json", ".webmanifest", ".map", ".txt", ".wasm")
_TYPES = {".js": "text/javascript; charset=utf-8", ".webmanifest": "application/manifest+json"}

NOT_BUILT = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>termhub</title></head>
<body><h1>termhub runs, but its browser client has not been built</h1>
<p>Run <code>make client</code> in termhub's source folder, then load this page again.
The REST API works meanwhile.</p></body></html>
"""


@attrs.frozen
class StaticFile:
    """A file to serve; ``compressed`` is its gzip form where that is smaller."""

    content: bytes
    compressed: bytes | None
    content_type: str
    cache_control: str
    etag: str


class Static:
    """The files below a folder.

    :param folder: where Vite put them; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Mapping[str, StaticFile] = {}
        self._version: tuple[int, int] | None = None

    def page(self) -> StaticFile:
        """The page that is the whole client, or one that says how to build it."""
        self._refresh()
        return self._files.get("index.html") or _static_file("index.html", NOT_BUILT)

    def file(self, path: str) -> StaticFile | None:
        """The file at a path below the folder; None when there is none."""
        self._refresh()
        return self._files.get(path)

    def _refresh(self) -> None:
        try:
            stat = (self._folder / "index.html").stat()
            version = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            self._files, self._version = {}, None
            return
        if version != self._version:
            self._files = {
                path.relative_to(self._folder).as_posix(): _static_file(path.name, path.read_bytes(), path)
                for path in sorted(self._folder.rglob("*"))
                if path.is_file() and not path.is_symlink()
            }
            self._version = version


def _static_file(name: str, content: bytes, path: Path | None = None) -> StaticFile:
    suffix = Path(name).suffix
    compressed = gzip.compress(content, 6, mtime=0) if suffix in _COMPRESSED else None
    if compressed is not None and len(compressed) >= len(content):
        compressed = None
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if content_type == "text/html":
        content_type = "text/html; charset=utf-8"
    is_hashed = path is not None and path.parent.name == "assets"
    return StaticFile(
        content=content,
        compressed=compressed,
        content_type=content_type,
        cache_control=FOREVER if is_hashed else ALWAYS_ASK,
        etag=f'"{hashlib.sha256(content).hexdigest()[:24]}"',
    )
