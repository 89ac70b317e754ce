"""Everything that a user has, as one tar stream.

First what the hub knows (``account.json``), then the consoles (``consoles/NAME/``: what it is, the last
screen of each window and its output as far as it is kept), then the home.  The home is packed by tar in
the user's own sandbox for files: its bytes are relayed as they come and never looked at, so what the
stream holds of it is the user's own business.

Invariant: no more than one piece of each source is held, however large a home is and however slowly the
stream is taken; one export of a user runs at a time, and :data:`MOST` of all.
"""

from __future__ import annotations

import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from termhub.accounts import Shares
from termhub.errors import ConsoleError, TermhubError, TooMany
from termhub.hub.console import Console
from termhub.hub.plans import Plans
from termhub.hub.streams import Stream, StreamOwner
from termhub.store import Share, Store, User

MOST = 8
"""Exports of all users at a time."""

READ_BYTES = 262_144
"""Output read from a console at a time."""

MAX_LIST_BYTES = 256 * 1024
"""Names of files that cannot be read, at most."""

PACK = (
    "tar",
    "--create",
    "--file=-",
    # Names as they are, whatever bytes they are; holes are not sent.
    "--format=gnu",
    "--sparse",
    "--ignore-failed-read",
    "--warning=no-file-changed",
    # Members and what hard links point to are below home/; what symbolic links say stays.
    r"--transform=flags=rhS;s,^\.\(/\|$\),home\1,",
    ".",
)
"""Packs the home, into which it is started."""

FIND_UNREADABLE = (
    "find",
    ".",
    *("!", "-type", "l", "(", "!", "-readable", "-o", "-type", "d", "!", "-executable", ")", "-print"),
)
"""Names what the user has taken the permissions from, which tar has to leave out."""

UNREADABLE = "home-unreadable.txt"

_log = Logger()


class Sink(Protocol):
    """Where the stream goes."""

    async def write(self, data: bytes) -> None:
        """Send it; returns when there is room for more."""


class Consoles(Protocol):
    """What is asked of :class:`termhub.hub.consoles.Consoles`."""

    plans: Plans

    def of(self, user: User) -> list[Console]:
        """The user's own consoles."""

    def shared(self, user: User) -> list[Console]:
        """The consoles of others that are shared with the user."""

    def owner_name(self, console: Console) -> str:
        """The name of the account that a console belongs to."""

    async def run_for_files(self, user: User, owner: StreamOwner, argv: Sequence[str]) -> Stream:
        """Start a program in the user's home."""


