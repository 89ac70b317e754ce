"""The debugged program's side: pdb, whose terminal is another window.

:func:`serve` runs in the handler of our signal, in the main thread, wherever the program
is: in a loop, asleep, or in a call that blocks.  The person looks around there and then.
When they have left, nothing of the debugger is left either.
"""

import os
import pdb
import sys
import threading
import traceback

from . import request_path, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Dict, Iterator, Optional

_STACK_DEPTH = 6  # of each thread in a list of all
_OPTIONS = {"backend": "settrace"} if sys.version_info >= (3, 14) else {}
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LINE_CHARACTERS = 1 << 16  # of a line without end that are held back

_debugger: "Optional[Debugger]" = None
_is_busy = False
"""While the person is talked to, comes or leaves; the signal may come again and again."""


def serve(frame: "Optional[FrameType]") -> None:
    """Serve whoever asks to debug this program, now that it is interrupted in ``frame``.

    :param frame: None where no Python code runs: at the interpreter's own prompt.
    :raises KeyboardInterrupt: when the person stops the program, or what it evaluates for them.
    """
    global _is_busy
    if _is_busy:
        if _debugger is not None and _debugger.is_evaluating:
            raise KeyboardInterrupt
        return
    _is_busy = True
    try:
        _serve(frame)
    finally:
        _is_busy = False


def _serve(frame: "Optional[FrameType]") -> None:
    global _debugger
    if _debugger is not None and _debugger.is_attached:
        _debugger.interrupted(frame)
    while _debugger is None or not _debugger.is_attached:
        link = wire.connect(request_path(os.getpid()))
        if link is None:
            return
        if frame is None:
            link.send(end="The program waits at its own prompt: look around there.")
            link.close()
            continue
        _debugger = Debugger(link)
        _debugger.begin(frame)


