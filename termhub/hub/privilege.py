"""What a hub started as root does before it serves anybody: make everything ready, and drop.

As an ordinary user only the folders are made.  All of this blocks and happens once.

Invariant: after :func:`drop` the process has no way back to root.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import sandbox
import termhub
from sandbox.launch.expose import ExposeError, expose
from termhub.config import Settings
from termhub.errors import TermhubError

OPEN_FILES = 65_536
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_DUMPABLE = 4


def is_root() -> bool:
    """Whether we are."""
    return os.geteuid() == 0


def make_folders(settings: Settings) -> None:
    """The data folder, passable but not readable for others where consoles have uids of their own.

    :raises TermhubError: when it cannot be made or used.
    """
    data = settings.data_path
    try:
        data.mkdir(parents=True, exist_ok=True)
        if is_root():
            os.chown(data, 0, 0)
            data.chmod(0o711)
        elif data.stat().st_uid != os.geteuid():
            raise TermhubError(
                f"The data folder {data} belongs to another user. Give one of your own with --data, "
                "or start termhub as that user.",
                "bad_data",
            )
        else:
            data.chmod(0o700)
    except OSError as error:
        raise TermhubError(f"Cannot use the data folder {data}: {error.strerror}.", "bad_data") from None


def make_hub_folder(settings: Settings, user: pwd.struct_passwd | None) -> None:
    """The folder that only the hub reads and writes."""
    folder = settings.hub_path
    folder.mkdir(exist_ok=True, mode=0o700)
    if user is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def service_user(name: str) -> pwd.struct_passwd:
    """The user the hub becomes; made when there is none of this name.

    :raises TermhubError: when it cannot be made, or is root.
    """
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        user = _make_user(name)
    if user.pw_uid == 0:
        raise TermhubError("service_user must not be root: the hub never runs as root.", "bad_config")
    return user


def _make_user(name: str) -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    hint = f"Make it yourself, or set service_user: useradd --system --user-group {name}"
    if useradd is None:
        raise TermhubError(f"There is no user {name!r} and no useradd to make it. {hint}", "no_service_user")
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", "--", name]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return pwd.getpwnam(name)
    except KeyError:
        why = made.stderr.strip() or f"useradd ended with status {made.returncode}"
        raise TermhubError(f"The user {name!r} cannot be made: {why}. {hint}", "no_service_user") from None


def needed_paths(settings: Settings) -> list[str]:
    """What the service user must be able to reach."""
    code = (Path(package.__file__).parents[1] for package in (termhub, sandbox) if package.__file__)
    paths = {sys.executable, sys.prefix, sys.base_prefix, sys.exec_prefix, *map(str, code)}
    paths.add(str(settings.data_path))
    return sorted(path for path in paths if path not in ("/usr", "/"))


def open_paths(settings: Settings) -> None:
    """As root: let the service user reach code, interpreter and data, in our own view of the files.

    A launcher has a view of its own, in which consoles reach what they need.

    :raises TermhubError: when that is not possible; the message says what to do.
    """
    try:
        expose(needed_paths(settings))
    except (ExposeError, OSError) as error:
        raise TermhubError(
            f"The service user cannot reach what the hub needs: {error}.", "closed_path"
        ) from None


def check_reach(user: pwd.struct_passwd) -> None:
    """Check, in a child, that the service user can run this code.

    :raises TermhubError: when it cannot read the interpreter or the code.
    """
    command = [sys.executable, "-c", "import attrs, twisted, termhub.errors, sandbox.guest.frames"]
    try:
        ran = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
        )
    except OSError as error:
        why = str(error)
    else:
        if ran.returncode == 0:
            return
        why = (ran.stderr.strip().splitlines() or [f"it ended with status {ran.returncode}"])[-1]
    raise TermhubError(
        f"The user {user.pw_name} cannot use {sys.executable} with this code: {why}. Install termhub "
        "where every user can read it, with an interpreter such as /usr/bin/python3.",
        "closed_path",
    )


def allow_many_files() -> None:
    """Raise the limit of open files as far as we may: each viewer and console takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES
    if is_root():
        hard = max(hard, wanted)
    elif hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return


def drop(user: pwd.struct_passwd, home: Path) -> None:
    """Become the service user for good."""
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    os.environ.update(HOME=str(home), USER=user.pw_name, LOGNAME=user.pw_name)
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.chdir("/")
