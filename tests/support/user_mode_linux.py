"""Running a command on another kernel: User-mode Linux, a kernel that is an ordinary program.

It has control groups of version 2 with all controllers, which the machine itself may not,
and the command is root there with every capability.  The files are the machine's own, but
the folder for temporary ones is empty.  Debian: ``apt-get install user-mode-linux``.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KERNEL = shutil.which("linux.uml")
SECONDS = 600
_ROOT = Path(__file__).parents[2]
# Not /tmp: the project may be there.
_SCRATCH = next(folder for folder in ("/mnt", "/media") if not _ROOT.is_relative_to(folder))
_SERVICE = "/sys/fs/cgroup/system.slice/termhub.service"

_INIT = """\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs tmpfs {scratch}
export TMPDIR={scratch}
mount -t devtmpfs dev /dev 2>/dev/null; mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts; mount -t tmpfs shm /dev/shm; ln -s /proc/self/fd /dev/fd
{loop}
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p {service}
for group in /sys/fs/cgroup /sys/fs/cgroup/system.slice; do
    for controller in cpu memory pids; do echo +$controller > $group/cgroup.subtree_control; done
done
echo $$ > {service}/cgroup.procs
cd {root}
{python} -c 'import os; os.setxattr("{service}", "trusted.delegate", b"1")'
{command}
echo "status $?."
exec /sbin/poweroff -f
"""


def run(*command: str) -> tuple[int, str]:
    """Run a command as root in the project's folder, in a group that is delegated to it as systemd does.

    :returns: its exit status and what was printed, the kernel's words too.
    """
    assert KERNEL is not None
    with tempfile.TemporaryDirectory(prefix="termhub-uml-") as folder:
        init = Path(folder, "init")
        init.write_text(
            _INIT.format(
                loop=_load_loop(),
                service=_SERVICE,
                scratch=_SCRATCH,
                root=shlex.quote(str(_ROOT)),
                python=shlex.quote(sys.executable),
                command=shlex.join(command),
            )
        )
        init.chmod(0o755)
        os.chmod(folder, 0o755)
        boot = [KERNEL, "mem=1536M", "root=/dev/root", "rootfstype=hostfs", "rw", f"init={init}"]
        boot += ["cgroup_no_v1=all", "quiet", "con=null", "con0=fd:0,fd:1", f"uml_dir={folder}"]
        done = subprocess.run(
            boot, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, cwd=folder, check=False
        )
    said = done.stdout.decode(errors="replace")
    status = re.search(r"^status (\d+)\.", said, re.MULTILINE)
    return int(status[1]) if status else -1, said + done.stderr.decode(errors="replace")


def _load_loop() -> str:
    """The command that loads the kernel's module for loop devices."""
    modules = sorted(Path("/usr/lib/uml/modules").glob("*/kernel/drivers/block/loop.ko"))
    if not modules:
        return "true"
    numbers = {"x86_64": 313, "aarch64": 273}  # finit_module(2)
    code = f"import ctypes,os; ctypes.CDLL(None).syscall({numbers[platform.machine()]},"
    code += f"os.open({str(modules[-1])!r}, 0), b'', 0)"
    return shlex.join([sys.executable, "-c", code])
