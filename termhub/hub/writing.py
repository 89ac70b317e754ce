"""Writing to a transport without waiting for the reactor's next turn.

Twisted's ``write`` only queues; the bytes go out once a poll has said that there is room.
For a keystroke that is a turn of the reactor and three system calls on each of two hops.
"""

from __future__ import annotations

from typing import Any

MOST_BYTES = 64 * 1024
"""More is left to the transport, which sends it as the peer reads."""


def write_now(transport: Any, data: bytes) -> None:
    """Write ``data``: to the kernel where nothing waits before it, else behind what waits.

    :param transport: a stream transport of Twisted; one that is not simply queues.
    """
    if (
        len(data) <= MOST_BYTES
        and getattr(transport, "connected", False)
        and not getattr(transport, "disconnecting", True)
        and not getattr(transport, "dataBuffer", True)
        and not getattr(transport, "_tempDataBuffer", True)
    ):
        sent = transport.writeSomeData(data)
        if isinstance(sent, int):
            if sent == len(data):
                return
            data = data[sent:]
        # Otherwise the connection is lost, which the reactor finds out when it writes.
    transport.write(data)
