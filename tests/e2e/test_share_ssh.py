"""A shared console for people who come by its link with OpenSSH, telnet or the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.ssh_terminal import SshAccount, ssh_account
from tests.support.terminal_process import TerminalProcess

pytestmark = pytest.mark.e2e

Open = Callable[..., TerminalProcess]


@pytest.fixture(scope="module")
def alice() -> Iterator[SshAccount]:
    with ssh_account(telnet=True) as account:
        yield account


@pytest.fixture(scope="module")
def hub(alice: SshAccount) -> HubProcess:
    return alice.hub


@pytest.fixture(scope="module")
def bob(hub: HubProcess) -> Iterator[SshAccount]:
    """Another account, with a key; calls over HTTP stay alice's."""
    cookie = hub.cookie
    folder = Path(tempfile.mkdtemp(prefix="termhub-ssh-"))
    try:
        account = SshAccount(hub, "bob", folder)
        hub.cookie = cookie
        yield account
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def console(hub: HubProcess) -> Iterator[str]:
    """A shell of alice's, named demo; it runs, and has a secret beside it."""
    made = hub.new_console(name="demo", program="bash")
    yield made["id"]
    hub.request("DELETE", f"/consoles/{made['id']}?remove=true")


@pytest.fixture
def terminal() -> Iterator[Open]:
    opened: list[TerminalProcess] = []

    def open_terminal(argv: list[str], **env: str) -> TerminalProcess:
        opened.append(TerminalProcess(argv, {"LANG": "C.UTF-8", **env}, cols=100, rows=30))
        return opened[-1]

    yield open_terminal
    for process in opened:
        process.close()


def ssh(
    account: SshAccount, user: str, *words: str, key: bool = False, options: tuple[str, ...] = ()
) -> list[str]:
    """``ssh USER@host WORDS``; with ``key``, that of the account."""
    chosen = (
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "StrictHostKeyChecking=accept-new",
        f"UserKnownHostsFile={account.folder / 'known_hosts'}",
        f"IdentityFile={account.folder / 'id' if key else 'none'}",
        f"Port={account.hub.ssh_port}",
        *options,
    )
    return ["ssh", "-F", "none", *(w for o in chosen for w in ("-o", o)), f"{user}@127.0.0.1", *words]


def run(argv: list[str], **env: str) -> Any:
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **env},
    )


def share(hub: HubProcess, console: str, **values: Any) -> tuple[str, str]:
    """Share a console of alice; the share's id and the link's token."""
    status, made = hub.request("POST", f"/consoles/{console}/shares", {"role": "writer", **values})
    assert status == 201, made
    return made["id"], (made["url"] or "").rpartition("/")[2]


def test_a_guest_comes_by_the_command_that_share_prints_works_and_is_sent_away(
    alice: SshAccount, console: str, terminal: Open
) -> None:
    made = run(ssh(alice, "console", "share", "demo", "--role", "writer", "--expires", "2h", key=True))
    assert made.returncode == 0, made.stderr
    link, command = made.stdout.splitlines()
    assert "run programs with the files of your home" in made.stderr
    assert link.startswith(f"{alice.hub.url}/s/thsh_")
    words = command.split()
    assert words[:3] == ["ssh", "-p", str(alice.hub.ssh_port)]
    token = words[3].partition("@")[0]
    guest = terminal(ssh(alice, token, "-t"))
    guest.until_text("Your name (Enter: guest):")
    guest.type("eve\r")
    guest.until(lambda: any("demo" in line for line in guest.lines[-1:]))
    guest.type("echo $((6*7))$((1+1))\r")
    guest.until(lambda: "422" in guest.lines)
    alice.hub.request("POST", "/consoles/demo/input", raw=b"echo $((7*7))$((2+1))\r")
    guest.until(lambda: "493" in guest.lines)
    listed = run(ssh(alice, "console", "shares", "demo", "--json", key=True))
    told = json.loads(listed.stdout)
    assert [(each["name"], each["is_guest"]) for each in told["members"]] == [("eve", True)]
    taken_back = run(ssh(alice, "console", "unshare", "demo", told["shares"][0]["id"], key=True))
    assert taken_back.returncode == 0, taken_back.stderr
    assert guest.finish() != 0
    assert "no longer shared with you" in guest.text
    again = run(ssh(alice, token, "ls", options=("NumberOfPasswordPrompts=1",)))
    assert again.returncode == 255
    assert "This link is wrong, or has expired or was revoked." in again.stderr
    assert token not in alice.hub.errors()


