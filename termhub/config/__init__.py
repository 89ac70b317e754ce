"""Settings: a TOML file, then ``TERMHUB_*`` variables, then the command line."""

from .addresses import Address, parse_address
from .plans import Plan
from .sections import (
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
from .settings import SettingInfo, Settings, all_settings, default_data_path, load

__all__ = [
    "Address",
    "ConsolesSettings",
    "GuestsSettings",
    "HooksSettings",
    "LogSettings",
    "NetworkSettings",
    "Plan",
    "ScreenSettings",
    "SettingInfo",
    "Settings",
    "SshSettings",
    "TelnetSettings",
    "Web",
    "all_settings",
    "default_data_path",
    "load",
    "parse_address",
]
