"""UNIX sockets of hosts and the launcher, from the hub's side.

Invariant: the hub talks to a socket only when its peer runs as the user that owns the folder the
socket is in, so that a console cannot make it talk to somebody else's.
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Any

from twisted.internet import protocol

_CREDENTIALS = struct.Struct("3i")


def connect(path: Path) -> socket.socket:
    """A connected, non-blocking UNIX socket.

    The path may be longer than a socket address can be; its folder must not be a symbolic link.

    :raises OSError: when nobody listens there; PermissionError for the wrong peer.
    """
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.setblocking(False)
            connection.connect(f"/proc/self/fd/{directory}/{path.name}")
            peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            _, uid, _ = _CREDENTIALS.unpack(peer)
            if uid != os.fstat(directory).st_uid:
                raise PermissionError(f"{path} is served by uid {uid}, which does not own its folder")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(directory)


def adopt(connection: socket.socket, made: protocol.Protocol, reactor: Any) -> None:
    """Give a connected socket to the reactor, spoken by ``made``."""
    factory = protocol.Factory.forProtocol(lambda: made)
    factory.noisy = False
    with connection:
        reactor.adoptStreamConnection(connection.fileno(), socket.AF_UNIX, factory)
