"""Control groups: found, made, read back, ended; both versions."""

import contextlib
import os
import signal
import subprocess
import sys

import attrs
import pytest

from sandbox.limits import Group, Limits, cgroup, find, host_limits, make, places
from sandbox.limits.hierarchy import Tree, trees

MEBIBYTE = 1 << 20

V1_MOUNTS = """\
24 1 0:22 / /proc rw - proc proc rw
30 1 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:27 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:28 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
34 30 0:29 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
35 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V1_MEMBERSHIP = """\
4:cpu,cpuacct:/user.slice
3:memory:/docker/abc/inner
2:pids:/
1:name=systemd:/x
0::/x
"""


def test_finds_version_1_trees():
    found = {tree.mount: tree for tree in trees(V1_MOUNTS, V1_MEMBERSHIP)}
    assert found["/sys/fs/cgroup/cpu,cpuacct"] == Tree(
        1,
        "/sys/fs/cgroup/cpu,cpuacct",
        "/sys/fs/cgroup/cpu,cpuacct/user.slice",
        frozenset({"cpu", "cpuacct"}),
    )
    assert found["/sys/fs/cgroup/memory"].own == "/sys/fs/cgroup/memory/inner"
    assert found["/sys/fs/cgroup/pids"].own == "/sys/fs/cgroup/pids"
    assert "/sys/fs/cgroup/systemd" not in found
    assert "/sys/fs/cgroup/unified" not in found  # without controllers


def test_finds_a_version_2_tree(tmp_path):
    mount = tmp_path / "cgroup"
    own = mount / "user.slice" / "my service"
    own.mkdir(parents=True)
    (own / "cgroup.controllers").write_text("cpu io memory pids\n")
    escaped = str(mount).replace(" ", "\\040")
    found = trees(f"30 1 0:25 / {escaped} rw - cgroup2 cgroup2 rw\n", "0::/user.slice/my service\n")
    assert found == [Tree(2, str(mount), str(own), frozenset({"cpu", "cpuacct", "memory", "pids"}))]


def test_nothing_is_found_where_there_is_nothing():
    assert trees("24 1 0:22 / /proc rw - proc proc rw\n", "") == []


def forget_places():
    """As a launcher does not know them that has just started."""
    places.bases.cache_clear()
    places.others.cache_clear()


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A folder that looks like a delegated tree of version 2."""
    base = tmp_path / "service"
    base.mkdir()
    (base / "cgroup.controllers").write_text("cpu memory pids\n")
    (base / "cgroup.subtree_control").write_text("")
    (base / "termhub").mkdir()
    (base / "termhub" / "cgroup.subtree_control").write_text("")
    tree = Tree(2, str(tmp_path), str(base), frozenset({"cpu", "cpuacct", "memory", "pids"}))
    monkeypatch.setattr(places, "trees", lambda: [tree])
    monkeypatch.setattr(places, "_is_delegated", lambda folder: folder == str(base))
    forget_places()
    yield base / "termhub"
    forget_places()


def fill(folder, **files):
    """The files the kernel would make."""
    folder.mkdir(exist_ok=True)
    names = ["cgroup.procs", "memory.max", "memory.swap.max", "memory.oom.group", "pids.max"]
    names += ["cpu.max", "cpu.weight"]
    for name in names:
        (folder / name).write_text("")
    for name, content in files.items():
        (folder / name.replace("_", ".", 1)).write_text(content)


class TestVersion2:
    def test_limits_are_written(self, fake):
        fill(fake / "c-one")
        group = make("c-one", Limits(memory_bytes=100 * MEBIBYTE, processes=50, cpu_percent=50))
        assert group is not None
        assert group.version == 2
        assert (fake / "c-one" / "memory.max").read_text() == str(100 * MEBIBYTE)
        assert (fake / "c-one" / "memory.swap.max").read_text() == "0"
        assert (fake / "c-one" / "pids.max").read_text() == "52"
        assert (fake / "c-one" / "cpu.max").read_text() == "50000 100000"
        assert group.describe() == "memory and processes and CPU held by control groups (version 2)"
        group.apply(Limits(cpu_percent=None))
        assert (fake / "c-one" / "cpu.max").read_text().startswith("max 100000")

    def test_use_is_read(self, fake):
        fill(
            fake / "c-one",
            memory_current="12345\n",
            pids_current="3\n",
            cpu_stat="usage_usec 2500000\nuser_usec 1\n",
            memory_events="low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n",
        )
        group = find("c-one")
        assert group.usage() == cgroup.Usage(12345, 3, 2.5, 2)
        assert group.oom_kills()

    def test_ends_all_at_once(self, fake):
        fill(fake / "c-one", cgroup_kill="")
        find("c-one").kill()
        assert (fake / "c-one" / "cgroup.kill").read_text() == "1"

    def test_a_group_the_kernel_does_not_fill_is_none(self, fake):
        assert make("c-one", Limits()) is None  # an ordinary folder: nothing can be limited in it
        assert not (fake / "c-one").exists()

    def test_what_is_not_there_is_not_found(self, fake):
        assert find("c-none") is None

    def test_is_found_where_an_earlier_launcher_was(self, fake):
        there = fake.parent.parent / "session" / "of" / "somebody" / "termhub"
        (there / "c-one").mkdir(parents=True)
        assert find("c-one").folders["memory"] == str(there / "c-one")

    def test_places_are_looked_for_once(self, fake, monkeypatch):
        find("c-none")
        monkeypatch.setattr(places.glob, "glob", lambda pattern: pytest.fail("looked for again"))
        assert find("c-none") is None


