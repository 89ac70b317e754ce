"""Much input, much output, slow clients, neighbours: nobody waits for anybody."""

from __future__ import annotations

import hashlib
import random
import re

import pytest

from tests.support.hub_process import HubProcess
from tests.support.viewer_client import ViewerClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def attach(hub: HubProcess, console: str) -> ViewerClient:
    viewer = ViewerClient(hub, console)
    viewer.connect()
    viewer.until_text(">>> ")
    return viewer


@pytest.fixture
def console(hub: HubProcess) -> str:
    hub.log_in()
    return str(hub.new_console(program="python", cols=80, rows=24)["id"])


def test_a_five_megabyte_paste_into_cat_arrives_whole(hub: HubProcess, console: str) -> None:
    viewer = attach(hub, console)
    size = 5_000_000
    text = random.Random(5).randbytes(size)
    program = (
        f"import os,tty,hashlib; tty.setraw(0); print('re'+'ady', end='', flush=True); "
        f"os.system('head -c {size} | cat > f'); "
        "os.system('stty sane'); print('sum', hashlib.sha256(open('f','rb').read()).hexdigest())\n"
    )
    viewer.type(program)
    viewer.until_text("ready")
    viewer.type(text)
    viewer.until_text("sum " + hashlib.sha256(text).hexdigest(), 120)
    viewer.close()


def test_ctrl_c_ends_a_flood_and_shows_the_prompt(hub: HubProcess, console: str) -> None:
    viewer = attach(hub, console)
    viewer.type("while 1: print('x' * 80)\n\n")
    viewer.until(lambda: (viewer.offset or 0) > 1_000_000)
    viewer.type(b"\x03")
    viewer.until_text("KeyboardInterrupt")
    # A viewer that fell behind gets a keyframe, whose cursor and modes follow the prompt.
    viewer.until(lambda: re.search(rb">>> ?(\x1b[^\r\n>]*)?$", viewer.text))
    viewer.type("6*7\n")
    viewer.until_text("\r\n42\r\n")
    viewer.close()


def test_a_viewer_that_never_reads_does_not_slow_another(hub: HubProcess, console: str) -> None:
    fast = attach(hub, console)
    stuck = ViewerClient(hub, console)
    stuck.connect()  # and nothing is received or acknowledged from here on
    fast.type("for i in range(300_000): print('n', i)\n\n")
    fast.until_text("n 299999\r\n", 120)
    fast.type("6*7\n")
    fast.until_text("\r\n42\r\n")
    status, me = hub.request("GET", "/me")
    assert status == 200, me
    fast.close()
    stuck.close()
