"""Backends: what is checked, what is refused, what a started sandbox is."""

import contextlib
import os
import pwd
import resource
import select
import signal
import tempfile
import time
from pathlib import Path

import attrs
import pytest

from sandbox.images import find_images
from sandbox.launch import (
    Bubblewrap,
    LaunchError,
    SandboxSpec,
    Unconfined,
    inside,
    seccomp,
    start,
    start_time,
)
from sandbox.limits import Limits
from tests.sandbox.conftest import FREE_UID, SYSTEM
from tests.support.agents import Peer

ROOT = os.geteuid() == 0


@pytest.fixture
def spec(folder, fifos):
    home = f"{folder}/home"
    os.mkdir(home, 0o700)
    uid = FREE_UID if ROOT else None
    if uid is not None:
        os.chown(home, uid, uid)
    return SandboxSpec(
        console="c-test",
        hostname="My console!",
        uid=uid,
        gid=uid,
        home=home,
        image=SYSTEM,
        argv=("/bin/sh",),
        stdin_fd=fifos[0],
        stdout_fd=fifos[1],
    )


@pytest.fixture
def launched():
    """Starts launches and ends what they started."""
    boxes = []

    def run(launch):
        boxes.append(start(launch))
        return boxes[-1]

    yield run
    for box in boxes:
        box.kill()
        os.waitpid(box.monitor, 0)
        box.close()


class TestCheck:
    def test_nothing_is_missing_here(self):
        assert Bubblewrap().check() == []

    def test_says_how_to_install_bubblewrap(self, monkeypatch):
        monkeypatch.setenv("PATH", "/nonexistent")
        (missing,) = Bubblewrap().check()
        assert "apt-get install bubblewrap" in missing

    def test_says_that_it_is_too_old(self, tmp_path):
        old = tmp_path / "bwrap"
        old.write_text("#!/bin/sh\necho bubblewrap 0.4.1\n")
        old.chmod(0o755)
        missing = Bubblewrap(bwrap=str(old)).check()
        assert any("0.4 is too old" in each for each in missing)

    def test_says_what_bubblewrap_says(self, folder):
        broken = Path(folder, "bwrap")
        broken.write_text(
            '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit\n'
            "echo no namespaces for you >&2\nexit 1\n"
        )
        broken.chmod(0o755)
        (missing,) = Bubblewrap(bwrap=str(broken)).check()
        assert "no namespaces for you" in missing

    def test_says_how_to_install_the_filter(self, monkeypatch):
        def fail():
            raise RuntimeError("Unable to find libseccomp")

        monkeypatch.setattr(seccomp, "filters", fail)
        (missing,) = Bubblewrap().check()
        assert "apt-get install libseccomp2" in missing


class TestFailsClosed:
    def test_without_bubblewrap(self, spec, monkeypatch):
        monkeypatch.setenv("PATH", "/nonexistent")
        with pytest.raises(LaunchError, match="apt-get install bubblewrap"):
            Bubblewrap().prepare(spec)

    def test_without_the_filter(self, spec, monkeypatch):
        def fail():
            raise RuntimeError("Unable to find libseccomp")

        monkeypatch.setattr(seccomp, "filters", fail)
        before = os.listdir("/proc/self/fd")
        with pytest.raises(LaunchError, match="apt-get install libseccomp2"):
            Bubblewrap().prepare(spec)
        assert os.listdir("/proc/self/fd") == before

    def test_without_a_home(self, spec):
        with pytest.raises(LaunchError, match="no such folder"):
            Bubblewrap().prepare(attrs.evolve(spec, home="/no/such/home"))

    def test_with_what_bubblewrap_said(self, spec, tmp_path):
        broken = tmp_path / "bwrap"
        broken.write_text("#!/bin/sh\necho no namespaces for you >&2\nexit 1\n")
        broken.chmod(0o755)
        for folder in (tmp_path, *tmp_path.parents):  # the sandbox's user must be able to run it
            if folder.is_relative_to(tempfile.gettempdir()) and str(folder) != tempfile.gettempdir():
                os.chmod(folder, 0o755)
        before = os.listdir("/proc/self/fd")
        with pytest.raises(LaunchError, match="no namespaces for you"):
            start(Bubblewrap(bwrap=str(broken)).prepare(spec))
        assert os.listdir("/proc/self/fd") == before

    def test_with_a_program_that_is_not_there(self, spec):
        launch = attrs.evolve(Bubblewrap().prepare(spec), argv=("/no/such/bwrap",))
        with pytest.raises(LaunchError, match="No such file"):
            start(launch)

    def test_without_a_word_there_is_no_unconfined_backend(self):
        with pytest.raises(ValueError, match="explicitly"):
            Unconfined()


