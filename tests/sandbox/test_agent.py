"""The agent, as a host sees it through its FIFOs."""

import os
import random
import re
import select
import signal
import sys
import time
from itertools import pairwise

import pytest

from sandbox.guest import frames
from sandbox.guest.backlog import LIMIT_BYTES
from sandbox.images import find_images

RAW_CAT = ("sh", "-c", "stty raw -echo; echo ready; exec cat")
PRINT_STATE = (
    "import os, resource, signal;"
    "state = open('/proc/self/status').read();"
    "print([line for line in state.splitlines() if line[:6] in ('SigIgn', 'SigBlk')]);"
    "print([resource.getrlimit(kind) for kind in"
    " (resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)]);"
    "print(sorted(os.listdir('/proc/self/fd')), os.getsid(0) == os.getpid(), 'done')"
)


@pytest.mark.parametrize("image", find_images(), ids=lambda image: image.version)
def test_runs_a_repl_on_every_python(run_agent, image):
    agent = run_agent(image.python, python=image.python)
    agent.peer.wait_for(">>> ")
    agent.peer.type(b"6*7\n")
    agent.peer.wait_for("42")
    agent.peer.type(b"import os; os._exit(3)\n")
    agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
    assert agent.peer.exits() == [{"type": "exit", "code": 3}]
    assert agent.process.wait(60) == 0


def test_hello_describes_the_windows(run_agent):
    agent = run_agent("sh", "-c", "echo hello; exec cat")
    agent.peer.wait_for("hello")
    hello = agent.another_peer().greet({0: 7})
    (window,) = hello["windows"]
    assert (window["window"], window["argv"][0], window["end"], window["exit"]) == (0, "sh", 7, None)
    assert (window["cols"], window["rows"], window["start"]) == (80, 24, 7)


def test_says_nothing_before_hello(run_agent):
    agent = run_agent("echo", "hello", greet=False)
    assert agent.process.poll() is None
    agent.peer.turn(0.3)
    assert agent.peer.log == []
    agent.peer.greet()
    agent.peer.wait_for("hello")


class TestOutput:
    def test_waits_when_nobody_acknowledges_and_loses_nothing(self, run_agent):
        agent = run_agent("sh", "-c", "stty -opost; seq 1 400000", acknowledges=False)
        agent.peer.wait(lambda: len(agent.peer.streams.get(0, b"")) >= LIMIT_BYTES, "too little came")
        agent.peer.quiet()
        assert len(agent.peer.streams[0]) == LIMIT_BYTES
        agent.peer.acknowledges = True
        agent.peer.acknowledge()
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.text() == "".join(f"{number}\n" for number in range(1, 400001))

    def test_a_new_host_goes_on_without_a_gap(self, run_agent):
        agent = run_agent("sh", "-c", "stty -opost; seq 1 200000; exec cat")
        whole = bytearray()
        expected = "".join(f"{number}\n" for number in range(1, 200001)).encode()
        chance = random.Random(1)
        while len(whole) < len(expected):
            # A host dies anywhere, also in the middle of a frame; another resumes
            # at what was kept, which is at least what was acknowledged.
            agent.peer.quiet(0) if chance.random() < 0.5 else agent.peer.turn(1)
            received = agent.peer.streams.get(0, bytearray())
            whole = whole[: agent.peer.starts.get(0, 0)] + received
            os.read(agent.peer._out, chance.randrange(1, 5000)) if select.select(
                [agent.peer._out], [], [], 0
            )[0] else None
            agent.another_peer().greet({0: len(whole)})
        assert whole == expected

    def test_a_new_host_without_offsets_gets_what_is_kept(self, run_agent):
        agent = run_agent("sh", "-c", "echo one; cat", acknowledges=False)
        agent.peer.wait_for("one")
        agent.another_peer().greet()
        agent.peer.wait_for("one")

    def test_of_the_last_moment_comes_before_the_exit(self, run_agent):
        agent = run_agent("sh", "-c", "stty -opost; seq 1 50000; kill -9 $$")
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.text().endswith("\n50000\n")
        assert agent.peer.exits() == [{"type": "exit", "signal": "SIGKILL"}]

    def test_of_a_job_left_behind_does_not_hide_the_exit(self, run_agent):
        agent = run_agent("sh", "-c", "trap '' HUP; (while :; do echo x; done) & exit 4")
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.exits() == [{"type": "exit", "code": 4}]

    def test_goes_on_when_the_program_reopens_its_terminal(self, run_agent):
        code = (
            "import os,sys,time\n"
            "print('before', flush=True)\n"
            "for fd in (0,1,2): os.close(fd)\n"
            "time.sleep(0.5)\n"
            "fd = os.open('/dev/tty', os.O_RDWR)\n"
            "os.write(fd, b'after\\n')\n"
            "os.read(fd, 10)\n"
        )
        agent = run_agent(sys.executable, "-c", code)
        agent.peer.wait_for("after")
        agent.peer.type(b"x\n")
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")

    def test_of_one_window_does_not_starve_another(self, run_agent):
        agent = run_agent("yes")
        agent.peer.request("open", window=1, argv=["sh", "-c", "echo here; exec cat"])
        agent.peer.wait_for("here", window=1)
        agent.peer.request("close", window=0)


