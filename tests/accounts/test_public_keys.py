"""What is taken for a public key, and what is said of what is not."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from termhub.accounts.public_keys import (
    ALGORITHMS,
    PublicKeyText,
    check_public_key,
    clean_label,
    parse_public_key,
)
from termhub.errors import BadRequest

# A slow machine fails no test.
patient = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def ssh_string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def ssh_number(value: int) -> bytes:
    return ssh_string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def rsa(bits: int, exponent: int = 65537) -> bytes:
    return ssh_string(b"ssh-rsa") + ssh_number(exponent) + ssh_number((1 << (bits - 1)) | 12345)


def ecdsa(algorithm: str, curve: bytes, size: int) -> bytes:
    return ssh_string(algorithm.encode()) + ssh_string(curve) + ssh_string(b"\x04" + bytes([7]) * 2 * size)


ED25519 = ssh_string(b"ssh-ed25519") + ssh_string(bytes(range(32)))
BLOBS = {
    "ssh-ed25519": ED25519,
    "ssh-rsa": rsa(2048),
    "ecdsa-sha2-nistp256": ecdsa("ecdsa-sha2-nistp256", b"nistp256", 32),
    "ecdsa-sha2-nistp384": ecdsa("ecdsa-sha2-nistp384", b"nistp384", 48),
    "ecdsa-sha2-nistp521": ecdsa("ecdsa-sha2-nistp521", b"nistp521", 66),
    "sk-ssh-ed25519@openssh.com": (
        ssh_string(b"sk-ssh-ed25519@openssh.com") + ssh_string(bytes(32)) + ssh_string(b"ssh:")
    ),
    "sk-ecdsa-sha2-nistp256@openssh.com": (
        ecdsa("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", 32) + ssh_string(b"ssh:")
    ),
}


def line(algorithm: str, blob: bytes, comment: str = "") -> str:
    return f"{algorithm} {base64.b64encode(blob).decode()} {comment}".rstrip()


def refusal(text: str) -> str:
    with pytest.raises(BadRequest) as refused:
        parse_public_key(text)
    return refused.value.message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_type_is_taken_and_nothing_of_it_is_lost(algorithm: str) -> None:
    blob = BLOBS[algorithm]
    key = parse_public_key(f"\n# my key\n  {line(algorithm, blob, 'alice@laptop  at home')}\r\n\n")
    assert key == PublicKeyText(algorithm, blob, "alice@laptop at home")
    assert parse_public_key(line(algorithm, blob).replace(" ", "\t")).comment == ""


@pytest.mark.parametrize(
    ("kind", "options"),
    [("ed25519", ()), ("rsa", ("-b", "2048")), ("ecdsa", ("-b", "256")), ("ecdsa", ("-b", "521"))],
)
def test_what_ssh_keygen_makes(tmp_path: Path, kind: str, options: tuple[str, ...]) -> None:
    file = tmp_path / "id"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", 'a "key" of alice\'s', "-f", file],
        check=True,
    )
    public = file.with_suffix(".pub").read_text()
    key = parse_public_key(public)
    assert key.comment == 'a "key" of alice\'s'
    shown = subprocess.run(["ssh-keygen", "-l", "-f", file], check=True, capture_output=True, text=True)
    assert key.fingerprint == shown.stdout.split()[1]
    exported = subprocess.run(["ssh-keygen", "-e", "-f", file], check=True, capture_output=True, text=True)
    assert parse_public_key(exported.stdout).blob == key.blob
    assert "never give it to anybody" in refusal(file.read_text())
    for form in ("PKCS8", "PEM") if kind == "rsa" else ():
        export = ["ssh-keygen", "-e", "-m", form, "-f", str(file)]
        exported = subprocess.run(export, check=True, capture_output=True, text=True)
        assert "ssh-keygen -i" in refusal(exported.stdout)


def test_a_file_of_rfc_4716() -> None:
    body = base64.b64encode(BLOBS["ssh-rsa"]).decode()
    wrapped = "\n".join(body[start : start + 70] for start in range(0, len(body), 70))
    text = (
        "---- BEGIN SSH2 PUBLIC KEY ----\r\n"
        'Comment: "alice\'s key, of a name that \\\r\ngoes on"\r\n'
        f"x-made-by: somebody\r\n{wrapped}\r\n---- END SSH2 PUBLIC KEY ----\r\n"
    )
    assert parse_public_key(text) == PublicKeyText(
        "ssh-rsa", BLOBS["ssh-rsa"], "alice's key, of a name that goes on"
    )
    assert "more than one key" in refusal(text + text)
    assert "end of the key is missing" in refusal(text[:200])
    assert "cut off" in refusal(text.replace(wrapped, wrapped[:-60]))


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0",
        "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nc2VjcmV0\n",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUc2VjcmV0",
    ],
)
def test_a_private_key_is_refused_and_never_repeated(text: str) -> None:
    said = refusal(text)
    assert "PRIVATE key: never give it to anybody" in said
    assert "c2VjcmV0" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no key in that"),
        ("# only a comment\n", "no key in that"),
        ("hello world", "no public key of ssh"),
        ("x\ny", "no public key of ssh"),
        ("ssh-ed25519", "the key itself is missing"),
        ("ssh-ed25519 !!!!", "cut off or has a wrong character"),
        (line("ssh-ed25519", ED25519)[:-5], "cut off"),
        (line("ssh-ed25519", ED25519) + "\n" + line("ssh-rsa", BLOBS["ssh-rsa"]), "one key at a time"),
        (line("ssh-rsa", BLOBS["ssh-rsa"])[:80] + "\nAAAA\nBBBB", "broken into several lines"),
        ('from="*.org" ' + line("ssh-ed25519", ED25519), "Paste it from ssh-ed25519 on"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
        ("ssh-dss AAAA", "too weak"),
        (line("ssh-rsa", ED25519), "says ssh-rsa, but the key is of ssh-ed25519"),
        (line("ssh-ed25519", ssh_string(b"\xff\x1b[2J") + ssh_string(b"")), "of another type"),
        (line("ssh-ed25519", ED25519 + b"\0"), "more in the key"),
        (line("ssh-ed25519", ssh_string(b"ssh-ed25519") + ssh_string(bytes(31))), "32 bytes"),
        (line("ssh-rsa", rsa(1024)), "1024 bits; 2048 are the least"),
        (line("ssh-rsa", rsa(2047)), "2047 bits"),
        (line("ssh-rsa", rsa(16392)), "at most 16384"),
        (line("ssh-rsa", rsa(2048, exponent=1)), "not those of a key"),
        (line("ssh-rsa", rsa(2048, exponent=4)), "not those of a key"),
        (line("ssh-rsa", rsa(2048).replace(b"\0\0\0\x03\x01", b"\0\0\0\x03\x81")), "not encoded"),
        (line("ssh-rsa", rsa(2048).replace(b"\0\0\0\x03\x01", b"\0\0\0\x04\0\x01")), "not encoded"),
        (line("ecdsa-sha2-nistp256", ecdsa("ecdsa-sha2-nistp256", b"nistp384", 32)), "another curve"),
        (line("ecdsa-sha2-nistp256", ecdsa("ecdsa-sha2-nistp256", b"nistp256", 31)), "point of the key"),
        (line("ssh-ed25519", ED25519, "c" * 20_000), "too long"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    assert said in refusal(text)


def test_a_security_tokens_key_names_its_application() -> None:
    bare = BLOBS["sk-ssh-ed25519@openssh.com"].removesuffix(ssh_string(b"ssh:"))
    for application in (b"", b"a" * 257):
        text = line("sk-ssh-ed25519@openssh.com", bare + ssh_string(application))
        assert "application" in refusal(text)
    assert "cut off" in refusal(line("sk-ssh-ed25519@openssh.com", bare))


def test_labels_are_one_short_line() -> None:
    assert clean_label("  a\tlaptop\x1b[2J\n at  home\ud800") == "a laptop [2J at home?"
    with pytest.raises(BadRequest):
        clean_label("a" * 101)
    assert parse_public_key(line("ssh-ed25519", ED25519, "\x1b]0;x\x07" + "c" * 200)).comment == (
        "]0;x " + "c" * 95
    )


@patient
@given(st.text(max_size=300) | st.sampled_from(ALGORITHMS).flatmap(lambda a: st.text().map(f"{a} ".__add__)))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        key = parse_public_key(text)
    except BadRequest as refused:
        assert refused.message
    else:
        check_public_key(key.blob, key.algorithm)


@patient
@given(st.sampled_from(ALGORITHMS), st.data())
def test_a_damaged_key_is_another_key_or_refused(algorithm: str, data: st.DataObject) -> None:
    blob = bytearray(BLOBS[algorithm])
    cut = data.draw(st.integers(0, len(blob)))
    start = data.draw(st.integers(0, cut))
    damaged = bytes(blob[:start]) + data.draw(st.binary(max_size=40)) + bytes(blob[cut:])
    try:
        key = parse_public_key(line(algorithm, damaged))
    except BadRequest:
        assert damaged != BLOBS[algorithm]
    else:
        assert (key.algorithm, key.blob) == (algorithm, damaged)
        assert damaged.startswith(ssh_string(algorithm.encode()))


@patient
@given(st.binary(max_size=200), st.sampled_from((*ALGORITHMS, "ssh-dss", "")))
def test_no_bytes_break_the_check(blob: bytes, algorithm: str) -> None:
    try:
        check_public_key(blob, algorithm)
    except BadRequest:
        return
    assert parse_public_key(line(algorithm, blob)).blob == blob
