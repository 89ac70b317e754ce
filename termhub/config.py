"""Settings: a TOML file, then ``TERMHUB_*`` variables, then the command line.

Later sources override earlier ones.  Every setting is a typed field of a section below,
described where it is defined; ``docs/operating.md`` lists them all.  A key that is not a
setting is refused with the nearest one that is, wherever it comes from.

In the file, a setting is ``[section] name = value``; in the environment
``TERMHUB_SECTION_NAME``; settings outside a section have no section in either.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import attrs
import platformdirs
from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert, field, structs

from termhub.errors import ConfigError

PREFIX = "TERMHUB_"

NOT_SETTINGS = frozenset({"HOST", "TOKEN", "CONSOLE", "CONFIG", "SESSION"})
"""``TERMHUB_`` variables that belong to the client commands and to consoles."""

NOT_SETTINGS_PREFIXES = ("TEST_", "BENCH_")
"""What tests and benchmarks use for themselves."""

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


@attrs.frozen
class Address:
    """Where to listen: a host and a port; port 0 picks a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address | None:
    """The address in ``HOST:PORT``, ``[IPv6]:PORT`` or ``:PORT`` (loopback); None for ``off``.

    :raises ConfigError: when it is none of these.
    """
    if text.lower() in ("off", "none", ""):
        return None
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\[\]:]*)):(\d{1,5})", text)
    if found is None or int(found[3]) > 65535:
        raise ConfigError(f"{text!r} is not an address: write HOST:PORT, [IPv6]:PORT or off.")
    return Address(found[1] or found[2] or "127.0.0.1", int(found[3]))


class Web(Struct, frozen=True, forbid_unknown_fields=True):
    """Browser, REST and WebSocket."""

    listen: Annotated[str, Meta(description="Where the web gateway listens: HOST:PORT, or off.")] = (
        "127.0.0.1:8000"
    )
    public_url: Annotated[
        str,
        Meta(
            description="The address people use, where a proxy stands in front (https://…); "
            "links and the Origin check use it. Empty: the listening address."
        ),
    ] = ""
    connections: Annotated[NotNegative, Meta(description="Most connections at a time; 0: no limit.")] = 4096
    connections_per_address: Annotated[
        NotNegative,
        Meta(
            description="Most connections of one address (IPv6: of 64 bits) at a time; 0: no limit. "
            "With `web.public_url` a proxy's address is everybody's, and there is none."
        ),
    ] = 1024


class SshSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles from any ssh client."""

    listen: Annotated[str, Meta(description="Where the ssh gateway listens: HOST:PORT, or off.")] = (
        "127.0.0.1:2222"
    )
    connections: Annotated[NotNegative, Meta(description="Most ssh connections at a time; 0: no limit.")] = (
        500
    )
    connections_per_address: Annotated[
        NotNegative,
        Meta(description="Most ssh connections of one address (IPv6: of 64 bits) at a time; 0: no limit."),
    ] = 100
    unauthenticated: Annotated[
        NotNegative,
        Meta(description="Most ssh connections that have not logged in yet, at a time; 0: no limit."),
    ] = 100
    login_seconds: Annotated[
        Positive, Meta(description="An ssh connection that has not logged in after this long is closed.")
    ] = 60
    channels: Annotated[Positive, Meta(description="Most sessions in one ssh connection at a time.")] = 10


class TelnetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles from any telnet client; telnet encrypts nothing."""

    listen: Annotated[
        str,
        Meta(
            description="Where the telnet gateway listens: HOST:PORT, or off. Only a loopback address, "
            "unless `telnet.allow_remote`."
        ),
    ] = "127.0.0.1:2323"
    allow_remote: Annotated[
        bool,
        Meta(description="Serve telnet to other machines too: passwords then cross the network in clear."),
    ] = False
    connections: Annotated[
        NotNegative, Meta(description="Most telnet connections at a time; 0: no limit.")
    ] = 200
    connections_per_address: Annotated[
        NotNegative,
        Meta(description="Most telnet connections of one address (IPv6: of 64 bits) at a time; 0: no limit."),
    ] = 100
    login_seconds: Annotated[
        Positive, Meta(description="A telnet connection that has not logged in after this long is closed.")
    ] = 60
    idle_seconds: Annotated[
        NotNegative,
        Meta(description="A telnet connection on which nobody typed for this long is closed; 0: never."),
    ] = 0


class ConsolesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles of a user."""

    per_user: Annotated[Positive, Meta(description="Most running consoles of one user.")] = 50
    kept_ended: Annotated[
        NotNegative, Meta(description="Ended consoles kept listed for each user; the oldest go.")
    ] = 50
    program: Annotated[str, Meta(description="Program of a new console when none is asked for.")] = "python"
    image: Annotated[
        str, Meta(description="Image of a new console when none is asked for; empty: the system's Python.")
    ] = ""
    prepare: Annotated[
        bool,
        Meta(description="Keep one console ready for each logged-in user, so that new is instant."),
    ] = True
    prepared_idle_seconds: Annotated[
        Positive, Meta(description="A prepared console that nobody took for this long is ended.")
    ] = 3600
    prepared_total: Annotated[NotNegative, Meta(description="Most prepared consoles of all users.")] = 50


class LimitsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What one console may use."""

    memory_mb: Annotated[Positive, Meta(description="Memory, in MiB.")] = 1024
    processes: Annotated[Positive, Meta(description="Processes and threads.")] = 256
    cpu_percent: Annotated[
        NotNegative, Meta(description="CPU time, in percent of one core; 0: no limit.")
    ] = 0
    file_mb: Annotated[Positive, Meta(description="Largest file it can write, in MiB.")] = 4096
    open_files: Annotated[Positive, Meta(description="Open files of one process.")] = 1024
    journal_mb: Annotated[
        Annotated[int, Meta(ge=16)],
        Meta(description="Output kept on disk, in MiB; taken over when the launcher starts."),
    ] = 64
    tmp_mb: Annotated[Positive, Meta(description="Size of its /tmp, in MiB; counts as memory.")] = 64


class ScreenSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Terminal emulation in the hosts."""

    engine: Annotated[
        Literal["auto", "ghostty", "pyte"],
        Meta(description="Terminal engine; auto takes ghostty where pyghostty is installed."),
    ] = "auto"


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub's log. It never holds secrets or what people type."""

    level: Annotated[
        Literal["debug", "info", "warn", "error"], Meta(description="Least severe messages to write.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"], Meta(description="Lines for people, or one JSON object a line.")
    ] = "text"
    file: Annotated[str, Meta(description="File to append to; empty: standard error.")] = ""


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting of a hub."""

    data: Annotated[
        str,
        Meta(
            description="Folder of everything that lasts. Empty: /var/lib/termhub as root, else the "
            "platform's data folder."
        ),
    ] = ""
    service_user: Annotated[
        str, Meta(description="The user a hub started as root becomes; made when it does not exist.")
    ] = "termhub"
    uid_base: Annotated[
        Annotated[int, Meta(ge=1000, le=4_000_000_000)],
        Meta(description="As root: consoles of the user with number N run as uid uid_base + N."),
    ] = 600_000_000
    insecure_no_sandbox: Annotated[
        bool,
        Meta(description="Run consoles without a sandbox: they can do what the hub's user can."),
    ] = False
    web: Web = field(default_factory=Web)
    ssh: SshSettings = field(default_factory=SshSettings)
    telnet: TelnetSettings = field(default_factory=TelnetSettings)
    consoles: ConsolesSettings = field(default_factory=ConsolesSettings)
    limits: LimitsSettings = field(default_factory=LimitsSettings)
    screen: ScreenSettings = field(default_factory=ScreenSettings)
    log: LogSettings = field(default_factory=LogSettings)

    @property
    def data_path(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data).absolute() if self.data else default_data_path()

    @property
    def hub_path(self) -> Path:
        """What only the hub reads and writes; belongs to its user, 0700."""
        return self.data_path / "hub"

    @property
    def database_path(self) -> Path:
        """The SQLite store."""
        return self.hub_path / "termhub.db"

    @property
    def ssh_host_key_path(self) -> Path:
        """The private key that the hub shows to ssh clients; made on the first start."""
        return self.hub_path / "ssh_host_ed25519_key"

    @property
    def pid_path(self) -> Path:
        """Locked by the running hub, with its process id in it."""
        return self.data_path / "hub.pid"

    @property
    def run_path(self) -> Path:
        """Sockets and console folders."""
        return self.data_path / "run"

    @property
    def consoles_path(self) -> Path:
        """One folder for each console."""
        return self.run_path / "consoles"

    @property
    def launcher_socket(self) -> Path:
        """Where the launcher listens."""
        return self.run_path / "launcher.sock"


def default_data_path() -> Path:
    """``/var/lib/termhub`` for root, else the platform's data folder for this user."""
    if os.geteuid() == 0:
        return Path("/var/lib/termhub")
    return Path(platformdirs.user_data_dir("termhub", appauthor=False))


