"""Who the client is: the ssh-userauth service (RFC 4252, RFC 4256).

A key, or a name and a password; whoever holds a key that opens no account yet is told, once it
is proved, how to tie it to one in a browser.  The user name is an account's, or ``console`` for
"find out by what I show", or the token of a link to a shared console (:mod:`.link_login`).

Invariant: one request is handled at a time and few wait, so that guesses in a row are guessed at
the pace of the first; what fails is counted, and there is an end to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import attrs
from twisted.conch.ssh.service import SSHService
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.accounts import ANYBODY, Accounts, KeyOffer, Password, PublicKey
from termhub.errors import BadRequest, NotAllowed, NotLoggedIn, TermhubError, TooMany

from .link_login import LinkLogin, LinkRefused, PassphraseNeeded, is_token
from .login import Login
from .packets import PacketError, Reader, boolean, string, u32
from .signatures import is_signed, is_usable_key
from .transport import BY_APPLICATION, NO_MORE_AUTH_METHODS, Transport

MOST_ATTEMPTS = 6
"""Wrong passwords and refused signatures of one connection."""

MOST_PROBES = 30
"""Requests of one connection that try nothing: ``none``, and whether a key would do."""

MOST_WAITING = 4
"""Requests that may wait behind the one that is handled."""

OFFER_SECONDS = 300.0
"""How long somebody has to tie an unknown key to an account in a browser."""

MOST_ENTERS = 30
"""How often somebody may ask whether that is done."""

MOST_NAME = 256

REQUEST, FAILURE, SUCCESS, BANNER, PK_OK, INFO_RESPONSE = 50, 51, 52, 53, 60, 61
INFO_REQUEST = 60

_log = Logger()


@attrs.frozen
class _Request:
    """One USERAUTH_REQUEST; ``fields`` reads what belongs to its method."""

    user: bytes = attrs.field(repr=False)
    method: str
    fields: Reader = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The account's name; empty when it is to be found out."""
        name = self.user.decode("utf-8", "replace")
        return "" if name == ANYBODY or is_token(name) else name

    @property
    def token(self) -> str:
        """The token of a link, in the place of a name; empty where there is none."""
        name = self.user.decode("utf-8", "replace")
        return name if is_token(name) else ""


class _Abandoned(Exception):
    """The client has asked for something else instead of answering."""


class _Answered(Exception):
    """The request has had its answer, which is neither success nor failure."""


