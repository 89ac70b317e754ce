"""The ``termhub`` command.

Each subcommand lives in a module of its own that is imported when it runs, so that the
command starts fast however much the others need.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from ..errors import TermhubError
from .commands import cli


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 when it worked, 1 when it did not, 2 for wrong usage."""
    try:
        result = cli.main(args=arguments, prog_name="termhub", standalone_mode=False)
        status = result if isinstance(result, int) else 0
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except click.Abort:
        click.echo("termhub: stopped", err=True)
        status = 130
    except TermhubError as error:
        click.echo(f"termhub: {error.message}", err=True)
        status = 1
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
