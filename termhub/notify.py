"""Telling a service manager that something serves (``sd_notify(3)``, ``Type=notify``)."""

from __future__ import annotations

import os
import socket

READY = "READY=1"


def notify(state: str) -> None:
    """Send a state to the service manager that started this process; nothing where none wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError:
            return  # it is gone, and nobody waits any more
