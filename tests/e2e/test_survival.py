"""Whatever is killed, nothing printed and nothing typed is lost or done twice."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest

from tests.support.hub_process import HubProcess
from tests.support.viewer_client import ViewerClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LINES = 200_000


def kill_hub(hub: HubProcess, console: str) -> None:
    hub.kill()
    hub.start()


def kill_host(hub: HubProcess, console: str) -> None:
    hub.kill_host(console)


def kill_both(hub: HubProcess, console: str) -> None:
    hub.kill_host(console)
    hub.kill()
    hub.start()


KILLS = [kill_hub, kill_host, kill_both]


@pytest.mark.parametrize("kill", KILLS)
def test_numbered_lines_are_complete_after_a_kill(
    hub: HubProcess, kill: Callable[[HubProcess, str], None]
) -> None:
    hub.log_in()
    console = hub.new_console(program="python", cols=80, rows=24)["id"]
    viewer = ViewerClient(hub, console)
    viewer.connect()
    viewer.until_text(">>> ")
    viewer.type(f"for i in range({LINES}): print('n', i)\n\n")
    viewer.until(lambda: re.search(rb"n [1-9]\d{3,}\r\n", viewer.text))
    kill(hub, console)
    viewer.until(lambda: f"n {LINES - 1}\r\n".encode() in viewer.text, 120)
    viewer.until(lambda: re.search(rb">>> (\x1b[^>]*)?$", viewer.text))
    reply = viewer.request("keyframe", window=0, scrollback=None)
    assert reply["ok"], reply
    before = viewer.keyframes
    viewer.until(lambda: viewer.keyframes > before or viewer.text.count(b"n ") > 9000)
    # Not the version in "Python 3.11", and a line that a keyframe draws may follow a control sequence.
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"\n", bytes(viewer.text))
    numbers = [int(n) for n in re.findall(rb"\bn (\d+)", text)]
    assert numbers == list(range(numbers[0], LINES))
    assert len(numbers) > 9_900
    viewer.close()


@pytest.mark.parametrize("kill", KILLS)
def test_each_typed_line_is_executed_exactly_once(
    hub: HubProcess, kill: Callable[[HubProcess, str], None]
) -> None:
    hub.log_in()
    console = hub.new_console(program="python", cols=80, rows=24)["id"]
    viewer = ViewerClient(hub, console)
    viewer.connect()
    viewer.until_text(">>> ")
    viewer.type("typed = []\n")
    count = 10_000
    viewer.type("".join(f"typed.append({n})\n" for n in range(3000)))
    viewer.until(lambda: viewer.accepted > 10_000)
    killer = threading.Thread(target=kill, args=(hub, console))
    killer.start()
    for start in range(3000, count, 500):
        viewer.type("".join(f"typed.append({n})\n" for n in range(start, start + 500)))
        viewer.until(lambda: len(viewer.pending) < 20_000, 120)
    killer.join()
    viewer.type(f"print('same', typed == list(range({count})), len(typed))\n")
    viewer.until_text(f"same True {count}", 120)
    viewer.close()
