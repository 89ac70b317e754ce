"""Public keys as people hand them in: a line of OpenSSH, or a file of RFC 4716.

What comes in is text from anywhere; what goes out is the key as ssh sends it (RFC 4253,
section 6.6), whole and in its one encoding, so that two keys are the same when their bytes
are.  Invariant: nothing but :class:`~termhub.errors.BadRequest` is raised, and what is said of
a private key never repeats any of it.

Sources: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; RFC 4253, 4716, 5656 and 8709; OpenSSH's
PROTOCOL.u2f for the keys of security tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import NoReturn

import attrs

from termhub.errors import BadRequest

MAX_TEXT = 16384
"""Characters of what is handed in; an RSA key of 16384 bits takes 2900."""

MAX_LABEL = 100
"""Characters of what a key is called."""

MIN_RSA_BITS, MAX_RSA_BITS = 2048, 16384

_MAX_APPLICATION_BYTES = 256

_CURVES = {
    "ecdsa-sha2-nistp256": (b"nistp256", 32),
    "ecdsa-sha2-nistp384": (b"nistp384", 48),
    "ecdsa-sha2-nistp521": (b"nistp521", 66),
    "sk-ecdsa-sha2-nistp256@openssh.com": (b"nistp256", 32),
}
"""The name of each curve, and the bytes of a coordinate."""

ALGORITHMS = ("ssh-ed25519", "ssh-rsa", "sk-ssh-ed25519@openssh.com", *_CURVES)
"""The types of keys that open an account."""

# The beginnings of private keys: PEM, PuTTY's, and OpenSSH's without its first line.
_PRIVATE = re.compile(
    r"-BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|^Private-Lines:|b3BlbnNzaC1rZXktdjEA", re.MULTILINE
)

_HINT = "Paste the one line of a .pub file, such as ~/.ssh/id_ed25519.pub."
_BEGIN, _END = "---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----"


@attrs.frozen
class PublicKeyText:
    """A public key that was handed in: its type, the key as ssh sends it, and its comment, which
    can be its label.
    """

    algorithm: str
    blob: bytes = attrs.field(repr=False)
    comment: str

    @property
    def fingerprint(self) -> str:
        """What ``ssh-keygen -l`` shows of it."""
        return fingerprint(self.blob)


def fingerprint(blob: bytes) -> str:
    """``SHA256:`` and the digest of a key in base64, as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def parse_public_key(text: str) -> PublicKeyText:
    """The one key in ``text``.

    :raises BadRequest: when that is not exactly one key of a type in :data:`ALGORITHMS`,
        without options; it says what to do instead.
    """
    if len(text) > MAX_TEXT:
        _refuse(f"That is too long for a public key. {_HINT}")
    _refuse_private(text)
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        _refuse(f"There is no key in that. {_HINT}")
    if lines[0] == _BEGIN:
        return _parse_rfc4716(lines)
    if lines[0].startswith("-----BEGIN"):
        _refuse(
            "That is a public key of another format. `ssh-keygen -i -m PKCS8 -f FILE` "
            "(or `-m PEM`) turns it into the line that is wanted."
        )
    if len(lines) > 1 and _type_in(lines[0]):
        if any(_type_in(line) for line in lines[1:]):
            _refuse("That is more than one key. Add one key at a time.")
        _refuse("The key is broken into several lines. Paste it as one line.")
    return _parse_line(lines[0])


def clean_label(label: str) -> str:
    """What a key is to be called, on one line and without control characters.

    :raises BadRequest: when it is too long.
    """
    label = _one_line(label)
    if len(label) > MAX_LABEL:
        raise BadRequest(f"A key's label has at most {MAX_LABEL} characters.", "bad_label")
    return label


def _one_line(text: str) -> str:
    # JSON and command lines can carry what UTF-8, and so the store, cannot.
    text = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def check_public_key(blob: bytes, algorithm: str) -> None:
    """Refuse what is no key of this type, or one that is too weak.

    :param blob: as ssh sends it; it must be whole, and in its one encoding.
    :raises BadRequest: when it is refused.
    """
    if algorithm not in ALGORITHMS:
        _refuse_type(algorithm, algorithm)
    reader = _Reader(blob)
    inside = reader.text()
    if inside != algorithm:
        said = inside if inside in ALGORITHMS else "another type"
        _refuse(f"The line says {algorithm}, but the key is of {said}.")
    if algorithm == "ssh-rsa":
        _check_rsa(reader)
    elif algorithm in _CURVES:
        curve, size = _CURVES[algorithm]
        if reader.string() != curve:
            _refuse("The key is on another curve than its type says.")
        point = reader.string()
        if len(point) != 1 + 2 * size or point[0] != 4:  # uncompressed, as everybody sends it
            _refuse("The point of the key has a wrong length or form.")
    elif len(reader.string()) != 32:
        _refuse("An Ed25519 key has 32 bytes; this one does not.")
    if algorithm.startswith("sk-") and not 0 < len(reader.string()) <= _MAX_APPLICATION_BYTES:
        _refuse("The application in the key of a security token has a wrong length.")
    reader.end()


