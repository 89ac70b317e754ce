"""REST: consoles, their windows, input and output."""

from __future__ import annotations

from typing import Any

import msgspec

from termhub.errors import TermhubError
from termhub.hub.consoles import NewConsole

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


def console_info(console: Console) -> ConsoleInfo:
    """What REST shows of a console."""
    return msgspec.convert(msgspec.to_builtins(console.describe()), ConsoleInfo)


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
    )
    console = await services.consoles.create(call.user, wanted)
    return Answer(201, console_info(console), headers={"Location": f"/api/v1/consoles/{console.id}"})


async def list_consoles(services: Services, call: Call[None, None]) -> Answer:
    """List your consoles, ended ones too."""
    return Answer(value=ConsoleList([console_info(c) for c in services.consoles.of(call.user)]))


async def get_console(services: Services, call: Call[None, None]) -> Answer:
    """Get one console."""
    return Answer(value=console_info(_console(services, call)))


async def change_console(services: Services, call: Call[ConsoleChange, None]) -> Answer:
    """Rename a console."""
    console = _console(services, call)
    await services.consoles.rename(console, call.body.name)
    return Answer(value=console_info(console))


async def delete_console(services: Services, call: Call[None, DeleteQuery]) -> Answer:
    """End a console; it stays listed, with its last screen, until it is deleted again."""
    console = _console(services, call)
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
    console = _console(services, call)
    number = await console.open_window(body.program, body.argv, body.cols, body.rows)
    return Answer(201, NewWindowInfo(number))


async def close_window(services: Services, call: Call[None, None]) -> Answer:
    """Hang up a window's programs and forget it."""
    await _console(services, call).close_window(call.path["window"])
    return Answer(204)


async def write_input(services: Services, call: Call[bytes, WindowQuery]) -> Answer:
    """Type into a window; answered once the terminal has all of it."""
    console = _console(services, call)
    for start in range(0, len(call.body), INPUT_PIECE):
        piece = call.body[start : start + INPUT_PIECE]
        await console.input(call.user.number, call.query.window, piece)
    return Answer(202, Accepted(len(call.body)))


async def read_screen(services: Services, call: Call[None, ScreenQuery]) -> Answer:
    """Read what a window shows, as text."""
    shown = await _console(services, call).text(call.query.window, call.query.scrollback)
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
    offset, data = await _console(services, call).output(query.window, query.since, query.wait, query.limit)
    return Answer(data=data, headers={"X-Offset": str(offset)})


async def resize_window(services: Services, call: Call[ResizeRequest, None]) -> Answer:
    """Give a window another size."""
    body = call.body
    _console(services, call).resize(body.window, body.cols, body.rows)
    return Answer(204)


async def send_signal(services: Services, call: Call[SignalRequest, None]) -> Answer:
    """Send a signal to what runs in the foreground of a window."""
    body = call.body
    await _console(services, call).signal(body.signal, body.window)
    return Answer(204)


async def list_images(services: Services, call: Call[None, None]) -> Answer:
    """List the Pythons that consoles can run."""
    return Answer(value=ImageList([ImageInfo(**image) for image in await services.images()]))


def _console(services: Services, call: Call[Any, Any]) -> Console:
    return services.consoles.get(call.user, call.path["console"])


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
    ),
    Operation("GET", "/consoles", "List your consoles", list_consoles, {200: ConsoleList}),
    Operation("GET", _ONE, "Get a console", get_console, {200: ConsoleInfo}, refusals=(404,)),
    Operation(
        "PATCH",
        _ONE,
        "Rename a console",
        change_console,
        {200: ConsoleInfo},
        body=ConsoleChange,
        refusals=(404, 409),
    ),
    Operation(
        "DELETE",
        _ONE,
        "End a console; once it has ended, remove it from the list",
        delete_console,
        {204: None},
        query=DeleteQuery,
        refusals=(404,),
    ),
    Operation(
        "POST",
        f"{_ONE}/windows",
        "Open a window",
        open_window,
        {201: NewWindowInfo},
        body=NewWindowRequest,
        refusals=(404, 409, 503),
    ),
    Operation(
        "DELETE",
        f"{_ONE}/windows/<int:window>",
        "Close a window",
        close_window,
        {204: None},
        refusals=(404, 409, 503),
    ),
    Operation(
        "POST",
        f"{_ONE}/input",
        "Type into a window",
        write_input,
        {202: Accepted},
        body=Bytes,
        query=WindowQuery,
        refusals=(404, 409, 503),
        stops_when_unwanted=True,
    ),
    Operation(
        "GET",
        f"{_ONE}/screen",
        "Read what a window shows",
        read_screen,
        {200: ScreenInfo},
        query=ScreenQuery,
        refusals=(404, 409, 503),
    ),
    Operation(
        "GET",
        f"{_ONE}/output",
        "Read a window's output",
        read_output,
        {200: Bytes},
        query=OutputQuery,
        refusals=(404, 409, 503),
        answer_headers={"X-Offset": "Offset of the first byte of the body."},
        stops_when_unwanted=True,
    ),
    Operation(
        "POST",
        f"{_ONE}/resize",
        "Resize a window",
        resize_window,
        {204: None},
        body=ResizeRequest,
        refusals=(404, 409, 503),
    ),
    Operation(
        "POST",
        f"{_ONE}/signal",
        "Signal the foreground program of a window",
        send_signal,
        {204: None},
        body=SignalRequest,
        refusals=(404, 409, 503),
    ),
    Operation("GET", "/images", "List the images", list_images, {200: ImageList}),
)
