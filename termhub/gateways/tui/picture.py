"""What the whole screen shows: panes or what lies over them, the last line, cursor, title and mouse."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from termhub.gateways.limit_words import limit_mark
from termhub.gateways.tui import tree
from termhub.gateways.tui.bindings import PREFIXES
from termhub.gateways.tui.canvas import Canvas, CanvasCursor
from termhub.gateways.tui.chat_panel import ChatPanel
from termhub.gateways.tui.pane import NOTICE
from termhub.gateways.tui.people import short
from termhub.gateways.tui.session import Session
from termhub.gateways.tui.status import Status, draw_status
from termhub.gateways.tui.text import counted, padded
from termhub.gateways.tui.tree import Node, Rect
from termhub.screen.runs import FAINT, PALETTE, Style, count_cells

if TYPE_CHECKING:
    from termhub.gateways.tui.ui import TerminalUI

ENDED_KEYS = "n: a new one · s: choose another · q: leave"

_BORDER = Style(attrs=FAINT)
_OWN_BORDER = Style(fg=PALETTE | 2)

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8

_LINES: Mapping[int, str] = {
    _UP | _DOWN: "│",
    _UP: "│",
    _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _LEFT: "─",
    _RIGHT: "─",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _RIGHT: "├",
    _LEFT | _RIGHT | _UP: "┴",
    _LEFT | _RIGHT | _DOWN: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


def compose(ui: TerminalUI, canvas: Canvas) -> None:
    """Draw everything onto a blank canvas."""
    cursor = None
    if isinstance(ui.covering, ChatPanel) and ui.session is not None:
        _draw_session(canvas, ui.session, ui.area)
        pane = ui.session.focused
        row = pane.cursor_on_screen[1] if pane is not None else 0
        cursor = ui.covering.draw(canvas, ui.covering.place(ui.area, row))
    elif ui.covering is not None:
        cursor = ui.covering.draw(canvas, ui.area)
    elif ui.session is not None:
        _draw_session(canvas, ui.session, ui.area)
    last = canvas.rows - 1
    ui.tab_places = []
    if ui.prompt is not None:
        cursor = ui.prompt.draw(canvas, last)
    elif ui.has_status or ui.messages.words:
        ui.tab_places = draw_status(canvas, last, _status(ui))
    if cursor is not None:
        canvas.cursor = CanvasCursor(*cursor)
    elif ui.covering is None:
        place_cursor(ui, canvas)
    tell_modes(ui)


def place_cursor(ui: TerminalUI, canvas: Canvas) -> None:
    """Put the cursor where the focused pane has it."""
    session = ui.session
    pane = session.focused if session is not None else None
    if session is None or pane is None or session.has_ended or ui.prompt is not None:
        return
    x, y, visible = pane.cursor_on_screen
    if pane.history is not None:
        canvas.cursor = CanvasCursor(x, y, visible)
    else:
        cursor = pane.cursor
        canvas.cursor = CanvasCursor(x, y, visible and not pane.notice, cursor.shape, cursor.blinking)


def tell_modes(ui: TerminalUI) -> None:
    """The terminal's mouse and title, by what is shown."""
    is_taken = ui.settings.mouse
    if ui.covering is None and ui.shown is not None:
        ui.display.set_mouse(ui.shown.pointing.tracking(is_taken))
    else:
        ui.display.set_mouse("button" if is_taken else "off")
    if ui.session is not None:
        title = ui.session.title
        ui.display.set_title(f"{title} · {ui.session.name}" if title else ui.session.name)


def _draw_session(canvas: Canvas, session: Session, area: Rect) -> None:
    for pane in session.panes.values():
        pane.draw(canvas)
    node = session.layout.fitting(area)
    if node is not None and len(session.panes) > 1:
        _draw_borders(canvas, node, area, session.layout.focus)
    if session.has_ended and all(pane.history is None for pane in session.panes.values()):
        _draw_ended(canvas, session, area)


def _draw_borders(canvas: Canvas, node: Node, area: Rect, focus: int | None) -> None:
    """Draw the lines between a tree's panes, those around the focused one in colour."""
    upright: set[tuple[int, int]] = set()
    level: set[tuple[int, int]] = set()
    for border in tree.borders(node, area):
        x, y, cols, rows = border.rect
        cells = upright if border.side_by_side else level
        cells.update((column, row) for column in range(x, x + cols) for row in range(y, y + rows))
    own = tree.places(node, area).get(focus) if focus is not None else None
    for x, y in upright | level:
        sides = 0
        if (x, y) in upright:
            sides |= _UP | _DOWN
        if (x, y) in level:
            sides |= _LEFT | _RIGHT
        sides |= _LEFT if (x - 1, y) in level else 0
        sides |= _RIGHT if (x + 1, y) in level else 0
        sides |= _UP if (x, y - 1) in upright else 0
        sides |= _DOWN if (x, y + 1) in upright else 0
        is_near = own is not None and Rect(own.x - 1, own.y - 1, own.cols + 2, own.rows + 2).holds(x, y)
        canvas.put(x, y, _LINES[sides], _OWN_BORDER if is_near else _BORDER)


def _draw_ended(canvas: Canvas, session: Session, area: Rect) -> None:
    """Why a console has ended, and what can be done, over its last screen."""
    why = f" {session.name} has ended: {session.reason}"
    together = f"{why} · {ENDED_KEYS}"
    lines = [together] if count_cells(together) <= area.cols else [why, f" {ENDED_KEYS}"][-area.rows :]
    for row, line in enumerate(lines):
        canvas.put(area.x, area.y + area.rows - len(lines) + row, padded(line, area.cols), NOTICE)


def _pointing(session: Session) -> str:
    """Whose selections can be seen."""
    names = [pointer.name for pane in session.panes.values() for pointer in pane.pointers]
    if not names:
        return ""
    more = f"+{len(names) - 1}" if len(names) > 1 else ""
    return f"{short(names[0])}{more} {'point' if more else 'points'}"


def _status(ui: TerminalUI) -> Status:
    session, shown = ui.session, ui.shown
    clock = time.strftime("%H:%M", time.localtime(ui.services.now()))
    if session is None or shown is None:
        return Status("termhub", clock=clock, message=ui.messages.words)
    notes = []
    if ui.bindings.awaits:
        notes.append(f"{PREFIXES[ui.settings.preset]} …")
    company = session.company
    notes += [
        ui.messages.passing,
        *(limit_mark(event, ui.services.now()) for event in session.limits.values()),
        "a program asks" if ui.asks.first is not None else "",
        shown.following.brief,
        company.control.brief(company.you, session.role),
    ]
    if session.role == "observer":
        notes.append("read-only")
    notes.append(company.brief)
    if company.chat.unread:
        notes.append(f"chat {company.chat.unread}")
    notes.append(_pointing(session))
    if len(company.drafts):
        notes.append(counted(len(company.drafts), "draft"))
    pane = session.focused
    if pane is not None and pane.has_another_size and pane.size is not None:
        notes.append(f"{pane.size[0]}x{pane.size[1]}")
    if session.policy != "latest":
        notes.append(session.policy)
    warning = "" if session.state == "running" else session.state
    return Status(
        session.name, session.tabs, [note for note in notes if note], warning, clock, ui.messages.words
    )
