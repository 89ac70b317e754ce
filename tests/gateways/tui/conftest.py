"""The terminal UI with consoles behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.terminal_ui import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A user's consoles, in memory."""
    made = World(tmp_path)
    yield made
    made.close()
