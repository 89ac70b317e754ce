"""Colours: the xterm palette, and the nearest colour where a terminal has fewer."""

from __future__ import annotations

from functools import lru_cache

from termhub.screen.runs import PALETTE, RGB

_BASIC = (
    0x000000,
    0xCD0000,
    0x00CD00,
    0xCDCD00,
    0x0000EE,
    0xCD00CD,
    0x00CDCD,
    0xE5E5E5,
    0x7F7F7F,
    0xFF0000,
    0x00FF00,
    0xFFFF00,
    0x5C5CFF,
    0xFF00FF,
    0x00FFFF,
    0xFFFFFF,
)
_LEVELS = (0, 95, 135, 175, 215, 255)


def _entry(index: int) -> int:
    if index < 16:
        return _BASIC[index]
    if index < 232:
        index -= 16
        red, green, blue = _LEVELS[index // 36], _LEVELS[index // 6 % 6], _LEVELS[index % 6]
        return red << 16 | green << 8 | blue
    return (8 + 10 * (index - 232)) * 0x010101


XTERM_PALETTE = tuple(_entry(index) for index in range(256))
"""0xRRGGBB of each of the 256 colours, the first 16 as xterm has them."""


def rgb_of(colour: int) -> int:
    """0xRRGGBB of a colour of :class:`~termhub.screen.runs.Style` that is not the default."""
    return colour & 0xFFFFFF if colour & RGB else XTERM_PALETTE[colour & 0xFF]


@lru_cache(4096)
def nearest(colour: int, colours: int) -> int:
    """The colour to use instead where there are only so many.

    :param colour: as in :class:`~termhub.screen.runs.Style`.
    :param colours: 0, 8, 16, 256 or 1 << 24.  With 8, bright ones stay 8 to 15: showing those is the
        pen's task.
    """
    if not colour or not colours:
        return 0
    index = colour & 0xFFFFFF
    if colours > 256 or (not colour & RGB and (index < 16 or colours == 256)):
        return colour
    rgb = rgb_of(colour)
    candidates = range(16, 256) if colours == 256 else range(16)
    return PALETTE | min(candidates, key=lambda index: _distance(XTERM_PALETTE[index], rgb))


def is_light(colour: int) -> bool:
    """Whether it is nearer to white than to black."""
    rgb = rgb_of(colour)
    return (rgb >> 16) * 299 + (rgb >> 8 & 0xFF) * 587 + (rgb & 0xFF) * 114 > 127_500


def _distance(one: int, other: int) -> int:
    # "Redmean": close to how differences look, and cheap.
    red, other_red = one >> 16, other >> 16
    mean = (red + other_red) // 2
    red -= other_red
    green = (one >> 8 & 0xFF) - (other >> 8 & 0xFF)
    blue = (one & 0xFF) - (other & 0xFF)
    return (512 + mean) * red * red + 1024 * green * green + (767 - mean) * blue * blue
