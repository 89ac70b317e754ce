"""Thin handles over libghostty-vt's C interface (pyghostty's raw ``lib``), nothing of termhub's own.

:class:`Terminal` owns one ``GhosttyTerminal``, :class:`RenderState` the one render state that belongs
to it.  Free functions are looked up here, once: looking one up while the collector runs inside cffi
waits for itself for ever.  A cell is a 64-bit integer; its fields are the masks below.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from pyghostty import ffi, lib
from pyghostty._ffi import GhosttyError, check, union_fn
from pyghostty.core import init_sized

from termhub.screen import ghostty_types
from termhub.screen.ghostty_types import as_callback, new, typed

__all__ = ["GhosttyError", "RenderState", "Terminal", "check", "ffi", "lib"]

NULL = ffi.NULL
FREE_TERMINAL = lib.ghostty_terminal_free
FREE_FORMATTER = lib.ghostty_formatter_free
FREE_DECODER = lib.ghostty_snapshot_decoder_free
FREE_STATE = lib.ghostty_render_state_free
FREE_ROWS = lib.ghostty_render_state_row_iterator_free
FREE_CELLS = lib.ghostty_render_state_row_cells_free
FREE_BYTES = lib.ghostty_free
GRID_REF = union_fn("ghostty_terminal_grid_ref", typed(ghostty_types.GRID_REF))
SCROLL_VIEWPORT = union_fn("ghostty_terminal_scroll_viewport", typed(ghostty_types.SCROLL_VIEWPORT))

CONTENT_TAG = 0b11  # 0 one code point, 1 several, 2 palette background, 3 RGB background
CODE_POINT = 0x1FFFFF << 2
STYLE_ID = 0xFFFF << 26
WIDE_SHIFT = 42  # 0 narrow, 1 wide, 2 the tail of a wide one, 3 an empty last cell before a wrapped wide one
SPACER_TAIL, SPACER_HEAD = 2, 3
WIDE_CHARACTER = 0b11 << WIDE_SHIFT | CODE_POINT | CONTENT_TAG
WIDE_SPACE = 1 << WIDE_SHIFT | 0x20 << 2
HYPERLINK = 1 << 45
CONTENT = (1 << WIDE_SHIFT) - 1
NOT_EMPTY = CONTENT | 0b11 << WIDE_SHIFT | HYPERLINK

ACTIVE_SCREEN = lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN
ALTERNATE_SCREEN = lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE

CELL_WIDTH_PIXELS, CELL_HEIGHT_PIXELS = 8, 16
# An encoded snapshot begins with the screens; what follows is history, which may be megabytes.
SNAPSHOT_HEAD_BYTES = (140 * 1024, 2 * 1024 * 1024)

Row = tuple[int, "array[int]"]


def take_bytes(call: Callable[[Any, Any], int], what: str) -> bytes:
    """The bytes that a C function allocates and hands out.

    :raises GhosttyError: when it refuses.
    """
    data, length = new("uint8_t**"), new("size_t*")
    check(call(data, length), what)
    if not length[0]:
        return b""
    try:
        return bytes(ffi.buffer(data[0], length[0]))
    finally:
        FREE_BYTES(NULL, data[0], length[0])


class Terminal:
    """One terminal.

    :param handle: adopt this C handle instead of making a terminal.
    """

    def __init__(self, cols: int, rows: int, *, handle: Any = None) -> None:
        if handle is None:
            made = new("GhosttyTerminal*")
            check(lib.ghostty_terminal_new(NULL, made, cols, rows), "new terminal")
            handle = made[0]
        self.handle: Any = ffi.gc(handle, FREE_TERMINAL)
        self._mode = new("GhosttyTerminalModeConfig*")
        self._u16 = new("uint16_t*")
        self._active = new("GhosttyTerminalScreen*")

    def close(self) -> None:
        """Free the terminal; it may not be used after."""
        ffi.release(self.handle)

    def set(self, name: str, value: Any) -> None:
        """Set an option by its C name without the prefix; ``value`` points to what the option takes."""
        option = getattr(lib, "GHOSTTY_TERMINAL_OPT_" + name)
        check(lib.ghostty_terminal_set(self.handle, option, value), "set " + name)

    def set_size_limit(self, name: str, value: int) -> None:
        """Set an option that takes a ``size_t``."""
        self.set(name, new("size_t*", value))

    def get(self, name: str, ctype: str = "uint16_t") -> Any:
        """A value by its C name without the prefix; None where there is none."""
        key = getattr(lib, "GHOSTTY_TERMINAL_DATA_" + name)
        out = self._u16 if ctype == "uint16_t" else new(ctype + "*")
        result = lib.ghostty_terminal_get(self.handle, key, out)
        if result == lib.GHOSTTY_NO_VALUE:
            return None
        check(result, "get " + name)
        return out[0]

    def string(self, name: str) -> bytes:
        """A string value, copied."""
        value = self.get(name, "GhosttyString")
        return bytes(ffi.buffer(value.ptr, value.len)) if value is not None and value.len else b""

    def mode(self, number: int, *, ansi: bool = False) -> bool:
        """Whether a mode is set: a DEC private one or, with ``ansi``, one of ECMA-48."""
        self._mode.mode = (number & 0x7FFF) | (ansi << 15)
        if lib.ghostty_terminal_get(self.handle, lib.GHOSTTY_TERMINAL_DATA_MODE, self._mode):
            return False
        return bool(self._mode.value)

    @property
    def on_alternate_screen(self) -> bool:
        """Whether the alternate screen is shown."""
        check(lib.ghostty_terminal_get(self.handle, ACTIVE_SCREEN, self._active), "which screen is shown")
        return bool(self._active[0] == ALTERNATE_SCREEN)

    @property
    def history_rows(self) -> int:
        """Rows of history of the active screen."""
        return int(self.get("SCROLLBACK_ROWS", "size_t"))

    def show(self, row: int) -> None:
        """Make the render state begin at a row, counted from the oldest of the history."""
        place = new("ViewportPlace*")
        place.tag, place.row = lib.GHOSTTY_SCROLL_VIEWPORT_ROW, row
        SCROLL_VIEWPORT(self.handle, place[0])

    def write(self, data: bytes) -> None:
        """Parse output."""
        lib.ghostty_terminal_vt_write(self.handle, data, len(data))

    def resize(self, cols: int, rows: int) -> None:
        """Change the size, with reflow of the primary screen."""
        result = lib.ghostty_terminal_resize(self.handle, cols, rows, CELL_WIDTH_PIXELS, CELL_HEIGHT_PIXELS)
        check(result, "resize")

    def continuation(self) -> bytes:
        """The bytes of a sequence that has begun and not ended."""
        try:
            return take_bytes(
                lambda data, length: lib.ghostty_terminal_continuation_alloc(self.handle, NULL, data, length),
                "continuation",
            )
        except GhosttyError:
            return b""

    def reference(self, x: int, y: int, tag: int = lib.GHOSTTY_POINT_TAG_ACTIVE) -> Any:
        """A grid reference; valid until the terminal changes."""
        point = new("GhosttyPointS*")
        point.tag = tag
        point.value.x, point.value.y = x, y
        reference = init_sized("GhosttyGridRef")
        check(GRID_REF(self.handle, point[0], reference), "grid reference")
        return reference

    def selection(self, x0: int, y0: int, x1: int, y1: int, *, in_history: bool = False) -> Any:
        """A selection, both ends included; ``in_history`` counts rows from the oldest history row."""
        tag = lib.GHOSTTY_POINT_TAG_SCREEN if in_history else lib.GHOSTTY_POINT_TAG_ACTIVE
        selection = init_sized("GhosttySelection")
        selection.start = self.reference(x0, y0, tag)[0]
        selection.end = self.reference(x1, y1, tag)[0]
        return selection

    def cell(self, x: int, y: int, *, in_history: bool = False) -> int:
        """The raw cell at a place; ``in_history`` counts rows from the oldest history row."""
        tag = lib.GHOSTTY_POINT_TAG_SCREEN if in_history else lib.GHOSTTY_POINT_TAG_ACTIVE
        cell = new("GhosttyCell*")
        check(lib.ghostty_grid_ref_cell(self.reference(x, y, tag), cell), "cell")
        return int(cell[0])

    def wraps(self, y: int) -> bool:
        """Whether a row goes on in the next one; rows are counted from the oldest of the history."""
        row, wraps = new("GhosttyRow*"), new("bool*")
        check(lib.ghostty_grid_ref_row(self.reference(0, y, lib.GHOSTTY_POINT_TAG_SCREEN), row), "row")
        check(lib.ghostty_row_get(row[0], lib.GHOSTTY_ROW_DATA_WRAP, wraps), "whether a row wraps")
        return bool(wraps[0])

    def characters(self, x: int, y: int) -> str:
        """All code points of a cell of the active screen."""
        codes, count = ffi.new("uint32_t[64]"), new("size_t*")
        result = lib.ghostty_grid_ref_graphemes(self.reference(x, y), codes, len(codes), count)
        return "" if result else "".join(map(chr, codes[0 : count[0]]))

    def link(self, x: int, y: int) -> bytes:
        """The URI of a cell's hyperlink."""
        reference, length = self.reference(x, y), new("size_t*")
        lib.ghostty_grid_ref_hyperlink_uri(reference, NULL, 0, length)
        if not length[0]:
            return b""
        uri = ffi.new("uint8_t[]", length[0])
        check(lib.ghostty_grid_ref_hyperlink_uri(reference, uri, length[0], length), "hyperlink")
        return bytes(ffi.buffer(uri, length[0]))

    def format(
        self, selection: Any = None, *, plain: bool = False, unwrap: bool = False, **extras: bool
    ) -> bytes:
        """The C formatter's rendering of a selection, or of the whole active screen with its history.

        :param extras: state to add: palette, modes, scrolling_region, tabstops, pwd, keyboard, cursor,
            style, hyperlink, protection, kitty_keyboard, charsets.
        """
        options = init_sized("GhosttyFormatterTerminalOptions")
        options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN if plain else lib.GHOSTTY_FORMATTER_FORMAT_VT
        options.unwrap, options.trim = unwrap, False
        for name, wanted in extras.items():
            part = options.extra.screen if hasattr(options.extra.screen, name) else options.extra
            setattr(part, name, wanted)
        if selection is not None:
            options.selection = selection
        made = new("GhosttyFormatter*")
        check(lib.ghostty_formatter_terminal_new(NULL, made, self.handle, options[0]), "new formatter")
        try:
            return take_bytes(
                lambda data, length: lib.ghostty_formatter_format_alloc(made[0], NULL, data, length), "format"
            )
        finally:
            FREE_FORMATTER(made[0])

    def copy(self, history_rows: int = 0) -> Terminal:
        """A second terminal in the same state, to try things on.

        :param history_rows: how much history the copy needs at least, where there is as much.
        :raises GhosttyError: when the terminal is in a state that cannot be encoded.
        """
        if not history_rows:
            for head_bytes in SNAPSHOT_HEAD_BYTES:
                encoded = self._encode(head_bytes)
                try:
                    return self._decode(encoded, 0)
                except GhosttyError:
                    if len(encoded) < head_bytes:
                        raise
        return self._decode(self._encode(None), history_rows)

    def _encode(self, head_bytes: int | None) -> bytes:
        """The encoded snapshot, or at least its first ``head_bytes``."""
        pieces: list[bytes] = []
        left = [head_bytes if head_bytes is not None else 1 << 62]

        def write(_userdata: Any, data: Any, length: int) -> bool:
            pieces.append(bytes(ffi.buffer(data, length)))
            left[0] -= length
            return left[0] > 0

        writer = new("GhosttyWriter*")
        callback = as_callback("GhosttyWriterFn", write)
        writer.write = callback
        result = lib.ghostty_snapshot_encode(self.handle, writer[0])
        if left[0] > 0:
            check(result, "encode")
        return b"".join(pieces)

    @staticmethod
    def _decode(encoded: bytes, history_rows: int) -> Terminal:
        decoder, handle = new("GhosttySnapshotDecoder*"), new("GhosttyTerminal*")
        buffer = ffi.from_buffer("uint8_t[]", encoded)
        check(lib.ghostty_snapshot_decoder_new_buf(NULL, decoder, buffer, len(encoded)), "new decoder")
        try:
            step = lib.ghostty_snapshot_decoder_decode if history_rows else lib.ghostty_snapshot_decoder_ready
            check(step(decoder[0], handle), "decode")
        finally:
            FREE_DECODER(decoder[0])
        return Terminal(0, 0, handle=handle[0])


