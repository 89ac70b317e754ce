"""Where commands beside the hub say it is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from termhub.cli.local import hub_address
from termhub.config import load
from termhub.errors import BadRequest
from termhub.hub import pidfile


def test_the_running_hub_says_where_it_is(tmp_path: Path) -> None:
    settings = load(options={"data": str(tmp_path), "web.listen": "127.0.0.1:0"})
    held = pidfile.hold(settings.pid_path)
    held.write("http://127.0.0.1:8123/")
    assert hub_address(settings) == "http://127.0.0.1:8123"
    held.release()


def test_a_hub_without_web_has_no_address(tmp_path: Path) -> None:
    settings = load(options={"data": str(tmp_path), "web.listen": "off"})
    with pytest.raises(BadRequest, match="serves no web"):
        hub_address(settings)
