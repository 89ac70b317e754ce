"""``termhub export``: everything that one has on a hub, in one file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from ..errors import BadRequest
from ..gateways.sizes import size_words
from .consoles import JSON_OPTION
from .output import print_json
from .remote import takes_hub
from .rest import Rest

_PROGRESS_SECONDS = 0.2


@click.command(short_help="Get everything that you have on a hub.")
@click.argument("file", metavar="FILE.tar")
@click.option("--force", is_flag=True, help="Replace FILE.tar if there is one.")
@JSON_OPTION
@takes_hub
def export(rest: Rest, file: str, force: bool, as_json: bool) -> None:
    """Write everything that you have on the hub to FILE.tar; - is standard output.

    In it are account.json (what the hub knows of you), consoles/NAME/ (each console with its screens and
    the output that is kept) and home/ (your files). Programs may go on meanwhile. The file is there only
    when it is whole.
    """
    path = Path(file)
    if file != "-" and path.exists() and not force:
        raise BadRequest(f"{file} is there already; --force replaces it.", "file_exists")
    pieces = rest.download("me", "export")
    if file == "-":
        size = _write(sys.stdout.buffer, pieces)
        sys.stdout.buffer.flush()
    else:
        size = _write_whole(path, pieces)
    if as_json and file != "-":
        print_json({"file": file, "bytes": size})
    else:
        click.echo(f"Exported {size_words(size)}.", err=True)


def _write_whole(path: Path, pieces: Iterator[bytes]) -> int:
    """Write beside it, and rename."""
    part = path.with_name(path.name + ".part")
    try:
        # For its owner alone: it holds what people typed and printed.
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            size = _write(file, pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BadRequest(f"Cannot write {path}: {error.strerror or error}.", "cannot_write") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size


def _write(file: BinaryIO, pieces: Iterator[bytes]) -> int:
    size, told = 0, 0.0
    is_told = sys.stderr.isatty()
    for piece in pieces:
        file.write(piece)
        size += len(piece)
        if is_told and time.monotonic() - told >= _PROGRESS_SECONDS:
            told = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{size_words(size)}")
            sys.stderr.flush()
    if is_told:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
    return size