@pytest.mark.skipif(not ROOT, reason="for root")
class TestUsers:
    @pytest.mark.parametrize("backend", [Bubblewrap(), Unconfined(insecure=True)], ids=lambda b: b.name)
    def test_root_and_users_of_this_machine_are_refused(self, spec, backend):
        somebody = pwd.getpwnam("daemon").pw_uid
        for uid in (0, -1, somebody, None):
            with pytest.raises(LaunchError):
                backend.prepare(attrs.evolve(spec, uid=uid))
        with pytest.raises(LaunchError, match="never runs as root"):
            backend.prepare(attrs.evolve(spec, gid=0))

    def test_everything_runs_as_that_user(self, spec, launched):
        box = launched(Bubblewrap().prepare(spec))
        for pid in (box.pid, box.monitor):
            status = Path(f"/proc/{pid}/status").read_text().splitlines()
            (uids,) = [line.split()[1:] for line in status if line.startswith("Uid:")]
            (groups,) = [line.split()[1:] for line in status if line.startswith("Groups:")]
            assert set(uids) == {str(FREE_UID)}
            assert groups == []


def test_a_sandbox_starts_from_a_process_with_very_many_open_files(spec, launched):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = spec.limits.open_files + 200
    if hard < many + 100:
        pytest.skip("this user may not have so many files open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, many + 100), hard))
    opened = [os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC) for _ in range(many)]
    try:
        box = launched(Bubblewrap().prepare(spec))
        assert box.pid > 0
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.skipif(ROOT, reason="for ordinary users")
def test_an_ordinary_user_cannot_ask_for_another(spec):
    with pytest.raises(LaunchError, match="only root"):
        Bubblewrap().prepare(attrs.evolve(spec, uid=os.getuid() + 1))


