"""What every Python program has, in real sandboxes."""

import os

import pytest

from sandbox.images import find_images
from tests.support.agents import Peer

LOOP = "print('started')\nwhile True: pass\n"
SHELL = {"argv": ["/bin/bash", "--norc"], "cols": 200, "rows": 24}


def open_shell(peer: Peer) -> None:
    assert peer.request("open", window=1, **SHELL)["ok"]
    peer.wait_for("\x1b]133;A\a", 1)


@pytest.mark.parametrize("image", find_images(), ids=lambda image: image.version)
def test_a_loop_is_debugged_and_stopped_from_another_window(run_sandbox, image):
    box = run_sandbox(image.python, "-c", LOOP, image=image)
    box.peer.wait_for("started")
    open_shell(box.peer)
    box.peer.type(f"{image.python} -m console debug\n".encode(), 1)
    box.peer.wait_for("(Pdb) ", 1)
    box.peer.type(b"p 6 * 9\x7f7\n", 1)
    box.peer.wait_for("\n42\r\n", 1)
    box.peer.type(b"stop\n", 1)
    box.peer.wait_for("KeyboardInterrupt was raised", 1)
    box.peer.wait(lambda: bool(box.peer.exits()), "the program goes on")
    assert "KeyboardInterrupt" in box.peer.text()


def test_the_folders_in_the_sandbox(run_sandbox):
    code = (
        "import console, os, stat, sys\n"
        "print([console.__file__, sys.path[-1], oct(os.stat('/run/termhub').st_mode & 0o777)])\n"
        "print([oct(os.stat('/run/termhub/agent.sock').st_mode & 0o777), os.listdir('/run/termhub')])\n"
        "for path in '/agent/modules/x', '/run/x':\n"
        "    try: open(path, 'w')\n"
        "    except OSError as error: print(error.strerror)\n"
        "print('done')"
    )
    box = run_sandbox("/usr/bin/python3", "-c", code)
    box.peer.wait_for("done")
    text = box.peer.text()
    assert "['/agent/modules/console.py', '/agent/modules', '0o700']" in text
    assert "['0o600', ['agent.sock']]" in text
    assert text.count("Read-only file system") == 2


def test_neither_the_agent_nor_anything_of_it_can_be_debugged(run_sandbox):
    box = run_sandbox("/usr/bin/python3", "-m", "console", "debug")
    box.peer.wait_for("no other Python program runs in this console")
    code = "import console; console.debug(1)"
    assert box.peer.request("open", window=1, argv=["/usr/bin/python3", "-c", code])["ok"]
    box.peer.wait(lambda: bool(box.peer.exits(1)), "no exit")
    assert "1 is no Python program" in box.peer.text(1)


def test_at_a_prompt_the_link_is_shown_once(run_sandbox):
    box = run_sandbox("/usr/bin/python3", "-i", "-c", "import console")
    box.peer.wait_for(">>> ")
    box.peer.type(b"console.share()\n")
    box.peer.wait(lambda: any(event["type"] == "ask" for _, event in box.peer.events), "nobody asks")
    box.peer.request("answer", ask=1, ok=True, url="https://hub/s/x", ssh=None)
    box.peer.wait_for("<Share: observer for 1 day>")
    assert box.peer.text().count("https://hub/s/x") == 1


def test_a_question_gets_out_and_its_answer_in(run_sandbox):
    box = run_sandbox("/usr/bin/python3", "-m", "console", "share", "--uses", "1")

    def asked():
        return [event for _, event in box.peer.events if event["type"] == "ask"]

    box.peer.wait(lambda: bool(asked()), "nobody asks")
    assert (asked()[0]["role"], asked()[0]["uses"]) == ("observer", 1)
    box.peer.request("answer", ask=1, ok=True, url="https://hub/s/x", ssh=None)
    box.peer.wait_for("  https://hub/s/x")
    box.peer.wait(lambda: bool(box.peer.exits()), "no exit")
    assert box.peer.exits() == [{"type": "exit", "code": 0}]


def test_bash_marks_its_prompts_and_commands(run_sandbox):
    box = run_sandbox("/bin/bash")
    box.peer.wait_for("\x1b]133;D;0\a\x1b]133;A\a")
    box.peer.wait_for("$ ")
    box.peer.type(b"false\n")
    box.peer.wait_for("\x1b]133;C\a")
    box.peer.wait_for("\x1b]133;D;1\a\x1b]133;A\a")
    box.peer.type(b"PS1='mine> '\n")
    box.peer.wait_for("mine> ")
    box.peer.type(b"echo $?$((6*7))\n")
    box.peer.wait_for("\x1b]133;C\a042\r\n\x1b]133;D;0\a\x1b]133;A\a")
    # A script is no prompt, and neither is another shell that does not know the marks.
    box.peer.type(b"bash -c 'echo in a script'; sh -c 'echo in sh'\n")
    box.peer.wait_for("\x1b]133;C\ain a script\r\nin sh\r\n\x1b]133;D")


def test_the_users_own_path_and_start_up_file_stay(run_sandbox):
    box = run_sandbox("/bin/sh")
    os.makedirs(f"{box.home}/own", exist_ok=True)
    with open(f"{box.home}/own/sitecustomize.py", "w") as file:
        file.write("print('their', 'own')\n")
    os.chmod(f"{box.home}/own", 0o755)
    os.chmod(f"{box.home}/own/sitecustomize.py", 0o644)
    box.peer.type(b"PYTHONPATH=$PYTHONPATH:~/own python3 -c 'import console; print(console.__file__)'\n")
    box.peer.wait_for("their own\r\n/agent/modules/console.py\r\n")
