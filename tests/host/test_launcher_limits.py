"""Limits and use through the launcher: changed live, read back, kept until they are counted."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest.loop import Loop
from sandbox.limits import HOSTS, Limits, find
from sandbox.limits.means import means
from sandbox.limits.places import bases
from termhub.errors import BadRequest, TermhubError
from termhub.host.figures import Figures
from termhub.host.home_watch import Counted, parse
from termhub.host.launcher_limits import LimitOperations
from termhub.host.specs import parse_limits
from tests.support.console_process import ConsoleProcess, HostLink, LauncherProcess, until, wait_for

pytestmark = pytest.mark.long

MEBIBYTE = 1 << 20
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="volumes need root")
with_memory = pytest.mark.skipif("memory" not in bases(), reason="no control group for memory here")
with_processes = pytest.mark.skipif("pids" not in bases(), reason="no control group for processes here")
with_cpu = pytest.mark.skipif("cpu" not in bases(), reason="no control group for CPU here")


@pytest.fixture
def fresh():
    """A launcher that can be killed."""
    with LauncherProcess() as process:
        yield process


def python(launcher: LauncherProcess, code: str, **spec: object) -> ConsoleProcess:
    """A console that runs a program of ours."""
    argv = ["/usr/bin/python3", "-u", "-c", code]
    return launcher.create(program="script", argv=argv, **spec)


def usage(launcher: LauncherProcess, console: str) -> dict | None:
    for entry in launcher.ask("usage")["consoles"]:
        if entry["console"] == console:
            return dict(entry)
    return None


def home_of(launcher: LauncherProcess, owner: int) -> dict | None:
    for entry in launcher.ask("usage")["homes"]:
        if entry["owner"] == owner:
            return dict(entry)
    return None


def answer(link: HostLink, typed: bytes, wanted: bytes) -> bytes:
    """Type a line; what was printed since, once ``wanted`` was."""
    before = len(link.output.get(0, b""))
    link.type(typed + b"\n")
    while wanted not in link.output.get(0, b"")[before:]:
        link.next()
    return link.output[0][before:]


FORKS = """
import os, time
while input():
    children = []
    try:
        while len(children) < 200:
            pid = os.fork()
            if not pid: time.sleep(1000)
            children.append(pid)
    except OSError as error:
        pass
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    print("forked", len(children), "times")
"""

MEMORY = """
import os
while size := input():
    pid = os.fork()
    if not pid:
        x = b"x" * (int(size) << 20)
        os._exit(0)
    print("status", os.waitpid(pid, 0)[1], "!")