class TestStarted:
    def test_knows_the_agent(self, spec, launched):
        box = launched(Bubblewrap().prepare(spec))
        status = Path(f"/proc/{box.pid}/status").read_text()
        (inner,) = [line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")]
        assert inner == "1"
        assert box.start_time == start_time(box.pid)
        assert box.isolation.startswith("bubblewrap:")

    def test_ends_when_killed(self, spec, launched):
        box = launched(Bubblewrap().prepare(spec))
        assert not select.select([box.pidfd], [], [], 0)[0]
        box.kill()
        assert select.select([box.pidfd], [], [], 60)[0]
        box.kill()

    @pytest.mark.skipif(not ROOT, reason="only root may see the agent's descriptors")
    def test_gives_no_descriptor_to_the_sandbox(self, spec, launched, folder):
        secret = os.open("/etc/passwd", os.O_RDONLY)
        os.set_inheritable(secret, True)
        try:
            peer = Peer(folder)
            box = launched(Bubblewrap().prepare(spec))
            peer.greet()
            peer.wait_for("$")
            fds = {fd: os.readlink(f"/proc/{box.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{box.pid}/fd")}
            peer.close()
        finally:
            os.close(secret)
        assert "/etc/passwd" not in fds.values()
        own = [target for fd, target in fds.items() if int(fd) > 2]
        # Its epoll, the pipe that signals wake it by, where programs ask, and one terminal.
        assert sorted(target.partition(":")[0] for target in own)[1:] == [
            "anon_inode",
            "pipe",
            "pipe",
            "socket",
        ]
        assert "ptmx" in "".join(own)

    def test_outlives_its_starter_and_a_hang_up(self, spec, folder, tmp_path):
        peer = Peer(folder)
        pid = os.fork()
        if pid == 0:
            status = 1
            with contextlib.suppress(BaseException):
                os.setsid()
                box = start(Bubblewrap().prepare(spec))
                Path(folder, "pid").write_text(str(box.pid))
                os.killpg(0, signal.SIGHUP)
                status = 0
            os._exit(status)
        os.waitpid(pid, 0)
        agent = int(Path(folder, "pid").read_text())
        try:
            peer.greet()
            peer.wait_for("$")
            peer.type(b"echo $((6*7))\n")
            peer.wait_for("42")
        finally:
            os.kill(agent, signal.SIGKILL)
            peer.close()

    def test_ctrl_c_works_for_a_starter_that_ignores_it(self, spec, launched, folder):
        peer = Peer(folder)
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            launched(Bubblewrap().prepare(attrs.evolve(spec, argv=("sh", "-c", "echo up; exec sleep 1000"))))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            for number, handler in before.items():
                signal.signal(number, handler)
        peer.greet()
        peer.wait_for("up")
        peer.type(b"\x03")
        peer.wait(lambda: bool(peer.exits()), "no exit")
        assert peer.exits() == [{"type": "exit", "signal": "SIGINT"}]
        peer.close()

    def test_ends_by_itself_after_its_program(self, spec, folder, launched):
        peer = Peer(folder)
        box = launched(Bubblewrap().prepare(attrs.evolve(spec, argv=("sh", "-c", "exit 3"))))
        peer.greet()
        peer.wait(lambda: bool(peer.exits()), "no exit")
        assert select.select([box.pidfd], [], [], 60)[0]
        peer.close()

    def test_is_not_held_up_by_a_full_pipe(self, spec, folder, launched):
        """With no host the agent keeps what it must and the program waits."""
        peer = Peer(folder)
        launched(Bubblewrap().prepare(attrs.evolve(spec, argv=("sh", "-c", "seq 1 300000"))))
        time.sleep(0.5)
        peer.greet()
        peer.wait(lambda: bool(peer.exits()), "no exit")
        assert peer.text() == "".join(f"{number}\r\n" for number in range(1, 300001))
        peer.close()


class TestInside:
    def run(self, run_sandbox, code, **options):
        box = run_sandbox("/usr/bin/python3", "-c", code, **options)
        box.peer.wait(lambda: bool(box.peer.exits()), "no exit")
        return box.peer.text().replace("\r\n", "\n")

    def test_the_environment(self, run_sandbox):
        text = self.run(run_sandbox, "import os\nfor item in os.environ.items(): print('='.join(item))")
        env = dict(line.split("=", 1) for line in text.splitlines())
        assert env.pop("PS1")
        assert "133;C" in env.pop("PS0")
        assert "133;A" in env.pop("PROMPT_COMMAND")
        assert env.pop("TERMHUB_CONSOLE").startswith("c-test")
        assert env == {
            "HOME": "/home/user",
            "USER": "user",
            "LOGNAME": "user",
            "SHELL": "/bin/bash",
            "PWD": "/home/user",
            "PATH": "/home/user/.local/bin:/usr/local/bin:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PYTHONPATH": "/agent/modules",
            "TERMHUB_SOCKET": "/run/termhub/agent.sock",
        }

    def test_who_and_where(self, run_sandbox):
        code = (
            "import getpass, os, pwd, socket, time, ssl\n"
            "print(os.getuid(), getpass.getuser(), pwd.getpwuid(1000).pw_dir, os.getcwd(),"
            " socket.gethostname(),"
            " socket.gethostbyname('localhost'), os.getppid(), sorted(os.listdir('.')))"
        )
        assert self.run(run_sandbox, code) == "1000 user /home/user /home/user test 127.0.0.1 1 []\n"

    def test_the_home_is_the_users_and_stays(self, run_sandbox):
        box = run_sandbox("sh", "-c", "echo kept > file; mkdir -p a/b; ls -A; cat file")
        box.peer.wait(lambda: bool(box.peer.exits()), "no exit")
        assert Path(box.home, "file").read_text() == "kept\n"
        assert Path(box.home, "file").stat().st_uid == (FREE_UID if ROOT else os.getuid())

    def test_ordinary_work_goes(self, run_sandbox):
        code = (
            "import asyncio, concurrent.futures as cf, multiprocessing as mp, os, socket, sqlite3\n"
            "import subprocess, tempfile\n"
            "assert subprocess.check_output(['sh', '-c', 'echo $((6*7))']) == b'42\\n'\n"
            "with tempfile.NamedTemporaryFile() as f: f.write(b'x')\n"
            "with cf.ThreadPoolExecutor() as pool: assert list(pool.map(abs, [-1])) == [1]\n"
            "with mp.get_context('fork').Pool(2) as pool: assert pool.map(abs, [-1, -2]) == [1, 2]\n"
            "db = sqlite3.connect('x.db'); db.execute('create table t (x)'); db.commit()\n"
            "server = socket.create_server(('127.0.0.1', 0))\n"
            "client = socket.create_connection(server.getsockname())\n"
            "a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'\n"
            "asyncio.run(asyncio.create_subprocess_exec('true'))\n"
            "os.mkfifo('fifo'); os.link('x.db', 'y.db'); os.symlink('a', 'b'); os.memfd_create('x')\n"
            "import pty; pty.spawn(['true'])\n"
            "print('all', 'well')\n"
        )
        assert "all well" in self.run(run_sandbox, code)

    @pytest.mark.parametrize("image", find_images(), ids=lambda image: image.version)
    def test_every_image_runs(self, run_sandbox, image):
        box = run_sandbox(image.python, image=image)
        box.peer.wait_for(f"Python {image.version}")
        box.peer.wait_for(">>> ")
        box.peer.type(b"import ssl, ctypes, sqlite3; 6*7\n")
        box.peer.wait_for("42")

    def test_bash_is_usable(self, run_sandbox):
        box = run_sandbox("bash")
        box.peer.wait_for("test")
        box.peer.type(b"sleep 100 &\nkill %1; wait; python3 -c 'print(6*7)'\n")
        box.peer.wait_for("Terminated")
        box.peer.wait_for("42")
        assert "job control" not in box.peer.text()

    def test_limits_of_files_and_processes(self, run_sandbox):
        text = self.run(
            run_sandbox,
            "import resource as r\nprint(r.getrlimit(r.RLIMIT_NPROC), r.getrlimit(r.RLIMIT_NOFILE),"
            " r.getrlimit(r.RLIMIT_FSIZE), r.getrlimit(r.RLIMIT_DATA),"
            " r.getrlimit(r.RLIMIT_CORE)[0] in (0, 1))",
            limits=Limits(processes=99, open_files=512, file_bytes=1 << 20, memory_bytes=1 << 29),
        )
        assert text == f"(99, 99) (512, 512) ({1 << 20}, {1 << 20}) ({1 << 29}, {1 << 29}) True\n"


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("My console!", "my-console"),
            ("", "console"),
            ("--", "console"),
            ("a" * 100, "a" * 63),
            ("ünï", "n"),
        ],
    )
    def test_a_host_name_is_harmless(self, name, expected):
        assert inside.hostname(name) == expected

    def test_the_hosts_etc_is_not_given(self):
        for path in inside.etc_paths():
            assert not path.startswith(("/etc/ssh", "/etc/passwd", "/etc/shadow", "/etc/ssl/private"))


def test_unconfined_runs_the_agent_and_says_what_it_is(spec, folder, launched):
    script = (
        "pwd; test -S $TERMHUB_SOCKET && dirname $TERMHUB_SOCKET;"
        " python3 -c 'import console; print(console.__file__)'; exec cat"
    )
    launch = Unconfined(insecure=True).prepare(attrs.evolve(spec, argv=("sh", "-c", script)))
    assert launch.isolation.startswith("NO SANDBOX")
    peer = Peer(folder)
    box = launched(launch)
    peer.greet()
    peer.wait_for("/sandbox/guest/modules/console.py\r\n")
    home, private, _ = peer.text().split()
    assert home == spec.home
    assert os.path.isdir(private)
    box.kill()
    assert select.select([box.pidfd], [], [], 60)[0]
    peer.close()
    assert not os.path.exists(private)


def test_the_filters_are_made_without_a_debugger_of_their_own():
    """A filter is a list of 8-byte instructions, and short enough for the kernel."""
    for program in seccomp.filters():
        assert len(program) % 8 == 0
        assert 8 < len(program) <= 4096 * 8
    assert seccomp.filters() is seccomp.filters()


def test_nothing_is_both_allowed_and_refused():
    assert set(seccomp.ALLOWED) & set(seccomp.REFUSED) == set()
    assert {"io_uring_setup", "clone3", "kexec_load", "mount"} & set(seccomp.ALLOWED) == set()
