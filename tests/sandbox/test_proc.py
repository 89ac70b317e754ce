"""What processes use, read without control groups."""

import os
import subprocess
import sys

import pytest

from sandbox.launch import start_time
from sandbox.limits import proc

PROGRAM = """
import os, sys, time
def burn(seconds):
    while time.process_time() < seconds:
        pass
for _ in range(2):
    if os.fork() == 0:
        burn(0.2)
        os._exit(0)
for _ in range(2):
    os.wait()
if os.fork() == 0:
    burn(0.2)
    print("burnt", flush=True)
    sys.stdin.read()
    os._exit(0)
sys.stdin.read()
"""


@pytest.fixture
def program():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"burnt\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_the_living_and_those_who_were_waited_for_count(program):
    usage = proc.usage(program.pid, start_time(program.pid))
    assert usage is not None
    assert 0.55 <= usage.cpu_seconds < 30
    assert usage.processes == 1
    assert usage.memory_bytes > 1 << 20


def test_another_process_of_the_same_number_is_not_meant(program):
    assert proc.usage(program.pid, start_time(program.pid) + 1) is None


def test_what_is_gone_uses_nothing():
    with subprocess.Popen(["true"]) as process:
        started = start_time(os.getpid())
        process.wait()
    assert proc.usage(process.pid, started) is None