"""


class TestLimit:
    @with_processes
    def test_fewer_processes_are_seen_from_inside(self, launcher):
        console = python(launcher, FORKS, limits={"processes": 60})
        with console.link() as link:
            link.subscribe()
            first = int(answer(link, b"go", b"times").split()[-2])
            reply = launcher.ask("limit", console=console.id, limits={"processes": 20})
            assert (reply["applied"], reply["refused"]) == (["processes"], {})
            then = int(answer(link, b"go", b"times").split()[-2])
        assert 50 < first < 60
        assert 10 < then < 20
        launcher.ask("end", console=console.id)

    @with_memory
    def test_memory_is_raised_and_lowered_under_a_program(self, launcher):
        console = python(launcher, MEMORY, limits={"memory_bytes": 64 * MEBIBYTE})
        with console.link() as link:
            link.subscribe()
            assert b"status 9 !" in answer(link, b"100", b"!\r\n")
            for size, expected in ((256, b"status 0 !"), (64, b"status 9 !")):
                limits = {"memory_bytes": size * MEBIBYTE}
                assert launcher.ask("limit", console=console.id, limits=limits)["applied"] == ["memory_bytes"]
                assert expected in answer(link, b"100", b"!\r\n")
        assert usage(launcher, console.id)["oom_kills"] in (None, 2)  # an old kernel does not count
        launcher.ask("end", console=console.id)

    @with_memory
    def test_memory_in_use_is_not_taken_away(self, launcher):
        code = "x = b'x' * (80 << 20)\nprint('has', len(x))\nwhile True: print(x[int(input())])"
        console = python(launcher, code, limits={"memory_bytes": 200 * MEBIBYTE})
        with console.link() as link:
            link.subscribe()
            link.read_until(b"has ")
            reply = launcher.ask("limit", console=console.id, limits={"memory_bytes": 20 * MEBIBYTE})
            assert reply["applied"] == []
            assert "in use now" in reply["refused"]["memory_bytes"]
            assert find(console.id).memory_limit() == 200 * MEBIBYTE
            answer(link, b"5", b"120\r\n")
        launcher.ask("end", console=console.id)

    @with_cpu
    def test_cpu_is_slowed_live_and_given_back(self, launcher):
        console = python(launcher, "while True: pass")
        group = find(console.id)
        folder = group.folders["cpu"]

        def throttled():
            lines = Path(folder, "cpu.stat").read_text().splitlines()
            return int(dict(line.split() for line in lines)["nr_throttled"])

        assert throttled() == 0
        limits = {"cpu_percent": 10, "cpu_weight": 1}
        reply = launcher.ask("limit", console=console.id, limits=limits)
        assert reply["applied"] == ["cpu_percent", "cpu_weight"]
        until(lambda: throttled() > 3, "the kernel to hold it back")
        launcher.ask("limit", console=console.id, limits={"cpu_percent": None})
        unlimited = {1: ("cpu.cfs_quota_us", "-1\n"), 2: ("cpu.max", "max 100000\n")}
        name, words = unlimited[group.version]
        assert Path(folder, name).read_text() == words
        host = find(console.id, HOSTS)
        assert Path(host.folders["cpu"], name).read_text() == words
        launcher.ask("end", console=console.id)

    def test_what_cannot_change_says_why(self, launcher):
        console = python(launcher, "input()")
        limits = {"tmp_bytes": 1 << 20, "home_bytes": 1 << 30}
        reply = launcher.ask("limit", console=console.id, limits=limits)
        assert reply["applied"] == []
        assert "new ones" in reply["refused"]["tmp_bytes"]
        assert "home" in reply["refused"]["home_bytes"]
        for wrong in ({"memory_bytes": None}, {"cpu_weight": 20_000}, {"no": 1}, [], {"processes": True}):
            with pytest.raises(TermhubError) as caught:
                launcher.ask("limit", console=console.id, limits=wrong)
            assert caught.value.code == "bad_request"
        launcher.ask("end", console=console.id)
        with pytest.raises(TermhubError) as caught:
            launcher.ask("limit", console=console.id, limits={"processes": 10})
        assert caught.value.code == "console_ended"


class TestHostsAreHeld:
    @with_memory
    def test_a_host_and_its_successor_are_in_a_group_of_their_own(self, launcher):
        console = python(launcher, "input()", limits={"cpu_percent": 50})
        group = find(console.id, HOSTS)
        assert group.pids() == {console.host_pid}
        assert console.host_pid not in find(console.id).pids()
        assert group.memory_limit() == 512 * MEBIBYTE
        console.kill_host()
        successor = console.host_pid
        assert find(console.id, HOSTS).pids() == {successor}
        launcher.ask("end", console=console.id)
        until(lambda: find(console.id, HOSTS) is None and find(console.id) is None, "no groups")

    @with_cpu
    def test_what_it_uses_of_the_cpu_is_the_consoles(self, launcher):
        console = python(launcher, "input()")
        used = usage(launcher, console.id)["cpu_seconds"]
        host = find(console.id, HOSTS).usage().cpu_seconds
        assert used >= host > 0
        launcher.ask("end", console=console.id)


class TestUsage:
    @with_cpu
    def test_the_last_figures_stay_until_they_are_counted(self, launcher):
        code = "import time\nwhile time.process_time() < 0.3: pass\nprint('done')\ninput()"
        console = python(launcher, code, number=7)
        with console.link() as link:
            link.subscribe()
            link.read_until(b"done")
        before = usage(launcher, console.id)
        assert (before["owner"], before["ended"]) == (7, False)
        assert before["cpu_seconds"] > 0.25
        assert before["processes"] == 1
        launcher.ask("counted", consoles=[console.id])
        assert usage(launcher, console.id) is not None  # it lives
        launcher.ask("remove", console=console.id)
        after = until(lambda: (entry := usage(launcher, console.id))["ended"] and entry, "its end")
        assert after["cpu_seconds"] >= before["cpu_seconds"]
        assert (after["owner"], after["memory_bytes"], after["processes"]) == (7, 0, 0)
        launcher.ask("counted", consoles=[console.id, "c-aaaaaaaaaa"])
        assert usage(launcher, console.id) is None

    @with_cpu
    def test_they_survive_the_launcher_whenever_it_is_killed(self, fresh):
        code = "import time\nwhile time.process_time() < 0.2: pass\nprint('done')\ninput()"
        consoles = [python(fresh, code) for _ in range(2)]
        for console in consoles:
            with console.link() as link:
                link.subscribe()
                link.read_until(b"done")
        fresh.ask("end", console=consoles[0].id)
        pid = consoles[1].sandbox_pid
        fresh.kill()
        pidfd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)  # one ends while nobody looks
        wait_for(pidfd)
        fresh.start()
        for console in consoles:
            entry = until(lambda c=console: (e := usage(fresh, c.id))["ended"] and e, "its end")
            assert entry["cpu_seconds"] > 0.15
            assert find(console.id) is None
            assert find(console.id, HOSTS) is None

    def test_it_comes_in_pages(self, tmp_path):
        figures = Figures(tmp_path / "usage")
        names = sorted(f"c-aaaaaaaa{letter}{other}" for letter in "abc" for other in "abc")
        for name in names:
            figures.begin(name, 1, "none")
        page, following = figures.page("", 4)
        assert (page, following) == (names[:4], names[3])
        assert figures.page(names[3], 5) == (names[4:], "")

    def test_counters_never_go_down(self, tmp_path):
        figures = Figures(tmp_path / "usage")
        figures.begin("c-aaaaaaaaaa", 3, "none")
        assert figures.note("c-aaaaaaaaaa", {"cpu_seconds": 5.0, "oom_kills": 0})["oom_kills"] == 0
        assert figures.note("c-aaaaaaaaaa", {"cpu_seconds": 4.0})["cpu_seconds"] == 5.0
        assert figures.note("c-aaaaaaaaaa", {"cpu_seconds": None})["cpu_seconds"] == 5.0
        figures.end("c-aaaaaaaaaa")
        again = Figures(tmp_path / "usage")
        assert again.get("c-aaaaaaaaaa")["cpu_seconds"] == 5.0
        assert (again.living(), again.owners()) == ([], set())
        again.counted(["c-aaaaaaaaaa"])
        assert list((tmp_path / "usage").iterdir()) == []

    def test_the_folder_is_closed_to_all_others(self, launcher):
        assert (launcher.data / "run" / "usage").stat().st_mode & 0o777 == 0o700


FILL = """
import errno, os
while True:
    what = input()
    try:
        if what == "bytes":
            with open("big", "wb") as file:
                while True: file.write(b"x" * (1 << 20))
        elif what == "files":
            os.mkdir("many")
            for number in range(1 << 30): open(f"many/{number}", "x").close()
        elif what == "room":
            status = os.statvfs(".")
            print("room", status.f_blocks * status.f_frsize >> 20, status.f_files, "!")
        elif what.startswith("write "):
            open("note", "w").write(what[6:])
            print("written !")
        elif what == "read":
            print("note:", open("note").read(), "!")
    except OSError as error:
        print(errno.errorcode[error.errno], "!")