class TestInput:
    def test_is_written_once_however_often_it_is_sent(self, run_agent):
        agent = run_agent(*RAW_CAT)
        peer = agent.peer
        peer.wait_for("ready")
        data = bytes(random.Random(2).randbytes(300_000).hex(), "ascii")
        chance, sent, accepted = random.Random(3), 0, 0
        while accepted < len(data):
            while sent < min(accepted + 65536, len(data)):
                start = max(accepted, sent - chance.randrange(0, 3000))  # overlaps what was sent
                piece = data[start : start + chance.randrange(1, frames.MAX_AGENT_INPUT)]
                peer.send(frames.input_(0, 9, start, piece))
                sent = max(sent, start + len(piece))
            peer.turn(1)
            accepted = max([sequence for _, viewer, sequence in peer.accepted if viewer == 9], default=0)
            if chance.random() < 0.02:
                sent = accepted  # a peer on the way was replaced: everything again
        peer.wait(lambda: len(peer.streams[0]) >= len(data) + len("ready\n"), "input is missing")
        assert peer.streams[0].endswith(data)
        peer.quiet()
        assert len(peer.streams[0]) == len(data) + len("ready\n")

    def test_is_accepted_when_it_comes_along_with_the_hello(self, run_agent):
        agent = run_agent(*RAW_CAT, greet=False)
        agent.peer.greet(also=frames.input_(0, 7, 0, b"hello"))
        agent.peer.wait(lambda: (0, 7, 5) in agent.peer.accepted, "not accepted")

    def test_is_accepted_along_with_its_echo_and_soon_without_one(self, run_agent):
        agent = run_agent(
            "sh", "-c", "stty raw -echo; echo ready; dd bs=1 count=100 2>&-; echo over; sleep 60"
        )
        peer = agent.peer
        peer.wait_for("ready\n")
        start = len(peer.streams[0])
        orders = []
        # An echo that takes more than a few milliseconds is not waited for, so not each comes along.
        for count in range(1, 101):
            del peer.log[:]
            peer.send(frames.input_(0, 9, count - 1, b"a"))
            peer.wait(
                lambda count=count: (0, 9, count) in peer.accepted and len(peer.streams[0]) >= start + count,
                "no echo",
            )
            orders.append(peer.log[:2])
        assert ["OUTPUT", "ACCEPTED"] in orders
        peer.wait_for("over")
        peer.send(frames.input_(0, 9, 100, b"b"))
        peer.wait(lambda: (0, 9, 101) in peer.accepted, "nothing is accepted without an echo")

    def test_that_leaves_a_hole_is_refused(self, run_agent):
        agent = run_agent(*RAW_CAT)
        peer = agent.peer
        peer.wait_for("ready")
        peer.send(frames.input_(0, 9, 100, b"abc"))  # a new viewer may start anywhere
        peer.wait_for("abc")
        peer.send(frames.input_(0, 9, 110, b"lost"))
        peer.wait(lambda: peer.accepted[-2:] == [(0, 9, 103), (0, 9, 103)], "the hole was not refused")
        peer.send(frames.input_(0, 9, 101, b"bcdef"))
        peer.wait_for("abcdef")
        assert "lost" not in peer.text()

    def test_waits_for_a_program_that_does_not_read(self, run_agent, folder):
        os.mkfifo(f"{folder}/go")
        agent = run_agent("sh", "-c", "stty raw -echo; echo ready; read -r line < go; exec cat")
        peer = agent.peer
        peer.wait_for("ready")
        data = b"0123456789abcdef" * 20_000
        peer.type(data)
        assert "0123456789abcdef" not in peer.text()
        with open(f"{folder}/go", "w") as go:
            go.write("\n")
        peer.wait(lambda: len(peer.streams[0]) >= len(data), "input is missing")
        assert peer.streams[0].endswith(data)

    def test_beyond_a_mebibyte_is_refused_and_asked_for_again(self, run_agent, folder):
        os.mkfifo(f"{folder}/go")
        agent = run_agent("sh", "-c", "stty raw -echo; echo ready; read -r line < go; exec cat")
        peer = agent.peer
        peer.wait_for("ready")
        data = random.Random(4).randbytes(700_000).hex().encode()  # 1.4 MB
        peer.type(data)
        peer.request("ping")
        with open(f"{folder}/go", "w") as go:
            go.write("\n")

        def told_twice():
            told = [sequence for _, _, sequence in peer.accepted]
            return [one for one, other in pairwise(told) if one == other]

        peer.wait(lambda: bool(told_twice()), "not asked for again")
        stuck_at = told_twice()[0]
        assert stuck_at < 1 << 20
        for start in range(stuck_at, len(data), 4000):
            peer.send(frames.input_(0, 7, start, data[start : start + 4000]))
            peer.turn(0)
        peer.wait(lambda: len(peer.streams[0]) >= len(data), "input is missing")
        assert peer.streams[0].endswith(data)

    def test_for_a_program_that_ended_is_taken_and_dropped(self, run_agent):
        agent = run_agent("true", acknowledges=False)
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        agent.peer.type(b"too late\n")
        agent.peer.wait(lambda: (0, 7, 9) in agent.peer.accepted, "not answered")


