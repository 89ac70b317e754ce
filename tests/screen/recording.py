"""Reads the recordings that record.py makes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

from attrs import frozen

RECORDINGS = Path(__file__).with_name("recordings")


@frozen
class Recording:
    """A program's output in order, with the changes of size between."""

    name: str
    cols: int
    rows: int
    steps: tuple[bytes | tuple[int, int], ...]

    @property
    def is_resized(self) -> bool:
        """Whether the size changes."""
        return any(isinstance(step, tuple) for step in self.steps)

    def cut(self, position: int) -> tuple[list[bytes | tuple[int, int]], list[bytes | tuple[int, int]]]:
        """What comes before byte ``position`` of the output, and the rest."""
        before: list[bytes | tuple[int, int]] = []
        for index, step in enumerate(self.steps):
            if isinstance(step, bytes):
                if position < len(step):
                    return [*before, step[:position]], [step[position:], *self.steps[index + 1 :]]
                position -= len(step)
            before.append(step)
        return before, []

    @property
    def length(self) -> int:
        """Bytes of output."""
        return sum(len(step) for step in self.steps if isinstance(step, bytes))


def names() -> list[str]:
    """All recordings."""
    return sorted(path.name.removesuffix(".json.gz") for path in RECORDINGS.glob("*.json.gz"))


def load(name: str) -> Recording:
    """One recording."""
    content = json.loads(gzip.decompress((RECORDINGS / f"{name}.json.gz").read_bytes()))
    steps = tuple(
        base64.b64decode(step["data"]) if "data" in step else (step["resize"][0], step["resize"][1])
        for step in content["steps"]
    )
    return Recording(name, content["cols"], content["rows"], steps)
