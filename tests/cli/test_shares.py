"""Sharing from the command line, against a hub that answers what the test says."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .conftest import FakeHub, Run, problem

URL = "http://hub.example/s/thsh_aaaa"
SSH = "ssh -p 2222 thsh_aaaa@hub.example"
PATH = "/api/v1/consoles/demo/shares"


def share(**values: Any) -> dict[str, Any]:
    return {
        "id": "s-aaaaaaaaaa",
        "role": "observer",
        "user": None,
        "expires": time.time() + 86400,
        "uses_left": None,
        "has_passphrase": False,
        "created": time.time(),
        "url": URL,
        "ssh": SSH,
        **values,
    }


MEMBER = {
    "member": 4,
    "share": "s-aaaaaaaaaa",
    "name": "eve\x1b[2J",
    "role": "writer",
    "is_guest": True,
    "joined": time.time() - 7300,
}


def test_a_link(termhub: Run, hub: FakeHub) -> None:
    hub.answers[f"POST {PATH}"] = 201, share()
    done = termhub("share", "demo")
    assert (done.status, done.out) == (0, f"{URL}\n{SSH}\n")
    assert done.err == (
        "The link makes an observer of demo, for 1d. `termhub unshare demo s-aaaaaaaaaa` takes it back.\n"
    )
    assert hub.calls[0][1] == {"role": "observer"}


def test_a_link_with_everything(termhub: Run, hub: FakeHub) -> None:
    made = share(role="writer", uses_left=1, has_passphrase=True, expires=time.time() + 5400)
    hub.answers[f"POST {PATH}"] = 201, made
    words = ["--role", "writer", "--expires", "90m", "--uses", "1", "--passphrase-stdin"]
    done = termhub("share", "demo", *words, typed="open sesame\n")
    assert hub.calls[0][1] == {"role": "writer", "expires": 5400.0, "uses": 1, "passphrase": "open sesame"}
    assert "a writer of demo, for 1h30m, once, with the pass-phrase." in done.err
    assert "run programs with the files of your home" in done.err
    assert "sesame" not in done.out + done.err


def test_to_an_account(termhub: Run, hub: FakeHub) -> None:
    hub.answers[f"POST {PATH}"] = 201, share(role="owner", user="bob", url=None, ssh=None)
    done = termhub("share", "demo", "--user", "bob", "--role", "owner")
    assert hub.calls[0][1] == {"role": "owner", "user": "bob"}
    assert (done.status, done.out) == (0, "")
    assert "bob is an owner of demo" in done.err
    assert "files of your home" in done.err


def test_for_scripts(termhub: Run, hub: FakeHub) -> None:
    made = share()
    hub.answers[f"POST {PATH}"] = 201, made
    done = termhub("share", "demo", "--json")
    assert (json.loads(done.out), done.err) == (made, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--expires", "soon"], "looks like 90m, 2h or 1d"),
        (["--uses", "0"], "--uses"),
        (["--role", "reader"], "--role"),
        (["--user", "bob", "--uses", "1"], "are for links"),
        (["--passphrase-stdin"], "no pass-phrase on standard input"),
    ],
)
def test_what_cannot_be_shared_is_wrong_usage(
    termhub: Run, hub: FakeHub, words: list[str], said: str
) -> None:
    done = termhub("share", "demo", *words)
    assert done.status == 2
    assert said in done.err
    assert hub.calls == []


def test_what_somebody_else_shares_is_found_by_owner_and_name(termhub: Run, hub: FakeHub) -> None:
    mine = {"id": "c-mine", "name": "demo", "owner": "bob", "state": "running"}
    theirs = {"id": "c-theirs", "name": "demo", "owner": "alice", "state": "running"}
    hub.answers["GET /api/v1/consoles"] = 200, {"consoles": [mine, theirs]}
    hub.answers["POST /api/v1/consoles/c-theirs/shares"] = problem(403, "not_allowed", "Only owners share.")
    done = termhub("share", "alice/demo")
    assert (done.status, done.err) == (1, "termhub: Only owners share.\n")
    assert "Nobody shares a console carol/demo with you." in termhub("share", "carol/demo").err


def test_the_list(termhub: Run, hub: FakeHub) -> None:
    listed = [share(uses_left=2, has_passphrase=True), share(id="s-bbbbbbbbbb", user="bob", role="writer")]
    hub.answers[f"GET {PATH}"] = 200, {"shares": listed, "members": [MEMBER]}
    lines = termhub("shares", "demo").out.splitlines()
    assert lines[0].split() == ["SHARE", "ROLE", "FOR", "EXPIRES", "USES", "LEFT"]
    assert lines[1].split() == ["s-aaaaaaaaaa", "observer", "link,", "pass-phrase", "in", "1d", "2"]
    assert lines[2].split() == ["s-bbbbbbbbbb", "writer", "bob", "in", "1d", "any"]
    assert lines[4].split() == ["MEMBER", "WHO", "ROLE", "SHARE", "CAME"]
    assert lines[5].startswith("4       eve\ufffd[2J (guest)  writer  s-aaaaaaaaaa  2 h ago")
    told = json.loads(termhub("shares", "demo", "--json").out)
    assert [each["id"] for each in told["shares"]] == ["s-aaaaaaaaaa", "s-bbbbbbbbbb"]
    assert told["members"][0]["member"] == 4


def test_the_list_of_what_is_not_shared(termhub: Run, hub: FakeHub) -> None:
    hub.answers[f"GET {PATH}"] = 200, {"shares": [], "members": []}
    done = termhub("shares", "demo")
    assert (done.status, done.out) == (0, "")
    assert "termhub share demo" in done.err


def test_taken_back(termhub: Run, hub: FakeHub) -> None:
    hub.answers[f"DELETE {PATH}/s-aaaaaaaaaa"] = 204, b""
    hub.answers[f"DELETE {PATH}/s-bbbbbbbbbb"] = 204, b""
    assert termhub("unshare", "demo", "s-aaaaaaaaaa").err == "1 share of demo taken back.\n"
    hub.answers[f"GET {PATH}"] = 200, {"shares": [share(), share(id="s-bbbbbbbbbb")], "members": []}
    assert termhub("unshare", "demo", "--all").err == "2 shares of demo taken back.\n"
    assert [call for call, _, _ in hub.calls[-2:]] == [
        f"DELETE {PATH}/s-aaaaaaaaaa",
        f"DELETE {PATH}/s-bbbbbbbbbb",
    ]
    for words in ([], ["s-aaaaaaaaaa", "--all"]):
        done = termhub("unshare", "demo", *words)
        assert done.status == 2
        assert "which share, or --all" in done.err