class TestSizeAndSignals:
    def test_a_new_size_is_told_at_its_place_in_the_output(self, run_agent):
        code = (
            "import os,signal,time\n"
            "signal.signal(signal.SIGWINCH, lambda *a: os.write(1, b'size %d %d' % os.get_terminal_size()))\n"
            "print('ready', flush=True)\n"
            "while True: signal.pause()\n"
        )
        agent = run_agent(sys.executable, "-c", code)
        agent.peer.wait_for("ready\r\n")
        before = len(agent.peer.streams[0])
        agent.peer.send(frames.resize(0, 132, 43))
        agent.peer.wait_for("size 132 43")
        assert agent.peer.sizes == [(0, before, 132, 43)]

    def test_a_size_nobody_kept_is_told_again(self, run_agent):
        agent = run_agent("sh", "-c", "echo ready; cat", acknowledges=False)
        agent.peer.wait_for("ready")
        agent.peer.send(frames.resize(0, 132, 43))
        agent.peer.wait(lambda: bool(agent.peer.sizes), "no size")
        hello = agent.another_peer().greet()
        assert (hello["windows"][0]["cols"], hello["windows"][0]["rows"]) == (132, 43)
        agent.peer.wait(lambda: bool(agent.peer.sizes), "no size")

    def test_a_signal_reaches_the_foreground_group(self, run_agent):
        agent = run_agent("sh", "-mc", "sh -c 'echo inner; exec sleep 1000'; echo back $?; exec cat")
        agent.peer.wait_for("inner")
        assert agent.peer.request("signal", window=0, signal="SIGTERM")["ok"]
        agent.peer.wait_for("back 143")

    def test_ctrl_c_reaches_a_program_started_by_a_parent_that_ignores_it(self, run_agent):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            agent = run_agent("sh", "-c", "echo ready; exec sleep 1000")
        finally:
            signal.signal(signal.SIGINT, before)
        agent.peer.wait_for("ready")
        agent.peer.type(b"\x03")
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.exits() == [{"type": "exit", "signal": "SIGINT"}]

    def test_the_agent_itself_ignores_terminal_signals(self, run_agent):
        agent = run_agent("sh", "-c", "echo ready; exec cat")
        agent.peer.wait_for("ready")
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE):
            agent.process.send_signal(number)
        assert agent.peer.request("ping")["ok"]

    def test_an_unknown_signal_is_an_error(self, run_agent):
        agent = run_agent("cat")
        for name in ("SIGNONE", "SIG_DFL", 9, None):
            reply = agent.peer.request("signal", window=0, signal=name)
            assert (reply["ok"], reply["code"]) == (False, "bad_request")


