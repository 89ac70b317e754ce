"""The key by which ssh clients recognise this hub, made on the first start.

Invariant: the file is readable by the hub's user only from the moment it has a name, and is
never replaced: clients refuse a host whose key has changed.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, FingerprintFormats, Key

from termhub.errors import ConfigError

MOST_BYTES = 16 * 1024


def host_key(path: Path) -> Key:
    """The host key in this file, made if there is none; an ed25519 key in OpenSSH's format. Blocks.

    :raises ConfigError: when the file cannot be used, or others can read it.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    _make(path)
    return _read(path)


def fingerprint(key: Key) -> str:
    """What ``ssh`` and ``ssh-keygen -l`` show of a key: ``SHA256:`` and base64 without padding."""
    return "SHA256:" + str(key.fingerprint(FingerprintFormats.SHA256_BASE64)).rstrip("=")


def _read(path: Path) -> Key:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"The ssh host key {path} cannot be read: {error.strerror or error}.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"The ssh host key {path} can be read by others. Run:  chmod 600 {path}")
    try:
        key: Key = Key.fromString(data)
    except (BadKeyError, EncryptedKeyError, ValueError, TypeError, IndexError, KeyError):
        raise ConfigError(f"{path} is no ssh private key without a passphrase.") from None
    if key.isPublic() or key.sshType() != b"ssh-ed25519":
        raise ConfigError(f"The ssh host key {path} is not an ed25519 private key.")
    return key


def _make(path: Path) -> None:
    key = Key(Ed25519PrivateKey.generate())
    try:
        # Written aside, so that nobody ever reads half of it; linked, so that nothing is replaced.
        descriptor, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
        try:
            with open(descriptor, "wb") as file:
                file.write(key.toString("openssh", subtype="v1", comment="termhub"))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass  # another was first; that one counts
        finally:
            os.unlink(temporary)
    except OSError as error:
        raise ConfigError(f"No ssh host key can be made at {path}: {error.strerror or error}.") from None
