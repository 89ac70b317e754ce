"""One HTTP request on a connection of its own."""

from __future__ import annotations

import http.client


def post(port: int, path: str, body: bytes = b"") -> bytes:
    """POST to a server on the loopback address; the body of its answer.

    :raises RuntimeError: when it refuses.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
        return content
    finally:
        connection.close()
