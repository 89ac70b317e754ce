"""Sizes for people."""

from __future__ import annotations


def size_words(count: int | None) -> str:
    """So many bytes: ``0 B``, ``512 B``, ``1.5 KiB``, ``20 GiB``; ``-`` where that is not known."""
    if count is None:
        return "-"
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"
    return f"{size / 1024:.1f} TiB"
