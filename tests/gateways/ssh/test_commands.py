"""What a command line over ssh may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.ssh.commands import (
    Attach,
    Command,
    Help,
    Kill,
    List,
    Logs,
    New,
    Relay,
    Rename,
    Screen,
    Share,
    Shares,
    Unshare,
    UsageError,
    parse,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("new", New(None, None, None)),
        ("new bash", New("bash", None, None)),
        ("new ipython --image 3.13 --name work", New("ipython", "3.13", "work")),
        ("new -i 3.13 -n 'a b'", New(None, "3.13", "a b")),
        ("attach demo", Attach("demo", False, False, False)),
        ("attach -r -d -A demo", Attach("demo", True, True, True)),
        ("attach -rdA demo", Attach("demo", True, True, True)),
        ("ls", List(False)),
        ("ls --json", List(True)),
        ("kill a b", Kill(["a", "b"])),
        ("kill --remove a", Kill(["a"], remove=True)),
        ("rename a b", Rename("a", "b")),
        ("logs a", Logs("a", 0, False, False)),
        ("logs a --follow --window 2 --raw", Logs("a", 2, True, True)),
        ("screen a --json", Screen("a", 0, True)),
        ("attach alice/demo", Attach("alice/demo", False, False, False)),
        ("share a", Share("a", "observer", None, None, None, False, False)),
        ("share a --role writer --user bob", Share("a", "writer", "bob", None, None, False, False)),
        (
            "share a --expires 90m --uses 1 --passphrase-stdin --json",
            Share("a", "observer", None, 5400.0, 1, True, True),
        ),
        ("shares a", Shares("a", False)),
        ("shares a --json", Shares("a", True)),
        ("unshare a s-abc", Unshare("a", "s-abc")),
        ("unshare a --all", Unshare("a", None)),
    ],
)
def test_commands(line: str, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize("line", ["help", "--help", "-h"])
def test_help_names_every_command(line: str) -> None:
    command = parse(line)
    assert isinstance(command, Help)
    for name in (
        "new",
        "attach",
        "ls",
        "kill",
        "rename",
        "logs",
        "screen",
        "share",
        "shares",
        "unshare",
        "help",
    ):
        assert f"\n  {name} " in command.text.replace("help  ", "help ", 1)
    assert max(map(len, command.text.splitlines())) < 80


def test_help_of_one_command() -> None:
    command = parse("logs --help")
    assert isinstance(command, Help)
    assert "--follow" in command.text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("lss", "did you mean 'ls'?"),
        ("atach x", "did you mean 'attach'?"),
        ("cat /etc/passwd", "`help` lists"),
        ("new 'unfinished", "no closing quotation"),
        ("attach", "required: name"),
        ("attach a b", "unrecognized arguments: b"),
        ("ls --js", "unrecognized arguments: --js"),
        ("logs a --window x", "not a window's number"),
        ("logs a --window 70000", "not a window's number"),
        ("kill", "required: name"),
        ("share", "required: name"),
        ("share a --role reader", "invalid choice: 'reader'"),
        ("share a --expires 2", "looks like 90m, 2h or 1d"),
        ("share a --expires 0s", "no time that anything"),
        ("share a --uses 0", "not how often"),
        ("share a --uses ٥", "not how often"),
        ("share a --user bob --uses 2", "are for links"),
        ("share a --user bob --passphrase-stdin", "are for links"),
        ("shares a b", "unrecognized arguments: b"),
        ("unshare a", "which share, or --all"),
        ("unshare a s-abc --all", "which share, or --all"),
        ("x" * 5_000, "too long"),
        ("ls " + "-a " * 1_000, "at most 64 words"),
        ("kill " + "a " * 1_000, "at most 64 words"),
        ("scp a b", "server forms"),
        ("scp -S evil -t x", "server forms"),
        ("scp -t -f x", "server forms"),
        ("rsync a b", "server form"),
        ("rsync --server --daemon .", "server form"),
        ("rsync --server --sender --config=x .", "server form"),
        ("rsync --server --config x .", "server form"),
        ("rsync --server --dparam=a=b .", "server form"),
        ("rsync --server --no-detach .", "server form"),
    ],
)
def test_what_is_no_command(line: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(line)
    assert said in str(error.value).replace("No closing", "no closing")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("sftp-server", ["sftp-server", "-e"]),
        ("/usr/lib/openssh/sftp-server", ["sftp-server", "-e"]),
        ("scp -t notes.txt", ["scp", "-t", "notes.txt"]),
        ("scp -r -p -f -- 'a b'", ["scp", "-r", "-p", "-f", "--", "a b"]),
        ("scp -rpt ~/x", ["scp", "-rpt", "./x"]),
        ("scp -f ~", ["scp", "-f", "."]),
        (
            "rsync --server --sender -vlogDtpre.iLsfxCIvu . src/",
            ["rsync", "--server", "--sender", "-vlogDtpre.iLsfxCIvu", ".", "src/"],
        ),
    ],
)
def test_programs_that_move_files(line: str, argv: list[str]) -> None:
    command = parse(line)
    assert isinstance(command, Relay)
    assert list(command.argv) == argv


@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "new",
                "logs",
                "share",
                "--uses",
                "9",
                "--expires",
                "1h",
                "--role",
                "unshare",
                "-r",
                "--",
                "scp",
                "-t",
                "'",
                "é",
                "-",
            ]
        )
    ).map(" ".join)
)
def test_anything_is_a_command_or_told_why_not(line: str) -> None:
    try:
        parse(line)
    except UsageError as error:
        assert str(error)