"""
VOLUME = {"home_bytes": 24 * MEBIBYTE, "home_files": 500}


@as_root
class TestVolumes:
    def test_a_full_home_harms_nobody_else(self, launcher):
        alice = python(launcher, FILL, number=11, limits=VOLUME)
        bob = python(launcher, FILL, number=12, limits=VOLUME)
        with alice.link() as link, bob.link() as other:
            link.subscribe()
            other.subscribe()
            assert b"ENOSPC" in answer(link, b"bytes", b"!\r\n")
            answer(other, b"write fine", b"written !")
            home = home_of(launcher, 11)
            assert home["limit_bytes"] >= 24 * MEBIBYTE
            assert home["bytes"] > 0.9 * home["limit_bytes"]
            assert home_of(launcher, 12)["bytes"] < MEBIBYTE
        for console in (alice, bob):
            launcher.ask("remove", console=console.id)

    def test_a_flood_of_files_ends_at_their_number(self, launcher):
        console = python(launcher, FILL, number=13, limits=VOLUME)
        with console.link() as link:
            link.subscribe()
            assert b"ENOSPC" in answer(link, b"files", b"!\r\n")
            home = home_of(launcher, 13)
            assert home["files"] == home["limit_files"]
            assert 500 <= home["limit_files"] < 600
        launcher.ask("remove", console=console.id)

    def test_it_is_the_users_alone_and_empty_at_first(self, launcher):
        code = "import os; print(os.listdir('.'), oct(os.stat('.').st_mode)); input()"
        console = python(launcher, code, number=14, limits=VOLUME)
        with console.link() as link:
            link.subscribe()
            link.read_until(b"[] 0o40700")
        launcher.ask("end", console=console.id)

    def test_files_are_there_again_after_the_launcher_was_killed(self, fresh):
        first = python(fresh, FILL, limits=VOLUME)
        with first.link() as link:
            link.subscribe()
            answer(link, b"write precious", b"written !")
            fresh.kill()
            fresh.start()
            # the old console lives and has the volume; another must not get a second device on it
            second = python(fresh, FILL, limits=VOLUME)
            with second.link() as other:
                other.subscribe()
                assert b"note: precious" in answer(other, b"read", b"!\r\n")
                answer(other, b"write changed", b"written !")
            assert b"note: changed" in answer(link, b"read", b"!\r\n")
        assert len(devices(fresh.data)) == 1
        assert home_of(fresh, 1)["limit_bytes"] >= 24 * MEBIBYTE
        for console in (first, second):
            fresh.ask("end", console=console.id)
        until(lambda: devices(fresh.data) == [], "the volume to be given back")
        third = python(fresh, FILL, limits=VOLUME)
        with third.link() as link:
            link.subscribe()
            assert b"note: changed" in answer(link, b"read", b"!\r\n")

    def test_a_plain_home_with_files_stays_one(self, fresh):
        home = fresh.data / "homes" / "1"
        home.mkdir(mode=0o700)
        (home / "note").write_text("old")
        for path in (home, home / "note"):
            os.chown(path, 600_000_001, 600_000_001)
        console = python(fresh, FILL, limits=VOLUME)
        with console.link() as link:
            link.subscribe()
            assert b"note: old" in answer(link, b"read", b"!\r\n")
        assert not list((fresh.data / "volumes").glob("1.*"))
        counted = until(lambda: home_of(fresh, 1), "the watch")
        assert (counted["files"], counted["limit_bytes"], counted["limit_files"]) == (1, None, None)
        assert counted["bytes"] == (home / "note").stat().st_blocks * 512
        reply = fresh.ask("home_limit", number=1, bytes=1 << 30, files=None)
        assert (reply["applied"], "plain" in reply["why"]) == (False, True)

    def test_an_empty_plain_home_becomes_one(self, fresh):
        (fresh.data / "homes" / "1").mkdir(mode=0o700)
        python(fresh, FILL, limits=VOLUME)
        assert home_of(fresh, 1)["limit_bytes"] >= 24 * MEBIBYTE

    def test_a_volume_that_is_broken_is_no_console(self, fresh):
        console = python(fresh, FILL, limits=VOLUME)
        fresh.ask("remove", console=console.id)
        until(lambda: devices(fresh.data) == [], "the volume to be given back")
        image = fresh.data / "volumes" / "1.ext4"
        with open(image, "r+b") as file:
            file.write(bytes(1 << 20))
        with pytest.raises(TermhubError, match="e2fsck") as caught:
            python(fresh, FILL, limits=VOLUME)
        assert caught.value.code == "no_sandbox"
        assert list((fresh.data / "run" / "consoles").iterdir()) == []
        assert [entry["console"] for entry in fresh.ask("usage")["consoles"]] == [console.id]

    def test_a_half_made_image_is_made_anew(self, fresh):
        (fresh.data / "volumes").mkdir(exist_ok=True)
        (fresh.data / "volumes" / "1.ext4.part").write_bytes(b"half")
        python(fresh, FILL, limits=VOLUME)
        assert home_of(fresh, 1)["limit_bytes"] >= 24 * MEBIBYTE

    def test_it_grows_while_it_is_used_and_never_shrinks(self, fresh):
        console = python(fresh, FILL, limits=VOLUME)
        size = (fresh.data / "volumes" / "1.ext4").stat().st_size
        reply = fresh.ask("home_limit", number=1, bytes=10 * MEBIBYTE, files=None)
        assert (reply["applied"], "shrink" in reply["why"]) == (False, True)
        reply = fresh.ask("home_limit", number=1, bytes=64 * MEBIBYTE, files=500)
        with console.link() as link:
            link.subscribe()
            room = int(answer(link, b"room", b"!\r\n").split(b"room")[-1].split()[0])
        if has_capability(24):
            assert (reply["applied"], reply["why"]) == (True, None)
            assert room >= 64
        else:
            assert (reply["applied"], "CAP_SYS_RESOURCE" in reply["why"]) == (False, True)
            assert room < 64
            assert (fresh.data / "volumes" / "1.ext4").stat().st_size == size

    def test_a_user_is_forgotten_with_all_files(self, fresh):
        console = python(fresh, FILL, limits=VOLUME)
        with pytest.raises(TermhubError) as caught:
            fresh.ask("forget_user", number=1)
        assert caught.value.code == "home_in_use"
        fresh.ask("remove", console=console.id)
        until(lambda: usage(fresh, console.id)["ended"], "its end")
        fresh.ask("forget_user", number=1)
        assert list((fresh.data / "homes").iterdir()) == []
        assert list((fresh.data / "volumes").iterdir()) == []
        assert devices(fresh.data) == []


def devices(data: Path) -> list[str]:
    """The loop devices of a data folder's volumes."""
    found = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            if f"{data.parent.name}/data/volumes/" in path.read_text():
                found.append(path.parts[3])
    return found


