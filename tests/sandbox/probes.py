"""Escape probes: code that a program in a sandbox runs to find out what it can do.

Each probe is real code run by the sandbox's Python as the user's program; it prints ``REFUSED`` or
``ALLOWED`` with what it saw.
"""

# ruff: noqa: E501 - a probe is one line

PRELUDE = r"""
import ctypes, errno, fcntl, os, platform, signal, socket, struct, subprocess, sys, termios, time
libc = ctypes.CDLL(None, use_errno=True)
SECRET = "termhub-secret-" + "of-the-host"

def call(name, *arguments):
    "A libc function or, by number, a system call; its result or minus the error."
    ctypes.set_errno(0)
    function = libc.syscall if isinstance(name, int) else getattr(libc, name)
    result = function(*((name,) + arguments if isinstance(name, int) else arguments))
    return -ctypes.get_errno() if result == -1 else result

def readable(path):
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError:
        return b""

def writable(path, data=b"x"):
    try:
        fd = os.open(path, os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(fd, data)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)

def creatable(path):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        return True
    except OSError:
        return False

def child(function):
    "Run in a forked child: its exit code, or minus the signal that ended it."
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(function() or 0)
        except BaseException:
            os._exit(99)
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
"""

# name: an expression that is true when the sandbox lets the program do it.
PROBES = {
    "files": {
        "another user's home": "os.path.exists(HOST['home']) or readable(HOST['secret'])",
        "the host's root folder": "set(os.listdir('/')) & {'root', 'var', 'boot', 'srv', 'mnt', 'work', 'opt', 'sys'}",
        "passwords of the host": "readable('/etc/shadow') or HOST['user'] in readable('/etc/passwd').decode()",
        "the host's ssh keys": "os.path.exists('/etc/ssh') or os.path.exists('/root')",
        "the console's own folder of FIFOs": "os.path.exists(HOST['folder'])",
        "write to programs": "any(map(creatable, ('/usr/bin/x', '/bin/x', '/lib/x', '/usr/lib/x')))",
        "write to the agent's code": "creatable('/agent/x') or writable('/agent/sandbox/guest/agent.py')",
        "write beside the home": "any(map(creatable, ('/x', '/home/x', '/etc/x', '/dev/x', '/run/x')))",
        "change passwd": "writable('/etc/passwd')",
        "the host through /proc/1/root": "os.listdir('/proc/1/root/root')",
        "the agent's descriptors": "os.listdir('/proc/1/fd')",
        "descriptors of the host": "[fd for fd in os.listdir('/proc/self/fd') if int(fd) > 3]",
        "more than the space of /tmp": "fill('/tmp/big', 80 << 20)",
        "more than the space of /dev/shm": "fill('/dev/shm/big', 80 << 20)",
        "a file beyond the limit": "fill('/home/user/big', 40 << 20)",
    },
    "processes": {
        "see others": "len([p for p in os.listdir('/proc') if p.isdigit()]) > 3",
        "kill a process of the host": "call('kill', HOST['pid'], 0) == 0",
        "kill the agent": "[call('kill', 1, number) for number in range(1, 65)] and False or gone(1)",
        "stop the agent": "(call('kill', 1, signal.SIGSTOP), time.sleep(0.1)) and 'T (' in status(1)",
        "trace the agent": "call('ptrace', 16, 1, 0, 0) == 0 or call('ptrace', 0x4206, 1, 0, 0) == 0",
        "read the agent's memory": "readable('/proc/1/mem') or readable('/proc/1/maps') or vm_read(1)",
        "read the agent's environment": "readable('/proc/1/environ')",
        "take the agent's descriptors": "call(438, call(434, 1, 0), 0, 0) >= 0",
        "change the agent's limits": "prlimit(1)",
        "change how the agent is scheduled": "reschedule(1)",
        "be the last to go when memory is short": "lower_oom_score()",
        "keep memory from being taken back": "call('mlock2', buffer(1 << 24), 1 << 24, 0) == 0 or call('mlockall', 3) == 0",
        "raise its own limits": "raise_limits()",
        "a higher priority": "call('setpriority', 0, 0, -5) == 0",
        "a real-time priority": "child(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))) == 0",
    },
    "privileges": {
        "any capability": "'CapEff:\\t0000000000000000' not in status('self')"
        " or 'CapBnd:\\t0000000000000000' not in status('self')",
        "new privileges by exec": "'NoNewPrivs:\\t1' not in status('self')",
        "setuid root": "call('setuid', 0) == 0 or call('setresuid', 0, 0, 0) == 0",
        # An ordinary user cannot give up groups, for a sandbox either.
        "other groups": "HOST['root'] and os.getgroups() or call('setgroups', 1, struct.pack('i', 0)) == 0",
        "a user namespace": "child(lambda: call('unshare', 0x10000000)) == 0",
        "any namespace by unshare": "any(child(lambda: -call('unshare', flag)) == 0 for flag in NAMESPACES)",
        "any namespace by clone": "any(clone(flag) for flag in NAMESPACES)",
        "any namespace by clone3": "call(435, struct.pack('11Q', 0x10000000, *[0] * 10), 88) >= 0",
        "another's namespace": "enter(1)",
        "chroot": "call('chroot', b'/tmp') == 0",
        "load a module": "call(175, 0, 0, b'') == 0 or call(313, 0, b'', 0) == 0",
        "reboot": "call('reboot', 0) == 0",
        "set the clock": "call('settimeofday', struct.pack('qq', 1, 0), 0) == 0",
        "set the host name": "call('sethostname', b'x', 1) == 0",
    },
    "mounts": {
        "mount": "call('mount', b'tmpfs', b'/tmp', b'tmpfs', 0, 0) == 0",
        "bind mount": "call('mount', b'/usr', b'/tmp', 0, 4096, 0) == 0",
        "make writable": "call('mount', 0, b'/usr', 0, 32 | 4096, 0) == 0",
        "unmount": "call('umount2', b'/proc', 2) == 0 or call('umount2', b'/home/user', 2) == 0",
        "the new mount calls": "any(call(number, b'tmpfs', 0, 0) >= 0 for number in (428, 430, 432, 433, 442))",
        "pivot_root": "call(155, b'/tmp', b'/tmp') == 0",
        "file handles": "call('open_by_handle_at', -100, b'\\0' * 16, 0) >= 0"
        " or call('name_to_handle_at', -100, b'/', ctypes.create_string_buffer(200), ctypes.byref(ctypes.c_int()), 0)"
        " == 0",
    },
    "proc and sys": {
        "core_pattern": "writable('/proc/sys/kernel/core_pattern', b'|/tmp/x')",
        "any of /proc/sys": "[p for p in WRITE_PROC if os.access(p, os.W_OK) and writable(p, b'1')]",
        "sysrq": "writable('/proc/sysrq-trigger', b'h')",
        "kernel memory": "readable('/proc/kcore') or readable('/dev/mem') or readable('/dev/kmem')",
        "kernel symbols": "readable('/proc/kallsyms') or readable('/proc/modules')",
        "the boot command line": "readable('/proc/cmdline')",
        "the kernel's log": "readable('/proc/kmsg') or call('klogctl', 3, ctypes.create_string_buffer(99), 99) > 0",
        "keys": "readable('/proc/keys') or readable('/proc/key-users')",
        "/sys": "os.path.isdir('/sys/fs') or os.path.isdir('/sys/class')",
        "control groups": "os.path.isdir('/sys/fs/cgroup') or '/termhub' in readable('/proc/self/cgroup').decode()",
        "the scheduler's secrets": "readable('/proc/sched_debug') or readable('/proc/timer_list')",
    },
    "devices": {
        "disks": "any(map(os.path.exists, ('/dev/vda', '/dev/sda', '/dev/nvme0n1', '/dev/loop0', '/dev/fuse')))",
        "unexpected ones": "set(os.listdir('/dev')) - {'null','zero','full','random','urandom','tty','pts','ptmx',"
        "'shm','fd','stdin','stdout','stderr','console','core'}",
        "kernel virtual machines": "any(map(os.path.exists, ('/dev/kvm', '/dev/vhost-net', '/dev/net/tun', '/dev/vfio')))",
        "graphics and sound": "any(map(os.path.exists, ('/dev/dri', '/dev/snd', '/dev/input', '/dev/nvidia0', '/dev/video0')))",
        "make a disk": "call('mknod', b'/tmp/disk', 0o60600, 0xfe00) == 0 or call('mknod', b'/tmp/mem', 0o20600, 0x101) == 0",
        "other terminals": "[t for t in os.listdir('/dev/pts') if t not in ('0', '1', 'ptmx')]",  # those of its two windows
        "type for others by TIOCSTI": "ioctl(0x5412, b'x')",
        "TIOCSTI in disguise": "call(16, 0, ctypes.c_ulong(0x100005412), b'x') == 0",
        "TIOCLINUX and TIOCCONS": "ioctl(0x541C, b'\\3') or ioctl(0x541D, b'')",
    },
    "network": {
        "a server of the host": "connects(('127.0.0.1', HOST['port']))",
        "interfaces beyond its own loopback": "[name for _, name in socket.if_nameindex() if name != 'lo']",
        "the outside": "connects(('1.1.1.1', 53)) or connects(('169.254.169.254', 80))",
        "an abstract socket of the host": "connects('\\0' + HOST['abstract'], socket.AF_UNIX)",
        "raw sockets": "opens(socket.AF_INET, socket.SOCK_RAW, 1) or opens(socket.AF_INET6, socket.SOCK_RAW, 58)",
        "packets": "opens(17, socket.SOCK_RAW, 0) or opens(17, socket.SOCK_DGRAM, 0)",
        "odd families": "[f for f in range(64) if f not in (1, 2, 10, 16) and opens(f, socket.SOCK_STREAM, 0)"
        " or f not in (1, 2, 10, 16) and opens(f, socket.SOCK_DGRAM, 0)]",
        "an address of its own": "netlink(20, 0x605, struct.pack('BBBBIHH4s', 2, 32, 0, 0, 1, 8, 2, bytes((127, 9, 9, 9)))) == 0",
        "take an interface down": "netlink(16, 5, struct.pack('BxHiII', 0, 0, 1, 0, 1)) == 0",
        "the name of the host's network": "readable('/etc/resolv.conf')",
        "audit and netfilter": "[p for p in range(1, 23) if opens(16, socket.SOCK_RAW, p)]",
    },
    "kernel": {
        "keyctl": "call(250, 0, -3, 0) > 0 or call(248, b'user', b'x', b'y', 1, -2) > 0",
        "bpf": "call(321, 0, b'\\0' * 72, 72) >= 0",
        "perf": "call(298, b'\\0' * 112, 0, -1, -1, 0) >= 0",
        "io_uring": "call(425, 8, b'\\0' * 120) >= 0",
        "userfaultfd": "call(323, 1) >= 0 or readable('/dev/userfaultfd')",
        "the x32 calls": "child(lambda: 0 if call(0x40000000 + 39) > 0 else 1) == 0",
        "the i386 calls": "i386() == 0",
        "a strange personality": "call('personality', 0x0400000) != -1 and call('personality', 0xffffffff) == 0x0400000",
        "the old way to load code": "call(134, b'/tmp/x') == 0 or call(246, 0, 0, 0, 0) == 0",
        "accounting": "call('acct', 0) == 0",
        "page cache of others": "call(326, -1, 0, 0) == 0 or call('fanotify_init', 0, 0) >= 0",
        "compare descriptors with the agent's": "call(312, os.getpid(), 1, 0, 0, 0) >= 0",
        "another time": "call('clock_settime', 0, struct.pack('qq', 1, 0)) == 0 or call('adjtimex', struct.pack('i', 1) + bytes(204)) >= 0",
        "swap and quota": "call('swapon', b'/tmp/x', 0) == 0 or call(179, 0, 0, 0, 0) == 0",
        "ports": "call('iopl', 3) == 0 or call('ioperm', 0, 8, 1) == 0",
        "its own memory layout": "call('prctl', 35, 1, 0, 0, 0) == 0",
    },
}