def _refuse(message: str) -> NoReturn:
    raise BadRequest(message, "bad_key")


def _refuse_private(text: str) -> None:
    if _PRIVATE.search(text):
        raise BadRequest(
            "This is a PRIVATE key: never give it to anybody. It was not kept. Add the public key that "
            "belongs to it: the file with the same name and .pub, or what PuTTYgen shows at the top.",
            "private_key",
        )


def _type_in(line: str) -> str | None:
    """The type of key that a line names, wherever in it."""
    return next((word for word in line.split() if word in ALGORITHMS), None)


def _parse_line(line: str) -> PublicKeyText:
    algorithm, *rest = line.split(None, 2)
    if algorithm not in ALGORITHMS:
        _refuse_type(algorithm, line)
    if not rest:
        _refuse(f"After {algorithm} the key itself is missing. {_HINT}")
    blob = _decoded(rest[0])
    check_public_key(blob, algorithm)
    return PublicKeyText(algorithm, blob, _one_line("".join(rest[1:]))[:MAX_LABEL])


def _refuse_type(algorithm: str, line: str) -> NoReturn:
    if algorithm.endswith(("-cert-v01@openssh.com", "-cert-v00@openssh.com")):
        _refuse("This is a certificate. Add the public key itself: the .pub file without -cert.")
    if algorithm == "ssh-dss":
        _refuse("DSA keys are too weak. Make a better one with `ssh-keygen -t ed25519`.")
    found = _type_in(line)
    if found is not None:
        _refuse(f"There are options before the key. Paste it from {found} on.")
    _refuse(f"That is no public key of ssh. {_HINT}")


def _parse_rfc4716(lines: list[str]) -> PublicKeyText:
    """RFC 4716: what PuTTYgen and ``ssh-keygen -e`` write; headers, then base64 in lines."""
    if lines.count(_BEGIN) > 1:
        _refuse("That is more than one key. Add one key at a time.")
    if lines[-1] != _END:
        _refuse(f"The end of the key is missing: {_END}")
    comment, body, rest = "", [], iter(lines[1:-1])
    for line in rest:
        tag, colon, value = line.partition(":")
        if not colon:
            body.append(line)
            continue
        while value.endswith("\\"):  # goes on in the next line
            value = value[:-1] + next(rest, "")
        if tag.strip().lower() == "comment":
            comment = value.strip().removeprefix('"').removesuffix('"')
    blob = _decoded("".join(body))
    algorithm = _Reader(blob).text()
    check_public_key(blob, algorithm)
    return PublicKeyText(algorithm, blob, _one_line(comment)[:MAX_LABEL])


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        _refuse("The key is cut off or has a wrong character in it. Copy the whole line again.")


class _Reader:
    """Reads the parts of a key (RFC 4251, section 5); refuses what is cut off."""

    def __init__(self, blob: bytes) -> None:
        self._rest = blob

    def string(self) -> bytes:
        length = int.from_bytes(self._rest[:4], "big")
        value = self._rest[4 : 4 + length]
        if len(self._rest) < 4 or len(value) < length:
            _refuse("The key is cut off. Copy the whole line again.")
        self._rest = self._rest[4 + length :]
        return value

    def text(self) -> str:
        return self.string().decode("ascii", "replace")

    def number(self) -> int:
        value = self.string()
        # One encoding only: positive, and no zero that says nothing.
        if not value or value[0] & 0x80 or (value[0] == 0 and not (len(value) > 1 and value[1] & 0x80)):
            _refuse("A number in the key is not encoded as it must be.")
        return int.from_bytes(value, "big")

    def end(self) -> None:
        if self._rest:
            _refuse("There is more in the key than belongs there.")


def _check_rsa(reader: _Reader) -> None:
    exponent, modulus = reader.number(), reader.number()
    bits = modulus.bit_length()
    if bits < MIN_RSA_BITS:
        _refuse(
            f"This RSA key has {bits} bits; {MIN_RSA_BITS} are the least that is safe. "
            "Make a better one with `ssh-keygen -t ed25519`."
        )
    if bits > MAX_RSA_BITS:
        _refuse(f"This RSA key has {bits} bits; ssh uses at most {MAX_RSA_BITS}.")
    if modulus % 2 == 0 or exponent % 2 == 0 or not 3 <= exponent < modulus:
        _refuse("The numbers in this RSA key are not those of a key.")