def has_capability(number: int) -> bool:
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if "CapEff" in each)
    return bool(int(line.split()[1], 16) >> number & 1)


def test_a_home_without_a_volume_is_watched(launcher):
    console = python(launcher, FILL, number=31)
    with console.link() as link:
        link.subscribe()
        answer(link, b"write something", b"written !")
    counted = until(lambda: (home := home_of(launcher, 31)) and home["files"] and home, "the watch", 90)
    assert counted["files"] == 1
    assert counted["limit_bytes"] is None
    launcher.ask("end", console=console.id)


NAMES = {
    *("memory", "processes", "cpu", "cpu_weight", "home_bytes", "home_files", "file_bytes", "open_files"),
    *("users", "network_allowlist", "network_full", "usage"),
}


def test_every_limit_says_what_holds_it(launcher):
    found = launcher.ask("means")["means"]
    assert {mean["name"] for mean in found} == NAMES
    for mean in found:
        assert mean["by"]
        assert mean["enforced"] or mean["advice"], mean
    by_name = {mean["name"]: mean for mean in found}
    assert by_name["memory"]["enforced"] == ("memory" in bases())
    assert by_name["users"]["enforced"]
    if by_name["home_bytes"]["enforced"]:
        assert ("CAP_SYS_RESOURCE" in (by_name["home_bytes"]["advice"] or "")) == (not has_capability(24))


