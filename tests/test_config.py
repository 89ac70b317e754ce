"""Settings: sources, their order, and what is refused."""

import re
from pathlib import Path

import msgspec
import pytest

from termhub.config import Address, Settings, all_settings, load, parse_address
from termhub.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text)
    return file


def test_file_then_environment_then_command_line(tmp_path: Path) -> None:
    file = write(tmp_path, '[web]\nlisten = "127.0.0.1:1"\n[consoles]\nprepared_total = 1\nkept_ended = 1\n')
    environment = {"TERMHUB_CONSOLES_PREPARED_TOTAL": "2", "TERMHUB_WEB_LISTEN": "127.0.0.1:2"}
    settings = load(file, environment, {"web.listen": "127.0.0.1:3", "log.level": None})
    assert settings.web.listen == "127.0.0.1:3"
    assert settings.consoles.prepared_total == 2
    assert settings.consoles.kept_ended == 1
    assert settings.log.level == "info"


def test_file_of_the_data_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path, "[plans.free]\nmemory_mb = 77\n")
    assert load(environment={}, options={"data": str(tmp_path)}).plans["free"].memory_mb == 77
    assert load(environment={"TERMHUB_DATA": str(tmp_path)}).plans["free"].memory_mb == 77


def test_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot read"):
        load(tmp_path / "missing.toml", {})
    with pytest.raises(ConfigError, match="Cannot read"):
        load(environment={"TERMHUB_CONFIG": str(tmp_path / "missing.toml")})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[web]\nlisen = 'x'\n", "web.lisen is not a setting. Did you mean web.listen?"),
        ("kept_ended = 3\n", "kept_ended is not a setting. Did you mean consoles.kept_ended?"),
        ("[limits]\nmemory_mb = 3\n", r"limits.memory_mb is not a setting. .* \[plans.NAME\]"),
        ("[plans]\nfree = 3\n", r"write \[plans.free\]"),
        ("[plans.free]\nmemory = 3\n", "Did you mean plans.free.memory_mb?"),
        ("[plans.'Big one']\nmemory_mb = 64\n", "cannot be a plan's name"),
        ("default_plan = 'huge'\n", "there is no such plan"),
        ("zzzzzz = 3\n", "zzzzzz is not a setting."),
        ("web = 3\n", r"web in .* is a section"),
        ("[plans.mine]\nmemory_mb = 0\n", "plans.mine.memory_mb = 0"),
        ("[plans.free]\nmemory_mb = 'lots'\n", "plans.free.memory_mb = 'lots'"),
        ("[screen]\nengine = 'vt'\n", "screen.engine = 'vt'"),
        ("[web]\nlisten = 3\n", "web.listen = 3"),
        ("[web]\nlisten = 'nowhere'\n", "'nowhere' is not an address"),
        ("[ssh]\nlisten = 'nowhere'\n", "'nowhere' is not an address"),
        ("[telnet]\nlisten = 'nowhere'\n", "'nowhere' is not an address"),
        ("[web]\npublic_url = 'example.org'\n", "web.public_url = 'example.org'"),
        ("= 3\n", "is not TOML"),
    ],
)
def test_bad_file_is_refused_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=message):
        load(file, {})


def test_unknown_variable_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean TERMHUB_CONSOLES_KEPT_ENDED"):
        load(environment={"TERMHUB_CONSOLE_KEPT_ENDED": "1"})


def test_variables_of_clients_are_not_settings(tmp_path: Path) -> None:
    environment = {"TERMHUB_HOST": "x", "TERMHUB_TOKEN": "x", "TERMHUB_DATA": str(tmp_path)}
    assert load(environment=environment) == Settings(data=str(tmp_path))


def test_values_from_the_environment_have_their_type() -> None:
    settings = load(
        environment={
            "TERMHUB_INSECURE_NO_SANDBOX": "true",
            "TERMHUB_PLANS_FREE_PROCESSES": "5",
            "TERMHUB_NETWORK_ALLOW": "pypi.org, git.example.org:8443",
            "TERMHUB_DATA": "/nowhere",
        }
    )
    assert settings.insecure_no_sandbox is True
    assert settings.plans["free"].processes == 5
    assert settings.network.allow == ["pypi.org", "git.example.org:8443"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        (":0", Address("127.0.0.1", 0)),
        ("[::1]:8000", Address("::1", 8000)),
        ("off", None),
    ],
)
def test_addresses(text: str, address: Address | None) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["localhost", "a:b:1", ":99999", "::1:80", "1.2.3.4:-1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_address(text)


def test_every_setting_is_described_and_documented() -> None:
    text = (Path(__file__).parents[1] / "docs" / "operating.md").read_text()
    for info in all_settings():
        assert len(info.description) > 10
        # The plans have the same settings: the table has each once.
        key = re.sub(r"^plans\.\w+", "plans.NAME", info.key)
        assert f"`{key}`" in text, key


def test_a_plan_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    file = write(tmp_path, '[plans.plus]\nconsoles = 3\n[plans.student]\nnetwork = "allowlist"\n')
    plans = load(file, {"TERMHUB_PLANS_STUDENT_HOME_MB": "5"}).plans
    shipped = Settings().plans
    assert list(plans) == ["free", "plus", "pro", "guest", "student"]
    assert plans["plus"] == msgspec.structs.replace(shipped["plus"], consoles=3)
    assert plans["student"] == msgspec.structs.replace(
        shipped["free"], description="", network="allowlist", home_mb=5
    )