class Exports:
    """Makes exports.

    :param now: seconds since 1970.
    """

    def __init__(self, store: Store, consoles: Consoles, shares: Shares, now: Callable[[], float]) -> None:
        self._store = store
        self._consoles = consoles
        self._shares = shares
        self._now = now
        self._running: set[int] = set()

    async def run(self, user: User, sink: Sink) -> None:
        """Send everything that a user has; nothing is written before all that is needed is there.

        :raises TooMany: when another export of the user runs, or too many of others.
        :raises NotAllowed: to guests, who have nothing.
        :raises TermhubError: when the home cannot be reached, or in the middle when what is sent cannot
            be completed: what was written is no whole archive then.
        """
        with self._place(user):
            unreadable = await self._output_of(user, FIND_UNREADABLE, MAX_LIST_BYTES)
            await self._write_file(sink, "account.json", await self._account(user))
            for console in self._consoles.of(user):
                await self._write_console(sink, console)
            if unreadable:
                await self._write_file(sink, UNREADABLE, unreadable)
            await self._relay_home(user, sink)

    @contextmanager
    def _place(self, user: User) -> Iterator[None]:
        if user.number in self._running:
            raise TooMany("Your data are being exported already; wait for that one.", "export_runs", 60)
        if len(self._running) >= MOST:
            raise TooMany("Too many exports run just now; try again in a minute.", "too_many_exports", 60)
        self._running.add(user.number)
        try:
            yield
        finally:
            self._running.discard(user.number)

    # -- what the hub knows -----------------------------------------------------------

    async def _account(self, user: User) -> bytes:
        store, number = self._store, user.number
        consoles = self._consoles.of(user)
        account = {
            "exported": self._now(),
            "name": user.name,
            "number": number,
            "created": user.created,
            "is_admin": user.is_admin,
            "expires": user.expires,
            "plan": {
                "name": self._consoles.plans.name(user),
                **msgspec.to_builtins(self._consoles.plans.of(user)),
            },
            "settings": await store.settings(number),
            "sessions": [
                _fields(each, "number", "created", "last_seen", "expires", "address", "agent")
                for each in await store.sessions(number)
            ],
            "keys": [
                _fields(each, "number", "algorithm", "blob", "fingerprint", "label", "created", "last_used")
                for each in await store.keys(number)
            ],
            "tokens": [
                _fields(each, "number", "label", "created", "last_used", "scopes", "expires")
                for each in await store.tokens(number)
            ],
            "consoles": [console.describe() for console in consoles],
            "shares": {console.name: await self._shares_of(console) for console in consoles},
            "shared_with_you": [
                {"owner": self._consoles.owner_name(console), "name": console.name}
                for console in self._consoles.shared(user)
            ],
            "usage": [
                {name: value for name, value in msgspec.to_builtins(each).items() if name != "user"}
                for each in await store.usage(number, "", "9")
            ],
        }
        return _json(account)

    async def _shares_of(self, console: Console) -> dict[str, Any]:
        return {
            "shares": [_share(each) for each in await self._shares.of(console.id)],
            "members": [
                {"name": each.user.label, "role": each.role, "joined": each.joined}
                for each in await self._shares.members(console.id)
            ],
        }

    # -- consoles ---------------------------------------------------------------------

    async def _write_console(self, sink: Sink, console: Console) -> None:
        folder = f"consoles/{console.name}"
        about = {**console.describe(), "chat": await self._chat(console)}
        await self._write_file(sink, f"{folder}/about.json", _json(about))
        for number in sorted(console.windows):
            of_window = folder if number == 0 else f"{folder}/window-{number}"
            try:
                screen = await console.text(number, 0)
                await self._write_file(
                    sink, f"{of_window}/screen.txt", "".join(f"{line}\n" for line in screen.lines).encode()
                )
                if not console.has_ended:
                    await self._write_output(sink, f"{of_window}/output", console, number, screen.offset)
            except TermhubError as error:
                # It ended or closed meanwhile; the rest of the account is still to come.
                _log.info("{console} is not exported whole: {why}", console=console.id, why=error.message)

    async def _chat(self, console: Console) -> list[dict[str, Any]]:
        said = await self._store.chat(console.id, None, 1000)
        return [_fields(each, "number", "time", "name", "text") for each in said]

    async def _write_output(self, sink: Sink, name: str, console: Console, number: int, end: int) -> None:
        """The output of a window up to an offset.

        Its length stands before it: what is no longer kept, or cannot be had, when its turn comes
        is filled with zeros.
        """
        start, data = await console.output(number, 0, 0.0, READ_BYTES)
        end = max(start, end)
        position = at = start
        await sink.write(_header(name, end - start, self._now()))
        while at < end:
            missing = min(position if data else end, end) - at
            await _write_zeros(sink, missing)
            piece = data[: end - at - missing]
            if piece:
                await sink.write(piece)
            at += missing + len(piece)
            if at < end:
                position, data = await _output(console, number, at)
        await sink.write(_padding(end - start))

    # -- the home ---------------------------------------------------------------------

    async def _output_of(self, user: User, argv: Sequence[str], most: int) -> bytes:
        """What a program in the home prints, at most so many bytes."""
        relay = Relay()
        stream = await self._consoles.run_for_files(user, relay, argv)
        kept = bytearray()
        try:
            while len(kept) < most and (piece := await relay.next()):
                kept += piece
                stream.consumed(len(piece))
        finally:
            stream.close()
        return bytes(kept[:most])

    async def _relay_home(self, user: User, sink: Sink) -> None:
        relay = Relay()
        stream = await self._consoles.run_for_files(user, relay, PACK)
        try:
            stream.end()
            while piece := await relay.next():
                await sink.write(piece)
                stream.consumed(len(piece))
            status = await relay.ended()
        finally:
            stream.close()
        if status is None or "code" not in status:
            raise ConsoleError("The sandbox that packed the files is gone; the archive is not whole.", "away")
        if status["code"]:
            _log.info("tar of {user} left something out: {said}", user=user.name, said=status.get("said"))

    async def _write_file(self, sink: Sink, name: str, content: bytes) -> None:
        await sink.write(_header(name, len(content), self._now()) + content + _padding(len(content)))


class Relay:
    """The output of a program, piece by piece for one who waits.

    It holds no more than the program was given room for.
    """

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._has_output_ended = False
        self._is_over = False
        self._status: dict[str, Any] | None = None
        self._waiter: Deferred[None] | None = None

    async def next(self) -> bytes:
        """The next piece; empty: there is no more."""
        while not self._pieces and not self._has_output_ended:
            await self._wait()
        return self._pieces.popleft() if self._pieces else b""

    async def ended(self) -> dict[str, Any] | None:
        """How it ended, as :meth:`.streams.StreamOwner.stream_ended` is told."""
        while not self._is_over:
            await self._wait()
        return self._status

    async def _wait(self) -> None:
        self._waiter = Deferred()
        await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)

    def stream_data(self, data: bytes) -> None:
        """The program wrote something; empty: no more."""
        if data:
            self._pieces.append(data)
        else:
            self._has_output_ended = True
        self._wake()

    def stream_drained(self) -> None:
        """It may be written to; nothing is."""

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        """It is over."""
        self._has_output_ended = self._is_over = True
        self._status = status
        self._wake()


def _header(name: str, size: int, time: float) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, int(time), 0o600
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


async def _output(console: Console, window: int, since: int) -> tuple[int, bytes]:
    """Its output from there on; nothing when it cannot be had any more."""
    try:
        return await console.output(window, since, 0.0, READ_BYTES)
    except TermhubError as error:
        _log.info("{console} is not exported whole: {why}", console=console.id, why=error.message)
        return since, b""


async def _write_zeros(sink: Sink, count: int) -> None:
    while count > 0:
        piece = min(count, READ_BYTES)
        await sink.write(bytes(piece))
        count -= piece


def _fields(record: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _share(share: Share) -> dict[str, Any]:
    fields = _fields(share, "id", "role", "created", "expires", "uses_left", "label")
    return {**fields, "is_link": share.is_link, "has_passphrase": share.has_passphrase}


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