HELPERS = r"""
NAMESPACES = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
WRITE_PROC = [os.path.join(folder, name) for folder, _, names in os.walk("/proc/sys") for name in names]

def status(pid):
    return readable("/proc/%s/status" % pid).decode()

def gone(pid):
    time.sleep(0.1)
    return not os.path.exists("/proc/%d" % pid)

def fill(path, size):
    try:
        with open(path, "wb") as file:
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))
                file.flush()
        return True
    except OSError:
        return False
    finally:
        if os.path.exists(path):
            os.unlink(path)

def vm_read(pid):
    buffer = ctypes.create_string_buffer(8)
    vector = struct.pack("PN", ctypes.addressof(buffer), 8)
    return call(310, pid, vector, 1, vector, 1, 0) > 0

def prlimit(pid):
    return call("prlimit", pid, 7, struct.pack("QQ", 10, 10), None) == 0

def reschedule(pid):
    done = [call("sched_setaffinity", pid, 8, struct.pack("Q", 1)), call("sched_setscheduler", pid, 5, b"\0" * 4)]
    done += [call("setpriority", 0, pid, 19), call("setpriority", 1, pid, 19), call(251, 1, pid, 3 << 13)]
    done += [call(314, pid, struct.pack("IIQiIQQQ", 48, 0, 0, 19, 0, 0, 0, 0), 0)]
    return 0 in done

def raise_limits():
    import resource
    done = []
    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        soft, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY:
            done.append((kind, "unlimited"))
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
            done.append((kind, "raised"))
        except (ValueError, OSError):
            pass
    return done

def lower_oom_score():
    "Below that of the agent, which is 0."
    return [value for value in (-1000, -1) if writable("/proc/self/oom_score_adj", b"%d" % value)]

def buffer(size):
    return ctypes.create_string_buffer(size)

def netlink(kind, flags, body):
    "The error (0: none) of a request for a change by rtnetlink(7)."
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.settimeout(2)
        s.send(struct.pack("IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        return struct.unpack_from("i", s.recv(4096), 16)[0]

def clone(flag):
    pid = call(56, flag | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return pid > 0

def enter(pid):
    for name in ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup"):
        try:
            fd = os.open("/proc/%d/ns/%s" % (pid, name), os.O_RDONLY)
        except OSError:
            fd = os.open("/proc/self/ns/%s" % name, os.O_RDONLY)
        if call("setns", fd, 0) == 0:
            return name
        os.close(fd)

def ioctl(number, argument):
    try:
        fcntl.ioctl(0, number, argument)
        return True
    except OSError:
        return False

def connects(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        try:
            s.connect(address)
            return True
        except OSError:
            return False

def opens(family, kind, protocol):
    fd = call("socket", family, kind, protocol)
    if fd >= 0:
        os.close(fd)
    return fd >= 0

def i386():
    "getpid by int 0x80, in machine code; x86-64 only."
    if platform.machine() != "x86_64":
        return 1
    import mmap
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20; int 0x80; ret
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return child(lambda: 0 if function() > 0 else 1)
"""

RUN = r"""
for name, text in PROBES.items():
    try:
        result = eval(text)
    except (OSError, AttributeError) as error:
        result = False
    except BaseException as error:
        result = "the probe is broken: %r" % error
    print("%s|%s|%r" % (name, "ALLOWED" if result else "REFUSED", result), flush=True)
print("all probes " + "done", flush=True)
"""


def script(group, host, folder):
    facts = {**host, "folder": folder}
    return f"{PRELUDE}\n{HELPERS}\nHOST = {facts!r}\nPROBES = {PROBES[group]!r}\n{RUN}"


def allowed(text):
    """The probes that were allowed, of what a script printed."""
    lines = [line.split("|", 2) for line in text.splitlines() if line.count("|") >= 2]
    return {name: seen for name, verdict, seen in lines if verdict != "REFUSED"}
