"""One console as the hub knows it: its windows, its viewers, and the link to its host.

Everything here is told by others: the host's messages come in through the
:class:`~termhub.hub.host_side.HostSide`, clients' through their :class:`~termhub.hub.viewers.Viewer`.
The console joins the two, and keeps nothing that it cannot lose: a new hub gets the windows from
the host and the rest from the store.

Invariant: ``windows`` are those of the host it last spoke with; unaccepted input is kept
over links and sent again on the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError
from termhub.hub.audience import Audience, show_ended
from termhub.hub.backing import Backing
from termhub.hub.client_messages import ClientHello, Via
from termhub.hub.clock import Clock
from termhub.hub.cursors import Keyframe
from termhub.hub.ended import Ended
from termhub.hub.host_messages import MAX_WINDOWS, HostWindow, Modes, ScreenText, TypedLine
from termhub.hub.host_side import HostSide
from termhub.hub.input import InputStream
from termhub.hub.inputs import Inputs
from termhub.hub.lifecycle import new_lifecycle
from termhub.hub.limit_notices import LimitName, LimitNotices, LimitState
from termhub.hub.link import Link
from termhub.hub.requests import Requests
from termhub.hub.sizes import Policy, Size, checked_size
from termhub.hub.streams import Stream, StreamOwner, Streams
from termhub.hub.table import WindowTable
from termhub.hub.together import Together
from termhub.hub.viewers import Client, Viewer
from termhub.hub.views import Views
from termhub.hub.windows import Window
from termhub.store import ConsoleRecord, Role, User

_SIGNALS = frozenset(
    {"SIGINT", "SIGTERM", "SIGKILL", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGCONT", "SIGUSR1", "SIGUSR2"}
)
_log = Logger()


class Console:
    """One console.

    :param record: what the store has of it.
    :param clock: time and timers.
    :param now: the wall clock, seconds since 1970.
    :param read_ended: reads what is left of it once it has ended.
    :param argv: the command line of an image's program.
    :param backing: what it needs to be shared.
    :param on_ended: called once with the console when it ends.
    """

    def __init__(
        self,
        record: ConsoleRecord,
        clock: Clock,
        now: Callable[[], float],
        read_ended: Callable[[], Awaitable[Ended | None]],
        argv: Callable[[str, str], list[str]],
        backing: Backing,
        on_ended: Callable[[Console], None] = lambda console: None,
    ) -> None:
        self.id = record.id
        self.name = record.name
        self.owner = record.owner
        self.program = record.program
        self.image = record.image
        self.created = record.created
        self.ended = record.ended
        self.reason = record.reason
        self.is_prepared = record.prepared
        self.isolation = ""
        self.state = "starting"
        self.clock = clock
        self.policy: Policy = "latest"
        self.views = Views(read_ended)
        self._table = WindowTable(clock, self.views)
        self.windows = self._table.windows
        self._audience = Audience(clock)
        self.viewers = self._audience.viewers
        self.limits = LimitNotices(self._audience)
        self.together = Together(self, self._audience, backing, now, record.control)
        self._now = now
        self._read_ended = read_ended
        self._argv = argv
        self._on_ended = on_ended
        self.active_at = clock.seconds()
        self.check_windows: Callable[[int], None] = lambda count: None
        """Raises TooMany when there may be no more than so many windows."""
        self._link: Link | None = None
        self._inputs = Inputs()
        self._requests = Requests(clock)
        self.streams = Streams()
        self.host_side = HostSide(self, self._table, self._inputs, self._requests, self._audience)
        self._lifecycle = new_lifecycle(self)
        if record.ended is not None:
            self._on_ended = lambda console: None
            self._lifecycle.gone()
            self._on_ended = on_ended

    @property
    def has_ended(self) -> bool:
        """Whether its sandbox is gone."""
        return self.state == "ended"

    @property
    def last_activity(self) -> float:
        """When it last had input or output, seconds since 1970."""
        if self.ended is not None:
            return self.ended
        return self._now() - (self.clock.seconds() - self.active_at)

    def describe(self) -> dict[str, Any]:
        """What REST and HELLO say about it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "program": self.program,
            "image": self.image,
            "isolation": self.isolation,
            "created": self.created,
            "ended": self.ended,
            "last_activity": round(self.last_activity, 3),
            "viewers": len(self.viewers),
            "policy": self.policy,
            "windows": [window.describe() for window in self.windows.values()],
        }

    def window(self, number: int) -> Window:
        """The window of this number.

        :raises BadRequest: when there is none.
        """
        window = self.windows.get(number)
        if window is None:
            raise BadRequest(f"There is no window {number}.", "no_such_window")
        return window

    # -- state -------------------------------------------------------------------

    def entered(self, state: str) -> None:
        """The machine's output: the state changed."""
        self.state = state
        event: dict[str, Any] = {"type": "state", "state": state}
        if state != "ended":
            self._audience.tell(frames.CONSOLE, event)
            return
        self.together.ended()
        if self.ended is None:
            self.ended = self._now()
        self._fail(ConsoleError(f"The console has ended: {self.reason}", "ended"))
        for viewer in list(self.viewers.values()):
            viewer.input_ended()
        self._audience.tell(frames.CONSOLE, {**event, "reason": self.reason})
        self.views.ended()
        for viewer, _ in self._audience.take_waiting():
            self._start_showing_ended(viewer)
        self._on_ended(self)

    def has_gone(self, reason: str, ended: float | None = None) -> None:
        """Its sandbox is gone.

        :param ended: since when, seconds since 1970; None: now.
        """
        if self.has_ended:
            return
        self.reason = reason or "The sandbox is gone."
        self.ended = ended
        self._lifecycle.gone()
        self._drop_link("the console has ended")

    async def end(self, reason: str, seconds: float) -> bool:
        """Tell its programs to end; whether it has, at most so much later."""
        if self.state == "running":
            try:
                await self._requests.request("end", reason=reason)
                await self._requests.failure(seconds)
            except ConsoleError as error:
                _log.debug("{console}: {why}", console=self.id, why=error.message)
        return self.has_ended

    def renamed(self, name: str) -> None:
        """It has another name now."""
        self.name = name
        self._audience.tell(frames.CONSOLE, {"type": "renamed", "name": name})

    def close(self, code: int, reason: str) -> None:
        """Send every viewer away and break the link; the console lives on."""
        for viewer in list(self.viewers.values()):
            viewer.close(code, reason)
        self.together.ended()
        self._fail(ConsoleError("The hub stops.", "stopping"))
        self._drop_link("the hub stops")

    def _fail(self, error: ConsoleError) -> None:
        self._requests.fail(error)
        self._inputs.fail(error)

    def _drop_link(self, reason: str) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close(reason)

    # -- viewers -----------------------------------------------------------------

    def attach(self, client: Client, user: User, role: Role, hello: object, via: Via = "browser") -> Viewer:
        """A client wants to see this console.

        :param role: what the user may do here.
        :param hello: the client's HELLO, decoded.
        :param via: the kind of client, unless ``hello`` says it.
        :returns: the viewer. The hub's HELLO is sent already, or follows when the console's
            host has been reached.
        :raises BadRequest: when ``hello`` is not one.
        """
        viewer, parsed = self._audience.attach(self, client, user, role, hello, via)
        self.together.came(viewer)
        if self.has_ended:
            self._start_showing_ended(viewer)
        elif self.state == "starting":
            self._audience.wait(viewer, parsed)
        else:
            self._greet(viewer, parsed)
        return viewer

    def viewer_left(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        self._audience.remove(viewer)
        self._table.viewer_left(viewer)
        self._inputs.tidy(self.viewers)
        self.together.left(viewer)

    def tell_limit(
        self, name: LimitName, state: LimitState, message: str, until: float | None = None
    ) -> None:
        """Tell viewers how it stands with a limit, also those who attach later; the same again is not told.

        :param state: ``ok`` when there is nothing to tell any more.
        :param message: a sentence for people, without the time.
        :param until: when that ends, seconds since 1970.
        """
        self.limits.tell(name, state, message, until)

    def detach_others(self, viewer: Viewer) -> None:
        """Send all viewers but one away."""
        self._audience.detach_others(viewer)

    def access_changed(self, role_of: Callable[[User], Role | None]) -> None:
        """Who may do what has changed.

        :param role_of: what a user may do now; None: they have no access and are sent away.
        """
        self._audience.access_changed(role_of)
        self._inputs.access_changed(lambda user: role_of(user) is not None)

    def _greet(self, viewer: Viewer, hello: ClientHello) -> None:
        viewer.greet([window.describe() for window in self.windows.values()])
        for window, stream in self._inputs.of(viewer.key):
            viewer.tell_refused(window, stream)
        self.together.greeted(viewer)
        self.limits.greeted(viewer)
        wanted = {int(number): since for number, since in hello.windows.items()}
        for number in wanted.keys() & self.windows.keys():
            viewer.watch(number, wanted[number])
        self.area_changed(viewer, wanted)

    def _start_showing_ended(self, viewer: Viewer) -> None:
        shown = Deferred.fromCoroutine(show_ended(viewer, self._read_ended, self.reason))
        shown.addErrback(lambda why: _log.failure("Showing {console} failed", why, console=self.id))

    # -- sizes -------------------------------------------------------------------

    def area_changed(self, viewer: Viewer, windows: Iterable[int]) -> None:
        """A viewer's area for these windows is now ``viewer.area``."""
        if viewer.area is not None:
            self._table.area_changed(viewer, viewer.area, windows)

    def area_removed(self, viewer: Viewer, number: int) -> None:
        """A viewer looks at a window no longer."""
        self._table.area_removed(viewer, number)

    def may_type_changed(self, viewer: Viewer) -> None:
        """A viewer may type now, or no longer: so its area counts, or not."""
        self._table.counts_changed(viewer, viewer.may_type)

    def used(self, viewer: Viewer, number: int) -> None:
        """A viewer who may has typed."""
        self.active_at = self.clock.seconds()
        self._table.used(viewer, number)
        self.together.typed(viewer)

    def set_policy(self, policy: str, size: Size | None = None) -> None:
        """Change how the size of the windows is chosen.

        :param size: for ``manual``; None keeps the present size.
        :raises BadRequest: for what is no policy.
        """
        self.policy = self._table.set_policy(policy, size)
        self._audience.tell(frames.CONSOLE, {"type": "policy", "policy": self.policy})

    def resize(self, number: int, cols: int, rows: int) -> None:
        """Give a window a size at once, whatever the policy; viewers may change it again.

        :raises BadRequest: when there is no such window or size.
        """
        self._table.resize(self.window(number), checked_size(cols, rows))

    # -- input -------------------------------------------------------------------

    def input_stream(self, viewer: Viewer, number: int) -> InputStream | None:
        """The input of a viewer to a window; None when there is no such window, or none any more."""
        may_come = self.state == "starting" and number < MAX_WINDOWS
        if self.has_ended or (number not in self.windows and not may_come):
            return None
        return self._inputs.stream(viewer.key, number, viewer.user)

    async def input(self, user: User, role: Role, window: int, data: bytes) -> None:
        """Type ``data`` into a window, whole; returns when it is written.

        :param role: what the user may do here.
        :raises ConsoleError: when the console ends before.
        :raises BadRequest: when there is no such window, or for more than 2 MiB.
        :raises NotAllowed: when the user may not type now.
        """
        self.together.check_may_type(user, role)
        await self.type(user, window, data)

    def check_may_act(self, user: User, role: Role) -> None:
        """See to it that a user may change what runs here now, whoever types.

        :raises NotAllowed: when they may not.
        """
        self.together.check_may_act(user, role)

    async def type(self, user: User, window: int, data: bytes) -> None:
        """As :meth:`input`, for a user who may."""
        self._check_alive()
        self.window(window)
        self.active_at = self.clock.seconds()
        await self._inputs.write(user, window, data)

    # -- requests ----------------------------------------------------------------

    async def request(self, op: str, window: int = frames.CONSOLE, **arguments: Any) -> Any:
        """Ask the console's host; waits while the console recovers.

        :raises ConsoleError: when it refuses, does not answer or has ended.
        """
        return await self._requests.request(op, window, msgspec.json.decode, **arguments)

    async def settled(self, seconds: float) -> None:
        """Wait until it is running or has ended, at most so long."""
        try:
            await self._requests.link(seconds)
        except ConsoleError as error:
            _log.warn("{console} is not reached yet: {why}", console=self.id, why=error.message)

    async def keyframe(self, window: int, scrollback: int | None) -> Keyframe:
        """A picture of a window with so many lines of history; None: all."""
        return await self._requests.keyframe(window, scrollback)

    async def text(self, window: int, scrollback: int = 0) -> ScreenText:
        """A window's screen as lines of text.

        :param scrollback: lines of history before it, at most 1000.
        :raises BadRequest: when there is no such window.
        """
        if self.has_ended:
            ended = await self._read_ended() or Ended()
            return ended.window(window).text()
        self.window(window)
        return await self._requests.text(window, scrollback)

    async def output(
        self, window: int, since: int, wait_seconds: float = 0.0, limit: int = 262_144
    ) -> tuple[int, bytes]:
        """Output from an offset on.

        :param wait_seconds: how long to wait when there is none yet, at most 60.
        :param limit: most bytes.
        :returns: the offset of the first byte, later than ``since`` when that is no longer
            held, and the bytes.
        """
        if not self.has_ended:
            self.window(window)
        return await self._requests.output(window, since, wait_seconds, limit)

    async def modes(self, window: int) -> Modes:
        """What the program in a window has asked of its terminal.

        :raises BadRequest: when there is no such window.
        """
        self._check_alive()
        self.window(window)
        return await self._requests.modes(window)

    async def typed(self, window: int, limit: int) -> list[TypedLine]:
        """The last lines that people typed into a window, the newest last.

        :raises BadRequest: when there is no such window.
        """
        self.window(window)
        return await self._requests.typed(window, limit)

    async def open_window(
        self,
        program: str | None = None,
        argv: list[str] | None = None,
        cols: int = 80,
        rows: int = 24,
        window: int | None = None,
    ) -> int:
        """Start a program in a new window, or again in the exited ``window``.

        :param program: as for a console; None: a shell, unless ``argv`` is given.
        :returns: the window's number.
        :raises BadRequest: when the image has no such program.
        :raises TooMany: when the owner's plan has no more windows.
        """
        self._check_alive()
        size = checked_size(cols, rows)
        command = argv or self._argv(self.image, program or "bash")
        arguments: dict[str, Any] = {"argv": command, "cols": size.cols, "rows": size.rows}
        if window is not None:
            arguments["window"] = window
        if window in self.windows:
            return await self._requests.open(**arguments)
        with self._table.opening(self.check_windows):
            number = await self._requests.open(**arguments)
            if number not in self.windows:
                self._table.add(HostWindow(number, 0, size.cols, size.rows, command))
        return number

    async def close_window(self, window: int) -> None:
        """Hang a window's programs up and forget it."""
        self._check_alive()
        self.window(window)
        await self._requests.request("close", window)

    async def signal(self, name: str, window: int = 0) -> None:
        """Send a signal to the foreground programs of a window.

        :param name: such as ``SIGINT``.
        """
        self._check_alive()
        if name not in _SIGNALS:
            raise BadRequest(f"{name!r} is not one of {', '.join(sorted(_SIGNALS))}.", "bad_signal")
        self.window(window)
        await self._requests.request("signal", window, signal=name)

    async def run(
        self,
        owner: StreamOwner,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> Stream:
        """Start a program on pipes, beside the windows; the caller has checked that it may be.

        :param argv: program and arguments, looked for as a shell does.
        :param env: changes to the environment of the console's programs.
        :param cwd: the folder it starts in; None: the home.
        :raises ConsoleError: when it cannot be started, with code ``cannot_start``, or
            ``too_many_streams``, or the console has ended.
        """
        self._check_alive()
        return await self.streams.run(await self._requests.link(), owner, argv, env, cwd)

    def _check_alive(self) -> None:
        if self.has_ended:
            raise ConsoleError(f"The console has ended: {self.reason}", "ended")

    # -- links ---------------------------------------------------------------------

    def linked(self, link: Link, isolation: str) -> None:
        """There is a link to its host, and the windows are known."""
        self._link = link
        self.isolation = isolation
        self._lifecycle.linked()
        for viewer, parsed in self._audience.take_waiting():
            if viewer.is_attached:
                self._greet(viewer, parsed)

    def unlinked(self) -> None:
        """The link is gone."""
        self._link = None
        self._lifecycle.lost()
