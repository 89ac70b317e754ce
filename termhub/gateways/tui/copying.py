"""Copy mode at work: keys and mouse to a pane's history, what it needs from the host, what was copied.

Invariant: at most one request for a place further back is open for each pane; what is wanted
meanwhile is asked for when it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from termhub.gateways.tui.history import History
from termhub.gateways.tui.mouse import WHEEL_LINES
from termhub.gateways.tui.outcomes import AskWords, Copy, Find, Leave, Outcome, WhoTyped
from termhub.gateways.tui.pane import Pane
from termhub.gateways.tui.prompts import Prompt, TextPrompt
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.typists import TypedLine, typist


class CopyOwner(Protocol):
    """The UI, as copy mode sees it."""

    def ask(self, prompt: Prompt) -> None:
        """Show a prompt."""

    def copied(self, text: str) -> None:
        """The person has copied a text."""

    def say(self, words: str) -> None:
        """Tell the person something."""

    def scrolled(self) -> None:
        """The person has moved the view."""

    def changed(self) -> None:
        """What shows has changed."""


class Copying:
    """Copy mode of one session's panes."""

    def __init__(self, session: Session, owner: CopyOwner) -> None:
        self._session = session
        self._owner = owner
        self._asked: set[int] = set()
        self._shown: dict[int, int] = {}
        self._pressed: tuple[Pane, int, int] | None = None

    def enter(self, pane: Pane) -> History:
        """Begin to look back; the history itself if that is so already."""
        if pane.history is None:
            at = pane.cursor
            rows = len(pane.rows) if pane.size is None else pane.size[1]
            pane.history = History(
                pane.lines,
                max(1, rows),
                pane.first_line,
                pane.back,
                pane.place.cols,
                pane.place.rows,
                at.x,
                at.y,
            )
            pane.is_still = True
            self._shown[pane.window] = 0
            self._owner.changed()
        return pane.history

    def leave(self, pane: Pane) -> None:
        """Show the present again."""
        if pane.history is None:
            return
        pane.history, pane.is_still = None, False
        self._shown.pop(pane.window, None)
        self._session.look(pane)
        self._owner.changed()

    def key(self, pane: Pane, history: History, name: str) -> None:
        """A key, by the name of :func:`~.bindings.key_name`."""
        before = history.back
        self._do(pane, history, history.key(name, self._row(pane)))
        if pane.history is None or history.back != before:
            self._owner.scrolled()

    def show_back(self, pane: Pane, back: int) -> None:
        """Show what is so many lines above the present."""
        history = self.enter(pane)
        history.scroll(back - history.back)
        self._show(pane)

    def page_back(self, pane: Pane) -> None:
        """Look back by a page."""
        self.key(pane, self.enter(pane), "PageUp")

    def drawn(self, pane: Pane) -> None:
        """A drawing came: there may be more above than was known, which moves the place to show."""
        if pane.history is not None and self._shown.get(pane.window) != pane.history.back:
            self._show(pane)

    def _row(self, pane: Pane) -> Callable[[int], list[str]]:
        return lambda line: pane.text(line - pane.first_line)

    def _do(self, pane: Pane, history: History, outcome: Outcome) -> None:
        if isinstance(outcome, Leave):
            self.leave(pane)
            return
        if isinstance(outcome, AskWords):
            self._ask_words(pane, history, outcome.forward)
        elif isinstance(outcome, Find):
            self._find(pane, history, outcome)
        elif isinstance(outcome, Copy):
            self._copy(pane, outcome)
        elif isinstance(outcome, WhoTyped):
            self._ask_who(pane, history, outcome.line)
        self._show(pane)

    def _show(self, pane: Pane) -> None:
        """Have the pane show the place that copy mode is at."""
        history = pane.history
        self._owner.changed()
        if history is None or pane.window in self._asked or self._shown.get(pane.window) == history.back:
            return
        self._asked.add(pane.window)
        self._shown[pane.window] = history.back
        pane.is_still = False
        self._session.look(pane, lambda reply: self._looked(pane))

    def _looked(self, pane: Pane) -> None:
        self._asked.discard(pane.window)
        self._show(pane)

    # -- searching and copying -----------------------------------------------------

    def _ask_words(self, pane: Pane, history: History, forward: bool) -> None:
        def answered(text: str) -> None:
            if pane.history is history:
                self._do(pane, history, history.search(text, forward, self._row(pane)))

        label = "search forward:" if forward else "search back:"
        self._owner.ask(TextPrompt(label, "", answered))

    def _find(self, pane: Pane, history: History, find: Find) -> None:
        def answered(reply: dict[str, Any]) -> None:
            if pane.history is history:
                found = history.found(reply.get("line"), reply.get("x") or 0, reply.get("cells") or 0)
                self._do(pane, history, found)

        self._session.ask(
            "find", answered, window=pane.window, text=find.text, line=find.line, forward=find.forward
        )

    def _copy(self, pane: Pane, copy: Copy) -> None:
        def answered(reply: dict[str, Any]) -> None:
            self._owner.copied(str(reply.get("text") or ""))

        places = {"from": list(copy.start), "to": list(copy.end)}
        self._session.ask("copy", answered, window=pane.window, **places)
        self.leave(pane)

    def _ask_who(self, pane: Pane, history: History, line: int) -> None:
        """Say who typed a line."""

        def read(reply: dict[str, Any]) -> None:
            lines = str(reply.get("text") or "").splitlines()
            session.ask("typed", lambda typed: looked_up(lines, typed), window=pane.window)

        def looked_up(lines: list[str], reply: dict[str, Any]) -> None:
            found = typist(lines, map(TypedLine.of, reply.get("lines") or ()))
            self._owner.say(found.words if found is not None else "It is not known who typed this line.")

        session = self._session
        places = {"from": [line, 0], "to": [history.newest_line, 1 << 15]}
        session.ask("copy", read, window=pane.window, **places)

    # -- the mouse -----------------------------------------------------------------

    def wheel(self, pane: Pane, lines: int) -> None:
        """Scroll; positive lines are back."""
        history = pane.history
        if history is None:
            if lines < 0:
                return
            history = self.enter(pane)
            history.leaves_at_bottom = True
        self._do(pane, history, history.scroll(lines * WHEEL_LINES))
        self._owner.scrolled()

    def press(self, pane: Pane, x: int, y: int) -> None:
        """A mouse button at a cell of the pane."""
        self._pressed = pane, x, y

    def drag(self, x: int, y: int) -> None:
        """The mouse moved with the button held, at a cell of the pane or outside."""
        if self._pressed is None:
            return
        pane, from_x, from_y = self._pressed
        history = pane.history
        if history is None or history.selection is None:
            history = self.enter(pane)
            history.mark_from(pane.first_line + from_y, from_x)
        rows = pane.place.rows
        if y < 0 or y >= rows:
            history.scroll(1 if y < 0 else -1)
            y = max(0, min(y, rows - 1))
        history.go_to(history.first + y, x)
        self._show(pane)

    def release(self) -> None:
        """The button was let go: what is marked is copied."""
        if self._pressed is None:
            return
        pane, _, _ = self._pressed
        self._pressed = None
        history = pane.history
        if history is not None and history.selection is not None:
            self._do(pane, history, Copy(*history.selection))