@pytest.mark.parametrize("is_root", [True, False])
def test_without_means_it_says_what_to_do(monkeypatch, is_root):
    monkeypatch.setattr("sandbox.limits.places.bases", dict)
    found = {
        mean.name: mean
        for mean in means(
            is_root=is_root,
            is_confined=is_root,
            volumes="mkfs.ext4 is not installed",
            full_network=["no slirp4netns; get it"],
        )
    }
    assert found.keys() == NAMES
    assert not found["memory"].enforced
    assert not found["home_files"].enforced
    assert "mkfs.ext4" in found["home_files"].by
    assert ("Delegate" in found["memory"].advice) == (not is_root)
    assert found["users"].enforced == is_root
    assert "slirp4netns" in found["network_full"].advice or not is_root


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["memory_bytes", "cpu_weight", "cpu_percent", "x"]), inner)
        ),
    )
)
def test_limits_of_any_kind_are_taken_or_refused(value):
    try:
        assert isinstance(parse_limits(value), Limits)
    except BadRequest as error:
        assert error.message


@given(
    st.binary()
    | st.recursive(
        st.none() | st.floats() | st.integers(),
        lambda inner: st.dictionaries(st.sampled_from(["bytes", "files", "seconds", "is_whole"]), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_a_counter_says_is_harmless(said):
    found = parse(said)
    assert found is None or (isinstance(found[0], Counted) and found[0].bytes >= 0 and found[0].files >= 0)


def test_a_home_that_cannot_be_deleted_is_told_and_ends_nobody():
    class Homes:
        """One is in use at first, and its disk is full then."""

        problems = iter([BadRequest("in use", "home_in_use"), OSError("the disk is full")])

        def gone(self):
            return []

        def forget(self, number):
            raise next(self.problems)

    loop, told = Loop(), []
    operations = LimitOperations(loop, None, SimpleNamespace(homes=Homes()), None).operations
    operations["forget_user"]({"number": 1}, told.append)
    while not told:
        loop.turn()
    assert told[0].code == "not_deleted"
    loop.close()
