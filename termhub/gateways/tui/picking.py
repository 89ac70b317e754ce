"""The pickers of consoles and windows at work: what they list, show and do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from termhub.errors import TermhubError
from termhub.gateways.tui import roles
from termhub.gateways.tui.picker import NEW, Entry, Picker, console_entries, shared_entries
from termhub.gateways.tui.prompts import Confirm, TextPrompt
from termhub.gateways.tui.session import Session
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

REFRESH_SECONDS = 2.0

_log = Logger()


class Previews:
    """Asks how windows look, for one at a time: keys come faster than hosts answer."""

    def __init__(self) -> None:
        self._is_asking = False
        self._next: Callable[[], Deferred[None]] | None = None

    def ask(self, ask: Callable[[], Deferred[None]]) -> None:
        """Ask when the last question is answered, unless another one comes before."""
        if self._is_asking:
            self._next = ask
            return
        self._is_asking = True
        asked = ask()
        asked.addErrback(lambda failure: _log.failure("A preview failed", failure))
        asked.addCallback(self._answered)

    def _answered(self, result: object) -> None:
        self._is_asking = False
        following, self._next = self._next, None
        if following is not None:
            self.ask(following)


def pick_console(ui: TerminalUI) -> None:
    """Show the user's consoles to choose from."""
    here = ui.session.console.id if ui.session is not None else ""

    directory = ui.services.consoles

    def entries() -> Sequence[Entry]:
        now = ui.services.now()
        shared = [
            (console, directory.owner_name(console), directory.role_of(ui.user, console) or "")
            for console in directory.shared(ui.user)
        ]
        found = [*console_entries(directory.of(ui.user), now), *shared_entries(shared, now)]
        return found if ui.user.is_guest else [*found, NEW]

    def chosen(key: str) -> None:
        if not key:
            make_console(ui, ui.new_console())
        elif key == here and ui.session is not None and not ui.session.has_ended:
            ui.cover(None)
        else:
            with_console(key, ui.show_console)

    def with_console(key: str, do: Callable[[Console], None]) -> None:
        for console in (*directory.of(ui.user), *directory.shared(ui.user)):
            if console.id == key:
                do(console)

    def previewed(key: str) -> None:
        with_console(key, lambda console: _preview(ui, picker, key, console, _busiest(console)))

    picker = Picker(
        "Consoles",
        "Enter shows · type to filter · Escape back"
        if ui.user.is_guest
        else "Enter shows · type to filter · C-n new · C-r rename · C-x end · Escape back",
        entries,
        chosen,
        previewed,
        (lambda: ui.cover(None)) if ui.session is not None else (lambda: ui.finish("[left]")),
        {
            "C-n": lambda key: make_console(ui, ui.new_console()),
            "C-r": lambda key: with_console(key, lambda console: rename_console(ui, console)),
            "C-x": lambda key: with_console(key, lambda console: end_console(ui, console)),
        },
        here or NEW.key,
    )
    _show(ui, picker)


def pick_window(ui: TerminalUI, session: Session) -> None:
    """Show the console's windows to choose from."""

    def entries() -> Sequence[Entry]:
        found = []
        for tab in session.tabs:
            title = session.windows[tab.number].title
            about = "exited" if tab.has_exited else "bell" if tab.has_bell else ""
            about = "active" if tab.has_activity and not about else about
            found.append(Entry(str(tab.number), f"{tab.words}  {title}", about))
        return found

    def chosen(key: str) -> None:
        ui.cover(None)
        session.select(int(key))

    def previewed(key: str) -> None:
        _preview(ui, picker, key, session.console, int(key))

    picker = Picker(
        f"Windows of {session.name}",
        "Enter shows · type to filter · Escape back",
        entries,
        chosen,
        previewed,
        lambda: ui.cover(None),
        {},
        str(session.layout.focus),
    )
    _show(ui, picker)


def _show(ui: TerminalUI, picker: Picker) -> None:
    ui.cover(picker)
    picker.refresh()
    ui.refresh_every(REFRESH_SECONDS, picker.refresh)


def _busiest(console: Console) -> int:
    """The window to preview: the program's own, or the first that is left."""
    return 0 if 0 in console.windows or not console.windows else min(console.windows)


def _preview(ui: TerminalUI, picker: Picker, key: str, console: Console, window: int) -> None:
    if console.state not in ("running", "ended"):
        picker.preview(key, [f"({console.state})"])
        return

    async def ask() -> None:
        try:
            picker.preview(key, (await console.text(window)).lines)
        except TermhubError:
            picker.preview(key, ["(no picture)"])
        ui.changed()

    ui.previews.ask(lambda: Deferred.fromCoroutine(ask()))


def make_console(ui: TerminalUI, new: NewConsole) -> None:
    """Start a console, and show it."""
    if ui.user.is_guest:
        ui.say("Guests have no consoles of their own.")
        return
    ui.say("Starting a console …")

    async def make() -> None:
        console = await ui.services.consoles.create(ui.user, new)
        if not ui.is_over:
            ui.say("")
            ui.show_console(console)

    ui.run(make())


def rename_console(ui: TerminalUI, console: Console) -> None:
    """Ask for another name."""
    if roles.is_refused(ui, console):
        return

    def answered(text: str) -> None:
        ui.run(ui.services.consoles.rename(console, text.strip()))

    ui.ask(TextPrompt("name of the console:", console.name, answered))


def end_console(ui: TerminalUI, console: Console) -> None:
    """Ask, and end a console; one that has ended is removed."""
    if roles.is_refused(ui, console):
        return

    def agreed() -> None:
        if console.has_ended:
            ui.run(ui.services.consoles.remove(console))
        else:
            ui.run(ui.services.consoles.end(console))

    if console.has_ended:
        question = f"Remove {console.name}, with its last screen?"
    else:
        question = f"End {console.name} and all its programs?"
    ui.ask(Confirm(question, agreed))
