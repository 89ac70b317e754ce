"""``twistd termhub``: the hub as a daemon, with twistd's own logging, pid file and daemonising."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from termhub.cli.service import Running, TermhubService
from termhub.config import load
from termhub.errors import ConfigError

_log = Logger()


class Options(usage.Options):
    """What ``twistd termhub`` takes; everything else is in the settings file."""

    optParameters = [  # noqa: RUF012 - that is how twisted.python.usage wants it
        ["config", "c", None, "Settings file (TOML)."],
        ["data", "d", None, "Folder of everything that lasts."],
        ["web", "w", None, "Where the web gateway listens (HOST:PORT), or off."],
        ["ssh", "s", None, "Where the ssh gateway listens (HOST:PORT), or off."],
        ["telnet", "t", None, "Where the telnet gateway listens (HOST:PORT), or off."],
    ]


def makeService(options: Options) -> TermhubService:
    """The service, from the options and the settings.

    :raises usage.UsageError: when a setting cannot be used.
    """
    file = Path(options["config"]) if options["config"] else None
    listen = {f"{gateway}.listen": options[gateway] for gateway in ("web", "ssh", "telnet")}
    try:
        settings = load(file, None, {"data": options["data"], **listen})
    except ConfigError as error:
        raise usage.UsageError(error.message) from None
    return TermhubService(settings, reactor, _tell)


def _tell(outcome: Running | Failure) -> None:
    if isinstance(outcome, Failure):
        _log.failure("The hub does not start", outcome)
        running: Any = reactor
        running.stop()
        return
    for gateway, address in outcome.addresses.items():
        _log.info("{gateway} at {address}", gateway=gateway, address=address)
    for warning in outcome.warnings:
        _log.warn("{warning}", warning=warning)
    if outcome.login:
        # The link itself is a secret, which no log holds.
        _log.info("For a link to log in with: termhub user link NAME")
