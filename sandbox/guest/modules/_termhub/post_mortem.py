"""A look at what an uncaught error left, before the program ends."""

import os
import pdb
import sys

from . import ring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Optional

_WORDS = """\
The program has ended with the error above. Look around:
w where, u up, d down, p NAME print, l list, h help; q or Ctrl-D leaves.
"""
_OUTERMOST = ("<module>", "_run_module_as_main")


class PostMortem(pdb.Pdb):
    """pdb where nothing can go on, so that a slip of the finger loses nothing."""

    def do_continue(self, arg: str) -> "Optional[bool]":
        """The program has ended; it cannot go on."""
        self.message("The program has ended and cannot go on; q leaves.")
        return None

    do_c = do_cont = do_continue
    do_s = do_step = do_n = do_next = do_r = do_return = do_continue
    do_unt = do_until = do_j = do_jump = do_run = do_restart = do_continue


def look(error: BaseException, traceback: "Optional[TracebackType]") -> None:
    """Debug what ``error`` left, in the program's terminal, until the person leaves.

    Does nothing for what is no error, where there is no code to look at (a script that
    is no Python), and where the program goes on.
    """
    if traceback is None or not isinstance(error, Exception) or type(error).__name__ == "BdbQuit":
        return
    if sys.flags.inspect or hasattr(sys, "ps1") or os.environ.get("PYTHONINSPECT"):
        return  # the interpreter's own prompt comes next
    if not os.isatty(0) or _goes_on(sys._getframe(1)):
        return
    before = sys.stdin, sys.stdout, sys.stderr
    try:
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
        _make_sane()
        print(_WORDS, end="", flush=True)
        ring()
        debugger = PostMortem()
        debugger.reset()
        what: "Any" = error if sys.version_info >= (3, 13) else traceback
        debugger.interaction(None, what)
    except (OSError, ValueError, AttributeError):
        pass  # the terminal has gone, or the program has closed its files
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def _goes_on(frame: "FrameType") -> bool:
    """Whether the hook was called by the program itself, which has not ended then."""
    outermost: "Optional[FrameType]" = frame
    while outermost is not None and outermost.f_back is not None:
        outermost = outermost.f_back
    return outermost is not None and outermost.f_code.co_name in _OUTERMOST


def _make_sane() -> None:
    """Undo what a program that drew on the terminal has not undone."""
    import termios

    attributes = termios.tcgetattr(0)
    attributes[0] |= termios.ICRNL
    attributes[1] |= termios.OPOST | termios.ONLCR
    attributes[3] |= termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN
    termios.tcsetattr(0, termios.TCSADRAIN, attributes)