class TestPrograms:
    def test_start_with_nothing_inherited(self, run_agent):
        agent = run_agent(sys.executable, "-S", "-c", PRINT_STATE, env={"PYTHONFAULTHANDLER": ""})
        agent.peer.wait_for("done")
        text = agent.peer.text()
        # Python itself ignores SIGPIPE and SIGXFSZ. The two signals that belong to libc cannot be set;
        # under make they are ignored.
        assert re.search(r"'SigIgn:\\t0000000[01][08]1001000'", text)
        assert "'SigBlk:\\t0000000000000000'" in text
        assert "[(5000, 5000), (1024, 1024), (1073741824, 1073741824)]" in text
        assert "['0', '1', '2', '3'] True done" in text.replace("\r\n", " ")

    def test_have_a_terminal_for_utf_8(self, run_agent):
        agent = run_agent("sh", "-c", "stty -a; read -r line; echo got:$line.")
        agent.peer.wait_for(" iutf8")
        agent.peer.type("aé\x7f\n".encode())
        agent.peer.wait_for("got:a.")

    def test_that_do_not_exist_are_shown_as_ended(self, run_agent):
        agent = run_agent("no-such-program", acknowledges=False)
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.exits() == [{"type": "exit", "code": 127}]
        assert "no-such-program: command not found" in agent.peer.text()

    def test_that_cannot_be_executed_are_an_error_and_nothing_leaks(self, run_agent):
        agent = run_agent("cat")
        script = f"{agent.folder}/script"
        with open(script, "w") as file:
            file.write("#!/no/such/interpreter\n")
        os.chmod(script, 0o755)
        before = _descriptors(agent.process.pid)
        for _ in range(3):
            reply = agent.peer.request("open", window=1, argv=[script])
            assert (reply["ok"], reply["code"]) == (False, "cannot_start")
        reply = agent.peer.request("open", window=1, argv=["cat"], cwd="/no/such/folder")
        assert reply["code"] == "cannot_start"
        assert agent.peer.request("ping")["ok"]
        assert _descriptors(agent.process.pid) == before
        assert [w["window"] for w in agent.another_peer().greet()["windows"]] == [0]

    def test_left_behind_are_reaped(self, run_agent):
        code = (
            "import os,sys,time\n"
            "for _ in range(20):\n"
            "    if os.fork() == 0:\n"
            "        if os.fork() == 0: os._exit(0)\n"
            "        os._exit(0)\n"
            "    os.wait()\n"
            "print('forked', flush=True); sys.stdin.read()\n"
        )
        agent = run_agent(sys.executable, "-c", code)
        agent.peer.wait_for("forked")

        def children():
            with open(f"/proc/{agent.process.pid}/task/{agent.process.pid}/children") as file:
                return file.read().split()

        agent.peer.wait(lambda: agent.peer.request("ping")["ok"] and len(children()) == 1, "zombies are left")

    def test_environment_of_a_window(self, run_agent):
        agent = run_agent("cat")
        reply = agent.peer.request(
            "open", window=1, argv=["sh", "-c", "echo $A-$TERM; pwd"], env={"A": "é"}, cwd="/usr"
        )
        assert reply["ok"]
        agent.peer.wait_for("é-xterm-256color\r\n/usr\r\n", window=1)


