"""What ``termhub doctor`` looks at: whether a hub can run on this machine, and what holds its consoles.

Each check looks and says in words what it found; none changes anything that lasts.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import attrs

from termhub import __version__
from termhub.config import Settings
from termhub.errors import ConfigError, TermhubError
from termhub.gateways.sizes import size_words

State = Literal["ok", "weak", "missing"]
"""All is well; it works, with less than there could be; something that is needed is not there."""

LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_PART = 0.05
"""A disk with less space than both is nearly full."""

EXPIRY_DAYS = 14

_TIME_ERROR = 5
"""What adjtimex(2) says of a clock that nothing keeps to the time."""

_SYNCHRONISE = "install something that does: apt-get install chrony"

_OWN = "run it as root or as the hub's user to see this"


@attrs.frozen
class Finding:
    """What one check found.

    :param part: what was looked at.
    :param advice: what to do; None where there is nothing.
    """

    part: str
    state: State
    text: str
    advice: str | None = None


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at everything."""
    yield from _versions()
    yield _data(settings)
    yield _hub(settings)
    launcher, found = _launcher(settings)
    yield found
    yield from _sandbox(settings, launcher)
    yield from _images()
    yield from _means(settings, launcher)
    yield from _web(settings)
    yield from _plans(settings)
    yield from _files()
    yield _disk(settings)
    yield _clock(settings)


def _versions() -> Iterator[Finding]:
    system = platform.uname()
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("termhub", "ok", f"{__version__} on Python {python}, {system.system} {system.release}")
    from termhub.screen import engines

    found = engines()
    if "ghostty" in found:
        yield Finding("terminals", "ok", f"drawn by {found[0]}")
    else:
        advice = "install the fast engine: pip install 'termhub[fast]'"
        yield Finding("terminals", "weak", f"drawn by {', '.join(found)}, in Python", advice)


def _data(settings: Settings) -> Finding:
    data, database = settings.data_path, settings.database_path
    if not data.exists():
        return Finding("data", "ok", f"{data} is made at the first start")
    try:
        status = data.stat()
        if status.st_uid not in (os.geteuid(), 0):
            return Finding("data", "weak", f"{data} belongs to another user", _OWN)
        if not database.exists():
            return Finding("data", "ok", f"{data}, without accounts yet")
    except PermissionError:
        return Finding("data", "weak", f"{data} cannot be looked into", _OWN)
    if not os.access(database.parent, os.W_OK | os.X_OK):
        return Finding("data", "weak", f"{data} cannot be looked into", _OWN)
    return Finding("data", "ok", str(data))


def _hub(settings: Settings) -> Finding:
    from termhub.hub import pidfile

    try:
        pid, address = pidfile.holder(settings.pid_path), pidfile.address(settings.pid_path)
    except OSError:
        return Finding("hub", "weak", "whether it runs cannot be seen", _OWN)
    if pid is None:
        return Finding("hub", "ok", "does not run", "termhub up starts it")
    return Finding("hub", "ok", f"runs as process {pid}, at {address or 'no address yet'}")


def _launcher(settings: Settings) -> tuple[dict[str, Any] | None, Finding]:
    """What it says of itself and of the means that it has; None when none answers us."""
    from termhub.host.call import Caller

    try:
        with Caller(settings.launcher_socket, 30.0) as caller:
            version = caller.ask("version")
            version["means"] = caller.ask("means").get("means", [])
    except PermissionError:
        return None, Finding("launcher", "weak", "whether it runs cannot be seen", _OWN)
    except OSError:
        return None, Finding("launcher", "ok", "does not run; the hub starts it")
    except TermhubError as error:
        return None, Finding("launcher", "weak", f"is another version: {error.message}", "restart the hub")
    text = f"runs as process {version.get('pid')}, {'as root' if version.get('root') else 'not as root'}"
    if version.get("version") != __version__:
        return version, Finding("launcher", "weak", f"{text}, of another version", "restart the hub")
    return version, Finding("launcher", "ok", text)


def _sandbox(settings: Settings, launcher: dict[str, Any] | None) -> Iterator[Finding]:
    if settings.insecure_no_sandbox:
        text = "none: consoles can do what the hub's user can"
        yield Finding("sandbox", "weak", text, "run without --insecure-no-sandbox")
        return
    from sandbox.launch import Bubblewrap
    from sandbox.limits import make

    missing = launcher.get("missing") if launcher is not None else Bubblewrap(make).check()
    for each in missing or ():
        what, _, advice = str(each).partition("; ")
        yield Finding("sandbox", "missing", what, advice or None)
    if not missing:
        isolation = launcher.get("isolation") if launcher is not None else "bubblewrap works"
        yield Finding("sandbox", "ok", str(isolation))


