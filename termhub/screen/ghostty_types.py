"""The C types that the engine uses, all parsed at once.

cffi reads the whole header again for each type it is asked for by name: 10 to 17 ms each, half
a second for all.  The arguments of one function type are as many types in a single reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyghostty import ffi

# cffi cannot pass a union by value, so a struct of the same layout stands for it.
ffi.cdef(
    "typedef struct { GhosttyTerminalScrollViewportTag tag; uint64_t row; uint64_t rest; } ViewportPlace;"
)

GRID_REF = "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)"
SCROLL_VIEWPORT = "void(*)(GhosttyTerminal, ViewportPlace)"
_NAMES = (
    GRID_REF,
    SCROLL_VIEWPORT,
    "GhosttyTerminalBellFn",
    "GhosttyTerminalClipboardWriteFn",
    "GhosttyTerminalDeviceAttributesFn",
    "GhosttyTerminalPwdChangedFn",
    "GhosttyTerminalSizeFn",
    "GhosttyTerminalTitleChangedFn",
    "GhosttyTerminalWritePtyFn",
    "GhosttyTerminalXtversionFn",
    "GhosttyWriterFn",
    "GhosttyCell*",
    "GhosttyCellsView*",
    "GhosttyColorRgb*",
    "GhosttyFormatter*",
    "GhosttyPointS*",
    "GhosttyRenderState*",
    "GhosttyRenderStateCursorVisualStyle*",
    "GhosttyRenderStateDirty*",
    "GhosttyRenderStateRowCells*",
    "GhosttyRenderStateRowIterator*",
    "GhosttyRow*",
    "GhosttySnapshotDecoder*",
    "GhosttyString*",
    "GhosttyTerminal*",
    "GhosttyTerminalCursorStyle*",
    "GhosttyTerminalModeConfig*",
    "GhosttyTerminalScreen*",
    "GhosttyWriter*",
    "ViewportPlace*",
    "bool*",
    "size_t*",
    "uint16_t*",
    "uint32_t*",
    "uint64_t*",
    "uint8_t*",
    "uint8_t**",
)
_TYPES: dict[str, Any] = dict(zip(_NAMES, ffi.typeof(f"void(*)({', '.join(_NAMES)})").args, strict=True))


def typed(name: str) -> Any:
    """The C type of a name that is listed here.

    :raises KeyError: for any other.
    """
    return _TYPES[name]


def new(name: str, value: Any = None) -> Any:
    """What a pointer type points to, freshly allocated; freed with the object that is returned.

    :param value: what it begins with; zeros if None.
    """
    return ffi.new(_TYPES[name], value)


def as_callback(name: str, function: Callable[..., Any]) -> Any:
    """A C function of this type that calls ``function``, for as long as the object lives."""
    return ffi.callback(_TYPES[name], function)
