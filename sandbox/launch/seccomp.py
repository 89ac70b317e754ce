"""The system calls a sandbox may make.

Two filters stand one behind the other, and the stricter answer counts.  The first
allows a list of calls and answers ENOSYS to all others, so that programs fall back as on
an older kernel.  The second refuses some arguments of calls the first allows; it compares
the 32 bits the kernel looks at, so that nothing slips by in the upper half.

Calls of a foreign architecture (i386, x32) end the process.
"""

from __future__ import annotations

import errno
import functools
import os

# Debian's containers-common list, without what only 32-bit programs call and without
# what follows below.
ALLOWED = """
accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup
dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd
eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod
fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
fsetxattr fstat fstatfs fsync ftruncate futex futex_wait futex_waitv futex_wake futimesat
get_robust_list getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer
getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit
getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch
inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit
ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self
lchown lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise
membarrier memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect
mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget
msgrcv msgsnd msync munlock munlockall munmap nanosleep newfstatat open openat openat2 pause
pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64
preadv preadv2 prlimit64 process_madvise process_mrelease process_vm_readv process_vm_writev
pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom
recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall riscv_flush_icache
rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
semtimedop sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address
setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid
setreuid setrlimit setsid setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown
sigaltstack signalfd signalfd4 splice stat statfs statx symlink symlinkat sync sync_file_range
syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname
unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
""".split()

REFUSED = """
_sysctl acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module fanotify_init
finit_module fsconfig fsmount fsopen fspick init_module ioperm iopl kcmp kexec_file_load kexec_load
keyctl lookup_dcookie mbind memfd_secret migrate_pages modify_ldt mount mount_setattr move_mount
move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd
pivot_root quotactl quotactl_fd reboot request_key set_mempolicy set_mempolicy_home_node setdomainname
sethostname setns settimeofday swapoff swapon syslog umount umount2 unshare uselib userfaultfd vhangup
""".split()
"""Answered with EPERM; everything in neither list (io_uring, clone3, …) with ENOSYS."""

_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _AF_MAX = 1, 2, 10, 16, 64
_SOCK_TYPE_MASK, _SOCK_RAW, _SOCK_PACKET = 0xF, 3, 10
_LOW = 0xFFFFFFFF
_NEW_NAMESPACES = (
    0x00000080,  # CLONE_NEWTIME
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
_TERMINAL_IOCTLS = (0x5412, 0x541C, 0x541D)  # TIOCSTI, TIOCLINUX, TIOCCONS
_PERSONALITIES = (0, 0x00040000, _LOW)  # Linux, without address randomisation (gdb), ask
_PR_SET_MM = 35
_DEVICES = (0o020000, 0o060000)
_FORMAT_MASK = 0o170000


@functools.cache
def filters() -> tuple[bytes, ...]:
    """The filters as BPF programs of this machine's architecture.

    :raises RuntimeError: when libseccomp is not installed.
    """
    return (_allow_list(), _argument_list())


def _allow_list() -> bytes:
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    numbers = _numbers()
    for name in ALLOWED:
        if name in numbers:
            rules.add_rule(seccomp.ALLOW, numbers[name])
    for name in REFUSED:
        if name in numbers:
            rules.add_rule(seccomp.ERRNO(errno.EPERM), numbers[name])
    rules.add_rule(seccomp.ALLOW, numbers["clone"])
    for value in _PERSONALITIES:
        rules.add_rule(seccomp.ALLOW, numbers["personality"], seccomp.Arg(0, seccomp.EQ, value))
    for family in (_AF_UNIX, _AF_INET, _AF_INET6):
        rules.add_rule(seccomp.ALLOW, numbers["socket"], seccomp.Arg(0, seccomp.EQ, family))
    rules.add_rule(
        seccomp.ALLOW,
        numbers["socket"],
        seccomp.Arg(0, seccomp.EQ, _AF_NETLINK),
        seccomp.Arg(2, seccomp.EQ, 0),
    )
    rules.add_rule(seccomp.ALLOW, numbers["socketpair"], seccomp.Arg(0, seccomp.EQ, _AF_UNIX))
    refuse_family = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(_AF_MAX):
        if family not in (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK):
            rules.add_rule(refuse_family, numbers["socket"], seccomp.Arg(0, seccomp.EQ, family))
    return _export(rules)


def _argument_list() -> bytes:
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    refuse = seccomp.ERRNO(errno.EPERM)
    numbers = _numbers()

    def refuse_value(name: str, argument: int, mask: int, value: int) -> None:
        if name in numbers:
            rules.add_rule(refuse, numbers[name], seccomp.Arg(argument, seccomp.MASKED_EQ, mask, value))

    for flag in _NEW_NAMESPACES:
        refuse_value("clone", 0, flag, flag)
    for number in _TERMINAL_IOCTLS:
        refuse_value("ioctl", 1, _LOW, number)
    refuse_value("prctl", 0, _LOW, _PR_SET_MM)
    for kind in _DEVICES:
        refuse_value("mknod", 1, _FORMAT_MASK, kind)
        refuse_value("mknodat", 2, _FORMAT_MASK, kind)
    for family in (_AF_INET, _AF_INET6):
        for kind in (_SOCK_RAW, _SOCK_PACKET):
            rules.add_rule(
                refuse,
                numbers["socket"],
                seccomp.Arg(0, seccomp.MASKED_EQ, _LOW, family),
                seccomp.Arg(1, seccomp.MASKED_EQ, _SOCK_TYPE_MASK, kind),
            )
    return _export(rules)


@functools.cache
def _numbers() -> dict[str, int]:
    """The calls this architecture has, and libseccomp knows, by name."""
    import pyseccomp as seccomp

    special = ["clone", "personality", "socket", "socketpair"]
    found = {}
    for name in [*ALLOWED, *REFUSED, *special]:
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number is not None and 0 <= number < 1 << 31:
            found[name] = number
        elif number is None:  # ctypes gives None for call number 0
            found[name] = 0
    return found


def _export(rules: object) -> bytes:
    fd = os.memfd_create("seccomp")
    with os.fdopen(fd, "rb") as file:
        rules.export_bpf(file)  # type: ignore[attr-defined]
        file.seek(0)
        return file.read()
