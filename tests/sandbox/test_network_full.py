"""The full network of real sandboxes, in a world of its own.

The world is two network namespaces: the *machine*, in which sandboxes are started, and the
*Internet* at the other end of its cable, which has every address that is probed and answers on each.
Nothing of the real network is used.
"""

# ruff: noqa: E501 - a probe is one line

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.network import (
    Network,
    NetworkError,
    check,
    connect,
    disconnect,
    is_connected,
    namespaces,
    own_addresses,
    rules,
    usage,
)
from sandbox.network.addresses import NOT_PUBLIC_4, NOT_PUBLIC_6
from tests.sandbox.conftest import FREE_UID, outcome
from tests.support.agents import PATIENCE_SECONDS

MACHINE_4, MACHINE_6 = "151.101.1.1", "2a04:4e42::1"
PUBLIC_4 = ["8.8.4.4", "151.101.1.223"]
PUBLIC_6 = ["2606:4700::1111"]
HIDDEN_4 = [
    *("10.20.30.40", "172.16.5.5", "192.168.5.5", "100.64.0.1", "169.254.169.254", "169.254.170.2"),
    *("192.0.0.192", "192.0.2.80", "198.18.0.1", "198.51.100.1", "203.0.113.1", "100.100.100.200"),
]
HIDDEN_6 = [
    "fd00:ec2::254",
    "fd12::1",
    "fec0::1",
    "64:ff9b::808:404",
    "2001:db8::1",
    "2002:808:404::1",
    "100::1",
]
PORTS = [80, 443, 25, 465, 587]

SERVER = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=100)
    selector.register(server, selectors.EVENT_READ, "tcp")
for port in (53, 123, 5353):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    selector.register(server, selectors.EVENT_READ, "udp")
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.data == "udp":
            data, peer = key.fileobj.recvfrom(2000)
            print("heard", data.decode(), flush=True)
            key.fileobj.sendto(b"hello", peer)
        else:
            client, _ = key.fileobj.accept()
            client.sendall(b"hello")
            client.close()
"""

TOOLS = """
import json, os, socket, struct, sys, time
def tcp(host, port, option=None, seconds=2.5):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(seconds)
        try:
            if option: s.setsockopt(*option)
            s.connect((host, port))
            return s.recv(10) == b"hello"
        except OSError as error:
            return False
