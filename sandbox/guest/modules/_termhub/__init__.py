"""What termhub adds to Python programs in a console; runs at the start of each.

Everything here is small and quick, and does no more than leave hooks: a signal by which
another window can attach a debugger, a bell for ``breakpoint()``, marks around prompts,
and a look at what an uncaught error left.  The modules behind the hooks are imported when
they are needed.  Runs on Python 3.6 and later.
"""

import _signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIGNAL = _signal.SIGURG
"""Asks for the debugger.  Nothing else sends it, and who does not catch it ignores it."""

SOCKET = "TERMHUB_SOCKET"
POST_MORTEM = "TERMHUB_POST_MORTEM"

folder = os.path.dirname(os.environ.get(SOCKET, ""))
"""The console's private folder, where windows meet; empty outside of consoles."""


def start() -> None:
    """Leave the hooks."""
    wanted = os.environ.pop(POST_MORTEM, "")  # it is meant for this program, not for its children
    _mark_prompts()
    if sys.version_info >= (3, 7) and not os.environ.get("PYTHONBREAKPOINT"):
        _ring_at_breakpoints()
    if wanted == "1" and os.getsid(0) == os.getpid() and os.isatty(0):
        _keep_after_errors()
    if folder:
        catch_signal()


def catch_signal() -> None:
    """Let other windows attach a debugger to this program."""
    # An ignored SIGPIPE says that signals are Python's here, not those of a program around it.
    if _signal.getsignal(SIGNAL) == _signal.SIG_DFL and _signal.getsignal(_signal.SIGPIPE) == _signal.SIG_IGN:
        _signal.signal(SIGNAL, _signalled)


def _signalled(number: int, frame: "Any") -> None:
    """Serve the window that asks, if one does; else the signal came from elsewhere."""
    if _name("pdb_server") not in sys.modules and not os.path.exists(request_path(os.getpid())):
        return
    try:
        from .pdb_server import serve
    except Exception:  # noqa: BLE001 - in the middle of an import, say; the window asks again
        return
    serve(frame)


def request_path(pid: int) -> str:
    """Where the window that asks to debug a program listens."""
    return "%s/debug-%d" % (folder, pid)


def ring() -> None:
    """Ring the terminal's bell, where there is a terminal."""
    for fd in (1, 2, 0):
        if os.isatty(fd):
            os.write(fd, b"\a")
            break


class _BreakpointHook:
    """``sys.breakpointhook`` with a bell; it adds no frame, so debuggers see their caller's."""

    @property
    def __call__(self) -> "Any":
        if os.environ.get("PYTHONBREAKPOINT") != "0":
            try:
                ring()
            except OSError:
                pass  # the terminal has gone; whoever debugs there will see
        return sys.__breakpointhook__


def _ring_at_breakpoints() -> None:
    if sys.breakpointhook is sys.__breakpointhook__:
        sys.breakpointhook = _BreakpointHook()


def _mark_prompts() -> None:
    """Marks go around prompts once the interpreter is about to show one."""
    before = getattr(sys, "__interactivehook__", None)

    def interactive() -> None:
        if before is not None:
            before()
        try:
            from .prompts import mark
        except ImportError:
            return
        mark()

    if before is not None:  # there is none with -I, which wants nothing of ours
        sys.__interactivehook__ = interactive


def _keep_after_errors() -> None:
    before = sys.excepthook

    def excepthook(kind: "Any", value: "Any", traceback: "Any") -> None:
        before(kind, value, traceback)
        try:
            from .post_mortem import look
        except Exception:  # noqa: BLE001 - what broke the program may break this too
            return
        look(value, traceback)

    sys.excepthook = excepthook


def _name(module: str) -> str:
    return "%s.%s" % (__name__, module)
