"""Whether a signature of a user's key is right.

Conch verifies; here is what must be true before: the key is one that could open an account, and
the signature is of the very algorithm that was announced (RFC 8332, section 3.2; OpenSSH's
PROTOCOL.u2f for keys of security tokens).
"""

from __future__ import annotations

import hashlib
import struct

from cryptography.exceptions import UnsupportedAlgorithm
from twisted.conch.ssh.keys import BadKeyError, Key

from termhub.accounts.public_keys import check_public_key
from termhub.errors import BadRequest

from .packets import PacketError, Reader, string
from .transport import USER_KEY_ALGORITHMS

_USER_PRESENT = 1


def is_usable_key(algorithm: bytes, blob: bytes) -> bool:
    """Whether this is a whole, strong key that can sign by this algorithm."""
    if algorithm not in USER_KEY_ALGORITHMS:
        return False
    kind = "ssh-rsa" if algorithm.startswith(b"rsa-sha2-") else algorithm.decode()
    try:
        check_public_key(blob, kind)
    except BadRequest:
        return False
    return True


def is_signed(algorithm: bytes, blob: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of a usable key has signed the message.

    :param blob: the key, for which :func:`is_usable_key` holds.
    :param signature: as the client sends it, with its algorithm in it.
    """
    try:
        reader = Reader(signature)
        if reader.string() != algorithm:
            return False
        inner = reader.string()
        key = Key.fromString(blob, "blob")
        if algorithm.startswith(b"sk-"):
            state = reader.rest()
            if len(state) != 5 or not state[0] & _USER_PRESENT:
                return False
            application = hashlib.sha256(key.application).digest()
            message = application + state + hashlib.sha256(message).digest()
        else:
            reader.end()
        return bool(key.verify(string(algorithm) + string(inner), message))
    except (PacketError, BadKeyError, UnsupportedAlgorithm, ValueError, TypeError, struct.error):
        return False
