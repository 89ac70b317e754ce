"""``termhub up`` and ``termhub down``: a hub here, in the foreground."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import click

from termhub.config import Settings, load
from termhub.errors import TermhubError

STOP_SECONDS = 30.0


def _settings(config: Path | None, options: dict[str, Any]) -> Settings:
    return load(config, os.environ, options)


_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (TOML)."
)
_DATA = click.option("--data", metavar="DIR", help="Folder of everything that lasts.")


@click.command()
@_CONFIG
@_DATA
@click.option("--web", metavar="HOST:PORT", help="Where the web gateway listens, or off; port 0: a free one.")
@click.option("--ssh", metavar="HOST:PORT", help="Where the ssh gateway listens, or off.")
@click.option("--telnet", metavar="HOST:PORT", help="Where the telnet gateway listens, or off.")
@click.option(
    "--telnet-allow-remote",
    is_flag=True,
    default=None,
    help="Let telnet listen where other machines reach it: passwords cross the network in clear.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warn", "error"]), help="What to log.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="How to log.")
@click.option(
    "--insecure-no-sandbox",
    is_flag=True,
    default=None,
    help="Run consoles without a sandbox: they can do what you can.",
)
def up(
    config: Path | None,
    data: str | None,
    web: str | None,
    ssh: str | None,
    telnet: str | None,
    telnet_allow_remote: bool | None,
    log_level: str | None,
    log_format: str | None,
    insecure_no_sandbox: bool | None,
) -> int:
    """Run a hub here until it is stopped (Ctrl-C, SIGTERM or `termhub down`).

    Consoles live on when the hub stops, and are there again when it runs again. The first start
    prints a link that logs you in once.
    """
    settings = _settings(
        config,
        {
            "data": data,
            "web.listen": web,
            "ssh.listen": ssh,
            "telnet.listen": telnet,
            "telnet.allow_remote": telnet_allow_remote,
            "log.level": log_level,
            "log.format": log_format,
            "insecure_no_sandbox": insecure_no_sandbox,
        },
    )
    return run(settings)


def run(settings: Settings) -> int:
    """Run a hub in this process; the exit status."""
    from twisted.internet import epollreactor

    epollreactor.install()  # type: ignore[no-untyped-call]
    from twisted.internet import reactor as installed
    from twisted.python.failure import Failure

    from termhub import log
    from termhub.cli.service import Running, TermhubService
    from termhub.notify import READY, notify

    reactor: Any = installed
    status = 0

    def tell(outcome: Running | Failure) -> None:
        nonlocal status
        if isinstance(outcome, Failure):
            status = 1
            click.echo(f"termhub: {_words(outcome)}", err=True)
            reactor.stop()
            return
        sys.stdout.write("".join(line + "\n" for line in outcome.lines()))
        sys.stdout.flush()
        notify(READY)

    log.begin(settings.log)
    service = TermhubService(settings, reactor, tell)
    service.privilegedStartService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    service.startService()
    reactor.run()
    return status


def _words(failure: Any) -> str:
    if isinstance(failure.value, TermhubError):
        return failure.value.message
    return str(failure.getTraceback())


@click.command()
@_CONFIG
@_DATA
@click.option("--all", "everything", is_flag=True, help="End all consoles too.")
def down(config: Path | None, data: str | None, everything: bool) -> int:
    """Stop the hub that runs here. Consoles live on, unless --all."""
    settings = _settings(config, {"data": data})
    found = _stop_hub(settings, everything)
    if everything:
        found = _stop_launcher(settings) or found
    if not found:
        click.echo(f"No hub runs for {settings.data_path}.", err=True)
    return 0


def _stop_hub(settings: Settings, everything: bool) -> bool:
    from termhub.hub import pidfile

    try:
        pid = pidfile.holder(settings.pid_path)
        if pid is None:
            return False
        _end(pid, signal.SIGTERM, "The hub")
    except PermissionError:
        raise TermhubError(
            f"The hub for {settings.data_path} belongs to another user; stop it as that user or as root.",
            "not_allowed",
        ) from None
    click.echo("The hub has stopped." if everything else "The hub has stopped; consoles live on.")
    return True


def _stop_launcher(settings: Settings) -> bool:
    from termhub.host.call import Caller

    try:
        with Caller(settings.launcher_socket, STOP_SECONDS * 2) as caller:
            pid = caller.ask("version").get("pid")
            gone = _watch(pid) if isinstance(pid, int) else None
            caller.ask("stop")
    except OSError as error:
        if settings.launcher_socket.exists() and not isinstance(error, ConnectionRefusedError):
            raise TermhubError(f"The launcher does not stop: {error}", "no_launcher") from None
        return False
    if gone is not None:
        _wait(gone, "The launcher")
    click.echo("All consoles have ended.")
    return True


def _end(pid: int, number: int, what: str) -> None:
    gone = _watch(pid)
    if gone is not None:
        try:
            signal.pidfd_send_signal(gone, number)
        except BaseException:
            os.close(gone)
            raise
        _wait(gone, what)


def _watch(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _wait(gone: int, what: str) -> None:
    poller = select.poll()
    poller.register(gone, select.POLLIN)
    try:
        if not poller.poll(STOP_SECONDS * 1000):
            raise TermhubError(f"{what} did not stop in {STOP_SECONDS:.0f} s.", "timeout")
    finally:
        os.close(gone)
