"""Whether a request comes from our own pages.

A browser sends the login cookie along with whatever a foreign page makes it request, so
what changes something is done by cookie only when the browser says that the page is ours:
by ``Origin`` or by ``Sec-Fetch-Site``.  A token in ``Authorization`` needs no such check;
no foreign page can add it.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit


def is_ours(
    origin: str | None, fetch_site: str | None, host: str | None, allowed: Collection[str] = ()
) -> bool:
    """Whether the headers prove that one of our pages made the request.

    :param origin: the ``Origin`` header; it decides when there is one.
    :param fetch_site: the ``Sec-Fetch-Site`` header.
    :param host: the ``Host`` header.
    :param allowed: further origins that are ours, such as the public one of a proxy.
    """
    if origin is not None:
        return origin_is_ours(origin, host, allowed)
    return fetch_site in ("same-origin", "none")


def origin_is_ours(origin: str, host: str | None, allowed: Collection[str] = ()) -> bool:
    """Whether an ``Origin`` is this server's: the same host and port, or one of ``allowed``."""
    if origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == (host or "").lower()


def origin_of(url: str) -> str | None:
    """The origin of a URL, as a browser writes it; None when it has none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return f"{parts.scheme}://{parts.netloc.lower()}"
