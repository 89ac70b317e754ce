"""The agent: PID 1 of every sandbox, which owns its terminals and relays them.

It speaks the stream protocol (``docs/protocol.md``, "Agent and host") over its stdin
and stdout, two FIFOs that it holds open for both directions, so that hosts may come and
go.  It starts window 0 at once, keeps unacknowledged output, writes input exactly once,
reaps every orphan, and ends when no window has a live program.

Invariant: nothing a program or a host does makes it hold more than a fixed amount of
memory a window, or end while a program runs.
"""

from __future__ import annotations

import os

from . import frames, programs, requests
from .asks import Asks
from .lean import deque, signal
from .loop import Loop
from .requests import RequestError
from .streams import Streams
from .windows import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

    from .loop import Timer
    from .proxy import Proxy

_READ_BYTES = 1 << 16
_FIFO_BYTES = 1 << 18
_F_SETPIPE_SZ = 1031
_ANSWER_SECONDS = 0.004  # how long ACCEPTED waits for output to go with
_MOST_ANSWERS = 32
_CONTROL_BYTES = 1 << 18  # answers waiting for the peer; requests wait beyond it
_MOST_WINDOWS = 32
_CLOSE_SECONDS = 2.0
_LINGER_SECONDS = 5.0
_LINGER_UNREAD_SECONDS = 60.0
_SOCKET = "TERMHUB_SOCKET"
_ANSWER = ("ok", "url", "ssh", "error")
_IGNORED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGPIPE", "SIGUSR1", "SIGUSR2")