def test_without_any_tree_there_are_no_groups(monkeypatch):
    monkeypatch.setattr(places, "trees", list)
    forget_places()
    try:
        assert make("c-one", Limits()) is None
        assert find("c-one") is None
    finally:
        forget_places()


@pytest.fixture
def group():
    """A real group, where this machine lets us make one."""
    made = make(f"c-test-limits{os.getpid()}", Limits(memory_bytes=64 * MEBIBYTE, processes=20))
    if made is None:
        pytest.skip("no control groups for us here")
    yield made
    made.kill()
    for _ in range(1000):
        if made.remove():
            break
        made.kill()


def spawn(group, code):
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        preexec_fn=lambda: group.add(os.getpid()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestRealGroup:
    def test_counts_its_processes_and_ends_them(self, group):
        process = spawn(group, "import os; os.fork(); print('up', flush=True); import time; time.sleep(1000)")
        assert process.stdout.readline() == "up\n"
        assert process.stdout.readline() == "up\n"
        assert process.pid in group.pids()
        assert len(group.pids()) == 2
        assert not group.remove()
        group.kill()
        assert process.wait(60) == -signal.SIGKILL

    def test_is_found_by_name(self, group):
        assert find(group.name).folders == group.folders

    def test_is_gone_once_removed(self, group):
        assert group.remove()
        assert find(group.name) is None
        assert group.remove()

    def test_memory_ends_the_process_and_is_told(self, group):
        if not group.limits_memory:
            pytest.skip("no control group for memory")
        process = spawn(group, "x = []\nwhile True: x.append(bytearray(b'x' * (1 << 20)))")
        assert process.wait(60) == -signal.SIGKILL
        assert group.oom_kills()
        assert group.usage().oom_kills == 1

    def test_limits_can_be_changed_while_it_runs(self, group):
        process = spawn(group, "import sys; sys.stdin.read()")
        group.apply(Limits(memory_bytes=32 * MEBIBYTE, processes=10, cpu_percent=20))
        group.apply(Limits(memory_bytes=128 * MEBIBYTE, processes=30, cpu_percent=None))
        process.stdin.close()
        assert process.wait(60) == 0

    def test_cpu_is_counted(self, group):
        if "cpuacct" not in group.folders:
            pytest.skip("no control group counts CPU")
        process = spawn(group, "import time\nwhile time.process_time() < 0.05: pass")
        process.wait(60)
        assert 0.01 < group.usage().cpu_seconds < 10

    def test_a_process_that_is_gone_is_no_error(self, group):
        process = spawn(group, "")
        process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            group.add(process.pid)
        group.kill()


def test_a_group_of_nothing_says_so():
    assert Group("x", 1, {}).describe() == "nothing held by control groups (version 1)"


class TestPlaces:
    """Where groups go in a tree of version 2."""

    @pytest.fixture
    def tree(self, tmp_path, monkeypatch):
        own = tmp_path / "system.slice" / "termhub.service"
        own.mkdir(parents=True)
        given = {str(own)}
        monkeypatch.setattr(places, "_is_delegated", given.__contains__)
        return Tree(2, str(tmp_path), str(own), frozenset({"memory"})), given

    def test_the_group_that_was_delegated_is_taken_before_the_root(self, tree):
        tree, _ = tree
        assert places.candidates(tree) == [tree.own, tree.mount]

    def test_the_one_above_counts_as_well(self, tree):
        tree, _ = tree
        below = attrs.evolve(tree, own=f"{tree.own}/some/where")
        assert places.candidates(below) == [tree.own, tree.mount]

    def test_others_processes_are_not_moved_where_nothing_was_delegated(self, tree):
        tree, given = tree
        given.clear()
        assert places.candidates(tree) == [tree.mount]

    def test_after_we_have_moved_it_is_the_same_place(self, tree):
        tree, given = tree
        given.clear()
        moved = attrs.evolve(tree, own=f"{tree.own}/{places.OWN}")
        assert places.candidates(moved) == [tree.own]

    def test_our_own_processes_make_way(self, tmp_path):
        (tmp_path / "cgroup.type").write_text("domain\n")
        (tmp_path / "cgroup.procs").write_text("12345\n")
        assert places._is_leaf_only(str(tmp_path))
        (tmp_path / places.OWN).mkdir()
        (tmp_path / places.OWN / "cgroup.procs").write_text("")
        places._move_processes(str(tmp_path))
        assert (tmp_path / places.OWN / "cgroup.procs").read_text() == "12345"

    def test_the_root_of_all_groups_may_have_both(self, tmp_path):
        (tmp_path / "cgroup.procs").write_text("1\n")
        assert not places._is_leaf_only(str(tmp_path))


def test_a_host_has_as_much_cpu_as_its_console_and_enough_for_an_echo():
    assert host_limits(Limits(cpu_percent=50)).cpu_percent == 50
    assert host_limits(Limits(cpu_percent=5)).cpu_percent == 20
    assert host_limits(Limits()).cpu_percent is None
