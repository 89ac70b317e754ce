"""The terminals that one sandbox can open."""

import os

from sandbox.launch import terminals

FLOOD = """
import os
opened = []
try:
    while len(opened) < 500: opened.append(os.openpty())
except OSError as error: print("no more:", error.strerror)
print("opened", len(opened), "!")
input()
"""


def test_a_flood_ends_at_their_number_and_others_have_theirs(run_sandbox):
    ours = os.statvfs("/dev/pts")
    box = run_sandbox("/usr/bin/python3", "-c", FLOOD)
    # Those of the windows are the agent's, who is in there too.
    box.peer.wait_for("opened")
    box.peer.wait_for(" !")
    assert "no more: No space left on device" in box.peer.text()
    assert f"opened {terminals.MOST - 1} !" in box.peer.text()
    assert os.statvfs("/dev/pts") == ours
    for fd in os.openpty():
        os.close(fd)
    with open("/proc/mounts", encoding="utf-8") as file:
        assert not any(f"max={terminals.MOST}" in line for line in file)


def test_a_program_starts_also_when_they_cannot_be_bounded_which_is_said(run_sandbox, monkeypatch, capfd):
    monkeypatch.setattr(terminals, "_limit", lambda pid: 1 / 0)
    box = run_sandbox("/usr/bin/python3", "-c", FLOOD)
    box.peer.wait_for("opened 500 !")
    assert f"the terminals of {box.box.pid} have no bound: division by zero" in capfd.readouterr().err
