"""What the agent needs of large modules, without their start-up cost.

A person waits for the agent to start.  ``signal`` builds enumerations (10 ms),
``collections`` and ``shutil`` bring further modules (6 ms) of which the agent needs a few
functions.  Those live in C modules that every CPython from 3.8 on has, and are taken from
there.  ptyprocess imports ``signal`` and ``shutil`` itself, for constants and one
function, so it gets stand-ins while it is imported; nobody else ever sees them.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections import OrderedDict, deque
    from typing import Any, Optional

    from ptyprocess.ptyprocess import PtyProcess
else:
    import _signal as signal
    from _collections import OrderedDict, deque

__all__ = ["OrderedDict", "PtyProcess", "deque", "signal", "signal_names", "which"]


def which(command: str, path: Optional[str] = None) -> Optional[str]:
    """The file that runs ``command``, looked for on ``path`` as a shell does, or None."""
    if "/" in command:
        folders = [""]
    else:
        folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(":")
    for folder in folders:
        file = os.path.join(folder, command)
        if os.access(file, os.X_OK) and os.path.isfile(file):
            return file
    return None


def signal_names() -> dict[str, int]:
    """Number of each signal by its name, such as ``SIGINT``."""
    names = {}
    for name in dir(signal):
        value: Any = getattr(signal, name)
        if name.startswith("SIG") and name[3:4] != "_" and isinstance(value, int):
            names[name] = int(value)
    return names


def _import_ptyprocess() -> Any:
    shutil = type(sys)("shutil")
    shutil.which = which  # type: ignore[attr-defined]
    stand_ins = {"signal": signal, "shutil": shutil}
    before = {name: sys.modules.get(name) for name in stand_ins}
    try:
        for name, stand_in in stand_ins.items():
            sys.modules.setdefault(name, stand_in)
        from ptyprocess.ptyprocess import PtyProcess

        return PtyProcess
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]


if not TYPE_CHECKING:
    PtyProcess = _import_ptyprocess()