class TestWindows:
    def test_open_and_close(self, run_agent):
        agent = run_agent("cat")
        peer = agent.peer
        reply = peer.request("open", window=3, argv=["sh", "-c", "stty size; exec cat"], cols=100, rows=30)
        assert reply["ok"]
        assert reply["pid"] > 1
        peer.wait_for("30 100", window=3)
        assert (3, "opened") in [(window, event["type"]) for window, event in peer.events]
        assert peer.request("open", window=3, argv=["cat"])["code"] == "window_exists"
        assert peer.request("close", window=3)["ok"]
        assert (3, {"type": "closed"}) in peer.events
        assert peer.request("close", window=3)["code"] == "no_such_window"
        assert not os.path.exists(f"/proc/{reply['pid']}") or _is_gone(reply["pid"])

    def test_a_program_that_ignores_sighup_is_killed(self, run_agent):
        agent = run_agent("cat")
        reply = agent.peer.request(
            "open", window=1, argv=["sh", "-c", "trap '' HUP; echo ready; while :; do sleep 1; done"]
        )
        agent.peer.wait_for("ready", window=1)
        agent.peer.request("close", window=1)
        assert _is_gone(reply["pid"])

    def test_an_ended_one_runs_again_in_the_same_stream(self, run_agent):
        agent = run_agent("cat")
        peer = agent.peer
        peer.request("open", window=1, argv=["echo", "first"])
        peer.wait(lambda: bool(peer.exits(1)), "no exit")
        assert peer.request("open", window=1, argv=["echo", "second"], cols=90, rows=20)["ok"]
        peer.wait(lambda: len(peer.exits(1)) == 2, "no second exit")
        assert peer.text(1) == "first\r\nsecond\r\n"
        assert (1, 7, 90, 20) in peer.sizes

    def test_there_are_at_most_32(self, run_agent):
        agent = run_agent("cat", limits=None)
        for number in range(1, 32):
            assert agent.peer.request("open", window=number, argv=["sleep", "1000"])["ok"]
        assert agent.peer.request("open", window=32, argv=["sleep", "1"])["code"] == "too_many_windows"


class TestTheEnd:
    def test_comes_once_the_exit_is_acknowledged(self, run_agent):
        agent = run_agent("sh", "-c", "echo bye", acknowledges=False)
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.request("ping")["ok"]
        assert agent.process.poll() is None
        agent.peer.acknowledge()
        assert agent.process.wait(60) == 0
        while not agent.peer.ended:
            agent.peer.turn(5)

    def test_waits_for_a_host_that_is_being_replaced(self, run_agent):
        agent = run_agent("sh", "-c", "echo bye; exit 5", greet=False, acknowledges=False)
        agent.peer.turn(0.5)
        hello = agent.another_peer().greet()
        assert hello["windows"][0]["argv"][0] == "sh"
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.text() == "bye\r\n"

    def test_not_while_any_window_lives(self, run_agent):
        agent = run_agent("sh", "-c", "sleep 0.2; echo bye")
        agent.peer.request("open", window=1, argv=["cat"])
        agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
        assert agent.peer.request("ping")["ok"]
        agent.peer.type(b"\x04", window=1)
        agent.peer.wait(lambda: bool(agent.peer.exits(1)), "no exit")
        assert agent.process.wait(60) == 0

    def test_of_an_agent_that_is_not_pid_1_takes_its_programs_along(self, run_agent):
        agent = run_agent("sh", "-c", "setsid sleep 1000 & echo $!; exec cat")
        agent.peer.wait_for("\n")
        pid = int(agent.peer.text().split()[0])
        agent.process.terminate()
        assert agent.process.wait(60) == 0
        assert _is_gone(pid)


