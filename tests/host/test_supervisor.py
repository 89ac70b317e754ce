"""What the launcher does with consoles that cannot be made."""

import os

import pytest

from sandbox.guest.loop import Loop
from termhub.errors import NoSandbox
from termhub.host.folder import SANDBOX, Folder
from termhub.host.host import HostOptions
from termhub.host.hosts import Hosts
from termhub.host.specs import parse_spec
from termhub.host.supervisor import Supervisor

SPEC = {"console": "c-aaaaaaaaaa", "user": "alice", "number": 1, "program": "python"}


class FakeSandboxes:
    """Starts one sandbox and notes that it was ended."""

    was_ended = False

    def prepare(self, spec):
        return spec

    def make_folder(self, path, prepared):
        os.mkdir(path)
        return []

    def start(self, prepared, *fifos):
        return self

    def record(self):
        return {}

    def abandon(self, console=None):
        self.was_ended = self.was_ended or console is None

    def clean(self, console):
        return True


def test_sandbox_that_cannot_be_written_down_is_ended(tmp_path, monkeypatch):
    def full(folder, name, value):
        assert name == SANDBOX
        raise OSError("the disk is full")

    monkeypatch.setattr(Folder, "write", full)
    monkeypatch.setattr(Hosts, "fork", lambda self, entry, limits: None)
    sandboxes = FakeSandboxes()
    supervisor = Supervisor(tmp_path, sandboxes, HostOptions(), Loop())
    with pytest.raises(NoSandbox, match="the disk is full"):
        supervisor.create(parse_spec(SPEC), lambda error: None)
    assert sandboxes.was_ended
    assert not list(tmp_path.iterdir())
