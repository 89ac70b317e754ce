"""REST: the keys that open one's own account by ssh.

Another user's keys do not exist for a caller: everything here goes by the caller's account.
"""

from __future__ import annotations

from termhub.store import Key

from .account_schemas import AcceptOfferRequest, KeyInfo, KeyList, KeyOfferInfo, NewKeyRequest
from .operations import Answer, Call, Operation
from .services import Services


async def list_keys(services: Services, call: Call[None, None]) -> Answer:
    """List the keys that open your account by ssh."""
    keys = await services.accounts.keyring.of(call.user)
    return Answer(value=KeyList([_info(key) for key in keys]))


async def add_key(services: Services, call: Call[NewKeyRequest, None]) -> Answer:
    """Let a key open your account by ssh. A key opens one account only."""
    key = await services.accounts.keyring.add(call.user, call.body.key, call.body.label, call.address)
    return Answer(201, _info(key))


async def remove_key(services: Services, call: Call[None, None]) -> Answer:
    """Let one of your keys open nothing any more; what came with it by ssh is closed."""
    await services.accounts.keyring.remove(call.user, call.path["key"], call.address)
    return Answer(204)


async def get_offer(services: Services, call: Call[None, None]) -> Answer:
    """Say which key a code is for, before you add it. Wrong codes are counted."""
    offer = services.accounts.keyring.offered(call.user, call.path["code"], call.address)
    return Answer(
        value=KeyOfferInfo(offer.code, offer.algorithm, offer.fingerprint, offer.address, offer.expires)
    )


async def accept_offer(services: Services, call: Call[AcceptOfferRequest, None]) -> Answer:
    """Let the key that a code is for open your account by ssh."""
    key = await services.accounts.keyring.accept_offer(
        call.user, call.path["code"], call.body.label, call.address
    )
    return Answer(201, _info(key))


def _info(key: Key) -> KeyInfo:
    return KeyInfo(key.number, key.label, key.algorithm, key.fingerprint, key.created, key.last_used)


OPERATIONS = (
    Operation("GET", "/keys", "List your keys", list_keys, {200: KeyList}, access="account", scope="account"),
    Operation(
        "POST",
        "/keys",
        "Add a key",
        add_key,
        {201: KeyInfo},
        body=NewKeyRequest,
        refusals=(409,),
        access="account",
        scope="account",
    ),
    Operation(
        "DELETE",
        "/keys/<int:key>",
        "Remove a key",
        remove_key,
        {204: None},
        refusals=(404,),
        access="account",
        scope="account",
    ),
    Operation(
        "GET",
        "/keys/offers/<code>",
        "Say which key a code is for",
        get_offer,
        {200: KeyOfferInfo},
        refusals=(404,),
        access="account",
        scope="account",
    ),
    Operation(
        "POST",
        "/keys/offers/<code>",
        "Add the key that a code is for",
        accept_offer,
        {201: KeyInfo},
        body=AcceptOfferRequest,
        refusals=(404, 409),
        access="account",
        scope="account",
    ),
)