def udp(host, port, option=None, seconds=0.7, text=b"x"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        try:
            if option: s.setsockopt(*option)
            s.sendto(text, (host, port))
            return s.recv(10) == b"hello"
        except OSError as error:
            return False
for _ in range(600):  # the program is there before its network
    if os.path.exists("/proc/net/dev") and "eth0" in open("/proc/net/dev").read() and tcp("8.8.4.4", 80): break
    time.sleep(0.1)
BOUND = (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class World:
    """The machine, and the Internet with its server."""

    def __init__(self):
        self.machine, self.internet = f"th-m{os.getpid()}", f"th-i{os.getpid()}"
        for name in (self.machine, self.internet):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip(
            "-n",
            self.machine,
            "link",
            "add",
            "out",
            "type",
            "veth",
            "peer",
            "name",
            "in",
            "netns",
            self.internet,
        )
        for name, device in ((self.machine, "out"), (self.internet, "in")):
            ip("-n", name, "link", "set", device, "up")
        ip("-n", self.machine, "addr", "add", f"{MACHINE_4}/24", "dev", "out")
        ip("-n", self.machine, "addr", "add", f"{MACHINE_6}/64", "dev", "out", "nodad")
        ip("-n", self.internet, "addr", "add", "151.101.1.254/24", "dev", "in")
        ip("-n", self.internet, "addr", "add", "2a04:4e42::ffff/64", "dev", "in", "nodad")
        for address in PUBLIC_4 + HIDDEN_4:
            ip("-n", self.internet, "addr", "add", f"{address}/32", "dev", "lo")
        for address in PUBLIC_6 + HIDDEN_6:
            ip("-n", self.internet, "addr", "add", f"{address}/128", "dev", "lo", "nodad")
        ip("-n", self.machine, "route", "add", "default", "via", "151.101.1.254")
        ip("-n", self.machine, "-6", "route", "add", "default", "via", "2a04:4e42::ffff")
        ip("-n", self.machine, "route", "add", "224.0.0.0/4", "dev", "out")
        self.servers = [self._serve(self.machine), self._serve(self.internet)]

    def _serve(self, name):
        server = subprocess.Popen(
            ["ip", "netns", "exec", name, sys.executable, "-c", SERVER, *map(str, PORTS)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout.readline() == "ready\n"
        return server

    @contextlib.contextmanager
    def entered(self):
        """This process is on the machine."""
        before = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.machine}", os.O_RDONLY)
        try:
            namespaces.enter(there, namespaces.NEW_NET)
            yield
        finally:
            namespaces.enter(before, namespaces.NEW_NET)
            os.close(before)
            os.close(there)

    def close(self):
        for server in self.servers:
            server.kill()
            server.wait()
            server.stdout.close()
        for name in (self.machine, self.internet):
            ip("netns", "del", name)


@pytest.fixture(scope="module")
def world():
    if os.geteuid() != 0:
        pytest.skip("only root can make a world of network namespaces")
    missing = check()
    if missing:
        pytest.skip("; ".join(missing))
    world = World()
    yield world
    world.close()


@pytest.fixture
def online(world, run_sandbox):
    """Starts a sandbox on the machine: ``online(script, kbits=…)``."""

    def begin(script="", **options):
        network = Network("full", options.pop("kbits", None))
        with world.entered():
            argv = ["/usr/bin/python3", "-c", TOOLS + script] if script else ["/bin/sh"]
            return run_sandbox(*argv, network=network, **options)

    return begin


def answers(online, expressions, **options):
    """What each expression is in a sandbox."""
    script = f"""
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(24) as pool:
    print(chr(10), json.dumps(list(pool.map(lambda text: bool(eval(text)), {expressions!r}))), "DONE", sep="")
input()
"""
    box = online(script, **options)
    assert "network: public network" in box.box.isolation
    box.peer.wait_for("DONE")
    line = next(line for line in box.peer.text().splitlines() if line.endswith("DONE"))
    return dict(zip(expressions, json.loads(line.removesuffix("DONE")), strict=True))


def slirps():
    """The slirp4netns of this process's sandboxes."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            if words[0].endswith(b"slirp4netns") and os.stat(f"/proc/{name}").st_uid == FREE_UID:
                found.append(int(name))
    return found


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_public_addresses_are_reached(online):
    probes = [f"tcp({host!r}, {port})" for host in PUBLIC_4 + PUBLIC_6 for port in (80, 443)]
    probes += [f"udp({host!r}, 123)" for host in PUBLIC_4 + PUBLIC_6]
    reached = answers(online, probes)
    assert [probe for probe, is_reached in reached.items() if not is_reached] == []


def test_machine_itself_reaches_all_of_them(world):
    """So that the refusals below mean something."""
    with world.entered():
        for host in (*PUBLIC_4, *PUBLIC_6, *HIDDEN_4, *HIDDEN_6, MACHINE_4, MACHINE_6):
            with socket.create_connection((host, 80), PATIENCE_SECONDS) as connection:
                assert connection.recv(10) == b"hello", host


def test_no_other_address_is_reached(online):
    """As a program would try, and as one that binds its socket to the interface, past all routes."""
    probes = []
    for host in (
        *HIDDEN_4,
        *HIDDEN_6,
        MACHINE_4,
        MACHINE_6,
        "10.0.2.2",
        "10.0.2.1",
        "10.0.2.3",
        "127.0.0.1",
        "::1",
    ):
        probes += [
            f"tcp({host!r}, 80)",
            f"tcp({host!r}, 80, BOUND)",
            f"udp({host!r}, 123)",
            f"udp({host!r}, 123, BOUND)",
        ]
    for host in ("fd00::1", "fd00::2", "fd00::3", "0.0.0.0", "::ffff:10.20.30.40", "::10.20.30.40"):
        probes += [f"tcp({host!r}, 80)", f"tcp({host!r}, 80, BOUND)"]
    reached = answers(online, probes)
    assert [probe for probe, is_reached in reached.items() if is_reached] == []


def test_mail_is_not_sent(online):
    probes = [f"tcp({host!r}, {port})" for host in ("8.8.4.4", *PUBLIC_6) for port in rules.MAIL_PORTS]
    nop = "(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([1, 1, 1, 0]))"
    probes += ["tcp('8.8.4.4', 25, BOUND)", f"tcp('8.8.4.4', 25, {nop})"]
    assert not any(answers(online, probes).values())


def test_multicast_and_broadcast_stay_inside(online, world):
    script = """
index = socket.if_nametoindex("eth0")
to_4 = (socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), index))
to_6 = (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("i", index))
for option in (None, BOUND, to_4):
    udp("224.0.0.251", 5353, option, 0.3, b"multicast")
    udp("239.1.2.3", 5353, option, 0.3, b"multicast")
for option in (None, BOUND, to_6):
    udp("ff02::fb", 5353, option, 0.3, b"multicast")
for host in ("255.255.255.255", "10.0.2.255"):
    udp(host, 5353, (socket.SOL_SOCKET, socket.SO_BROADCAST, 1), 0.3, b"broadcast")
udp("8.8.4.4", 5353, None, 5, b"last")
print("DO" + "NE")
input()
"""
    box = online(script)
    box.peer.wait_for("DONE")
    heard = []
    while not heard or heard[-1] != "heard last\n":
        heard.append(world.servers[1].stdout.readline())
    assert not [line for line in heard if "cast" in line]


def test_programs_cannot_change_it(online):
    probes = [
        "os.system('ip route add default via 10.0.2.2 dev eth0 2>/dev/null') == 0",
        "os.system('ip addr add 10.0.2.50/24 dev eth0 2>/dev/null') == 0",
        "os.system('ip link set eth0 down 2>/dev/null') == 0",
        "os.system('ip neigh add 10.20.30.40 lladdr 02:00:00:00:00:01 dev eth0 2>/dev/null') == 0",
        "os.system('ip link add x type dummy 2>/dev/null') == 0",
        "os.access('/dev/net/tun', os.W_OK)",
        "os.system('echo 1 2>/dev/null >/proc/sys/net/ipv4/ip_forward') == 0",
    ]
    assert not any(answers(online, probes).values())


def test_resolver_is_named_inside(online):
    probes = [
        f"open('/etc/resolv.conf').read() == 'nameserver {rules.RESOLVER_4}\\n'",
        "'dns' in open('/etc/nsswitch.conf').read()",
    ]
    assert all(answers(online, probes).values())


@pytest.mark.parametrize("mode", ["none", "allowlist"])
def test_other_networks_have_no_interface(run_sandbox, mode):
    box = run_sandbox("/bin/sh", network=Network(mode))
    box.peer.type(b"grep -c : /proc/net/dev; ls /etc/resolv.conf; echo DO''NE\r")
    box.peer.wait_for("DONE")
    assert "No such file" in box.peer.text()
    assert ("no network" in box.box.isolation) == (mode == "none")
    assert usage(box.box.pid) is None


def test_slirp_is_the_users_and_filtered_and_ends_with_the_sandbox(online):
    before = set(slirps())
    box = online()
    (slirp,) = set(slirps()) - before
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{slirp}/status").read_text().splitlines()
        if ":\t" in line
    )
    assert set(status["Uid"].split()) == {str(box.launch.uid)}
    assert status["Seccomp"].strip() == "2"
    assert "Max open files            1024 " in Path(f"/proc/{slirp}/limits").read_text()
    assert int(status["CapEff"], 16) & ~(1 << 10) == 0  # CAP_NET_BIND_SERVICE, of its own user namespace
    assert os.readlink(f"/proc/{slirp}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    assert set(os.listdir(f"/proc/{slirp}/root")) <= {"etc", "run", "tmp"}
    box.box.kill()
    until(
        lambda: not os.path.exists(f"/proc/{slirp}") or slirp not in slirps(),
        "slirp4netns outlives its sandbox",
    )


def begin(box):
    """Begin to give a sandbox a network."""
    return connect(Network("full"), box.box.pid, box.peer._out, box.launch.uid, box.launch.gid, lambda: None)


def test_nothing_is_left_open_here(online):
    box = online()
    before = sorted(os.listdir("/proc/self/fd"))
    found = outcome(begin(box))
    assert isinstance(found, NetworkError)  # it has one already
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_it_is_there_also_when_nobody_hears_of_it(world, run_sandbox):
    box = run_sandbox("/bin/sh")
    with world.entered():
        connecting = begin(box)
    os.close(connecting.fd)
    until(lambda: is_connected(box.box.pid), "no network")


def test_what_is_stopped_leaves_no_network(world, run_sandbox, monkeypatch):
    box = run_sandbox("/bin/sh")
    before = set(slirps())
    monkeypatch.setattr("sandbox.network.full._batch", lambda *arguments: time.sleep(PATIENCE_SECONDS))
    with world.entered():
        connecting = begin(box)
    until(lambda: set(slirps()) - before, "slirp4netns does not begin")
    connecting.close()
    until(lambda: set(slirps()) <= before, "slirp4netns is left over")
    assert not is_connected(box.box.pid)


def test_what_takes_for_ever_ends_by_itself(world, run_sandbox, monkeypatch):
    box = run_sandbox("/bin/sh")
    monkeypatch.setattr("sandbox.network.full._ALONE_SECONDS", 1)
    monkeypatch.setattr("sandbox.network.full._batch", lambda *arguments: time.sleep(PATIENCE_SECONDS))
    with world.entered():
        found = outcome(begin(box))
    assert "killed" in str(found)
    assert not is_connected(box.box.pid)


def test_is_nobodys_child_here(online):
    """The launcher may be killed: nobody but the sandbox holds its network."""
    box = online()
    box.peer.type(TRY.encode())
    box.peer.wait_for("REACHED")
    parents = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] for pid in slirps()]
    assert str(os.getpid()) not in parents


TRY = "python3 -c \"import socket,time; s=socket.create_connection(('8.8.4.4',80),60); print('REA'+'CHED', s.recv(9))\"\r"


def test_what_was_used_is_counted(online):
    probes = ["all(tcp('8.8.4.4', 80) for _ in range(50))"]
    script = f"print('\\n', json.dumps([bool(eval(text)) for text in {probes!r}]), 'DONE', sep='')\ninput()"
    box = online(script)
    box.peer.wait_for("DONE")
    received, sent = usage(box.box.pid)
    assert 2000 < received < 200_000
    assert 2000 < sent < 200_000


def test_what_is_taken_away_is_gone_and_stays_counted(online):
    box = online()
    box.peer.type(TRY.encode())
    box.peer.wait_for("REACHED")
    before = usage(box.box.pid)
    open_here = sorted(os.listdir("/proc/self/fd"))
    assert outcome(disconnect(box.box.pid, box.launch.uid, box.launch.gid)) == "taken away"
    assert sorted(os.listdir("/proc/self/fd")) == open_here
    assert not is_connected(box.box.pid)
    assert usage(box.box.pid) >= before
    box.peer.type(b"ip link set eth0 up; ip route add default dev eth0; clear; echo CL''EAR\r")
    box.peer.wait_for("CLEAR")
    box.peer.type(TRY.replace("60)", "3)").replace("REA'+'CHED", "AGA'+'IN").encode() + b"echo DO''NE\r")
    box.peer.wait_for("DONE")
    assert "AGAIN" not in box.peer.text()


def test_what_is_taken_from_a_sandbox_that_has_none_is_refused(run_sandbox):
    box = run_sandbox("/bin/sh")
    assert isinstance(outcome(disconnect(box.box.pid, box.launch.uid, box.launch.gid)), NetworkError)


def test_rate_is_limited(online):
    box = online(kbits=1000)
    if "not limited" in box.box.isolation:
        pytest.skip("this kernel has no tbf")
    assert "at most 1000 kbit/s" in box.box.isolation


def test_step_that_fails_leaves_no_network(world, run_sandbox, monkeypatch):
    before = set(slirps())
    wrong = [*rules.router_4(()), "route add nonsense"]
    monkeypatch.setattr("sandbox.network.rules.router_4", lambda own: wrong)
    with world.entered():
        box = run_sandbox("/bin/sh", network=Network("full"))
    assert "no network, as" in box.box.isolation
    assert "nonsense" in box.box.isolation
    until(lambda: usage(box.box.pid) is None, "its interface is left over")
    until(lambda: set(slirps()) <= before, "slirp4netns is left over")


def test_slirp_that_is_killed_leaves_no_way(online):
    before = set(slirps())
    box = online()
    (slirp,) = set(slirps()) - before
    os.kill(slirp, signal.SIGKILL)
    box.peer.type(TRY.replace("60)", "3)").encode() + b"echo DO''NE\r")
    box.peer.wait_for("DONE")
    assert "REACHED" not in box.peer.text()


def test_missing_programs_are_told_with_what_installs_them(monkeypatch):
    monkeypatch.setattr("sandbox.network.full._find", lambda program: None)
    assert [line.partition(";")[2] for line in check()] == [
        " install it: apt-get install slirp4netns",
        " install it: apt-get install iproute2",
        " install it: apt-get install iproute2",
    ]


def test_own_addresses_are_those_of_this_machine(world):
    with world.entered():
        own = set(map(str, own_addresses()))
    assert {MACHINE_4, MACHINE_6, "127.0.0.1", "::1"} <= own
    assert not own & {"8.8.4.4", "151.101.1.254"}


def test_every_special_network_is_prohibited():
    lines = "\n".join(rules.router_4([]) + rules.router_6([]))
    for network in (*NOT_PUBLIC_4, *NOT_PUBLIC_6):
        assert f"to {network} prohibit" in lines
