"""Asking a launcher or a host one thing at a time, blocking: for start-up and tools.

The hub has asynchronous clients of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.guest import frames
from termhub.errors import TermhubError
from termhub.host.folder import connect


class Caller:
    """A blocking connection to ``launcher.sock``.

    :param path: the socket.
    :param timeout_seconds: longest wait for an answer.
    :raises OSError: when nobody listens there.
    """

    def __init__(self, path: Path, timeout_seconds: float = 30.0) -> None:
        self._socket = connect(path, timeout_seconds)
        self._decoder = frames.Decoder()
        self._next_id = 1

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """The reply to a request.

        :raises TermhubError: when it is an error, with its code.
        :raises OSError: when the connection breaks or there is no answer in time.
        """
        identity = self._next_id
        self._next_id += 1
        request = {"id": identity, "op": op, **arguments}
        self._socket.sendall(frames.encode_json(frames.REQUEST, frames.CONSOLE, request))
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError("the launcher closed the connection")
            for frame in self._decoder.feed(data):
                if frame.type == frames.REPLY:
                    reply = frames.parse_json(frame.payload)
                    if reply.get("id") == identity:
                        return _checked(reply)

    def close(self) -> None:
        """Give the connection back."""
        self._socket.close()

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    if reply.get("ok") is True:
        return reply
    raise TermhubError(str(reply.get("error")), str(reply.get("code")))
