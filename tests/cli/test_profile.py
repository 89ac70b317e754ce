"""Which hub and token a command uses."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from termhub.cli.profile import DEFAULT_HOST, Profile, find_profile, hub_url, save_profile, saved_profile
from termhub.errors import BadRequest


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("hub.example.org", "https://hub.example.org"),
        ("http://hub.example.org:80/some/path", "http://hub.example.org:80"),
        (" https://Hub.example.org/ ", "https://hub.example.org"),
    ],
)
def test_addresses(typed: str, url: str) -> None:
    assert hub_url(typed) == url


@pytest.mark.parametrize("typed", ["", "ftp://x", "http://", "host:port", "http://[::1"])
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(BadRequest, match="no address"):
        hub_url(typed)


def test_nothing_saved(tmp_path: Path) -> None:
    assert find_profile(None, None, tmp_path / "login.json") == Profile(DEFAULT_HOST, None)


def test_saved_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "login.json"
    save_profile(path, Profile("http://h:1", "th_x", 3))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert saved_profile(path) == Profile("http://h:1", "th_x", 3)


def test_saving_again_replaces(tmp_path: Path) -> None:
    path = tmp_path / "login.json"
    path.write_text("{}")
    path.chmod(0o644)
    save_profile(path, Profile("http://h:1", "th_x"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["login.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"host": 3}', '{"host": "ftp://x"}'])
def test_a_broken_file_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "login.json"
    path.write_text(text)
    assert saved_profile(path) is None


def test_a_token_goes_only_to_the_hub_it_was_saved_for(tmp_path: Path) -> None:
    path = tmp_path / "login.json"
    path.write_text(json.dumps({"host": "http://a:1", "token": "th_a"}))
    assert find_profile(None, None, path) == Profile("http://a:1", "th_a")
    assert find_profile("http://a:1/", None, path) == Profile("http://a:1", "th_a")
    assert find_profile("http://b:1", None, path) == Profile("http://b:1", None)
    assert find_profile("http://b:1", "th_b", path) == Profile("http://b:1", "th_b")
    assert find_profile(None, "th_c", path) == Profile("http://a:1", "th_c")
