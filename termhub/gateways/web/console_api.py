"""REST: consoles, their windows, input and output."""

from __future__ import annotations

import msgspec

from termhub.errors import NoSuchConsole, TermhubError
from termhub.hub.consoles import NewConsole
from termhub.store import User

from .operations import Answer, Bytes, Call, Operation
from .schemas import (
    Accepted,
    ConsoleChange,
    ConsoleInfo,
    ConsoleList,
    CursorInfo,
    DeleteQuery,
    ImageInfo,
    ImageList,
    NewConsoleRequest,
    NewWindowInfo,
    NewWindowRequest,
    OutputQuery,
    ResizeRequest,
    ScreenInfo,
    ScreenQuery,
    SignalRequest,
    WindowQuery,
)
from .services import Console, Services

INPUT_PIECE = 1 << 20
"""Bytes of input given to a console at a time; it takes each whole before the next."""


def console_info(services: Services, user: User, console: Console) -> ConsoleInfo:
    """What REST shows a user of a console.

    :raises NoSuchConsole: when they may not know of it, or not any more.
    """
    role = services.consoles.role_of(user, console)
    if role is None:
        raise NoSuchConsole("You have this console no longer.")
    described = {**console.describe(), "owner": services.consoles.owner_name(console), "role": role}
    return msgspec.convert(msgspec.to_builtins(described), ConsoleInfo)


async def create_console(services: Services, call: Call[NewConsoleRequest, None]) -> Answer:
    """Start a console."""
    body = call.body
    wanted = NewConsole(
        name=body.name,
        program=body.program,
        image=body.image,
        cols=body.cols,
        rows=body.rows,
        argv=body.argv,
        env=body.env,
        post_mortem=body.post_mortem,
    )
    console = await services.consoles.create(call.user, wanted)
    info = console_info(services, call.user, console)
    return Answer(201, info, headers={"Location": f"/api/v1/consoles/{console.id}"})


async def list_consoles(services: Services, call: Call[None, None]) -> Answer:
    """List your consoles and those that others share with you, ended ones too."""
    found = [*services.consoles.of(call.user), *services.consoles.shared(call.user)]
    return Answer(value=ConsoleList([console_info(services, call.user, each) for each in found]))


async def get_console(services: Services, call: Call[None, None]) -> Answer:
    """Get one console."""
    return Answer(value=console_info(services, call.user, call.console))


async def change_console(services: Services, call: Call[ConsoleChange, None]) -> Answer:
    """Rename a console."""
    await services.consoles.rename(call.console, call.body.name)
    return Answer(value=console_info(services, call.user, call.console))


async def delete_console(services: Services, call: Call[None, DeleteQuery]) -> Answer:
    """End a console; it stays listed, with its last screen, until it is deleted again."""
    console = call.console
    was_running = console.state != "ended"
    if was_running:
        try:
            await services.consoles.end(console, "ended by its owner")
        except TermhubError:
            # What cannot say how it ended can be removed nevertheless.
            if not call.query.remove:
                raise
    if call.query.remove or not was_running:
        await services.consoles.remove(console)
    return Answer(204)


async def open_window(services: Services, call: Call[NewWindowRequest, None]) -> Answer:
    """Open another window, by default with a shell."""
    body = call.body
    number = await call.console.open_window(body.program, body.argv, body.cols, body.rows)
    return Answer(201, NewWindowInfo(number))


async def close_window(services: Services, call: Call[None, None]) -> Answer:
    """Hang up a window's programs and forget it."""
    await call.console.close_window(call.path["window"])
    return Answer(204)


async def write_input(services: Services, call: Call[bytes, WindowQuery]) -> Answer:
    """Type into a window; answered once the terminal has all of it."""
    for start in range(0, len(call.body), INPUT_PIECE):
        # A program may take its time, and the caller may have lost their role meanwhile.
        console = services.consoles.get(call.user, call.console.id, "writer")
        role = services.consoles.role_of(call.user, console)
        assert role is not None
        await console.input(call.user, role, call.query.window, call.body[start : start + INPUT_PIECE])
    return Answer(202, Accepted(len(call.body)))