def _images() -> Iterator[Finding]:
    from sandbox.images import find_images

    names = [image.name for image in find_images()]
    if names:
        yield Finding("images", "ok", ", ".join(names))
    else:
        yield Finding("images", "missing", "there is no Python for consoles", "apt-get install python3")


def _means(settings: Settings, launcher: dict[str, Any] | None) -> Iterator[Finding]:
    for each in _asked_means(settings) if launcher is None else launcher["means"]:
        is_kept = bool(each.get("enforced"))
        text = f"{each.get('name')}: {each.get('by')}"
        yield Finding("limits", "ok" if is_kept else "weak", text, each.get("advice"))


def _asked_means(settings: Settings) -> list[dict[str, Any]]:
    """What a launcher that we would start had."""
    from sandbox import network
    from sandbox.limits import volume
    from sandbox.limits.means import means

    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="termhub-doctor-") as folder:
        volumes = volume.missing(folder)
    found = means(
        is_root=is_root,
        is_confined=not settings.insecure_no_sandbox,
        volumes=volumes,
        full_network=network.check(),
    )
    return [attrs.asdict(each) for each in found]


def _web(settings: Settings) -> Iterator[Finding]:
    web = settings.web
    if not (web.tls_certificate or web.tls_key):
        if web.public_url.startswith("https:"):
            yield Finding("tls", "ok", "a proxy in front speaks it")
        else:
            advice = "set web.tls_certificate and web.tls_key, or put a proxy in front and set web.public_url"
            yield Finding("tls", "weak", "the web is served without it", advice)
        return
    from termhub.gateways.web.tls import read_pair

    certificate = Path(web.tls_certificate or web.tls_key)
    try:
        pair = read_pair(certificate, Path(web.tls_key or web.tls_certificate))
    except ConfigError as error:
        yield Finding("tls", "missing", error.message)
        return
    left = (pair.expires - datetime.now(UTC)).days
    text = f"{certificate} is good until {pair.expires:%Y-%m-%d}"
    if left < 0:
        yield Finding("tls", "missing", f"{certificate} expired on {pair.expires:%Y-%m-%d}", "renew it")
    elif left < EXPIRY_DAYS:
        yield Finding("tls", "weak", text, "renew it")
    else:
        yield Finding("tls", "ok", text)


def _plans(settings: Settings) -> Iterator[Finding]:
    yield Finding("plans", "ok", f"{', '.join(settings.plans)}; new accounts have {settings.default_plan}")
    if settings.guests.enabled:
        text = f"visitors may come without an account, {settings.guests.most} at a time"
        yield Finding("visitors", "ok", text)
    else:
        yield Finding("visitors", "ok", "nobody comes without an account or a link")
    from termhub.hub.hooks import read_target

    try:
        target = read_target(settings.hooks)
    except ConfigError as error:
        yield Finding("hook", "missing", error.message)
        return
    yield Finding("hook", "ok", "nobody is told of limits" if target is None else f"tells {target.url}")


def _files() -> Iterator[Finding]:
    path = "/usr/local/bin:/usr/bin:/bin:/usr/lib/openssh:/usr/libexec/openssh:/usr/libexec:/usr/lib/ssh"
    needed = {
        "sftp-server": ("sftp and scp need it", "apt-get install openssh-sftp-server"),
        "tar": ("termhub export needs it", "apt-get install tar"),
    }
    for program, (why, advice) in needed.items():
        if shutil.which(program, path=path) is None:
            yield Finding("files", "weak", f"{program} is not installed; {why}", advice)
        else:
            yield Finding("files", "ok", f"{program} is there")


def _disk(settings: Settings) -> Finding:
    folder = settings.data_path
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    total, _, free = shutil.disk_usage(folder)
    text = f"{size_words(free)} of {size_words(total)} free at {folder}"
    if free < LEAST_FREE_BYTES:
        advice = "make room: output, files and the database of all users are written there"
        return Finding("disk", "weak" if free else "missing", text, advice)
    if free < LEAST_FREE_PART * total:
        return Finding("disk", "weak", text, "make room soon")
    return Finding("disk", "ok", text)


def _clock(settings: Settings) -> Finding:
    now = time.time()
    try:
        written = settings.database_path.stat().st_mtime
    except OSError:
        written = 0.0
    shown = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if written > now + 60:
        text = f"{shown} is before the database was last written: logins and days are counted wrong"
        return Finding("clock", "missing", text, "set the clock; " + _SYNCHRONISE)
    if _clock_state() == _TIME_ERROR:
        return Finding("clock", "weak", f"{shown}; nothing keeps it to the time", _SYNCHRONISE)
    return Finding("clock", "ok", shown)


def _clock_state() -> int:
    """What adjtimex(2) returns when it is asked for nothing; -1 where it may not be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return int(libc.adjtimex(ctypes.create_string_buffer(512)))
    except (OSError, AttributeError):
        return -1
