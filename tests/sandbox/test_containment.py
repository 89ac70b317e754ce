"""What a program in a sandbox can do to the machine, to others and to its own agent.

A probe that is allowed fails the test. All of them run in a sandbox started as root under a user of
its own, with and without control groups, and, in :func:`test_as_an_ordinary_user`, in one started by
an ordinary user.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from sandbox.guest import backlog
from sandbox.launch import Bubblewrap
from sandbox.limits import Limits, find, make
from tests.sandbox.conftest import FREE_UID
from tests.sandbox.probes import HELPERS, PRELUDE, PROBES, RUN, allowed, script


@pytest.fixture(scope="module")
def host():
    """Things on the host that a program in a sandbox must not reach."""
    folder = tempfile.mkdtemp(prefix="termhub-host-")
    secret = Path(folder, "secret")
    secret.write_text("termhub-secret-of-the-host")
    secret.chmod(0o644)
    os.chmod(folder, 0o755)
    name = f"termhub-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0" + name)
        abstract.listen()
        yield {
            "home": folder,
            "secret": str(secret),
            "pid": os.getpid(),
            "port": server.getsockname()[1],
            "abstract": name,
            "user": "daemon",
            "root": os.geteuid() == 0,
        }
    shutil.rmtree(folder)


def run_script(box, code):
    """Put ``code`` into the home and run it as the program of window 1."""
    path = Path(box.home, "probe.py")
    path.write_text(code)
    path.chmod(0o644)
    reply = box.peer.request("open", window=1, argv=["/usr/bin/python3", "probe.py"], cwd="/home/user")
    assert reply["ok"], reply


@pytest.mark.parametrize("groups", [None, make], ids=["no control group", "control group"])
@pytest.mark.parametrize("group", PROBES)
def test_is_refused(run_sandbox, host, group, groups):
    box = run_sandbox("cat", limits=Limits(processes=64, file_bytes=32 << 20), make_group=groups)
    run_script(box, script(group, host, os.path.dirname(box.home)))
    box.peer.wait(lambda: bool(box.peer.exits(1)), "the probes did not end")
    text = box.peer.text(1)
    assert "all probes done" in text, text
    assert allowed(text) == {}
    assert text.count("|REFUSED|") == len(PROBES[group])
    assert box.peer.request("ping")["ok"]  # and the agent lives


def test_probes_can_tell(host, tmp_path):
    """Outside of a sandbox the same probes find what is allowed; only those that change nothing are run."""
    path = tmp_path / "probe.py"
    for group, name in (("files", "another user's home"), ("network", "a server of the host")):
        probes = {name: PROBES[group][name]}
        facts = {**host, "folder": str(tmp_path)}
        path.write_text(f"{PRELUDE}\n{HELPERS}\nHOST = {facts!r}\nPROBES = {probes!r}\n{RUN}")
        done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60)
        assert "all probes done" in done.stdout, done.stderr
        assert list(allowed(done.stdout)) == [name]


class TestBombs:
    FORK = textwrap.dedent(
        """
        import os, time
        count = 0
        try:
            while True:
                pid = os.fork()
                if pid == 0:
                    time.sleep(1000)
                count += 1
        except OSError as error:
            print("forked", count, "then", error.strerror, flush=True)
        """
    )
    MEMORY = textwrap.dedent(
        """
        import os
        pids = []
        for _ in range(4):
            pid = os.fork()
            if pid == 0:
                held = []
                try:
                    while True:
                        held.append(os.urandom(1 << 20) * 8)
                except MemoryError:
                    os._exit(7)
            pids.append(pid)
        ends = [os.waitpid(pid, 0)[1] for pid in pids]
        print("ended", all(os.WIFSIGNALED(end) or os.WEXITSTATUS(end) == 7 for end in ends), flush=True)
        """
    )

    def test_forking_stops_at_the_limit(self, run_sandbox):
        box = run_sandbox("cat", limits=Limits(processes=40), make_group=make)
        run_script(box, self.FORK)
        box.peer.wait_for("Resource temporarily unavailable", window=1)
        count = int(box.peer.text(1).split("forked ")[1].split()[0])
        assert count <= 40
        assert box.peer.request("ping")["ok"]
        box.peer.request("close", window=1)  # and the user can get rid of it
        box.peer.wait(
            lambda: box.peer.request("open", window=2, argv=["true"])["ok"] or _pause(), "no room again"
        )

    def test_forking_in_sessions_of_its_own_stops_too(self, run_sandbox):
        box = run_sandbox("cat", limits=Limits(processes=40))
        run_script(box, self.FORK.replace("time.sleep(1000)", "(os.setsid(), time.sleep(1000))"))
        box.peer.wait_for("Resource temporarily unavailable", window=1)
        assert box.peer.request("ping")["ok"]

    def test_memory_of_all_processes_is_held_by_a_group(self, run_sandbox):
        box = run_sandbox("cat", limits=Limits(memory_bytes=128 << 20, processes=40), make_group=make)
        if box.launch.group is None or not box.launch.group.limits_memory:
            pytest.skip("no control group for memory here")
        run_script(box, self.MEMORY)
        box.peer.wait_for("ended True", window=1)
        assert box.peer.request("ping")["ok"]
        assert box.launch.group.oom_kills()
        usage = box.launch.group.usage()
        assert usage.oom_kills >= 1
        assert usage.memory_bytes <= 128 << 20
        assert find(box.launch.group.name).folders == box.launch.group.folders

    def test_memory_of_each_process_is_held_without_a_group(self, run_sandbox):
        box = run_sandbox("cat", limits=Limits(memory_bytes=128 << 20, processes=40))
        run_script(box, self.MEMORY)
        box.peer.wait_for("ended True", window=1)
        assert box.peer.request("ping")["ok"]

    def test_open_files_and_threads(self, run_sandbox):
        box = run_sandbox("cat", limits=Limits(processes=40, open_files=256))
        run_script(
            box,
            "import os, threading, time\n"
            "fds = []\n"
            "try:\n"
            "    while True: fds.append(os.dup(0))\n"
            "except OSError as error: print('open', len(fds), error.strerror, flush=True)\n"
            "for fd in fds: os.close(fd)\n"
            "threads = 0\n"
            "try:\n"
            "    while True:\n"
            "        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start(); threads += 1\n"
            "except RuntimeError as error: print('threads', threads, flush=True); os._exit(0)\n",
        )
        box.peer.wait(lambda: bool(box.peer.exits(1)), "no exit")
        words = box.peer.text(1).split()
        assert int(words[words.index("open") + 1]) < 256
        assert int(words[words.index("threads") + 1]) <= 40

    def test_a_flood_does_not_stop_the_agent(self, run_sandbox):
        box = run_sandbox("yes", acknowledges=False)
        box.peer.wait(lambda: len(box.peer.streams.get(0, b"")) >= backlog.LIMIT_BYTES, "no flood")
        assert box.peer.request("ping")["ok"]


def _pause():
    """Let the kernel end what was killed."""
    os.sched_yield()
    return False


ORDINARY = 61_234


def test_as_an_ordinary_user(tmp_path_factory):
    """The same tests in a process that never was root."""
    if os.geteuid() != 0:
        pytest.skip("runs as an ordinary user already")
    assert ORDINARY != FREE_UID
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="termhub-ordinary-") as scratch:
        os.chown(scratch, ORDINARY, ORDINARY)
        if Bubblewrap().check():
            pytest.skip("no sandboxes here")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                str(Path(__file__)),
                "-p",
                "no:cacheprovider",
                "--rootdir",
                str(root),
                "-rs",
            ],
            cwd=root,
            env={
                "PATH": os.environ["PATH"],
                "HOME": scratch,
                "TMPDIR": scratch,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            user=ORDINARY,
            group=ORDINARY,
            extra_groups=(),
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout
