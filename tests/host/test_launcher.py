"""Starting a launcher, and who may ask it what."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

import termhub
from termhub.errors import NoSandbox, TermhubError
from termhub.host.call import Caller
from termhub.host.start import ask_version, ensure_launcher, socket_path
from tests.support.console_process import ConsoleProcess, LauncherProcess, until, wait_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def data():
    folder = Path(tempfile.mkdtemp(prefix="termhub-host-"))
    folder.chmod(0o711)
    yield folder / "data"
    if ask_version(folder / "data") is not None:
        with Caller(socket_path(folder / "data")) as caller:
            caller.ask("stop")
    shutil.rmtree(folder, ignore_errors=True)


def test_a_launcher_is_started_once_and_found_again(data):
    first = ensure_launcher(data)
    assert first["missing"] == []
    assert first["root"] == (os.geteuid() == 0)
    assert "bubblewrap" in first["isolation"]
    assert ensure_launcher(data)["pid"] == first["pid"]
    assert os.getsid(first["pid"]) not in (os.getsid(0), 0)


def test_a_launcher_that_cannot_start_says_why(data):
    data.mkdir()
    (data / "run").write_text("in the way")
    with pytest.raises(TermhubError, match="run"):
        ensure_launcher(data)
    until(lambda: not processes_with(str(data)), "its keeper's end")


@as_root
def test_a_service_user_that_does_not_exist_is_named(data):
    with pytest.raises(TermhubError, match="no-such-user"):
        ensure_launcher(data, service_user="no-such-user")


def test_what_a_sandbox_lacks_is_an_error_with_the_remedy(data, monkeypatch):
    monkeypatch.setattr(
        "termhub.host.start.ask_version",
        lambda data: {"version": termhub.__version__, "missing": ["no bubblewrap; apt-get it"]},
    )
    with pytest.raises(NoSandbox, match="apt-get"):
        ensure_launcher(data)
    monkeypatch.undo()


def test_an_old_log_is_put_aside(data):
    data.mkdir(mode=0o711)
    (data / "launcher.log").write_bytes(b"x" * (2 << 20))
    ensure_launcher(data)
    assert (data / "launcher.log").stat().st_size < 10_000
    assert (data / "launcher.log.1").exists()


def test_without_a_sandbox_every_console_says_so(data):
    ensure_launcher(data, insecure_no_sandbox=True)
    launcher = LauncherProcess(data=data)
    console = launcher.create(program="script", argv=["/bin/sh", "-c", "sleep 1000 & echo $!; wait"])
    with console.link() as link:
        assert "NO SANDBOX" in link.hello["isolation"]
        link.subscribe()
        pid = int(link.read_until(b"\n"))
    pidfd = os.pidfd_open(pid)
    launcher.ask("end", console=console.id)
    wait_for(pidfd)


def test_two_launchers_do_not_share_a_data_folder(data):
    ensure_launcher(data)
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "termhub.host.launcher", "--data", str(data)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)],
    )
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3


def test_stop_ends_every_console_and_the_launcher(data):
    version = ensure_launcher(data)
    pidfd = os.pidfd_open(version["pid"])
    console = LauncherProcess(data=data).create(program="script", argv=["/bin/cat"])
    with Caller(socket_path(data)) as caller:
        caller.ask("stop")
    assert console.ended()["reason"] == "termhub was stopped"
    wait_for(pidfd)
    assert ask_version(data) is None


@as_root
def test_only_root_and_the_hub_are_heard(data):
    ensure_launcher(data)
    path = socket_path(data)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o666)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setresgid(12345, 12345, 12345)
            os.setresuid(12345, 12345, 12345)
            with Caller(path) as caller:
                caller.ask("version")
        except OSError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@as_root
def test_every_user_has_a_uid_and_closed_folders_of_their_own(data):
    ensure_launcher(data, service_user="nobody")
    launcher = LauncherProcess(data=data)
    alice = launcher.create(number=1, program="script", argv=["/bin/cat"])
    bob = launcher.create(number=2, program="script", argv=["/bin/cat"])
    nobody = os.stat(socket_path(data))
    for console, number in ((alice, 1), (bob, 2)):
        uid = 600_000_000 + number
        folder = console.path.stat()
        assert (folder.st_uid, folder.st_gid, stat.S_IMODE(folder.st_mode)) == (uid, nobody.st_gid, 0o2750)
        socket = (console.path / "host.sock").stat()
        assert (socket.st_uid, socket.st_gid, stat.S_IMODE(socket.st_mode)) == (uid, nobody.st_gid, 0o660)
        assert uids(console.host_pid) == {uid}
        assert uids(console.sandbox_pid) == {uid}
        home = (data / "homes" / str(number)).stat()
        assert (home.st_uid, stat.S_IMODE(home.st_mode)) == (uid, 0o700)
    for folder in (data, data / "run", data / "run" / "consoles", data / "homes"):
        assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (0, 0o711)
    # a successor is the same
    alice.kill_host()
    assert uids(alice.host_pid) == {600_000_001}


@as_root
def test_a_record_written_by_a_console_names_no_process_of_others(data):
    """A host is the console's user; what it writes must not make the launcher kill for it."""
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    console = launcher.create(program="script", argv=["/bin/cat"])
    victim = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    try:
        record = console.folder.read("sandbox.json")
        fields = Path(f"/proc/{victim}/stat").read_text().rpartition(")")[2].split()
        before = launcher.pid
        os.kill(before, signal.SIGKILL)
        console.folder.write("sandbox.json", {**record, "pid": victim, "start": int(fields[19])})
        launcher.until_replaced(before)
        launcher.ask("remove", console=console.id)
        assert os.waitpid(victim, os.WNOHANG) == (0, 0)
    finally:
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        with suppress(ProcessLookupError):  # its control group was ended, where there is one
            os.kill(record["pid"], signal.SIGKILL)


def test_the_list_of_consoles_is_short_whatever_they_were_started_with(data):
    """One REPLY holds it, or the hub could not start again."""
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    env = {f"V{number}": "x" * 4000 for number in range(15)}
    consoles = [launcher.create(program="script", argv=["/bin/cat"], env=env) for _ in range(2)]
    reply = launcher.ask("list")
    assert {entry["console"] for entry in reply["consoles"]} == {console.id for console in consoles}
    assert all(entry["spec"] == {"program": "script", "image": ""} for entry in reply["consoles"])
    assert not reply["after"]
    assert launcher.ask("list", after=max(console.id for console in consoles))["consoles"] == []


def test_what_a_console_writes_into_its_spec_does_not_spoil_the_list(data):
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    console = launcher.create(program="script", argv=["/bin/cat"])
    console.folder.write("spec.json", {"number": 2, "program": ["x"] * 200_000, "image": "y" * 2_000_000})
    (entry,) = launcher.ask("list")["consoles"]
    assert entry["owner"] == (1 if os.geteuid() == 0 else 2)
    assert len(entry["spec"]["program"]) == len(entry["spec"]["image"]) == 100


def test_a_console_ends_and_goes_whatever_is_in_its_folder(data):
    """Names in the way of the launcher's and the host's files, and folders in folders without end."""
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    console = launcher.create(program="script", argv=["/bin/sleep", "1000"])
    for name in (".ending.json.part", ".ended.json.part"):
        (console.path / name).mkdir()
    at = os.open(console.path, os.O_PATH)
    for _ in range(1500):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_PATH, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    sandbox = os.pidfd_open(console.sandbox_pid)
    launcher.ask("remove", console=console.id)
    wait_for(sandbox)
    assert not console.path.exists()
    assert launcher.ask("list")["consoles"] == []


def test_a_folder_that_was_deleted_by_hand_harms_nobody(data):
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    pid = launcher.pid
    console = launcher.create(program="script", argv=["/bin/cat"])
    other = launcher.create(program="script", argv=["/bin/cat"])
    sandbox = os.pidfd_open(console.sandbox_pid)
    host = os.pidfd_open(console.host_pid)
    shutil.rmtree(console.path)
    with pytest.raises(TermhubError) as caught:
        launcher.ask("end", console=console.id)
    assert caught.value.code == "no_such_console"
    for pidfd in (host, sandbox):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        wait_for(pidfd)
    other.kill_host()
    with other.link() as link:
        link.subscribe()
        link.type(b"fine\n")
        link.read_until(b"fine\r\nfine\r\n")
    assert launcher.pid == pid


def test_a_console_that_cannot_be_started_leaves_nothing(data):
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    (data / "homes" / "3").write_text("in the way")
    with pytest.raises(TermhubError) as caught:
        launcher.create(number=3)
    assert caught.value.code == "no_sandbox"
    assert list((data / "run" / "consoles").iterdir()) == []
    launcher.create(number=4, program="script", argv=["/bin/cat"])


@as_root
def test_a_folder_of_a_foreign_user_is_left_alone(data):
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    foreign = data / "run" / "consoles" / "c-aaaaaaaaaa"
    foreign.mkdir()
    (foreign / "spec.json").write_text("{}")
    os.chown(foreign, 1, 1)
    before = launcher.pid
    os.kill(before, signal.SIGKILL)
    launcher.until_replaced(before)
    assert (foreign / "spec.json").exists()


def test_a_symbolic_link_is_not_followed(data):
    ensure_launcher(data)
    launcher = LauncherProcess(data=data)
    console = launcher.create(program="script", argv=["/bin/cat"])
    secret = data.parent / "secret"
    secret.write_text("precious")
    os.symlink(secret, console.path / "ending.json.link")
    os.symlink(secret, console.path / ".ending.json.part")
    launcher.ask("end", console=console.id, reason="over")
    assert secret.read_text() == "precious"
    os.unlink(console.path / "ended.json")
    os.symlink(secret, console.path / "ended.json")
    assert ConsoleProcess(launcher, console.id).folder.read("ended.json") is None


def processes_with(word: str) -> list[int]:
    """The processes that have a word in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def uids(pid: int) -> set[int]:
    """Real, effective, saved and file system uid of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return {int(word) for word in line.split()[1:]}
    raise AssertionError(pid)
