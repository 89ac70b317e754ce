"""REST: logging in and out, and one's own account.

Another user's sessions and tokens do not exist for a caller: everything here goes by the caller's account.
"""

from __future__ import annotations

from typing import Any

from termhub.accounts import Credentials, Identity, Link, Password
from termhub.errors import BadRequest
from termhub.store import SCOPES, Scope, Token, User

from .account_schemas import (
    LoginRequest,
    Me,
    NewTokenInfo,
    NewTokenRequest,
    PasswordChange,
    ServerInfo,
    SessionInfo,
    SessionList,
    TokenInfo,
    TokenList,
)
from .operations import Answer, Call, Operation
from .services import Services


async def log_in(services: Services, call: Call[LoginRequest, None]) -> Answer:
    """Log a browser in with a name and password, or with a one-time link."""
    identity = await services.accounts.identify(_credentials(call.body), call.address)
    return await _logged_in(services, call, identity)


async def log_in_as_guest(services: Services, call: Call[None, None]) -> Answer:
    """Log a browser in as a visitor without an account, where the hub has visitors.

    The account made for it is on the plan `guest` and goes by itself, with all it has: at the time that
    `expires` says, or when the visitor logs out.
    """
    link = await services.visitors.admit(call.address)
    identity = await services.accounts.identify(link, call.address)
    return await _logged_in(services, call, identity)


async def log_out(services: Services, call: Call[None, None]) -> Answer:
    """Log this browser out; what it has attached is closed."""
    if call.session is not None:
        user = await services.accounts.close_session(call.session, call.address)
        if user is not None:
            services.logged_out(user)
    return Answer(204, session="", guest=None if call.guest is None else "")


async def get_me(services: Services, call: Call[None, None]) -> Answer:
    """Say who is logged in; a browser's login is prolonged by it."""
    if call.user.is_guest:
        return Answer(value=_me(call.identity), guest=call.guest)
    if call.identity.session is not None:
        services.logged_in(call.user)
    return Answer(value=_me(call.identity), session=None if call.identity.session is None else call.session)


async def change_password(services: Services, call: Call[PasswordChange, None]) -> Answer:
    """Give yourself another password; you are logged out everywhere else.

    Tokens and keys stay. Whoever has no password yet sets one within an hour of logging in by a link.
    """
    await services.accounts.change_password(call.identity, call.body.old, call.body.new, call.address)
    return Answer(204)


async def get_server(services: Services, call: Call[None, None]) -> Answer:
    """Say how else the hub is reached, and whether it has visitors."""
    info = ServerInfo(services.version, services.ssh_address(), services.visitors.are_welcome)
    return Answer(value=info)


async def list_sessions(services: Services, call: Call[None, None]) -> Answer:
    """List the browsers in which you are logged in."""
    sessions = await services.accounts.sessions(call.user)
    return Answer(
        value=SessionList(
            [
                SessionInfo(
                    session.number,
                    session.created,
                    session.last_seen,
                    session.address,
                    session.agent,
                    session.number == call.identity.session,
                )
                for session in sessions
            ]
        )
    )


async def revoke_session(services: Services, call: Call[None, None]) -> Answer:
    """Log one of your browsers out; what it has attached is closed."""
    await services.accounts.revoke_session(call.user, call.path["session"], call.address)
    return Answer(204)


async def revoke_sessions(services: Services, call: Call[None, None]) -> Answer:
    """Log all of your browsers out but this one; what they have attached is closed."""
    await services.accounts.revoke_sessions(call.identity, call.address)
    return Answer(204)


async def create_token(services: Services, call: Call[NewTokenRequest, None]) -> Answer:
    """Make an API token for yourself, that may do no more than what you have logged in with."""
    body = call.body
    token, secret = await services.accounts.create_token(
        call.identity, body.label, body.scopes, body.expires_in, call.address
    )
    info = NewTokenInfo(token.number, token.label, token.created, _scopes(token), token.expires, secret)
    return Answer(201, info)


