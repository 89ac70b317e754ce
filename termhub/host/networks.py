"""Full networks of consoles while they are made or taken away, which goes on beside everything else.

What came of one stands in ``sandbox.json`` then.  A launcher that follows another asks the kernel
instead of those who make it: they go on without a launcher, but tell only the one that began.

Invariant: ``connecting`` goes from ``sandbox.json`` when it is decided whether there is a network.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sandbox.guest.loop import Loop
from sandbox.launch import network_words, without_network
from sandbox.network import CONNECT_SECONDS, Connecting, NetworkError, disconnect, is_connected
from termhub.errors import TermhubError
from termhub.host.folder import SANDBOX
from termhub.host.launcher import log
from termhub.host.supervised import Done, Supervised

LOOK_SECONDS = 0.1
_LATE = NetworkError(f"it was not there in {CONNECT_SECONDS} s")
_LEFT = NetworkError("the launcher was ended while it was made; new consoles have it")


class Networks:
    """Follows networks that are being made."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def watch(self, entry: Supervised) -> None:
        """Follow the network of a console that was just started, if one is being made."""
        sandbox = entry.started.sandbox if entry.started is not None else None
        if sandbox is not None and sandbox.connecting is not None:
            told = partial(self._told, entry, sandbox.connecting)
            entry.connecting = self._loop.call_later(CONNECT_SECONDS, self._late, entry, sandbox.pid)
            self._loop.reader(sandbox.connecting.fd, told)

    def adopt(self, entry: Supervised, record: dict[str, Any]) -> None:
        """Follow the network of a console that an earlier launcher started; :param record: of it."""
        if record.get("connecting"):
            self._look(entry, record["pid"], self._loop.now() + 2 * CONNECT_SECONDS, _LEFT)

    def when_decided(self, entry: Supervised, done: Done) -> None:
        """Call ``done`` when it is known whether a console has its network, or that it has ended."""
        if entry.connecting is None:
            done(None)
        else:
            entry.connected_waiters.append(done)

    def disconnect(self, entry: Supervised, pid: int, uid: int | None, gid: int | None, done: Done) -> None:
        """Take a console's full network away, once it is decided whether it has one.

        :param pid: a process in its sandbox.
        :param uid: the sandbox's user; None: ours.
        """
        self.when_decided(entry, lambda _: self._disconnect(entry, pid, uid, gid, done))

    def _disconnect(self, entry: Supervised, pid: int, uid: int | None, gid: int | None, done: Done) -> None:
        if not is_connected(pid):
            done(None)
            return
        try:
            cutting = disconnect(pid, uid, gid)
        except (NetworkError, OSError) as error:
            done(TermhubError(str(error), "has_network"))
            return

        def told() -> None:
            why = "it is still there"
            try:
                if cutting.words() is None:
                    return
            except NetworkError as error:
                why = str(error)
            self._loop.forget(cutting.fd)
            cutting.close()
            if is_connected(pid):
                done(TermhubError(why, "has_network"))
                return
            self._say(entry, without_network)
            done(None)

        self._loop.reader(cutting.fd, told)

    def stop(self, entry: Supervised) -> None:
        """Make it no more: it is there, or its console has ended."""
        if entry.connecting is not None:
            entry.connecting.cancel()
            entry.connecting = None
        self._close(entry)
        waiters, entry.connected_waiters = entry.connected_waiters, []
        for done in waiters:
            done(None)

    def _close(self, entry: Supervised) -> None:
        sandbox = entry.started.sandbox if entry.started is not None else None
        if sandbox is not None and sandbox.connecting is not None:
            self._loop.forget(sandbox.connecting.fd)
            sandbox.connecting.close()
            sandbox.connecting = None

    def _told(self, entry: Supervised, connecting: Connecting) -> None:
        try:
            words = connecting.words()
        except NetworkError as error:
            self._decided(entry, error)
        else:
            if words is not None:
                self._decided(entry, words)

    def _late(self, entry: Supervised, pid: int) -> None:
        self._close(entry)
        entry.connecting = self._loop.call_later(LOOK_SECONDS, self._look, entry, pid, 0.0, _LATE)

    def _look(self, entry: Supervised, pid: int, deadline: float, why_not: NetworkError) -> None:
        if is_connected(pid):
            self._decided(entry, "public network")
        elif self._loop.now() > deadline:
            self._decided(entry, why_not)
        else:
            entry.connecting = self._loop.call_later(LOOK_SECONDS, self._look, entry, pid, deadline, why_not)

    def _decided(self, entry: Supervised, found: str | Exception) -> None:
        self._say(entry, lambda isolation: isolation + network_words(found))
        self.stop(entry)

    def _say(self, entry: Supervised, change: Callable[[str], str]) -> None:
        """Change what is said of a console's isolation, and note that its network is decided."""
        folder = entry.folder
        record = folder.read(SANDBOX)
        if record is not None:
            words = change(str(record.get("isolation") or ""))
            try:
                folder.write(SANDBOX, {**record, "isolation": words, "connecting": False})
            except OSError as error:  # the next launcher tries again
                log(f"{folder.console}: what its network is cannot be written: {error}")
