"""REST: taking everything with you, and going for good."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from termhub.errors import BadRequest

from .operations import Answer, Call, Operation, Tar
from .schemas import RequestBody
from .services import Services


class GoodbyeRequest(RequestBody, frozen=True):
    """That you want your account removed."""

    name: Annotated[str, Meta(max_length=64, description="The account's name, so that it is meant.")]
    password: Annotated[
        Annotated[str, Meta(max_length=1000)] | None, Meta(description="Needed where there is one.")
    ] = None


async def export_account(services: Services, call: Call[None, None]) -> Answer:
    """Get everything that you have here, as a tar archive.

    `account.json` is what the hub knows of you; `consoles/NAME/` each console with its screens and kept
    output; `home/` your files. Nobody else can get it, administrators neither.
    """

    user = call.user
    services.audit.note(user, "user.export", user.name, address=call.address)
    disposition = f'attachment; filename="termhub-{user.name}.tar"'
    return Answer(
        stream=lambda sink: services.exports.run(user, sink), headers={"Content-Disposition": disposition}
    )


async def remove_account(services: Services, call: Call[GoodbyeRequest, None]) -> Answer:
    """Remove your account with your consoles, shares, credentials and files; there is no way back.

    Not for the only one who looks after the hub.
    """
    if call.body.name != call.user.name:
        raise BadRequest("Say the name of your account, so that nobody removes it by mistake.", "wrong_name")
    await services.accounts.check_password(call.user, call.body.password, call.address)
    await services.removals.remove(call.user, call.user, call.address)
    return Answer(204, session="")


OPERATIONS = (
    Operation(
        "GET",
        "/me/export",
        "Get everything that you have here",
        export_account,
        {200: Tar},
        refusals=(409, 503),
        answer_headers={"Content-Disposition": "A name for the file."},
        access="account",
        scope="account",
        is_expensive=True,
        stops_when_unwanted=True,
    ),
    Operation(
        "DELETE",
        "/me",
        "Remove your account",
        remove_account,
        {204: None},
        body=GoodbyeRequest,
        access="account",
        scope="account",
        is_expensive=True,
    ),
)