@attrs.frozen
class SettingInfo:
    """One setting, for help and documentation."""

    path: tuple[str, ...]
    description: str
    default: Any

    @property
    def key(self) -> str:
        """Its name in the file, with the section: ``web.listen``."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + "_".join(self.path).upper()


def all_settings(section: type[Struct] = Settings, path: tuple[str, ...] = ()) -> Iterator[SettingInfo]:
    """Every setting there is, in the order of definition."""
    hints = get_type_hints(section, include_extras=True)
    for item in structs.fields(section):
        hint = hints[item.name]
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from all_settings(hint, (*path, item.name))
        else:
            meta: tuple[Meta, ...] = hint.__metadata__
            description = next(m.description for m in reversed(meta) if m.description)
            yield SettingInfo((*path, item.name), description, item.default)


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings from all sources.

    :param file: a TOML file that must exist; without one ``TERMHUB_CONFIG`` names it, or
        ``config.toml`` in the data folder is read where there is one.
    :param environment: usually ``os.environ``.
    :param options: from the command line: keys such as ``web.listen``; None values are left out.
    :raises ConfigError: for unknown keys and values that cannot be used; the message says
        where it stands.
    """
    environment = os.environ if environment is None else environment
    infos = {info.key: info for info in all_settings()}
    overrides: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key, value, source in (*_from_environment(environment, infos), *_from_options(options or {}, infos)):
        overrides[key] = value
        sources[key] = source
    if file is None and environment.get(PREFIX + "CONFIG"):
        file = Path(environment[PREFIX + "CONFIG"])
    tree: dict[str, Any] = {}
    if file is None:
        standard = (
            convert({"data": overrides.get("data", "")}, Settings, strict=False).data_path / "config.toml"
        )
        if _is_file(standard):
            file = standard
    if file is not None:
        tree = _from_file(file, infos)
    values = dict(_flat(tree))
    for key in values:
        sources.setdefault(key, str(file))
    values.update(overrides)
    settings = _checked(values, sources)
    for gateway in (settings.web, settings.ssh, settings.telnet):
        parse_address(gateway.listen)
    url = settings.web.public_url
    if url and not re.fullmatch(r"https?://[^/?#\s]+/?", url):
        raise ConfigError(f"Setting web.public_url = {url!r}: write https://HOST or http://HOST:PORT.")
    return settings


def _checked(values: Mapping[str, Any], sources: Mapping[str, str]) -> Settings:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        branch = tree
        *sections, name = key.split(".")
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[name] = value
    try:
        return convert(tree, Settings, strict=False)
    except ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        key = re.sub(r"\[.*\]", "", where.rstrip("`"))
        shown = values.get(key, UNSET)
        told = "" if isinstance(shown, UnsetType) else f" = {shown!r}"
        source = f" ({sources[key]})" if key in sources else ""
        raise ConfigError(f"Setting {key}{told}{source}: {message[:1].lower()}{message[1:]}.") from None


def _from_file(file: Path, infos: Mapping[str, SettingInfo]) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            tree = tomllib.load(stream)
    except OSError as error:
        raise ConfigError(f"Cannot read the settings in {file}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from None
    sections = {info.path[0] for info in infos.values() if len(info.path) > 1}
    for key, value in tree.items():
        if key in sections and not isinstance(value, dict):
            raise ConfigError(f"{key} in {file} is a section: write [{key}] and its settings below.")
    for key, _ in _flat(tree):
        if key not in infos:
            raise ConfigError(f"{file}: {_unknown(key, infos)}")
    return tree


def _from_environment(
    environment: Mapping[str, str], infos: Mapping[str, SettingInfo]
) -> Iterator[tuple[str, Any, str]]:
    by_variable = {info.variable: info for info in infos.values()}
    for name, value in environment.items():
        if not name.startswith(PREFIX):
            continue
        rest = name.removeprefix(PREFIX)
        if rest in NOT_SETTINGS or rest.startswith(NOT_SETTINGS_PREFIXES):
            continue
        if name not in by_variable:
            near = difflib.get_close_matches(name, by_variable, 1, 0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(f"The environment has {name}, which is not a setting.{hint}")
        info = by_variable[name]
        yield info.key, value, name


def _from_options(
    options: Mapping[str, Any], infos: Mapping[str, SettingInfo]
) -> Iterator[tuple[str, Any, str]]:
    for key, value in options.items():
        if value is None:
            continue
        if key not in infos:
            raise ConfigError(_unknown(key, infos))
        yield key, value, "command line"


def _unknown(key: str, infos: Mapping[str, SettingInfo]) -> str:
    section, _, name = key.rpartition(".")
    beside = [known for known in infos if section and known.startswith(section + ".")]
    near = difflib.get_close_matches(key, beside, 1, 0.75)
    last = {known.rpartition(".")[2]: known for known in infos}
    near = near or [last[found] for found in difflib.get_close_matches(name, last, 1, 0.75)]
    near = near or difflib.get_close_matches(key, infos, 1, 0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{key} is not a setting.{hint}"


def _flat(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield path + key, value


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
