"""The interpreters this machine has: the system's, pyenv's, uv's.

Each is run once to learn what it really is; the answer is kept as long as the file does
not change.  Only CPython 3.8 and later count.
"""

from __future__ import annotations

import glob
import json
import os
import pwd
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .model import Image, Source, named

_OLDEST = (3, 8)
_ASK_SECONDS = 10
_ASK = (
    "import json,sys,os;"
    "print(json.dumps([list(sys.version_info[:3]),sys.implementation.name,"
    "os.path.realpath(sys.executable),sys.base_prefix,sys.base_exec_prefix]))"
)
_answers: dict[tuple[str, int, int], Image | None] = {}


def find_images(extra_dirs: Iterable[str] = ()) -> list[Image]:
    """Every usable interpreter, named, the default first.

    :param extra_dirs: further folders whose ``bin/python3`` counts.
    """
    candidates = list(dict.fromkeys(_candidates(extra_dirs)))
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(lambda candidate: _examine(*candidate), candidates)
        return named(image for image in found if image is not None)


def _candidates(extra_dirs: Iterable[str]) -> Iterator[tuple[str, Source]]:
    yield "/usr/bin/python3", "system"
    for path in sorted(glob.glob("/usr/bin/python3.*") + glob.glob("/usr/local/bin/python3.*")):
        if path.rpartition("python3.")[2].isdigit():
            yield path, "system"
    homes = _homes()
    pyenv_roots = [os.environ.get("PYENV_ROOT", ""), *(f"{home}/.pyenv" for home in homes), "/opt/pyenv"]
    for root in filter(None, pyenv_roots):
        for path in sorted(glob.glob(f"{glob.escape(root)}/versions/*/bin/python3")):
            yield path, "pyenv"
    uv_roots = [os.environ.get("UV_PYTHON_INSTALL_DIR", "")]
    uv_roots += [f"{home}/.local/share/uv/python" for home in homes]
    for root in filter(None, uv_roots):
        for path in sorted(glob.glob(f"{glob.escape(root)}/cpython-*/bin/python3")):
            yield path, "uv"
    for folder in extra_dirs:
        for path in (f"{folder}/bin/python3", *sorted(glob.glob(f"{glob.escape(folder)}/*/bin/python3"))):
            yield path, "path"


def _homes() -> list[str]:
    """Homes of who runs this: ourselves and, behind sudo, who called it."""
    homes = [os.environ.get("HOME", "")]
    for user in (os.environ.get("SUDO_USER"), os.geteuid()):
        try:
            if isinstance(user, int):
                homes.append(pwd.getpwuid(user).pw_dir)
            elif user:
                homes.append(pwd.getpwnam(user).pw_dir)
        except KeyError:
            continue
    return list(dict.fromkeys(home.rstrip("/") for home in homes if home))


def _examine(path: str, source: Source) -> Image | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    key = (path, status.st_mtime_ns, status.st_ino)
    if key not in _answers:
        _answers[key] = _ask(path, source)
    return _answers[key]


def _ask(path: str, source: Source) -> Image | None:
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", _ASK],
            capture_output=True,
            timeout=_ASK_SECONDS,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath},
            check=True,
            **_as_owner(path),
        )
        version, implementation, real, *prefixes = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if implementation != "cpython" or tuple(version) < _OLDEST:
        return None
    text = ".".join(map(str, version))
    in_usr = _is_below(real, "/usr")
    needed = (
        [] if in_usr else _folders([*prefixes, str(Path(real).parent.parent), str(Path(path).parent.parent)])
    )
    python = path if in_usr or source == "system" else str(Path(path).parent / Path(real).name)
    if not os.access(python, os.X_OK):
        python = real
    return Image(name=text, version=text, python=python, prefixes=tuple(needed), source=source)


def _as_owner(path: str) -> dict[str, Any]:
    """As root, run what belongs to somebody as that user: it may do what it likes."""
    owner = os.stat(path)
    if os.geteuid() != 0 or owner.st_uid == 0:
        return {}
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}


def _folders(paths: Iterable[str]) -> list[str]:
    """The folders to give, without those inside another of them or below ``/usr``."""
    result: list[str] = []
    forms = {form for path in paths for form in (os.path.abspath(path), os.path.realpath(path))}
    for path in sorted(forms):
        if not _is_below(path, "/usr") and not any(_is_below(path, other) for other in result):
            result.append(path)
    return result


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