class Debugger(pdb.Pdb):
    """pdb on a link, in a program that goes on when the person has left."""

    def __init__(self, link: wire.Link) -> None:
        terminal: "Any" = _Terminal(link)
        super().__init__(stdin=terminal, stdout=terminal, nosigint=True, readrc=False, **_OPTIONS)
        self.is_attached = True
        self._link = link
        self._pid = os.getpid()
        self._trace_before = sys.gettrace()
        self._end = ""
        self._stops = False
        self._must_leave = False
        self.is_evaluating = False
        self._here: "Optional[FrameType]" = None

    # -- coming and going ----------------------------------------------------

    def begin(self, frame: "FrameType") -> None:
        """Let the person look around at ``frame``, and go on as they say."""
        self.reset()
        for each in _stack(frame):
            each.f_trace = self.trace_dispatch
            self.botframe = each
        self.interaction(frame, None)
        if self.is_attached:
            sys.settrace(self.trace_dispatch)

    def interrupted(self, frame: "Optional[FrameType]") -> None:
        """The signal came again: the person presses Ctrl-C, or another one asks."""
        is_tracing = any(each.f_code is Debugger.trace_dispatch.__code__ for each in _stack(frame))
        if os.getpid() != self._pid or self._link.has_ended():
            if is_tracing:
                self._must_leave = True  # breakpoints are being looked at
            else:
                self._leave()
        elif is_tracing:
            self.set_step()
        elif frame is not None:
            self.begin(frame)

    def interaction(self, frame: "Optional[FrameType]", traceback: "Any") -> None:
        """Talk with the person, then do what they want."""
        global _is_busy
        before, _is_busy = _is_busy, True
        self._here = frame
        try:
            super().interaction(frame, traceback)
            if self._end:
                self._leave()
            else:
                self._link.send(running=True)
        finally:
            _is_busy = before
            self._here = None
        if self._stops:
            raise KeyboardInterrupt

    def _leave(self) -> None:
        self.is_attached = False
        sys.settrace(self._trace_before)
        for frame in _stack(sys._getframe()):
            if getattr(frame.f_trace, "__self__", None) is self:
                del frame.f_trace
        if os.getpid() == self._pid:
            self._link.send(end=self._end)
        self._link.close()
        self.clear_all_breaks()

    def trace_dispatch(self, frame: "FrameType", event: str, argument: "Any") -> "Any":
        """Trace the program, but neither ourselves nor a child it has forked."""
        if frame.f_code.co_filename.startswith(_OURS):
            return None
        if not self.is_attached or os.getpid() != self._pid:
            sys.settrace(self._trace_before)
            return None
        local = super().trace_dispatch(frame, event, argument)
        if self._must_leave:
            self._leave()
            return None
        return local

    def onecmd(self, line: str) -> bool:
        """Carry out a command; Ctrl-C ends what it evaluates."""
        self.is_evaluating = True
        try:
            return super().onecmd(line)
        finally:
            self.is_evaluating = False

    # -- commands ------------------------------------------------------------

    def do_quit(self, arg: str) -> "Optional[bool]":
        """q(uit) | exit | detach

        Leave the debugger; the program goes on.
        """
        self._end = "The program goes on."
        return True

    do_q = do_exit = do_detach = do_EOF = do_quit

    def do_stop(self, arg: str) -> bool:
        """stop

        Raise KeyboardInterrupt in the program, as Ctrl-C in its window does, and leave.
        """
        self._stops = True
        self._end = "KeyboardInterrupt was raised in the program."
        return True

    def do_continue(self, arg: str) -> "Optional[bool]":
        """c(ont(inue))

        Let the program go on. Without breakpoints that leaves the debugger.
        """
        if not self.breaks:
            return self.do_quit(arg)
        return super().do_continue(arg)

    do_c = do_cont = do_continue

    def do_threads(self, arg: str) -> None:
        """threads

        Show where each thread is.
        """
        for name, frame in self._threads().items():
            self.message("%s %s" % ("->" if frame is self.stack[-1][0] else "  ", name))
            for line in traceback.format_stack(frame)[-_STACK_DEPTH:]:
                self.message(line.rstrip("\n"))

    def do_thread(self, arg: str) -> None:
        """thread NAME

        Look around in another thread, which runs on while you look.
        """
        frame = self._threads().get(arg)
        if frame is None:
            self.error("no such thread; `threads` lists them")
            return
        self.stack, self.curindex = self.get_stack(frame, None)
        self.curframe = self.stack[self.curindex][0]
        self.curframe_locals = self.curframe.f_locals
        self.print_stack_entry(self.stack[self.curindex])

    def _threads(self) -> "Dict[str, FrameType]":
        frames = sys._current_frames()
        if self._here is not None:
            frames[threading.get_ident()] = self._here  # not where we are ourselves
        names = {each.ident: each.name for each in threading.enumerate()}
        return {names.get(ident, str(ident)): frame for ident, frame in frames.items()}

    def do_run(self, arg: str) -> "Optional[bool]":
        """Not here: the program was not started by the debugger, and its terminal is in use."""
        self.error("not in a program that runs in another window")
        return None

    do_restart = do_interact = do_run


class _Terminal:
    """What pdb takes for its terminal.  What was written since the last line end is the prompt."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, link: wire.Link) -> None:
        self._link = link
        self._written = ""

    def write(self, text: str) -> int:
        """Show text."""
        self._written += text
        end = len(self._written) if len(self._written) > _LINE_CHARACTERS else self._written.rfind("\n") + 1
        self._link.send_text(self._written[:end])
        self._written = self._written[end:]
        return len(text)

    def flush(self) -> None:
        """Nothing waits here but a prompt."""

    def isatty(self) -> bool:
        """No terminal, for whoever would draw on it."""
        return False

    def readline(self, limit: int = -1) -> str:
        """Ask for a line; empty when the person has left."""
        self._link.send(prompt=self._written)
        self._written = ""
        while True:
            try:
                message = self._link.receive()
            except KeyboardInterrupt:
                continue  # pressed in the program's own window; the person here decides
            line = None if message is None else message.get("line")
            return line + "\n" if isinstance(line, str) else ""


def _stack(frame: "Optional[FrameType]") -> "Iterator[FrameType]":
    while frame is not None:
        yield frame
        frame = frame.f_back
