"""The key by which clients know a hub: made once, kept, and readable by nobody else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from twisted.conch.ssh.keys import Key

from termhub.errors import ConfigError
from termhub.gateways.ssh.host_key import fingerprint, host_key


def test_it_is_made_once_in_openssh_s_format(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = host_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert host_key(path) == key
    assert list(tmp_path.iterdir()) == [path]
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout.split()[1] == fingerprint(key)


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    host_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        host_key(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"\xff\xfe\x00",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        Key(generate_private_key(SECP256R1())).toString("openssh"),
    ],
)
def test_what_cannot_be_used_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=str(path)):
        host_key(path)
    assert path.read_bytes() == content


def test_a_public_key_or_one_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    key = host_key(tmp_path / "key")
    path = tmp_path / "other"
    for content in (
        key.public().toString("openssh"),
        key.toString("openssh", subtype="v1", passphrase=b"secret"),
    ):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(ConfigError):
            host_key(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No ssh host key can be made"):
        host_key(tmp_path / "missing" / "key")
