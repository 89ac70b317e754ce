"""The same tests on a kernel that has control groups of version 2, in a group as systemd delegates it.

There our own processes are in the way at first, and root has every capability: limits are
raised, and a home grows, while consoles run.
"""

from __future__ import annotations

import sys

import pytest

from tests.support import user_mode_linux

pytestmark = pytest.mark.long

CHECK = """
import sys
from sandbox.limits.hierarchy import read_file
from sandbox.limits.places import CONSOLES, HOSTS, OWN, bases
found = bases(CONSOLES)
here = "/sys/fs/cgroup/system.slice/termhub.service"
assert set(found) == {"memory", "pids", "cpu", "cpuacct"}, found
assert set(found.values()) == {(2, f"{here}/{CONSOLES}")}, found
assert set(bases(HOSTS).values()) == {(2, f"{here}/{HOSTS}")}
assert read_file("/proc/self/cgroup") == f"0::/system.slice/termhub.service/{OWN}\\n"
bases.cache_clear()  # another launcher, started by this one
assert set(bases(CONSOLES).values()) == {(2, f"{here}/{CONSOLES}")}
import pytest
tests = ["tests/sandbox/test_limits.py", "tests/host/test_launcher_limits.py"]
chosen = "TestRealGroup or slowed or grows"
sys.exit(pytest.main([*tests, "-p", "no:cacheprovider", "-q", "-rs", "-x", "-k", chosen]))
"""


@pytest.mark.skipif(user_mode_linux.KERNEL is None, reason="needs linux.uml: apt-get install user-mode-linux")
def test_groups_of_version_2_hold_the_same():
    status, said = user_mode_linux.run(sys.executable, "-c", CHECK)
    assert status == 0, said
    assert "skipped" not in said