async def list_tokens(services: Services, call: Call[None, None]) -> Answer:
    """List your API tokens."""
    tokens = await services.accounts.tokens(call.user)
    return Answer(
        value=TokenList(
            [
                TokenInfo(
                    token.number, token.label, token.created, token.last_used, _scopes(token), token.expires
                )
                for token in tokens
            ]
        )
    )


async def revoke_token(services: Services, call: Call[None, None]) -> Answer:
    """Make one of your API tokens useless; what was attached with it is closed."""
    await services.accounts.revoke_token(call.user, call.path["token"], call.address)
    return Answer(204)


async def _logged_in(services: Services, call: Call[Any, None], identity: Identity) -> Answer:
    secret = await services.accounts.open_session(identity.user, call.address, call.agent)
    services.logged_in(identity.user)
    return Answer(value=_me(identity), session=secret)


def _me(identity: Identity) -> Me:
    user: User = identity.user
    return Me(
        user.name,
        user.plan,
        user.created,
        user.is_guest,
        user.is_admin,
        user.password_hash is not None,
        _scopes(identity),
        user.expires,
    )


def _scopes(of: Identity | Token) -> list[Scope]:
    return [scope for scope in SCOPES if scope in of.scopes]


def _credentials(body: LoginRequest) -> Credentials:
    match body:
        case LoginRequest(name=None, password=None, link=str(link)):
            return Link(link)
        case LoginRequest(name=str(name), password=str(password), link=None):
            return Password(name, password)
        case _:
            raise BadRequest('Send {"name": …, "password": …} or {"link": …}.')


_LOGIN_COOKIE = {"Set-Cookie": "The login, `termhub_session`."}

OPERATIONS = (
    Operation(
        "POST",
        "/login",
        "Log in, and get a cookie",
        log_in,
        {200: Me},
        body=LoginRequest,
        answer_headers=_LOGIN_COOKIE,
        access="anybody",
    ),
    Operation(
        "POST",
        "/login/guest",
        "Come as a visitor, and get a cookie",
        log_in_as_guest,
        {200: Me},
        answer_headers=_LOGIN_COOKIE,
        access="anybody",
    ),
    Operation("POST", "/logout", "Log out", log_out, {204: None}, access="anybody"),
    Operation("GET", "/me", "Say who is logged in", get_me, {200: Me}, access="person"),
    Operation(
        "PUT",
        "/me/password",
        "Change your password",
        change_password,
        {204: None},
        body=PasswordChange,
        access="account",
        scope="account",
        is_expensive=True,
    ),
    Operation(
        "GET", "/server", "Say how else the hub is reached", get_server, {200: ServerInfo}, access="anybody"
    ),
    Operation(
        "GET",
        "/sessions",
        "List where you are logged in",
        list_sessions,
        {200: SessionList},
        access="account",
        scope="account",
    ),
    Operation(
        "DELETE",
        "/sessions",
        "Log out everywhere else",
        revoke_sessions,
        {204: None},
        access="account",
        scope="account",
    ),
    Operation(
        "DELETE",
        "/sessions/<int:session>",
        "Log a browser out",
        revoke_session,
        {204: None},
        refusals=(404,),
        access="account",
        scope="account",
    ),
    Operation(
        "GET",
        "/tokens",
        "List your API tokens",
        list_tokens,
        {200: TokenList},
        access="account",
        scope="account",
    ),
    Operation(
        "POST",
        "/tokens",
        "Make an API token",
        create_token,
        {201: NewTokenInfo},
        body=NewTokenRequest,
        access="account",
        scope="account",
    ),
    Operation(
        "DELETE",
        "/tokens/<int:token>",
        "Revoke an API token",
        revoke_token,
        {204: None},
        refusals=(404,),
        access="account",
        scope="account",
    ),
)
