"""A launcher for the tests of real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.console_core import ConsoleCore
from tests.support.console_process import LauncherProcess


@pytest.fixture(scope="module")
def launcher() -> Iterator[LauncherProcess]:
    with LauncherProcess() as process:
        yield process


@pytest.fixture(autouse=True)
def _close_cores() -> Iterator[None]:
    yield
    while ConsoleCore.made:
        ConsoleCore.made.pop().close()
