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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import attrs
import platformdirs
from msgspec import NODEFAULT, UNSET, Meta, Struct, UnsetType, ValidationError, convert, field, structs

from termhub.config.addresses import parse_address
from termhub.config.plans import SHIPPED, Plan, base_of, check_names
from termhub.config.sections import (
    ConsolesSettings,
    GuestsSettings,
    HooksSettings,
    LogSettings,
    NetworkSettings,
    ScreenSettings,
    SshSettings,
    TelnetSettings,
    Web,
)
from termhub.errors import ConfigError

Section = TypeVar("Section")

PREFIX = "TERMHUB_"

NOT_SETTINGS = frozenset({"HOST", "TOKEN", "CONSOLE", "CONFIG", "SESSION"})
"""``TERMHUB_`` variables that belong to the client commands and to consoles."""

NOT_SETTINGS_PREFIXES = ("TEST_", "BENCH_")
"""What tests and benchmarks use for themselves."""


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
    default_plan: Annotated[
        str, Meta(description="The plan of an account that is made without one, or whose plan is no more.")
    ] = "free"
    plans: dict[str, Plan] = field(default_factory=lambda: dict(SHIPPED))
    network: NetworkSettings = field(default_factory=NetworkSettings)
    guests: GuestsSettings = field(default_factory=GuestsSettings)
    hooks: HooksSettings = field(default_factory=HooksSettings)
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


def all_settings(plans: Iterable[str] = SHIPPED) -> Iterator[SettingInfo]:
    """Every setting there is, in the order of definition.

    :param plans: the plans whose settings are meant.
    """
    yield from _settings_of(Settings, (), plans)


def _settings_of(section: type[Struct], path: tuple[str, ...], plans: Iterable[str]) -> Iterator[SettingInfo]:
    hints = get_type_hints(section, include_extras=True)
    for item in structs.fields(section):
        hint = hints[item.name]
        if item.name == "plans":
            for name in plans:
                base = structs.asdict(base_of(name))
                for info in _settings_of(Plan, ("plans", name), ()):
                    yield attrs.evolve(info, default=base[info.path[-1]])
        elif isinstance(hint, type) and issubclass(hint, Struct):
            yield from _settings_of(hint, (*path, item.name), plans)
        else:
            meta: tuple[Meta, ...] = hint.__metadata__
            description = next(m.description for m in reversed(meta) if m.description)
            default = item.default if item.default_factory is NODEFAULT else item.default_factory()
            yield SettingInfo((*path, item.name), description, default)


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
    if file is None and environment.get(PREFIX + "CONFIG"):
        file = Path(environment[PREFIX + "CONFIG"])
    if file is None:
        data = (options or {}).get("data") or environment.get(PREFIX + "DATA", "")
        standard = (Path(data).absolute() if data else default_data_path()) / "config.toml"
        if _is_file(standard):
            file = standard
    tree = {} if file is None else _read(file)
    plans = dict.fromkeys([*SHIPPED, *_names_of_plans(tree)])
    infos = {info.key: info for info in all_settings(plans)}
    if file is not None:
        _check_tree(file, tree, infos)
    values = dict(_flat(tree))
    sources = dict.fromkeys(values, str(file))
    for key, value, source in (*_from_environment(environment, infos), *_from_options(options or {}, infos)):
        values[key] = value
        sources[key] = source
    for name in plans:
        for key, value in structs.asdict(base_of(name)).items():
            values.setdefault(f"plans.{name}.{key}", value)
    settings = _checked(values, sources)
    for gateway in (settings.web, settings.ssh, settings.telnet):
        parse_address(gateway.listen)
    check_names(settings.plans, settings.default_plan)
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
    # Each plan by itself: in a mapping a wrong value would not be told with its plan.
    plans = {
        name: _converted(tree["plans"][name], Plan, f"plans.{name}.", values, sources)
        for name in dict.fromkeys([*SHIPPED, *tree["plans"]])
    }
    settings = _converted({**tree, "plans": {}}, Settings, "", values, sources)
    return structs.replace(settings, plans=plans)


def _converted(
    tree: Any, into: type[Section], section: str, values: Mapping[str, Any], sources: Mapping[str, str]
) -> Section:
    try:
        return convert(tree, into, strict=False)
    except ValidationError as error:
        message, _, where = str(error).partition(" - at `$.")
        key = section + re.sub(r"\[.*\]", "", where.rstrip("`"))
        shown = values.get(key, UNSET)
        told = "" if isinstance(shown, UnsetType) else f" = {shown!r}"
        source = f" ({sources[key]})" if key in sources else ""
        raise ConfigError(f"Setting {key}{told}{source}: {message[:1].lower()}{message[1:]}.") from None


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise ConfigError(f"Cannot read the settings in {file}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}.") from None


def _names_of_plans(tree: Mapping[str, Any]) -> list[str]:
    plans = tree.get("plans")
    return list(plans) if isinstance(plans, dict) else []


def _check_tree(file: Path, tree: Mapping[str, Any], infos: Mapping[str, SettingInfo]) -> None:
    sections = {info.path[0] for info in infos.values() if len(info.path) > 1}
    for key, value in tree.items():
        if key in sections and not isinstance(value, dict):
            raise ConfigError(f"{key} in {file} is a section: write [{key}] and its settings below.")
    for name in _names_of_plans(tree):
        if not isinstance(tree["plans"][name], dict):
            raise ConfigError(f"A plan in {file} is a section: write [plans.{name}] and its settings below.")
    for key, _ in _flat(tree):
        if key not in infos:
            raise ConfigError(f"{file}: {_unknown(key, infos)}")


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
        # Lists are written with spaces or commas between.
        yield info.key, re.findall(r"[^\s,]+", value) if isinstance(info.default, list) else value, name


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
    if section == "limits" or key == "consoles.per_user":
        hint = " What a user may use is said by plans: [plans.NAME]."
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