async def read_screen(services: Services, call: Call[None, ScreenQuery]) -> Answer:
    """Read what a window shows, as text."""
    shown = await call.console.text(call.query.window, call.query.scrollback)
    return Answer(
        value=ScreenInfo(
            lines=list(shown.lines),
            cursor=CursorInfo(shown.cursor.x, shown.cursor.y),
            cols=shown.cols,
            rows=shown.rows,
            offset=shown.offset,
            title=shown.title,
        )
    )


async def read_output(services: Services, call: Call[None, OutputQuery]) -> Answer:
    """Read a window's raw output from an offset on, waiting for some if asked to."""
    query = call.query
    offset, data = await call.console.output(query.window, query.since, query.wait, query.limit)
    return Answer(data=data, headers={"X-Offset": str(offset)})


async def resize_window(services: Services, call: Call[ResizeRequest, None]) -> Answer:
    """Give a window another size."""
    body = call.body
    call.console.resize(body.window, body.cols, body.rows)
    return Answer(204)


async def send_signal(services: Services, call: Call[SignalRequest, None]) -> Answer:
    """Send a signal to what runs in the foreground of a window."""
    body = call.body
    await call.console.signal(body.signal, body.window)
    return Answer(204)


async def list_images(services: Services, call: Call[None, None]) -> Answer:
    """List the Pythons that consoles can run."""
    return Answer(value=ImageList([ImageInfo(**image) for image in await services.images()]))


_ONE = "/consoles/<console>"

OPERATIONS = (
    Operation(
        "POST",
        "/consoles",
        "Start a console",
        create_console,
        {201: ConsoleInfo},
        body=NewConsoleRequest,
        refusals=(409, 503),
        access="account",
        is_expensive=True,
    ),
    Operation("GET", "/consoles", "List your consoles", list_consoles, {200: ConsoleList}, access="person"),
    Operation(
        "GET", _ONE, "Get a console", get_console, {200: ConsoleInfo}, refusals=(404,), access="observer"
    ),
    Operation(
        "PATCH",
        _ONE,
        "Rename a console",
        change_console,
        {200: ConsoleInfo},
        body=ConsoleChange,
        refusals=(409,),
        access="owner",
    ),
    Operation(
        "DELETE",
        _ONE,
        "End a console; once it has ended, remove it from the list",
        delete_console,
        {204: None},
        query=DeleteQuery,
        access="owner",
    ),
    Operation(
        "POST",
        f"{_ONE}/windows",
        "Open a window",
        open_window,
        {201: NewWindowInfo},
        body=NewWindowRequest,
        refusals=(409, 503),
        access="writer",
        is_expensive=True,
    ),
    Operation(
        "DELETE",
        f"{_ONE}/windows/<int:window>",
        "Close a window",
        close_window,
        {204: None},
        refusals=(409, 503),
        access="writer",
    ),
    Operation(
        "POST",
        f"{_ONE}/input",
        "Type into a window",
        write_input,
        {202: Accepted},
        body=Bytes,
        query=WindowQuery,
        refusals=(409, 503),
        stops_when_unwanted=True,
        access="writer",
    ),
    Operation(
        "GET",
        f"{_ONE}/screen",
        "Read what a window shows",
        read_screen,
        {200: ScreenInfo},
        query=ScreenQuery,
        refusals=(409, 503),
        access="observer",
    ),
    Operation(
        "GET",
        f"{_ONE}/output",
        "Read a window's output",
        read_output,
        {200: Bytes},
        query=OutputQuery,
        refusals=(409, 503),
        answer_headers={"X-Offset": "Offset of the first byte of the body."},
        stops_when_unwanted=True,
        access="observer",
    ),
    Operation(
        "POST",
        f"{_ONE}/resize",
        "Resize a window",
        resize_window,
        {204: None},
        body=ResizeRequest,
        refusals=(409, 503),
        access="writer",
    ),
    Operation(
        "POST",
        f"{_ONE}/signal",
        "Signal the foreground program of a window",
        send_signal,
        {204: None},
        body=SignalRequest,
        refusals=(409, 503),
        access="writer",
    ),
    Operation("GET", "/images", "List the images", list_images, {200: ImageList}, access="account"),
)
