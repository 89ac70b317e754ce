"""``termhub launcher``: the launcher alone, for a service manager that keeps it apart from the hub."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from termhub.config import load


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (TOML).")
@click.option("--data", metavar="DIR", help="Folder of everything that lasts.")
def launcher(config: Path | None, data: str | None) -> int:
    """Run the launcher in the foreground, where a hub started later finds it.

    Without it `termhub up` starts a launcher by itself. A service of its own lets the hub's be
    restarted and kept to much less; consoles end with this one (`termhub down --all`).
    """
    from termhub.host.start import command
    from termhub.hub import privilege
    from termhub.hub.service import launcher_arguments

    settings = load(config, os.environ, {"data": data})
    privilege.make_folders(settings)
    service_user = None
    if privilege.is_root():
        service_user = privilege.service_user(settings.service_user).pw_name
    os.chdir("/")
    started = command(
        settings.data_path, service_user, settings.insecure_no_sandbox, launcher_arguments(settings)
    )
    os.execv(sys.executable, started)
