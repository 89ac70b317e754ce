"""Calls to a hub's REST API: standard library only, errors as sentences with the next step."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from .. import __version__
from ..errors import NameTaken, NoSuchConsole, NotAllowed, NotLoggedIn, TermhubError
from .profile import Profile

TIMEOUT_SECONDS = 60.0
_MAX_ANSWER_BYTES = 16 << 20
_PIECE_BYTES = 256 << 10

_COOKIES = tuple(f"{prefix}termhub_{who}=" for prefix in ("", "__Host-") for who in ("session", "guest"))
"""What a login by name, and a guest, are known by; the longer names by https."""

_ERRORS: dict[str, type[TermhubError]] = {
    error.code: error for error in (NoSuchConsole, NameTaken, NotAllowed, NotLoggedIn)
}


_SAID = ("suspended", "account_expired", "expired_token")
"""Codes of refusals whose words say more than that one is not logged in."""


class HubAway(TermhubError):
    """Nobody answers at the hub's address."""

    code = "hub_away"


class Rest:
    """The REST API of one hub, over one connection.

    :param profile: where it is, and the token to send.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.cookie: str | None = None
        self._is_logging_in = False
        parts = urlsplit(profile.host)
        host, port = parts.hostname or "", parts.port
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)

    def call(self, method: str, *path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        """The decoded answer to ``METHOD /api/v1/PATH…``; None when it has no JSON body.

        :param path: the path's segments; each is quoted.
        :param body: sent as JSON unless None.
        :param query: what follows the path.
        :raises HubAway: when nobody answers there.
        :raises NotLoggedIn: when there is no token or it is refused.
        :raises TermhubError: with the hub's own sentence and code for every other refusal.
        """
        with self._connected():
            response = self._ask(method, path, body, query)
            content = response.read(_MAX_ANSWER_BYTES)
        return self._answer(response, content)

    def download(self, *path: str) -> Iterator[bytes]:
        """The body of ``GET /api/v1/PATH…``, piece by piece, however large it is.

        :raises TermhubError: as :meth:`call`, also when it breaks off before its end.
        """
        with self._connected():
            response = self._ask("GET", path, None, None)
            if response.status >= 400:
                self._answer(response, response.read(_MAX_ANSWER_BYTES))
        try:
            while piece := response.read(_PIECE_BYTES):
                yield piece
            if response.length:
                raise EOFError(f"{response.length} bytes are missing")
        except (OSError, EOFError, http.client.HTTPException) as error:
            self._connection.close()
            raise HubAway(f"{self.profile.host} broke off before the end ({error}).") from None

    def _ask(
        self, method: str, path: tuple[str, ...], body: Any, query: dict[str, str] | None
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": f"termhub/{__version__}"}
        if self.profile.token:
            headers["Authorization"] = f"Bearer {self.profile.token}"
        if self.cookie:
            headers["Cookie"] = self.cookie
            headers["Origin"] = self.profile.host
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        target = "/api/v1/" + "/".join(quote(part, safe="") for part in path)
        if query:
            target += "?" + urlencode(query)
        self._connection.request(method, target, body=data, headers=headers)
        return self._connection.getresponse()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Say in words that nobody answers."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            self._connection.close()
            raise HubAway(
                f"The certificate of {self.profile.host} is not trusted: {error.verify_message}. "
                "If it is yours, name its file: SSL_CERT_FILE=/path/to/it.pem"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            why = getattr(error, "strerror", None) or error
            raise HubAway(
                f"No hub answers at {self.profile.host} ({why}). "
                "Start one with `termhub up`, or say which one: `termhub login`, --host or TERMHUB_HOST."
            ) from None

    def _answer(self, response: http.client.HTTPResponse, content: bytes) -> Any:
        answer: Any = None
        is_json = "json" in (response.getheader("Content-Type") or "")
        try:
            if is_json or (content and response.status < 400):
                answer = json.loads(content)
        except ValueError:
            raise HubAway(f"{self.profile.host} sent what is no JSON; is it a termhub hub?") from None
        cookie = response.getheader("Set-Cookie") or ""
        if cookie.startswith(_COOKIES):
            self.cookie = cookie.partition(";")[0]
        if response.status < 400:
            return answer
        problem = answer if isinstance(answer, dict) else {}
        message = problem.get("detail") or problem.get("title")
        if response.status == 401:
            is_said = self._is_logging_in or problem.get("code") in _SAID
            raise NotLoggedIn(str(message) if is_said else self._not_logged_in())
        if message is None:
            raise HubAway(
                f"{self.profile.host} answered {response.status} {response.reason}; is it a termhub hub?"
            )
        code = str(problem.get("code") or "error")
        raise _ERRORS.get(code, TermhubError)(str(message), code)

    def _not_logged_in(self) -> str:
        if self.profile.token:
            return (
                f"{self.profile.host} does not accept the token. "
                f"Log in again with `termhub login {self.profile.host}`."
            )
        return f"You are not logged in to {self.profile.host}. Run `termhub login {self.profile.host}`."

    def log_in(self, **credentials: str) -> None:
        """Log in as a browser does; later calls are made with the session's cookie.

        :param credentials: ``name`` and ``password``, or ``link``.
        :raises NotLoggedIn: when they are wrong.
        """
        self._is_logging_in = True
        try:
            self.call("POST", "login", body=credentials)
        finally:
            self._is_logging_in = False

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()
