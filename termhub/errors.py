"""The errors termhub raises on purpose.

Each carries a sentence for the person, with the next step where there is one, and a
stable ``code`` that gateways show.  Everything a gateway may answer with derives from
:class:`TermhubError`; anything else is a defect and is logged as one.
"""

from __future__ import annotations


class TermhubError(Exception):
    """Base of all.

    :param message: what was wrong and what to do, for a person.
    :param code: overrides the class's stable code.
    """

    code = "error"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class ConfigError(TermhubError):
    """A setting is unknown or has a value that cannot be used."""

    code = "bad_config"


class BadRequest(TermhubError):
    """The caller sent something that cannot be used as it is."""

    code = "bad_request"


class NotAllowed(TermhubError):
    """The caller is known, but may not do this."""

    code = "not_allowed"


class NotLoggedIn(TermhubError):
    """The caller is not known: no credentials, or wrong or expired ones."""

    code = "not_logged_in"


class TooMany(TermhubError):
    """A limit on rate or number was reached.

    :param retry_after_seconds: when trying again makes sense.
    """

    code = "too_many"

    def __init__(self, message: str, code: str | None = None, retry_after_seconds: float = 1.0) -> None:
        super().__init__(message, code)
        self.retry_after_seconds = retry_after_seconds


class NotNow(TermhubError):
    """The hub does not do this for now.

    :param retry_after_seconds: when trying again makes sense.
    """

    code = "not_now"

    def __init__(self, message: str, code: str | None = None, retry_after_seconds: float = 60.0) -> None:
        super().__init__(message, code)
        self.retry_after_seconds = retry_after_seconds


class NoSuchConsole(TermhubError):
    """No console of this name or id belongs to the caller."""

    code = "no_such_console"


class NameTaken(TermhubError):
    """The owner has another console, or the store another user, of this name."""

    code = "name_taken"


class KeyTaken(TermhubError):
    """A public key opens an account already, and a key opens one only."""

    code = "key_taken"


class NoSandbox(TermhubError):
    """No sandbox can be made here, so no console is."""

    code = "no_sandbox"


class ConsoleError(TermhubError):
    """A console refused or could not answer a request."""

    code = "console_error"


class StoreError(TermhubError):
    """The store cannot be opened or upgraded."""

    code = "store_error"
