"""What the launcher reads of sandboxes that may be gone."""

import os

import pytest

from sandbox import network
from sandbox.launch import Unconfined
from termhub.host import processes
from termhub.host.sandboxes import Sandboxes, Users

CONSOLE = "c-aaaaaaaaaa"


@pytest.mark.parametrize(("later", "traffic"), [(0, (5, 6)), (1, (None, None))])
def test_traffic_is_that_of_the_sandbox_not_of_who_has_its_pid_now(tmp_path, monkeypatch, later, traffic):
    (tmp_path / "run").mkdir()
    sandboxes = Sandboxes(tmp_path, Unconfined(insecure=True), Users(0, os.geteuid(), os.getegid(), False))
    sandboxes.figures.begin(CONSOLE, 1, "full")
    sandboxes.figures.started(CONSOLE, os.getpid(), processes.start_time(os.getpid()) + later)
    monkeypatch.setattr(network, "usage", lambda pid: (5, 6))
    used = sandboxes.usage(CONSOLE)
    assert (used["network_in"], used["network_out"]) == traffic
