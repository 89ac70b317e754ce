"""What the hub tells a session of, event by event: windows and the console itself.

What it tells of the people there is for :mod:`.company`.  Events of kinds that are not known here are
for other clients.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.guest.frames import CONSOLE
from termhub.gateways.tui.text import clean
from termhub.gateways.tui.window_state import SHELLS, WindowState
from termhub.host.memory import killed_words

if TYPE_CHECKING:
    from termhub.gateways.tui.session import Session

Event = Mapping[str, Any]


def happened(session: Session, window: int, event: Event) -> None:
    """Take note of an event.

    :param window: what it is of; ``CONSOLE`` for the whole.
    """
    handler = _EVENTS.get(str(event.get("type")))
    if handler is not None:
        handler(session, window, event)
    elif window == CONSOLE:
        session.company.happened(event)


def _opened(session: Session, window: int, event: Event) -> None:
    state = session.windows.setdefault(window, WindowState([]))
    state.argv = [str(word) for word in event.get("argv") or state.argv]
    state.exit = None
    session.layout.opened(window)
    session.note_exit(window)
    session.arrange()


def _exited(session: Session, window: int, event: Event) -> None:
    state = session.windows.get(window)
    if state is None:
        return
    state.exit = {"signal": event["signal"]} if event.get("signal") else {"code": event.get("code") or 0}
    limit = event.get("out_of_memory")
    if isinstance(limit, int):
        state.exit["out_of_memory"] = limit
        session.owner.say(f"{session.label(window)}: {killed_words(limit)}")
    others_run = any(other.exit is None for number, other in session.windows.items() if number != window)
    # As a shell's terminal closes with it. What failed stays to be read; the console's own program also.
    is_own_program = window == 0 and state.program not in SHELLS
    is_done = window in session.panes and not is_own_program and state.has_closed
    if is_done and others_run and session.role != "observer":
        session.request("close", window=window)
    session.note_exit(window)
    session.owner.changed()


def _closed(session: Session, window: int, event: Event) -> None:
    session.window_closed(window)


def _unviewed(session: Session, window: int, event: Event) -> None:
    pane = session.panes.get(window)
    if pane is not None:
        session.owner.say(clean(str(event.get("error"))))
        session.look(pane)


def _titled(session: Session, window: int, event: Event) -> None:
    if window in session.windows:
        session.windows[window].title = clean(str(event.get("title")))
        session.owner.changed()


def _rang(session: Session, window: int, event: Event) -> None:
    if window in session.panes:
        session.owner.rang()
    elif window in session.windows:
        session.windows[window].has_bell = True
        session.owner.noticed("bell", window, event)
        session.owner.changed()


def _was_active(session: Session, window: int, event: Event) -> None:
    state = session.windows.get(window)
    if state is None or window in session.panes:
        return
    if not state.has_activity:
        state.has_activity = True
        session.owner.noticed("activity", window, event)
        session.owner.changed()
    session.owner.noticed("output", window, event)


def _prompted(session: Session, window: int, event: Event) -> None:
    session.owner.noticed("prompt", window, event)


def _was_refused(session: Session, window: int, event: Event) -> None:
    session.owner.refused()


def _wants_copied(session: Session, window: int, event: Event) -> None:
    if window not in session.panes:
        return
    try:
        text = base64.b64decode(str(event.get("data"))).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    if text:
        session.owner.wants_copied(text)


def _changed_state(session: Session, window: int, event: Event) -> None:
    if window == CONSOLE:
        session.entered(str(event.get("state")), clean(str(event.get("reason") or "")))


def _renamed(session: Session, window: int, event: Event) -> None:
    session.short_name = clean(str(event.get("name")))
    session.owner.changed()


def _policy_changed(session: Session, window: int, event: Event) -> None:
    session.policy = clean(str(event.get("policy")))
    session.owner.changed()


def _limit_told(session: Session, window: int, event: Event) -> None:
    name = str(event.get("name"))
    session.limits.pop(name, None)
    if event.get("state") != "ok":
        session.limits[name] = event
    session.owner.limit_told(event)


_EVENTS: Mapping[str, Callable[[Session, int, Event], None]] = {
    "opened": _opened,
    "exit": _exited,
    "closed": _closed,
    "unviewed": _unviewed,
    "title": _titled,
    "bell": _rang,
    "activity": _was_active,
    "clipboard": _wants_copied,
    "state": _changed_state,
    "prompt": _prompted,
    "refused": _was_refused,
    "renamed": _renamed,
    "policy": _policy_changed,
    "limit": _limit_told,
}
