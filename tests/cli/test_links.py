"""Attaching by the link of a share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.cli.links import Link, parse_link
from termhub.cli.profile import Profile, profile_path, save_profile
from termhub.errors import BadRequest

from .conftest import FakeHub, Run, problem

TOKEN = "thsh_" + "a" * 32
CONSOLE = {"id": "c-abcdefghij", "name": "demo", "state": "running", "owner": "alice", "role": "writer"}


def test_what_is_a_link() -> None:
    link = parse_link(f"https://hub.example:8443/s/{TOKEN}")
    assert link == Link("https://hub.example:8443", TOKEN)
    assert TOKEN not in repr(link)
    for name in ("demo", "alice/demo", "c-abcdefghij", TOKEN):
        assert parse_link(name) is None


@pytest.mark.parametrize(
    "url", ["https://hub.example/", "https://hub.example/c/demo", "https://hub.example/s/", "http:///s/x"]
)
def test_addresses_of_something_else(url: str) -> None:
    with pytest.raises(BadRequest):
        parse_link(url)


@given(st.text(max_size=40) | st.text(max_size=40).map("http://".__add__) | st.text("/s:[]@x%", max_size=20))
def test_anything_is_a_link_or_a_name_or_told_why_not(text: str) -> None:
    try:
        parse_link(text)
    except BadRequest as error:
        assert error.message


def test_the_account_takes_the_link(termhub: Run, hub: FakeHub) -> None:
    hub.answers["POST /api/v1/shares/take"] = 200, {"console": "c-abcdefghij"}
    hub.answers["GET /api/v1/consoles/c-abcdefghij"] = 200, CONSOLE
    done = termhub("attach", f"{hub.url}/s/{TOKEN}")
    assert "needs a terminal" in done.err
    assert [(call, body) for call, body, _ in hub.calls] == [
        ("POST /api/v1/shares/take", {"token": TOKEN}),
        ("GET /api/v1/consoles/c-abcdefghij", None),
    ]
    assert hub.calls[0][2]["Authorization"] == "Bearer th_token"


def test_our_token_goes_to_no_other_hub(
    termhub: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.setenv("TERMHUB_HOST", "http://127.0.0.1:9")
    hub.answers["POST /api/v1/shares/look"] = 200, {"owner": "alice", "name": "demo", "role": "writer"}
    done = termhub("attach", f"{hub.url}/s/{TOKEN}")
    assert done.status == 1
    assert "no terminal to ask for a name" in done.err
    assert all("Authorization" not in headers for _, _, headers in hub.calls)
    # The one that was saved for that hub does.
    save_profile(profile_path(), Profile(hub.url, "th_saved"))
    hub.answers["POST /api/v1/shares/take"] = problem(403, "share_used_up", "This link is used up.")
    done = termhub("attach", f"{hub.url}/s/{TOKEN}")
    assert (done.status, done.err) == (1, "termhub: This link is used up.\n")
    assert hub.calls[-1][2]["Authorization"] == "Bearer th_saved"