def test_scripts_of_guests_see_this_console_and_nothing_else(alice: SshAccount, console: str) -> None:
    alice.hub.new_console(name="secret", program="bash")
    _, token = share(alice.hub, console, role="observer", passphrase="open sesame")
    asker = alice.folder / "asker"
    asker.write_text("#!/bin/sh\necho open sesame\n")
    asker.chmod(0o700)

    def by_link(*words: str) -> Any:
        options = ("PreferredAuthentications=password", "LogLevel=ERROR")
        argv = ssh(alice, token, *words, options=options)
        return run(argv, SSH_ASKPASS=str(asker), SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")

    listed = by_link("ls", "--json")
    assert listed.returncode == 0, listed.stderr
    (seen,) = json.loads(listed.stdout)
    assert (seen["owner"], seen["name"], seen["role"]) == ("alice", "demo", "observer")
    assert by_link("screen", "alice/demo").returncode == 0
    for line, said in (
        ("new", "Guests cannot"),
        ("kill alice/demo", "Only an owner"),
        ("screen alice/secret", "no console named"),
        ("share alice/demo", "Only an owner"),
        ("scp -t x", "no files"),
    ):
        refused = by_link(line)
        assert refused.returncode in (1, 2), line
        assert said in refused.stderr, (line, refused.stderr)
    sftp = ["sftp", *ssh(alice, token, options=("PreferredAuthentications=password",))[1:]]
    moved = run(sftp, SSH_ASKPASS=str(asker), SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
    assert moved.returncode != 0
    assert "no files" in moved.stderr


def test_an_account_takes_the_link_with_its_key_and_finds_the_console_later(
    alice: SshAccount, bob: SshAccount, console: str, terminal: Open
) -> None:
    id, token = share(alice.hub, console, uses=1)
    first = terminal(ssh(bob, token, "-t", key=True))
    first.until(lambda: any("demo" in line for line in first.lines[-1:]))
    first.type("echo $((6*7))$((1+1))\r")
    first.until(lambda: "422" in first.lines)
    first.type("\x02d")
    assert first.finish() == 0
    listed = run(ssh(bob, "console", "ls", key=True))
    assert "alice/demo  writer  running" in listed.stdout, listed
    second = terminal(ssh(bob, "console", "-t", "attach", "alice/demo", key=True))
    second.until(lambda: "422" in second.lines)
    assert run(ssh(bob, "console", "kill", "alice/demo", key=True)).returncode == 1
    stranger = run(ssh(alice, token, "ls"))
    assert stranger.returncode == 255
    assert "This link is used up. Ask for another one." in stranger.stderr
    status, _ = alice.hub.request("DELETE", f"/consoles/{console}/shares/{id}")
    assert status == 204
    second.until(lambda: "no longer shared with you" in second.text)


def test_a_guest_comes_with_the_command_line(alice: SshAccount, console: str, terminal: Open) -> None:
    id, token = share(alice.hub, console)
    config = str(alice.folder / "nobody")
    guest = terminal(
        [str(TERMHUB), "attach", f"{alice.hub.url}/s/{token}"], XDG_CONFIG_HOME=config, TERMHUB_HOST=""
    )
    guest.until_text("Your name")
    guest.type("mallory\r")
    guest.until_text("$")
    guest.type("echo $((6*7))$((1+1))\r")
    guest.until(lambda: "422" in guest.lines)
    status, told = alice.hub.request("GET", f"/consoles/{console}/shares")
    assert (status, [each["name"] for each in told["members"]]) == (200, ["mallory"])
    member = told["members"][0]["member"]
    status, _ = alice.hub.request("PATCH", f"/consoles/{console}/members/{member}", {"role": "observer"})
    assert status == 204
    guest.until_text("you are an observer here now")
    guest.until(lambda: not any("observer here now" in line for line in guest.lines))
    guest.type("echo $((7*7))$((1+1))\r")
    guest.until_text("typing does nothing")
    assert "492" not in guest.text
    alice.hub.request("DELETE", f"/consoles/{console}/shares/{id}")
    assert guest.finish() == 1
    assert "no longer shared with you" in guest.text


def test_a_guest_comes_by_telnet(alice: SshAccount, console: str, terminal: Open) -> None:
    id, token = share(alice.hub, console)
    guest = terminal(["telnet", "127.0.0.1", str(alice.hub.telnet_port)])
    guest.until_text("login:")
    guest.type(f"{token}\r")
    guest.until_text("Password:")
    guest.type("\r")
    guest.until(lambda: any("demo" in line for line in guest.lines[-1:]))
    guest.type("echo $((6*7))$((1+1))\r")
    guest.until(lambda: "422" in guest.lines)
    alice.hub.request("DELETE", f"/consoles/{console}/shares/{id}")
    guest.finish()
    assert "no longer shared with you" in guest.text
