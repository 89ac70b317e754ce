"""What a key in copy mode asks for beyond the picture: values that whoever has the host acts on."""

from __future__ import annotations

import attrs


@attrs.frozen
class Leave:
    """Copy mode is over."""


@attrs.frozen
class AskWords:
    """The person is to type what to look for."""

    forward: bool


@attrs.frozen
class Find:
    """Look for a text from a line on."""

    text: str
    line: int
    forward: bool


@attrs.frozen
class Copy:
    """Copy what lies from one cell to another, both included; then copy mode is over."""

    start: tuple[int, int]
    end: tuple[int, int]


@attrs.frozen
class WhoTyped:
    """Say who typed what stands in a line."""

    line: int


Outcome = Leave | AskWords | Find | Copy | WhoTyped | None
