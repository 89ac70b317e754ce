"""Writing to a transport without waiting for the reactor's next turn.

Twisted's ``write`` only queues; the bytes go out once a poll has said that there is room.
For a keystroke that is a turn of the reactor and three system calls on each of two hops.
"""

from __future__ import annotations

from typing import Any

MOST_BYTES = 64 * 1024
"""More is left to the transport, which sends it as the peer reads."""


def write_now(transport: Any, data: bytes) -> bool:
    """Write ``data``: to the kernel where nothing waits before it, else behind what waits.

    :param transport: a stream transport of Twisted; one that is not simply queues.
    :returns: False when the peer takes nothing any more.  The data is dropped and the transport
        does not know yet: what the peer sent before can still be read.  Whoever has paused
        reading must tell the transport, by writing again with its own ``write``.
    """
    if (
        len(data) <= MOST_BYTES
        # Its own, not that of the connection below: TLS hands out what it does not have itself.
        and hasattr(type(transport), "writeSomeData")
        and getattr(transport, "connected", False)
        and not getattr(transport, "disconnecting", True)
        and not getattr(transport, "dataBuffer", True)
        and not getattr(transport, "_tempDataBuffer", True)
    ):
        sent = transport.writeSomeData(data)
        if isinstance(sent, int):
            if sent == len(data):
                return True
            data = data[sent:]
        else:
            return False
    transport.write(data)
    return True
