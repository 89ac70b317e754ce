"""Who typed what, at the prompts of real programs in real sandboxes."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from sandbox.guest import frames
from tests.support.console_process import ConsoleProcess, HostLink, LauncherProcess

PASTE = "\x1b[200~{}\x1b[201~"


class Person:
    """Somebody who types over a link."""

    def __init__(self, link: HostLink, name: str) -> None:
        self._link = link
        self._viewer = random.getrandbits(64)
        self._sequence = 0
        assert link.request("person", viewer=f"{self._viewer:016x}", name=name)["ok"]

    def types(self, text: str, until: str) -> None:
        """Type, and wait until the program has printed something; behind whole lines its prompt too.

        What is typed before the prompt is there is echoed twice, by the terminal and by the program.
        """
        data = text.encode()
        self._link.output[0] = b""
        self._link.send(frames.input_(0, self._viewer, self._sequence, data))
        self._sequence += len(data)
        wanted = re.compile(
            re.escape(until.encode()) + (b".*(>>>|[$]) " if until.endswith("\n") else b""), re.S
        )
        while not wanted.search(self._link.output[0]):
            self._link.next()


def typed(link: HostLink) -> list[tuple[str, str]]:
    reply = link.request("typed", 0)
    return [("+".join(line["who"]), line["text"]) for line in reply["lines"]]


def image(launcher: LauncherProcess, version: str) -> str:
    for entry in launcher.ask("images")["images"]:
        if entry["version"].startswith(version + "."):
            return str(entry["name"])
    pytest.skip(f"no Python {version} here")


@pytest.fixture
def python(launcher: LauncherProcess) -> Iterator[tuple[ConsoleProcess, HostLink]]:
    console = launcher.create(image=image(launcher, "3.11"))
    with console.link() as link:
        link.subscribe()
        link.read_until(b">>> ")
        yield console, link


def test_python_with_readline(python: tuple[ConsoleProcess, HostLink]):
    _, link = python
    alice, bob = Person(link, "alice"), Person(link, "bob")
    alice.types("6", "6")
    bob.types("*7\r", "42\r\n")
    alice.types("for n in 11, 12:\r    print(n * n)\r\r2 ** 10\r", "1024\r\n")
    bob.types("a = '" + "long " * 40 + "'; len(a)\r", "200\r\n")
    alice.types("import getpass; len(getpass.getpass())\r", "Password: ")
    bob.types("hunter2\r", "7\r\n")
    alice.types("\x1b[A\x1b[A\r", "200\r\n")
    found = typed(link)
    assert found == [
        ("alice+bob", ">>> 6*7"),
        ("alice", ">>> for n in 11, 12:"),
        ("alice", "...     print(n * n)"),
        ("alice", ">>> 2 ** 10"),
        ("bob", ">>> a = '" + "long " * 40 + "'; len(a)"),
        ("alice", ">>> import getpass; len(getpass.getpass())"),
        ("alice", ">>> a = '" + "long " * 40 + "'; len(a)"),
    ]


def test_a_successor_of_a_killed_host_knows(python: tuple[ConsoleProcess, HostLink]):
    console, link = python
    alice = Person(link, "alice")
    alice.types("6*7\r", "42\r\n")
    alice.types("x = ", "x = ")
    assert typed(link) == [("alice", ">>> 6*7")]
    console.kill_host()
    with console.link() as successor:
        assert typed(successor) == [("alice", ">>> 6*7")]
        successor.subscribe()
        Person(successor, "bob").types("5; x + 1000\r", "1005\r\n")
        assert typed(successor) == [("alice", ">>> 6*7"), ("alice+bob", ">>> x = 5; x + 1000")]


def test_the_new_prompt_of_python(launcher: LauncherProcess):
    console = launcher.create(image=image(launcher, "3.13"), cols=60)
    with console.link() as link:
        link.subscribe()
        link.read_until(b">>> ")
        alice, bob = Person(link, "alice"), Person(link, "bob")
        alice.types("6", "6")
        bob.types("*7\r", "42\r\n")
        bob.types("a = '" + "long " * 40 + "'; len(a)\r", "200\r\n")
        alice.types(PASTE.format("b = 1\rc = 2\rb + c + 1000") + "\r\r", "1003\r\n")
        alice.types("import getpass; len(getpass.getpass())\r", "Password: ")
        bob.types("hunter2\r", "7\r\n")
        found = link.request("typed", 0)["lines"]
        texts = [("+".join(line["who"]), line["text"].replace(" ", ""), line["lines"]) for line in found]
        assert texts == [
            ("alice+bob", ">>>6*7", 1),
            ("bob", ">>>a='" + "long" * 40 + "';len(a)", 1),
            ("alice", ">>>b=1\n...c=2\n...b+c+1000", 3),
            ("alice", ">>>importgetpass;len(getpass.getpass())", 1),
        ]


def test_a_shell_and_programs_that_fill_the_screen(launcher: LauncherProcess):
    shell = "PS1='$ ' exec bash --norc -i"
    console = launcher.create(program="script", argv=["/bin/sh", "-c", shell])
    with console.link() as link:
        link.subscribe()
        link.read_until(b"$ ")
        alice, bob = Person(link, "alice"), Person(link, "bob")
        assert link.request("modes", 0)["bracketed_paste"]
        alice.types("echo $((40+", "echo $((40+")
        bob.types("2))\r", "42\r\n")
        alice.types(PASTE.format("echo $((50+1))\recho $((50+2))") + "\r", "52\r\n")
        alice.types("stty -echo; echo $((50+3)):; read it; stty echo; echo $((50+4))\r", "53:")
        bob.types("hunter2\r", "54\r\n")
        alice.types(r"printf '\033[?1049h'; read it; printf '\033[?1049l'; echo back" + "\r", "\x1b[?1049h")
        assert link.request("modes", 0)["alternate_screen"]
        bob.types("secret plans\r", "back\r\n")
        bob.types("echo $((50+5))\r", "55\r\n")
        assert typed(link) == [
            ("alice+bob", "$ echo $((40+2))"),
            ("alice", "$ echo $((50+1))\necho $((50+2))"),
            ("alice", "$ stty -echo; echo $((50+3)):; read it; stty echo; echo $((50+4))"),
            ("alice", r"$ printf '\033[?1049h'; read it; printf '\033[?1049l'; echo back"),
            ("bob", "$ echo $((50+5))"),
        ]