class Agent:
    """Relays the windows of one console.

    :param fd_in: descriptor the peer's frames come from.
    :param fd_out: descriptor frames go to.
    :param limits: rlimits of the programs, as :func:`programs.start` takes them.
    """

    def __init__(self, loop: Loop, fd_in: int, fd_out: int, limits: Dict[str, int]) -> None:
        self._loop = loop
        self._in = fd_in
        self._out = fd_out
        self._limits = limits
        self._windows: Dict[int, Window] = {}
        self._decoder = frames.Decoder(frames.PIPE_BUF)
        self._has_peer = False
        self._control: Deque[bytes] = deque()
        self._control_bytes = 0
        self._answers: List[bytes] = []  # ACCEPTED to send
        self._answer_timer: Optional[Timer] = None
        self._rest: Optional[bytes] = None  # of a frame that is half written
        self._blocked = False
        self._reading = True
        self._streams = Streams(loop, limits, self.flush)
        self._asks: Optional[Asks] = None
        self._proxy: Optional[Proxy] = None
        # Whatever has frames to send, in the order of its next turn.
        self._turn: List[Callable[[], Optional[Tuple[bytes, Optional[memoryview]]]]] = [self._streams.take]
        self._linger: Optional[Timer] = None
        self._idle_since: Optional[float] = None
        os.set_blocking(fd_in, False)
        os.set_blocking(fd_out, False)
        loop.reader(fd_in, self._receive)
        loop.signal(signal.SIGCHLD, self.reap)

    def open_first(self, argv: List[str], env: Dict[str, str], cwd: str, cols: int, rows: int) -> None:
        """Open window 0; a program that cannot start is shown as ended."""
        window = self._window(0)
        try:
            window.open(argv, self._environment(env), cwd, cols, rows, self._limits)
        except programs.StartError as error:
            window.fail(argv, cols, rows, str(error), error.status)
            self._check_idle()

    def listen(self, path: str) -> None:
        """Take questions of programs on a socket; :raises OSError: when that cannot be."""
        self._asks = Asks(self._loop, path, self._asked)

    def reach_out(self, port: int) -> None:
        """Let programs reach what the peer allows, by a proxy on a port of the loopback address.

        :raises OSError: when nobody can listen there.
        """
        from .proxy import Proxy  # most sandboxes have none

        self._proxy = Proxy(self._loop, port, self._streams, self._asked, self.flush)

    def _asked(self, event: Dict[str, Any]) -> None:
        if self._has_peer:  # else the next one is told with its HELLO
            self._event(frames.CONSOLE, event)
            self.flush()

    # -- frames out ----------------------------------------------------------

    def flush(self) -> None:
        """Write what there is until the peer's FIFO is full."""
        if self._blocked or not self._has_peer:
            return
        out = self._out
        while True:
            tail = b""
            if self._rest is not None:
                head, view = self._rest, None
            elif self._control:
                head, view = self._control.popleft(), None
                self._control_bytes -= len(head)
            else:
                frame = self._take()
                if frame is None:
                    break
                head, view = frame
                if self._answers:
                    tail = self._take_answers()
            self._rest = _write(out, head, view, tail)
            if self._rest is not None:
                self._block(True)
                return
        if not self._reading and self._control_bytes < _CONTROL_BYTES // 2:
            self._reading = True
            self._loop.reader(self._in, self._receive)

    def _take(self) -> Optional[Tuple[bytes, Optional[memoryview]]]:
        turn = self._turn
        for _ in range(len(turn)):
            take = turn.pop(0)
            turn.append(take)
            frame = take()
            if frame is not None:
                return frame
        return None

    def _block(self, blocked: bool) -> None:
        self._blocked = blocked
        self._loop.writer(self._out, self._writable if blocked else None)

    def _writable(self) -> None:
        self._block(False)
        self.flush()

    def _send(self, frame: bytes) -> None:
        self._control.append(frame)
        self._control_bytes += len(frame)
        if self._control_bytes > _CONTROL_BYTES and self._reading:
            self._reading = False
            self._loop.reader(self._in, None)

    def _window_changed(self, window: Window) -> None:
        for viewer, sequence in window.inputs.answers():
            if self._has_peer:
                self._answers.append(frames.accepted(window.number, viewer, sequence))
        self.flush()
        # The echo of a key is there a moment later: one write, and one turn of every process
        # on the way, for both.
        if len(self._answers) > _MOST_ANSWERS:
            self._send(self._take_answers())
            self.flush()
        elif self._answers and self._answer_timer is None:
            self._answer_timer = self._loop.call_later(_ANSWER_SECONDS, self._answer)

    def _take_answers(self) -> bytes:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
        answers, self._answers = self._answers, []
        return b"".join(answers)

    def _answer(self) -> None:
        self._answer_timer = None
        if self._answers:
            self._send(self._take_answers())
            self.flush()

    # -- frames in -----------------------------------------------------------

    def _receive(self) -> None:
        try:
            data = os.read(self._in, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:  # only where it is not a FIFO held open
            self._loop.reader(self._in, None)
            return
        try:
            for frame in self._decoder.feed(data):
                self._frame(frame)
        except frames.FrameError as error:
            # Writes of the peer are whole frames, so the next read starts at one.
            self._decoder = frames.Decoder(frames.PIPE_BUF)
            if self._has_peer:
                self._event(frames.CONSOLE, {"type": "error", "code": "bad_frame", "error": str(error)})
        self.flush()

    def _frame(self, frame: frames.Frame) -> None:
        kind, number, payload = frame
        if kind == frames.HELLO:
            self._hello(frames.parse_json(payload))
        elif kind == frames.REQUEST:
            self._request(number, frames.parse_json(payload))
        elif kind in (frames.STREAM, frames.CREDIT):
            self._streams.receive(kind, payload)
        elif kind in (frames.ACK, frames.INPUT, frames.RESIZE):
            window = self._windows.get(number)
            if window is None:
                return
            if kind == frames.INPUT:
                window.input(*frames.parse_input(payload))
            elif kind == frames.ACK:
                window.acknowledge(frames.parse_ack(payload))
                self._check_idle()
            else:
                window.resize(*frames.parse_resize(payload))

    def _hello(self, hello: Dict[str, Any]) -> None:
        offsets = hello.get("offsets")
        if not isinstance(offsets, dict):
            offsets = {}
        self._has_peer = True
        self._control.clear()
        self._control_bytes = 0
        self._answers.clear()
        self._streams.close()
        for number, window in self._windows.items():
            offset = offsets.get(str(number), 0)
            offset = offset if isinstance(offset, int) else 0
            if offset <= window.backlog.end:
                window.backlog.rewind(window.backlog.end)
                window.acknowledge(offset)
            window.backlog.rewind(offset)
            window.inputs.new_peer()
        answer = {
            "version": frames.VERSION,
            "nonce": str(hello.get("nonce", ""))[:64],
            "windows": [window.describe() for window in self._windows.values()],
        }
        self._send(frames.encode_json(frames.HELLO, frames.CONSOLE, answer))
        if self._asks is not None:
            self._asks.repeat()
        if self._proxy is not None:
            self._proxy.open()

    def _event(self, number: int, event: Dict[str, Any]) -> None:
        self._send(frames.encode_json(frames.EVENT, number, event))

    # -- requests ------------------------------------------------------------

    def _request(self, number: int, request: Dict[str, Any]) -> None:
        answer: Dict[str, Any] = {"id": request.get("id"), "ok": True}
        try:
            operation = {
                "open": self._open,
                "close": self._close,
                "signal": self._signal,
                "ping": self._ping,
                "run": self._streams.run,
                "stop": self._streams.stop,
                "answer": self._answer_ask,
                "connected": self._connected,
                "refused": self._connected,
            }.get(str(request.get("op")))
            if operation is None:
                raise RequestError("unknown_op", "the agent does not know %r" % (request.get("op"),))
            answer.update(operation(request))
        except RequestError as error:
            answer.update(ok=False, code=error.code, error=str(error))
        self._send(frames.encode_json(frames.REPLY, number, answer))

    def _ping(self, request: Dict[str, Any]) -> Dict[str, Any]:
        return {}

    def _open(self, request: Dict[str, Any]) -> Dict[str, Any]:
        number = request.get("window")
        argv, env, cwd = requests.program(request)
        cols, rows = requests.size(request)
        if not isinstance(number, int) or not 0 <= number < frames.CONSOLE:
            raise RequestError("bad_request", "a window is a number below %d" % frames.CONSOLE)
        before = self._windows.get(number)
        if before is not None and before.is_live:
            raise RequestError("window_exists", "window %d has a program already" % number)
        if before is None and len(self._windows) >= _MOST_WINDOWS:
            raise RequestError("too_many_windows", "a console has at most %d windows" % _MOST_WINDOWS)
        try:
            pid = self._window(number).open(argv, self._environment(env), cwd, cols, rows, self._limits)
        except programs.StartError as error:
            if before is None:
                self._forget(number)
            raise RequestError("cannot_start", str(error)) from None
        self._check_idle()
        return {"pid": pid}

    def _close(self, request: Dict[str, Any]) -> Dict[str, Any]:
        window = self._known(request)
        session = window.close()
        self._forget(window.number)
        if session is not None:
            self._loop.call_later(_CLOSE_SECONDS, programs.kill_session, session, signal.SIGKILL)
        self._event(window.number, {"type": "closed"})
        self._check_idle()
        return {}

    def _signal(self, request: Dict[str, Any]) -> Dict[str, Any]:
        window = self._known(request)
        try:
            window.signal(programs.signal_number(request.get("signal")))
        except ValueError as error:
            raise RequestError("bad_request", str(error)) from None
        except OSError as error:
            raise RequestError("no_program", str(error)) from None
        return {}

    def _answer_ask(self, request: Dict[str, Any]) -> Dict[str, Any]:
        answer = {name: request[name] for name in _ANSWER if name in request}
        if self._asks is None or not self._asks.answer(request.get("ask"), answer):
            raise RequestError("no_such_ask", "nobody waits for that answer any more")
        return {}

    def _connected(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Whether a connection that the proxy asked for has been made; nobody may wait for it any more."""
        if self._proxy is not None and request["op"] == "connected":
            self._proxy.connected(request.get("stream"))
        elif self._proxy is not None:
            self._proxy.refused(request.get("stream"), str(request.get("code")), str(request.get("error")))
        return {}

    def _known(self, request: Dict[str, Any]) -> Window:
        number = request.get("window")
        window = self._windows.get(number) if isinstance(number, int) else None
        if window is None:
            raise RequestError("no_such_window", "there is no window %r" % (number,))
        return window

    def _environment(self, changes: Dict[str, str]) -> Dict[str, str]:
        env = dict(os.environ)
        env.update(changes)
        return env

    def _window(self, number: int) -> Window:
        if number not in self._windows:
            window = Window(number, self._loop, lambda: self._window_changed(window))
            self._windows[number] = window
            self._turn.append(window.take)
        return self._windows[number]

    def _forget(self, number: int) -> None:
        self._turn.remove(self._windows.pop(number).take)

    # -- the end -------------------------------------------------------------

    def reap(self) -> None:
        """Collect every process that has ended; orphans become ours to collect."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            for window in self._windows.values():
                if window.pid == pid:
                    window.ended(status)
                    break
            else:
                self._streams.reaped(pid, status)
        self._check_idle()

    def _check_idle(self) -> None:
        """End once no program runs and the peer has everything, or after a while."""
        if any(window.is_live for window in self._windows.values()):
            self._idle_since = None
            if self._linger is not None:
                self._linger.cancel()
                self._linger = None
            return
        now = self._loop.now()
        if self._idle_since is None:
            self._idle_since = now
        backlogs = [window.backlog for window in self._windows.values()]
        unread = any(backlog.has_bytes for backlog in backlogs)
        settled = all(backlog.is_settled for backlog in backlogs)
        left = self._idle_since + (_LINGER_UNREAD_SECONDS if unread else _LINGER_SECONDS) - now
        if left <= 0 or (settled and not self._control and not self._answers and self._rest is None):
            self._loop.stop()
            return
        if self._linger is not None:
            self._linger.cancel()
        self._linger = self._loop.call_later(left, self._check_idle)

    def terminate(self) -> None:
        """Stop at once (where the agent is not PID 1, nobody else ends its programs)."""
        self._loop.stop()

    def close(self) -> None:
        """Leave nothing behind."""
        if self._asks is not None:
            self._asks.close()


def _write(fd: int, head: bytes, view: Optional[memoryview], tail: bytes) -> Optional[bytes]:
    """Write a frame and what goes with it; what the descriptor did not take, None when it took all."""
    if view is None and tail:
        head += tail
    try:
        count = os.write(fd, head) if view is None else os.writev(fd, (head, view, tail))
        if view is None:
            return head[count:] or None
        if count == len(head) + len(view) + len(tail):
            return None
        return (head + bytes(view) + tail)[count:]
    except BlockingIOError:
        return head if view is None else head + bytes(view) + tail
    finally:
        if view is not None:
            view.release()


def main(settings: Dict[str, Any]) -> None:
    """Run as the first process of a sandbox.

    :param settings: ``{"window": {"argv", "env", "cwd", "cols", "rows"}, "limits": {…}, "proxy": port}``;
        without the last there is no proxy.
    """
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    programs.protect()
    _widen(1)
    loop = Loop()
    agent = Agent(loop, 0, 1, settings.get("limits", {}))
    if os.getpid() != 1:
        loop.signal(signal.SIGTERM, agent.terminate)
    path = os.environ.get(_SOCKET)
    if path:
        try:
            agent.listen(path)
        except OSError:
            pass  # a program that asks is told that nobody is there
    if "proxy" in settings:
        agent.reach_out(settings["proxy"])
    first = settings["window"]
    agent.open_first(
        first["argv"], first.get("env", {}), first.get("cwd") or os.getcwd(), first["cols"], first["rows"]
    )
    loop.run()
    agent.close()
    if os.getpid() != 1:
        programs.kill_descendants()


def _widen(fd: int) -> None:
    """Give a FIFO a larger buffer, so that large output needs fewer turns."""
    import fcntl

    try:
        fcntl.fcntl(fd, _F_SETPIPE_SZ, _FIFO_BYTES)
    except OSError:
        pass  # not a FIFO, or the user's share of pipe memory is used up: it works as it is
