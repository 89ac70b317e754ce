"""One telnet connection: the login dialogue, then the terminal UI.

Invariant: nothing here grows with what a client sends or leaves unread.  It is not read from while a
password is verified, while the UI asks for a pause, and while answers wait that it does not read.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.accounts import Password
from termhub.accounts.guests import NAMELESS
from termhub.accounts.secret import SHARE
from termhub.errors import BadRequest, NotAllowed, NotLoggedIn, TermhubError, TooMany
from termhub.gateways import tcp
from termhub.gateways.connections import Place
from termhub.gateways.tui.interface import UI
from termhub.screen import clamp_size
from termhub.store import User

from .login import Login
from .machine import Telnet

if TYPE_CHECKING:
    from .gateway import TelnetGateway

SETTLE_SECONDS = 0.5
"""How long the first screen waits for the terminal's type and size."""

MAX_UNREAD_ANSWERS = 4096
"""Bytes of answers that may wait before the client is read no more."""

MAX_EARLY = 4096
"""Keys that may be typed ahead before the client is read no more until they can be used."""

READ_BYTES = 4096
"""What is read at a time; the protocol and the login dialogue look at each byte."""

DEFAULT_SIZE = (80, 24)

_log = Logger()


class TelnetConnection(Protocol):
    """Speaks with one client.

    :param place: where it counts; None when there are too many already.
    """

    def __init__(self, gateway: TelnetGateway, place: Place | None, address: str) -> None:
        self._gateway = gateway
        self._place = place
        self._address = address
        self._telnet = Telnet(self._answer, self)
        self._login = Login(self, lambda: self._telnet.echoes)
        self._outlet: tcp.Outlet | None = None
        self._user: User | None = None
        self._console: str | None = None  # a link's
        self._ui: UI | None = None
        self._size: tuple[int, int] = DEFAULT_SIZE
        self._early = b""
        self._pauses: set[str] = set()
        self._unread_answers = 0
        self._timer: Any = None
        self._last_key = 0.0

    # -- the connection ------------------------------------------------------------

    def connectionMade(self) -> None:
        """Negotiate, and ask who it is."""
        transport: Any = self.transport
        tcp.prepare(transport, READ_BYTES)
        # A client sends the second byte of an urgent Data Mark out of band, and without this the IAC before
        # it would take the next key for a command.
        transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self._outlet = tcp.Outlet(transport, self._drained)
        if self._place is None:
            self._leave("Too many connections; try again later.")
            return
        self._gateway.connections.add(self)
        self._start_timer(self._gateway.settings.login_seconds, self._leave, "Nobody has logged in in time.")
        self._telnet.begin()
        self._login.begin()

    def dataReceived(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._outlet is not None:
            self._telnet.receive(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The connection is over."""
        self._outlet = None
        self._cancel_timer()
        if self._place is not None:
            self._place.free()
        self._gateway.lost(self)
        ui, self._ui = self._ui, None
        if ui is not None:
            ui.lost("the connection was lost")

    def close(self, code: int, reason: str) -> None:
        """End it from here, saying why; telnet has no place for the code."""
        self._leave(reason)

    def _leave(self, words: str) -> None:
        """Say the last words and close."""
        if self._ui is not None:
            self._ui.finish(words)
        self._close(f"\r\n{words}\r\n" if words else "")

    def _close(self, words: str) -> None:
        outlet = self._outlet
        if outlet is None:
            return
        if words:
            outlet.send(self._telnet.encode(words.encode("utf-8", "replace")))
        self._outlet = None
        outlet.close()
        transport: Any = self.transport
        self._start_timer(tcp.CLOSE_SECONDS, transport.abortConnection)

    # -- what goes out -------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Show bytes on the terminal."""
        encoded = self._telnet.encode(data)
        if self._ui is None:
            self._answer(encoded)  # the dialogue's, caused by every key
        elif self._outlet is not None:
            self._outlet.send(encoded)

    @property
    def is_clear(self) -> bool:
        """Whether everything written has left this process."""
        return self._outlet is not None and self._outlet.is_clear

    def finish(self, status: int, words: str) -> None:
        """The UI is over."""
        self._ui = None
        self._close(f"{words}\r\n" if words else "")

    def _answer(self, data: bytes) -> None:
        """Send what the client caused: it has to read it, to go on."""
        if self._outlet is None:
            return
        self._outlet.send(data)
        if not self._outlet.is_clear:
            self._unread_answers += len(data)
            if self._unread_answers > MAX_UNREAD_ANSWERS:
                self._pause("answers")

    def _drained(self) -> None:
        self._unread_answers = 0
        self._resume("answers")
        if self._ui is not None:
            self._ui.drained()

    # -- what comes in -------------------------------------------------------------

    def pause_input(self) -> None:
        """The UI takes no more keys for now."""
        self._pause("ui")

    def resume_input(self) -> None:
        """The UI takes keys again."""
        self._resume("ui")

    def _pause(self, why: str) -> None:
        if not self._pauses and self._outlet is not None:
            transport: Any = self.transport
            transport.pauseProducing()
        self._pauses.add(why)

    def _resume(self, why: str) -> None:
        if why in self._pauses:
            self._pauses.discard(why)
            if not self._pauses and self._outlet is not None:
                transport: Any = self.transport
                transport.resumeProducing()

    def typed(self, data: bytes) -> None:
        """Keys."""
        self._last_key = self._gateway.reactor.seconds()
        if self._ui is not None:
            self._ui.receive(data)
        elif self._user is None and not self._early:
            self._early = self._login.receive(data)
            if self._ui is not None:
                self._type_early()
        else:
            self._early += data
            if len(self._early) > MAX_EARLY:
                self._pause("early")

    def resized(self, cols: int, rows: int) -> None:
        """The terminal's size; a client that does not know one says 0."""
        self._size = clamp_size(cols or DEFAULT_SIZE[0], rows or DEFAULT_SIZE[1])
        if self._ui is not None:
            self._ui.resized(*self._size)

    def asked_whether_there(self) -> None:
        """A sign of life that harms no screen."""
        self._answer(b"\a")

    # -- login ---------------------------------------------------------------------

    def entered(self, name: str, password: str) -> None:
        """Name and password were typed."""
        self._pause("login")
        checking = Deferred.fromCoroutine(self._check(Password(name, password)))
        checking.addErrback(self._failed)

    def left(self) -> None:
        """Nobody logs in."""
        self._leave("")

    async def _check(self, password: Password) -> None:
        secret = None
        try:
            if password.name.startswith(SHARE):
                user, secret = await self._take_link(password)
            else:
                identity = await self._gateway.accounts.identify(password, self._address)
                user = identity.user
        except (NotLoggedIn, NotAllowed, BadRequest) as error:
            _log.info("A wrong name or password by telnet from {address}", address=self._address)
            self._resume("login")
            self._login.failed(error.message)
            self._type_early()
        except TooMany as error:
            self._leave(error.message)
        except TermhubError as error:
            _log.warn("Nobody can log in by telnet: {why}", why=error.message)
            self._leave(error.message)
        else:
            if self._outlet is not None:
                self._logged_in(user, secret)

    async def _take_link(self, given: Password) -> tuple[User, str | None]:
        """Come by the link of a share, as a guest: its token in the place of a name, then the pass-phrase."""
        taken = await self._gateway.shares.take(
            given.name, user=None, name=NAMELESS, passphrase=given.password, address=self._address
        )
        self._console = taken.console
        return taken.user, taken.secret

    def _failed(self, failure: Failure) -> None:
        _log.failure("The login of {address} by telnet failed", failure, address=self._address)
        self._leave("Something went wrong here; the log says what.")

    def _type_early(self) -> None:
        """What was typed ahead."""
        early, self._early = self._early, b""
        if early:
            self.typed(early)

    def _logged_in(self, user: User, secret: str | None) -> None:
        # A guest may have the name of an account.
        who = f"guest {user.name}" if user.is_guest else user.name
        _log.info("{user} has logged in by telnet from {address}", user=who, address=self._address)
        self._user = user
        self._gateway.logged_in(self, user, self._console, secret, self._address)
        if self._outlet is None:
            return  # its share has ended meanwhile
        self._cancel_timer()
        # The client is read again, because the type and the size may have yet to come.
        self._resume("login")
        if self._telnet.is_settled:
            self._start()
        else:
            self._start_timer(SETTLE_SECONDS, self._start)

    def _start(self) -> None:
        settings = self._gateway.settings
        self._cancel_timer()
        if settings.idle_seconds:
            self._start_timer(settings.idle_seconds, self._check_idle)
        assert self._user is not None
        try:
            self._ui = self._gateway.make_ui(
                self._user, self._console, self._telnet.terminal_type, self._telnet.charset, self._size, self
            )
        except TermhubError as error:  # the share may have ended in between
            self._leave(error.message)
            return
        self._ui.begin()
        self._resume("early")
        self._type_early()

    def _check_idle(self) -> None:
        idle_seconds = self._gateway.settings.idle_seconds
        left = self._last_key + idle_seconds - self._gateway.reactor.seconds()
        if left > 0:
            self._start_timer(left, self._check_idle)
        else:
            self._leave("Nobody has typed for a long time. The console goes on.")

    def _start_timer(self, seconds: float, function: Any, *arguments: Any) -> None:
        self._cancel_timer()
        self._timer = self._gateway.reactor.callLater(seconds, function, *arguments)

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
