"""What most tests of a console in the hub begin with; each brings its own clock and console."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from termhub.hub.console import Console
from tests.support.hub_fakes import FakeHost


@pytest.fixture
def host(console: Console, clock: Clock) -> FakeHost:
    """The console's host, which has said HELLO; what it was sent with that is dropped."""
    host = FakeHost(console, clock)
    host.hello()
    host.take()
    return host