MALFORMED = [
    b"\x00" * 40,
    b"GET / HTTP/1.1\r\n\r\n",
    frames.HEADER.pack(frames.INPUT, 0, 1 << 20),
    frames.encode(frames.INPUT, 0, b"short"),
    frames.encode(frames.ACK, 0, b"short"),
    frames.encode(frames.RESIZE, 0, b"\xff\xff\xff\xff"),
    frames.encode(frames.REQUEST, 0, b"not json"),
    frames.encode(frames.REQUEST, 0, b"[]"),
    frames.encode(frames.HELLO, frames.CONSOLE, b"{"),
]


class TestHostileBytes:
    @pytest.mark.parametrize("raw", MALFORMED)
    def test_malformed_frames_are_an_error_and_it_goes_on(self, run_agent, raw):
        agent = run_agent("cat")
        agent.peer.send(raw)
        agent.peer.wait(
            lambda: any(event.get("code") == "bad_frame" for _, event in agent.peer.events), "no error"
        )
        assert agent.peer.request("ping")["ok"]
        agent.peer.type(b"still here\n")
        agent.peer.wait_for("still here")

    @pytest.mark.parametrize(
        "request_",
        [
            {"op": "open"},
            {"op": "open", "window": -1, "argv": ["cat"]},
            {"op": "open", "window": 0xFFFF, "argv": ["cat"]},
            {"op": "open", "window": "1", "argv": ["cat"]},
            {"op": "open", "window": 1, "argv": []},
            {"op": "open", "window": 1, "argv": "cat"},
            {"op": "open", "window": 1, "argv": [1]},
            {"op": "open", "window": 1, "argv": ["cat\0"]},
            {"op": "open", "window": 1, "argv": ["cat", "\ud800"]},
            {"op": "open", "window": 1, "argv": ["cat"], "env": {"a=b": "c"}},
            {"op": "open", "window": 1, "argv": ["cat"], "env": {"": "c"}},
            {"op": "open", "window": 1, "argv": ["cat"], "env": {"a": 1}},
            {"op": "open", "window": 1, "argv": ["cat"], "env": [1]},
            {"op": "open", "window": 1, "argv": ["cat"], "cwd": 7},
            {"op": "open", "window": 1, "argv": ["cat"], "cols": 1},
            {"op": "open", "window": 1, "argv": ["cat"], "rows": "many"},
            {"op": "signal", "window": 0},
            {"op": "dance"},
            {"op": ["ping"]},
            {},
        ],
    )
    def test_bad_requests_are_answered(self, run_agent, request_):
        agent = run_agent("cat")
        arguments = dict(request_)
        reply = agent.peer.request(arguments.pop("op", None), **arguments)
        assert not reply["ok"]
        assert reply["code"] in ("bad_request", "unknown_op")
        assert reply["error"]
        assert agent.peer.request("ping")["ok"]

    def test_frames_it_does_not_expect_are_ignored(self, run_agent):
        agent = run_agent("cat")
        agent.peer.send(frames.output(0, 0, b"x") + frames.stream(0, 1, b"y") + frames.ack(5, 1))
        agent.peer.send(frames.ack(0, 2**64 - 1) + frames.resize(9, 80, 24))
        agent.peer.type(b"fine\n")
        agent.peer.wait_for("fine")

    def test_a_peer_that_only_asks_does_not_fill_its_memory(self, run_agent):
        agent = run_agent("cat")
        ping = frames.encode_json(frames.REQUEST, 0, {"id": 1, "op": "ping", "x": "y" * 500})
        deadline = time.monotonic() + 1
        count = 0
        while time.monotonic() < deadline:  # never reads the answers
            try:
                os.write(agent.peer._in, ping)
                count += 1
            except BlockingIOError:
                if not select.select([], [agent.peer._in], [], 0.2)[1]:
                    break
        assert count < 60_000
        with open(f"/proc/{agent.process.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        assert resident < 40_000
        agent.peer.quiet()
        assert agent.peer.request("ping")["ok"]


def _descriptors(pid):
    """How many an agent has open; None where only root may see that."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        assert os.geteuid() != 0
        return None


def _is_gone(pid, seconds=60.0):
    """Whether the process ends (or is only a zombie) in time."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], seconds)[0])
    finally:
        os.close(pidfd)
