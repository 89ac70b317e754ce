"""The JSON bodies of the REST API, as types.

Requests are strict: an unknown field or a value of another type is refused with its
place.  The OpenAPI document is made from these.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from termhub.store import Role

Cols = Annotated[int, Meta(ge=2, le=1000, description="Columns of the terminal.")]
Rows = Annotated[int, Meta(ge=1, le=500, description="Rows of the terminal.")]
WindowNumber = Annotated[int, Meta(ge=0, le=65534, description="Which window; 0 runs the program.")]
ConsoleName = Annotated[
    str,
    Meta(min_length=1, max_length=64, description="Unique among your consoles."),
]
Arguments = Annotated[
    list[Annotated[str, Meta(max_length=65536)]],
    Meta(max_length=1000, description="A program of your own and its arguments, when `program` is `script`."),
]
Environment = Annotated[
    dict[
        Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)],
        Annotated[str, Meta(max_length=65536)],
    ],
    Meta(max_length=200, description="Variables added to the program's environment."),
]
Program = Annotated[
    str, Meta(min_length=1, max_length=64, description="`python`, `ipython`, `ptpython`, `bash` or `script`.")
]
Time = Annotated[float, Meta(description="Seconds since 1970, UTC.")]


class RequestBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what is sent to the hub."""


class NewConsoleRequest(RequestBody, frozen=True):
    """A console to create; everything has a default."""

    name: ConsoleName | None = None
    program: Program | None = None
    image: Annotated[str, Meta(max_length=64, description="See `GET /images`.")] | None = None
    cols: Cols = 80
    rows: Rows = 24
    argv: Arguments | None = None
    env: Environment | None = None
    post_mortem: Annotated[
        bool,
        Meta(description="Whether a Python script that ends by an error waits at a debugger's prompt."),
    ] = True


class ConsoleChange(RequestBody, frozen=True):
    """What to change of a console."""

    name: ConsoleName


class NewWindowRequest(RequestBody, frozen=True):
    """A window to open in a console."""

    program: Program | None = None
    argv: Arguments | None = None
    cols: Cols = 80
    rows: Rows = 24


class ResizeRequest(RequestBody, frozen=True):
    """A window's new size."""

    cols: Cols
    rows: Rows
    window: WindowNumber = 0


class SignalRequest(RequestBody, frozen=True):
    """A signal for what runs in the foreground of a window."""

    signal: Annotated[str, Meta(pattern="^SIG[A-Z0-9]{1,12}$", description="A name, such as `SIGINT`.")]
    window: WindowNumber = 0


ShareRole = Annotated[
    Role,
    Meta(
        description="`observer` looks, points and chats; `writer` types too, and so runs programs with "
        "the files of the owner's home; `owner` also renames, ends and shares the console."
    ),
]
ShareToken = Annotated[str, Meta(max_length=100, description="The last part of the link, `thsh_…`.")]
PassPhrase = Annotated[str, Meta(max_length=1000)]


class NewShareRequest(RequestBody, frozen=True):
    """How to share a console: with an account, or else by a link."""

    role: ShareRole
    user: Annotated[str | None, Meta(description="The account's name; null makes a link.")] = None
    expires: Annotated[float, Meta(ge=1, le=366 * 86400, description="Seconds from now.")] = 86400
    uses: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None,
        Meta(description="How many may come by the link; null for any number."),
    ] = None
    passphrase: Annotated[
        PassPhrase | None,
        Meta(description="What they must know besides the link; at least 8 characters."),
    ] = None


class MemberChange(RequestBody, frozen=True):
    """A member's new role."""

    role: ShareRole


class LookRequest(RequestBody, frozen=True):
    """A link to look at."""

    token: ShareToken


class TakeRequest(RequestBody, frozen=True):
    """A link to come in by."""

    token: ShareToken
    name: Annotated[str, Meta(max_length=200, description="What to call you, if you have no account.")] = ""
    passphrase: PassPhrase | None = None


class WindowQuery(RequestBody, frozen=True):
    """Which window is meant."""

    window: WindowNumber = 0


class ScreenQuery(RequestBody, frozen=True):
    """Which window, and how much history."""

    window: WindowNumber = 0
    scrollback: Annotated[int, Meta(ge=0, le=1000, description="Lines of history before the screen.")] = 0


class OutputQuery(RequestBody, frozen=True):
    """Which part of a window's output."""

    window: WindowNumber = 0
    since: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Offset of the first byte wanted.")] = 0
    wait: Annotated[
        float, Meta(ge=0, le=60, description="Seconds to wait for output when there is none yet.")
    ] = 0.0
    limit: Annotated[int, Meta(ge=1, le=262144, description="Most bytes to return.")] = 262144


