"""Programs on pipes, as a host starts them in the agent."""

import hashlib
import os
import random
import time

import pytest

from sandbox.guest import frames
from sandbox.guest.streams import MOST_STREAMS, SAID_BYTES
from sandbox.images import find_images
from sandbox.limits import Limits
from tests.support.agents import PATIENCE_SECONDS


@pytest.fixture
def peer(run_agent):
    return run_agent("cat").peer


def wait_for_no(peer, *pids):
    """Until none of these processes is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < deadline, f"{pids} live on"
        peer.turn(0.02)


@pytest.mark.parametrize("image", find_images(), ids=lambda image: image.version)
def test_runs_a_program_on_every_python(run_agent, image):
    peer = run_agent("cat", python=image.python).peer
    assert peer.run(1, "sh", "-c", "cat; echo bad luck >&2; exit 3")["ok"]
    peer.feed(1, b"there and back")
    peer.feed(1, b"")
    assert peer.stream_end(1) == {"type": "stream", "stream": 1, "code": 3, "said": "bad luck\n"}
    assert peer.piped[1] == b"there and back"
    assert peer.piped_ends == [1]


def test_program_is_as_in_a_console_but_without_a_terminal(peer):
    script = (
        "import os, sys, signal\n"
        "print(os.getcwd(), os.environ['TERM'], os.environ['EXTRA'], os.getsid(0) == os.getpid())\n"
        "print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1], any(map(os.isatty, range(3))))\n"
        "print([line[8:24] for line in open('/proc/self/status') if line[:6] == 'SigBlk'])\n"
    )
    env = {"EXTRA": "more"}
    assert peer.run(1, "python3", "-c", script, env=env)["ok"]
    peer.stream_end(1)
    lines = peer.piped[1].decode().splitlines()
    assert lines == [
        f"{os.getcwd()} xterm-256color more True",
        "[0, 1, 2] False",
        "['0000000000000000']",
    ]


def test_starts_in_the_folder_that_is_wanted(peer):
    peer.run(1, "pwd", cwd="/usr")
    peer.stream_end(1)
    assert peer.piped[1] == b"/usr\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"argv": ["no-such-program"]}, "cannot_start"),
        ({"argv": ["/etc/passwd"]}, "cannot_start"),
        ({"argv": ["true"], "cwd": "/no/such/folder"}, "cannot_start"),
        ({"argv": []}, "bad_request"),
        ({"argv": ["true"], "env": {"A": 1}}, "bad_request"),
        ({"argv": ["true"], "stream": -1}, "bad_request"),
        ({"argv": ["true"], "stream": "1"}, "bad_request"),
        ({"argv": ["true"], "stream": 1 << 32}, "bad_request"),
    ],
)
def test_what_cannot_run_is_refused(peer, arguments, code):
    assert peer.request("run", **{"stream": 1, **arguments})["code"] == code
    assert peer.run(1, "true")["ok"]  # the number is free


def test_numbers_and_their_count_are_limited(peer):
    for number in range(MOST_STREAMS):
        assert peer.run(number, "cat")["ok"]
    assert peer.run(5, "cat")["code"] == "bad_request"
    assert peer.run(MOST_STREAMS, "cat")["code"] == "too_many_streams"
    peer.feed(5, b"")
    peer.stream_end(5)
    assert peer.run(MOST_STREAMS, "true")["ok"]


def test_much_goes_both_ways_whole(peer):
    data = random.Random(1).randbytes(3_000_000)
    peer.run(1, "cat")
    sent = 0
    while sent < len(data):
        room = frames.STREAM_WINDOW + peer.credits.get(1, 0) - sent
        if room:
            peer.feed(1, data[sent : sent + room])
            sent += len(data[sent : sent + room])
        else:
            peer.turn(5)
    peer.feed(1, b"")
    assert peer.stream_end(1)["code"] == 0
    assert hashlib.sha256(peer.piped[1]).digest() == hashlib.sha256(data).digest()


class TestBackPressure:
    def test_program_that_writes_waits_for_credit(self, peer):
        peer.gives_credit = False
        peer.run(1, "yes")
        peer.wait(lambda: len(peer.piped.get(1, b"")) == frames.STREAM_WINDOW, "too little came")
        peer.quiet()
        assert len(peer.piped[1]) == frames.STREAM_WINDOW
        peer.send(frames.credit(frames.CONSOLE, 1, 1000))
        peer.wait(lambda: len(peer.piped[1]) == frames.STREAM_WINDOW + 1000, "credit is not used")

    def test_all_that_an_ended_program_wrote_comes_before_its_end(self, peer):
        peer.gives_credit = False
        peer.run(1, "head", "-c", str(frames.STREAM_WINDOW + 50_000), "/dev/zero")
        peer.wait(lambda: len(peer.piped.get(1, b"")) == frames.STREAM_WINDOW, "too little came")
        peer.request("ping")
        assert not [event for _, event in peer.events if event["type"] == "stream"]
        peer.send(frames.credit(frames.CONSOLE, 1, 1 << 17))
        assert peer.stream_end(1)["code"] == 0
        assert len(peer.piped[1]) == frames.STREAM_WINDOW + 50_000

    def test_credit_comes_as_the_program_reads(self, peer):
        peer.run(1, "sh", "-c", "read line; exec cat >/dev/null")
        filling = b"x" * (frames.STREAM_WINDOW - 1)
        peer.feed(1, filling)
        peer.quiet(0.1)
        assert peer.credits.get(1, 0) < frames.STREAM_WINDOW
        peer.feed(1, b"\n")
        peer.wait(lambda: peer.credits[1] > frames.STREAM_WINDOW - (1 << 16), "no credit")

    def test_more_than_was_granted_is_refused(self, peer):
        peer.run(1, "sleep", "1000")
        peer.feed(1, b"x" * frames.STREAM_WINDOW)
        peer.feed(1, b"more")
        peer.wait(lambda: peer.events[-1][1]["type"] == "error", "no complaint")
        assert peer.events[-1][1]["code"] == "bad_frame"
        assert peer.request("ping")["ok"]

    def test_stream_that_stands_still_keeps_no_window_waiting(self, run_agent):
        peer = run_agent("sh", "-c", "stty raw -echo; echo ready; exec cat").peer
        peer.gives_credit = False
        peer.wait_for("ready")
        for number in range(8):
            peer.run(number, "sh", "-c", "exec yes")
            peer.feed(number, b"x" * 100_000)
        for text in (b"one ", b"two ", b"three"):
            peer.type(text)
            peer.wait_for(text.decode())

    def test_echo_comes_while_a_stream_floods(self, run_agent):
        peer = run_agent("sh", "-c", "stty raw -echo; echo ready; exec cat").peer
        peer.wait_for("ready")
        peer.run(1, "sh", "-c", "exec yes")
        for text in (b"one ", b"two ", b"three"):
            peer.type(text)
            peer.wait_for(text.decode())
        assert peer.request("stop", stream=1)["ok"]


class TestEnd:
    def test_signal(self, peer):
        peer.run(1, "sh", "-c", "kill -TERM $$")
        assert peer.stream_end(1)["signal"] == "SIGTERM"

    def test_program_that_closes_its_output_goes_on(self, peer):
        peer.run(1, "sh", "-c", "exec >&-; read line; exit 7")
        peer.wait(lambda: peer.piped_ends == [1], "no end of the output")
        peer.feed(1, b"go\n")
        assert peer.stream_end(1)["code"] == 7

    def test_what_a_program_does_not_want_to_read_is_given_back(self, peer):
        peer.run(1, "sh", "-c", "exec <&-; echo closed; exec sleep 1000")
        peer.wait(lambda: peer.piped.get(1) == b"closed\n", "it does not begin")
        for count in (1, 2, 3):
            peer.feed(1, b"x" * frames.STREAM_WINDOW)
            wanted = count * frames.STREAM_WINDOW
            peer.wait(lambda wanted=wanted: peer.credits.get(1, 0) > wanted - (1 << 16), "no credit")

    def test_background_program_that_holds_the_pipe_holds_nothing_up(self, peer):
        peer.run(1, "sh", "-c", "sleep 1000 & echo started")
        assert peer.stream_end(1)["code"] == 0
        assert peer.piped[1] == b"started\n"

    def test_last_words_are_kept_and_the_rest_dropped(self, peer):
        peer.run(1, "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf 'the\\377end' >&2")
        said = peer.stream_end(1)["said"]
        assert said.endswith("xxthe\N{REPLACEMENT CHARACTER}end")
        assert len(said) == SAID_BYTES

    def test_file_beyond_the_limit_is_an_error_and_not_the_end(self, run_agent, folder):
        peer = run_agent("cat", limits=Limits(processes=5000, file_bytes=1 << 20)).peer
        script = f"head -c 2000000 /dev/zero > {folder}/large; echo $?"
        peer.run(1, "sh", "-c", script)
        assert peer.stream_end(1)["code"] == 0
        assert peer.piped[1] == b"1\n"
        assert os.path.getsize(f"{folder}/large") == 1 << 20

    @pytest.mark.parametrize("hang_up", ["", "trap '' HUP; "])
    def test_stop_ends_the_program_and_its_children(self, peer, hang_up):
        peer.run(1, "sh", "-c", f"{hang_up}sleep 1000 & echo $! $$; wait")
        peer.wait(lambda: b"\n" in peer.piped.get(1, b""), "it does not begin")
        pids = peer.piped[1].decode().split()
        assert peer.request("stop", stream=1)["ok"]
        wait_for_no(peer, *pids)
        assert not [event for _, event in peer.events if event["type"] == "stream"]
        assert peer.request("stop", stream=1)["ok"]
        assert peer.run(1, "true")["ok"]

    def test_new_host_starts_without_streams(self, run_agent):
        agent = run_agent("cat")
        agent.peer.run(1, "sh", "-c", "echo $$; exec sleep 1000")
        agent.peer.wait(lambda: b"\n" in agent.peer.piped.get(1, b""), "it does not begin")
        pid = agent.peer.piped[1].decode().strip()
        peer = agent.another_peer()
        peer.greet()
        wait_for_no(peer, pid)
        assert peer.run(1, "echo", "new")["ok"]
        assert peer.stream_end(1)["code"] == 0

    def test_frames_for_a_stream_that_is_over_are_late_and_not_wrong(self, peer):
        peer.run(1, "true")
        peer.stream_end(1)
        peer.feed(1, b"late")
        peer.feed(1, b"")
        peer.send(frames.credit(frames.CONSOLE, 1, 5))
        assert peer.request("ping")["ok"]
        assert [event["type"] for _, event in peer.events if event["type"] == "error"] == []
