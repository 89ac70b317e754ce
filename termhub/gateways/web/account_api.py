"""REST: logging in and out, and one's own account."""

from __future__ import annotations

from termhub.accounts import Credentials, Link, Password
from termhub.errors import BadRequest
from termhub.store import User

from .operations import Answer, Call, Operation
from .schemas import LoginRequest, Me, NewTokenInfo, NewTokenRequest, ServerInfo, TokenInfo, TokenList
from .services import Services


async def log_in(services: Services, call: Call[LoginRequest, None]) -> Answer:
    """Log a browser in with a name and password, or with a one-time link."""
    user = await services.accounts.identify(_credentials(call.body), call.address)
    secret = await services.accounts.open_session(user, call.address, call.agent)
    services.logged_in(user)
    return Answer(value=_me(user), session=secret)


async def log_out(services: Services, call: Call[None, None]) -> Answer:
    """Log this browser out; what it has attached is closed."""
    if call.session is not None:
        user = await services.accounts.close_session(call.session)
        if user is not None:
            services.logged_out(user)
            await services.access_ended(user)
    return Answer(204, session="", guest=None if call.guest is None else "")


async def get_me(services: Services, call: Call[None, None]) -> Answer:
    """Say who is logged in; a browser's login is prolonged by it."""
    if call.user.is_guest:
        return Answer(value=_me(call.user), guest=call.guest)
    if call.session is not None:
        services.logged_in(call.user)
    return Answer(value=_me(call.user), session=call.session)


async def get_server(services: Services, call: Call[None, None]) -> Answer:
    """Say how else the hub is reached."""
    return Answer(value=ServerInfo(services.version, services.ssh_address()))


async def create_token(services: Services, call: Call[NewTokenRequest, None]) -> Answer:
    """Make an API token for yourself."""
    token, secret = await services.accounts.create_token(call.user, call.body.label)
    return Answer(201, NewTokenInfo(token.number, token.label, token.created, secret))


async def list_tokens(services: Services, call: Call[None, None]) -> Answer:
    """List your API tokens."""
    tokens = await services.accounts.tokens(call.user)
    return Answer(
        value=TokenList(
            [
                TokenInfo(
                    token.number,
                    token.label,
                    token.created,
                    token.last_used,
                )
                for token in tokens
            ]
        )
    )


async def revoke_token(services: Services, call: Call[None, None]) -> Answer:
    """Make one of your API tokens useless; what was attached with it is closed."""
    await services.accounts.revoke_token(call.user, call.path["token"])
    await services.access_ended(call.user)
    return Answer(204)


def _me(user: User) -> Me:
    return Me(user.name, user.plan, user.created, user.is_guest)


def _credentials(body: LoginRequest) -> Credentials:
    match body:
        case LoginRequest(name=None, password=None, link=str(link)):
            return Link(link)
        case LoginRequest(name=str(name), password=str(password), link=None):
            return Password(name, password)
        case _:
            raise BadRequest('Send {"name": …, "password": …} or {"link": …}.')


OPERATIONS = (
    Operation(
        "POST",
        "/login",
        "Log in, and get a cookie",
        log_in,
        {200: Me},
        body=LoginRequest,
        answer_headers={"Set-Cookie": "The login, `termhub_session`."},
        access="anybody",
    ),
    Operation("POST", "/logout", "Log out", log_out, {204: None}, access="anybody"),
    Operation("GET", "/me", "Say who is logged in", get_me, {200: Me}, access="person"),
    Operation(
        "GET", "/server", "Say how else the hub is reached", get_server, {200: ServerInfo}, access="person"
    ),
    Operation("GET", "/tokens", "List your API tokens", list_tokens, {200: TokenList}, access="account"),
    Operation(
        "POST",
        "/tokens",
        "Make an API token",
        create_token,
        {201: NewTokenInfo},
        body=NewTokenRequest,
        access="account",
    ),
    Operation(
        "DELETE",
        "/tokens/<int:token>",
        "Revoke an API token",
        revoke_token,
        {204: None},
        refusals=(404,),
        access="account",
    ),
)