class UserAuth(SSHService):
    """The service of one connection.

    :param links: lets in who comes by a link.
    :param link: the hub's web address, ending in ``/``; or empty.
    :param logged_in: called with who it is, once the client has been told of its success.
    """

    name = b"ssh-userauth"

    def __init__(
        self,
        transport: Transport,
        accounts: Accounts,
        links: LinkLogin,
        link: Callable[[], str],
        logged_in: Callable[[Transport, Login], None],
    ) -> None:
        self._transport = transport
        self._accounts = accounts
        self._links = links
        self._link = link
        self._logged_in = logged_in
        self._waiting: deque[_Request] = deque()
        self._is_busy = False
        self._running: Deferred[None] | None = None
        self._answer: Deferred[list[str]] | None = None
        self._attempts = 0
        self._probes = 0
        self._has_offered = False
        # A key that was proved and opens no account, with its algorithm.
        self._unknown: tuple[bytes, bytes] | None = None

    # -- packets ---------------------------------------------------------------------

    def serviceStopped(self) -> None:
        """The connection is gone, or the client is in."""
        self._waiting.clear()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    def packetReceived(self, messageNum: int, packet: bytes) -> None:
        """Handle a packet of this service."""
        if messageNum == REQUEST:
            self._request(Reader(packet))
        elif messageNum == INFO_RESPONSE:
            self._respond(Reader(packet))
        else:
            raise PacketError(f"packet {messageNum} before the login")

    def _request(self, reader: Reader) -> None:
        user, service, method = reader.string(), reader.string(), reader.name()
        if len(user) > MOST_NAME:
            raise PacketError("a user name that is too long")
        if service != b"ssh-connection":
            raise PacketError("a login for a service that there is not")
        if len(self._waiting) >= MOST_WAITING:
            self._transport.disconnect(NO_MORE_AUTH_METHODS, "too many login requests at once")
            return
        self._waiting.append(_Request(user, method, reader))
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.errback(Failure(_Abandoned()))
        else:
            self._next()

    def _respond(self, reader: Reader) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            raise PacketError("an answer to nothing")
        count = reader.u32()
        if count > 8:
            raise PacketError("too many answers")
        answers = [reader.string().decode("utf-8", "replace") for _ in range(count)]
        reader.end()
        answer.callback(answers)

    def _next(self) -> None:
        if self._waiting and not self._is_busy and not self._transport.is_closing:
            self._is_busy = True
            running = self._running = Deferred.fromCoroutine(self._handle(self._waiting.popleft()))
            running.addErrback(self._failed)
            running.addCallback(self._over)

    def _over(self, result: object) -> None:
        self._is_busy = False
        self._next()

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        if failure.check(PacketError):
            self._transport.disconnect(BY_APPLICATION, failure.getErrorMessage())
            return
        _log.failure("A login from {address} failed", failure, address=self._transport.address)
        self._transport.disconnect(BY_APPLICATION, "the hub failed because of a defect; its log says more")

    # -- one request -----------------------------------------------------------------

    async def _handle(self, request: _Request) -> None:
        try:
            login = await self._login(request)
        except (_Abandoned, _Answered):
            return
        except LinkRefused as error:
            _log.info("A link lets nobody in by ssh from {address}", address=self._address)
            self._say(str(error))
            self._transport.disconnect(NO_MORE_AUTH_METHODS, "the link lets nobody in")
            return
        except PassphraseNeeded:
            self._refuse(request, "keyboard-interactive")
            return
        except TooMany as error:
            self._say(error.message)
            login = None
        except NotLoggedIn as error:
            if error.code in ("suspended", "account_expired"):  # who hears it has shown who they are
                self._say(error.message)
            login = None
        except (NotAllowed, BadRequest):
            login = None
        except TermhubError as error:
            _log.warn("A login from {address} cannot be checked: {why}", address=self._address, why=error)
            login = None
        if self._transport.is_closing:
            return
        if login is None:
            self._refuse(request)
            return
        _log.info(
            "{user} comes by ssh from {address} with {way}",
            user=login.who,
            address=self._address,
            way=login.way,
        )
        self._running = None  # it ends this service, and with it what runs
        self._transport.sendPacket(SUCCESS, b"")
        self._logged_in(self._transport, login)

    @property
    def _address(self) -> str:
        return self._transport.address

    def _say(self, text: str) -> None:
        self._transport.sendPacket(BANNER, string(text + "\r\n") + string(""))

    def _refuse(self, request: _Request, still_needed: str = "") -> None:
        """Refuse a request.

        :param still_needed: the method that must follow, where this one was right.
        """
        if self._attempts >= MOST_ATTEMPTS or self._probes > MOST_PROBES:
            self._transport.disconnect(NO_MORE_AUTH_METHODS, "too many failed logins")
            return
        methods = ["publickey", "keyboard-interactive"]
        if request.name or request.token:
            methods.append("password")
        named = still_needed or ",".join(methods)
        self._transport.sendPacket(FAILURE, string(named) + boolean(bool(still_needed)))

    async def _login(self, request: _Request) -> Login | None:
        """Who it is; None or NotLoggedIn when that is refused."""
        if request.method == "publickey":
            return await self._by_key(request)
        if request.method == "keyboard-interactive":
            return await self._by_questions(request)
        if request.method == "password" and (request.name or request.token):
            is_change = request.fields.boolean()
            password = request.fields.string().decode("utf-8", "replace")
            if is_change:
                return None
            if request.token:
                self._attempts += 1
                return await self._links.by_password(request.token, password)
            return await self._by_password(request.name, password)
        self._probes += 1
        return None

    async def _by_password(self, name: str, password: str) -> Login:
        self._attempts += 1
        identity = await self._accounts.identify(Password(name, password), self._address)
        return Login(identity.user)

    # -- keys (RFC 4252, section 7) --------------------------------------------------

    async def _by_key(self, request: _Request) -> Login | None:
        fields = request.fields
        is_proof, algorithm, blob = fields.boolean(), fields.string(), fields.string()
        if not is_proof:
            fields.end()
            self._probes += 1
            if await self._is_wanted(request, algorithm, blob):
                self._transport.sendPacket(PK_OK, string(algorithm) + string(blob))
                raise _Answered
            return None
        signature = fields.string()
        fields.end()
        self._attempts += 1
        session = self._transport.sessionID
        assert session is not None  # there is no packet of this service before
        message = string(session) + bytes([REQUEST]) + string(request.user) + string(b"ssh-connection")
        message += string(b"publickey") + boolean(True) + string(algorithm) + string(blob)
        if not is_usable_key(algorithm, blob) or not is_signed(algorithm, blob, signature, message):
            return None
        try:
            identity = await self._accounts.identify(PublicKey(request.name, blob), self._address)
        except NotLoggedIn:
            if not request.token and await self._accounts.keyring.owner(blob) is None:
                self._unknown = (algorithm, blob)
            raise
        if request.token:
            return await self._links.by_key(request.token, identity.user, blob)
        return Login(identity.user, blob)

    async def _is_wanted(self, request: _Request, algorithm: bytes, blob: bytes) -> bool:
        """Whether a proof of this key is of use: it opens the account, or could be tied to one.

        Of unknown keys only the first is asked for, so that a client with many does not run
        out of attempts before the one that is known.
        """
        if not is_usable_key(algorithm, blob):
            return False
        owner = await self._accounts.keyring.owner(blob)
        if owner is None:
            return not request.token and self._unknown is None and bool(self._link())
        return request.name in ("", owner.name)

    # -- questions and answers (RFC 4256) --------------------------------------------

    async def _by_questions(self, request: _Request) -> Login | None:
        if request.token:
            self._attempts += 1
            return await self._links.by_questions(request.token, self._ask)
        name = request.name
        offer = self._offer()
        if offer is None:
            if name:
                (password,) = await self._ask("", [("Password: ", False)])
            else:
                name, password = await self._ask("", [("Account: ", True), ("Password: ", False)])
            return await self._by_password(name, password)
        return await self._by_offer(name, offer)

    def _offer(self) -> KeyOffer | None:
        if self._unknown is None or not self._link():
            return None
        algorithm, blob = self._unknown
        try:
            return self._accounts.keyring.offer(blob, algorithm.decode(), self._address)
        except BadRequest:
            return None

    async def _by_offer(self, name: str, offer: KeyOffer) -> Login | None:
        """Wait until the key has been tied to an account; or take a password after all."""
        page = f"{self._link()}keys#offer={offer.code}"
        said = (
            f"This key opens no account here yet:\n  {offer.fingerprint}\n"
            f"To add it, open\n  {page}\n"
            f"in a browser (code {offer.code}), then press Enter here.\n"
            "Or give the name and password of your account."
        )
        if self._has_offered:
            said = f"To add the key: {page}"
        else:
            # Once: who asks again and again must not keep a place among those who log in.
            self._transport.allow_time(OFFER_SECONDS)
        self._has_offered = True
        for _ in range(MOST_ENTERS):
            if name:
                (password,) = await self._ask(said, [("Password (Enter when the key is added): ", False)])
                if password:
                    return await self._by_password(name, password)
            else:
                (account,) = await self._ask(said, [("Account (Enter when the key is added): ", True)])
                if account:
                    (password,) = await self._ask("", [("Password: ", False)])
                    return await self._by_password(account, password)
            try:
                identity = await self._accounts.identify(PublicKey(name, offer.blob), self._address)
            except NotLoggedIn:
                said = f"The key has not been added yet: {page}"
                continue
            return Login(identity.user, offer.blob)
        return None

    async def _ask(self, instruction: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        """The client's answers.

        :param prompts: each with whether what is typed may be seen.
        """
        packet = string("") + string(instruction) + string("") + u32(len(prompts))
        for prompt, is_seen in prompts:
            packet += string(prompt) + boolean(is_seen)
        answer = self._answer = Deferred()
        self._transport.sendPacket(INFO_REQUEST, packet)
        answers: list[str] = await answer
        if len(answers) != len(prompts):
            raise PacketError("as many answers as there are questions were asked for")
        return answers