class RenderState:
    """What of a terminal has changed, and its visible cells; one a terminal, as reading it consumes marks."""

    def __init__(self) -> None:
        state, rows, cells = (
            new("GhosttyRenderState*"),
            new("GhosttyRenderStateRowIterator*"),
            new("GhosttyRenderStateRowCells*"),
        )
        check(lib.ghostty_render_state_new(NULL, state), "new render state")
        self._state = ffi.gc(state[0], FREE_STATE)
        check(lib.ghostty_render_state_row_iterator_new(NULL, rows), "new row iterator")
        self._rows = ffi.gc(rows[0], FREE_ROWS)
        check(lib.ghostty_render_state_row_cells_new(NULL, cells), "new row cells")
        self._cells = ffi.gc(cells[0], FREE_CELLS)
        self._rows_pointer = new("GhosttyRenderStateRowIterator*", self._rows)
        self._cells_pointer = new("GhosttyRenderStateRowCells*", self._cells)
        self._view = new("GhosttyCellsView*")
        self._dirty = new("GhosttyRenderStateDirty*")
        self._row_number = new("uint16_t*")
        self._raw_row = new("GhosttyRow*")
        self._flag = new("bool*")
        self._count = new("uint32_t*")
        self._code_points = ffi.new("uint32_t[64]")
        self._style = init_sized("GhosttyStyle")

    def close(self) -> None:
        """Free all; it may not be used after."""
        for owned in (self._cells, self._rows, self._state):
            ffi.release(owned)

    def update(self, terminal: Terminal) -> int:
        """Bring this up to the terminal's state.

        :returns: 0 nothing changed, 1 the rows of :meth:`dirty_rows`, 2 everything.
        """
        check(lib.ghostty_render_state_update(self._state, terminal.handle), "update render state")
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, self._dirty)
        return int(self._dirty[0])

    def dirty_rows(self) -> list[int]:
        """The rows that changed since :meth:`clean`."""
        self._start()
        found = []
        while lib.ghostty_render_state_row_iterator_next_dirty(self._rows, self._row_number):
            found.append(self._row_number[0])
        return found

    def clean(self) -> None:
        """Forget what is marked as changed."""
        lib.ghostty_render_state_clean(self._state)

    def rows(self) -> Iterator[Row]:
        """Each visible row with its cells; :meth:`open_cells` works on the row last given."""
        self._start()
        y = 0
        while lib.ghostty_render_state_row_iterator_next(self._rows):
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view
            )
            cells = array("Q")
            cells.frombytes(ffi.buffer(self._view.ptr, self._view.len * 8))
            yield y, cells
            y += 1

    def row_wraps(self) -> bool:
        """Whether the current row goes on in the next one."""
        lib.ghostty_render_state_row_get(self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, self._raw_row)
        lib.ghostty_row_get(self._raw_row[0], lib.GHOSTTY_ROW_DATA_WRAP, self._flag)
        return bool(self._flag[0])

    def open_cells(self) -> None:
        """Make :meth:`characters` and :meth:`style` look at the current row."""
        result = lib.ghostty_render_state_row_get(
            self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells_pointer
        )
        check(result, "open cells")

    def characters(self, x: int) -> str:
        """All code points of a cell."""
        cells, get = self._cells, lib.ghostty_render_state_row_cells_get
        lib.ghostty_render_state_row_cells_select(cells, x)
        get(cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN, self._count)
        count = self._count[0]
        if count > len(self._code_points):
            self._code_points = ffi.new("uint32_t[]", count * 2)
        get(cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF, self._code_points)
        return "".join(map(chr, self._code_points[0:count]))

    def style(self, x: int) -> Any:
        """The ``GhosttyStyle`` of a cell; valid until the next call."""
        lib.ghostty_render_state_row_cells_select(self._cells, x)
        self._style.size = ffi.sizeof("GhosttyStyle")
        lib.ghostty_render_state_row_cells_get(
            self._cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, self._style
        )
        return self._style

    def cursor_shape(self) -> tuple[int, bool]:
        """The C number of the cursor's visual style and whether it blinks."""
        style, blinking = new("GhosttyRenderStateCursorVisualStyle*"), new("bool*")
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_CURSOR_VISUAL_STYLE, style)
        lib.ghostty_render_state_get(self._state, lib.GHOSTTY_RENDER_STATE_DATA_CURSOR_BLINKING, blinking)
        return int(style[0]), bool(blinking[0])

    def _start(self) -> None:
        result = lib.ghostty_render_state_get(
            self._state, lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, self._rows_pointer
        )
        check(result, "row iterator")