class DeleteQuery(RequestBody, frozen=True):
    """How to delete a console."""

    remove: Annotated[
        bool, Meta(description="Also remove it from the list at once, with its last screen.")
    ] = False


class WindowInfo(Struct, frozen=True):
    """A window of a console."""

    window: int
    argv: list[str]
    offset: Annotated[
        int, Meta(description="Bytes of output that the hub knows of; more may have come since.")
    ]
    cols: int
    rows: int
    title: str
    exit: Annotated[
        dict[str, int | str] | None,
        Meta(
            description='How its program ended: {"code": 0} or {"signal": "SIGKILL"}; null while it runs. '
            "With `out_of_memory`, the limit in bytes, where memory ran out."
        ),
    ]


class ConsoleInfo(Struct, frozen=True):
    """A console."""

    id: str
    name: str
    state: Annotated[str, Meta(description="`starting`, `running`, `recovering` or `ended`.")]
    reason: Annotated[str | None, Meta(description="Why it ended.")]
    program: str
    image: str
    isolation: Annotated[str, Meta(description="What separates it from the rest of the machine, in words.")]
    created: Time
    ended: Time | None
    last_activity: Time
    owner: Annotated[str, Meta(description="The name of the account that it belongs to.")]
    role: Annotated[ShareRole, Meta(description="What you may do in it.")]
    viewers: Annotated[int, Meta(description="Clients that are attached.")]
    policy: Annotated[
        str, Meta(description="Whose size it has: `latest`, `smallest`, `largest` or `manual`.")
    ]
    windows: list[WindowInfo]


class ConsoleList(Struct, frozen=True):
    """Your consoles, and behind them those that others share with you, oldest first."""

    consoles: list[ConsoleInfo]


class NewWindowInfo(Struct, frozen=True):
    """The number of the window that was opened."""

    window: int


class Accepted(Struct, frozen=True):
    """How many bytes of input have been written to the terminal: all that were sent."""

    accepted: int


class CursorInfo(Struct, frozen=True):
    """Where the cursor is; both count from 0."""

    x: int
    y: int


class ScreenInfo(Struct, frozen=True):
    """What a window shows."""

    lines: Annotated[list[str], Meta(description="Its rows as text, after the history asked for.")]
    cursor: CursorInfo
    cols: int
    rows: int
    offset: Annotated[int, Meta(description="The output up to here is shown.")]
    title: str


class ImageInfo(Struct, frozen=True):
    """A Python that consoles can run."""

    name: str
    version: str
    source: Annotated[str, Meta(description="Where it was found: `system`, `pyenv`, `uv` or `path`.")]
    programs: Annotated[list[str], Meta(description="The programs by name that it can run.")]


class ImageList(Struct, frozen=True):
    """The images of this hub, the default first."""

    images: list[ImageInfo]


class ShareInfo(Struct, frozen=True):
    """What lets others into a console."""

    id: str
    role: Role
    user: Annotated[str | None, Meta(description="The account that it is for; null for a link.")]
    created: Time
    expires: Time
    uses_left: Annotated[int | None, Meta(description="How many more may come; null for any number.")]
    has_passphrase: bool


class NewShareInfo(ShareInfo, frozen=True):
    """A new share; a link and its command are told this once."""

    url: Annotated[str | None, Meta(description="The link; null for a share with an account.")] = None
    ssh: Annotated[str | None, Meta(description="The command that comes by it; null without ssh.")] = None


class MemberInfo(Struct, frozen=True):
    """Somebody whom a share let in, here or not."""

    member: int
    share: Annotated[str, Meta(description="The id of the share.")]
    name: str
    role: Role
    is_guest: Annotated[bool, Meta(description="Whether they have no account.")]
    joined: Time


class ShareList(Struct, frozen=True):
    """The shares of a console, oldest first, and whom they have let in."""

    shares: list[ShareInfo]
    members: list[MemberInfo]


class SharePreviewInfo(Struct, frozen=True):
    """What a link is for, before it is used."""

    owner: Annotated[str, Meta(description="Whose console it is.")]
    name: Annotated[str | None, Meta(description="The console's; null where it takes a pass-phrase to know.")]
    role: Role
    needs_passphrase: bool
    expires: Time
    is_used_up: Annotated[bool, Meta(description="Whether only those may come who came by it before.")]


class TakenInfo(Struct, frozen=True):
    """Where a link has led."""

    console: Annotated[str, Meta(description="The console's id.")]
    owner: str
    name: str
    role: Role
