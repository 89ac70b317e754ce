"""An extension of IPython, loaded at its start: marks around what it runs."""

from .prompts import Marks, can_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load_ipython_extension(shell: "Any") -> None:
    """Called by IPython."""
    if can_mark():
        marks = Marks()
        shell.events.register("pre_run_cell", lambda *_: marks.command())
        shell.events.register("post_run_cell", lambda *_: marks.prompt())
