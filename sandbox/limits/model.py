"""What a console may use at most."""

from __future__ import annotations

import attrs

MEBIBYTE = 1 << 20


@attrs.frozen
class Limits:
    """The most that one console may use.

    :param memory_bytes: resident memory and page cache of all its processes together.
    :param processes: processes and threads.
    :param cpu_percent: of one core; None for as much as there is.
    :param file_bytes: size of one file.
    :param open_files: open descriptors of one process.
    :param tmp_bytes: size of ``/tmp`` and of ``/dev/shm``, each.
    """

    memory_bytes: int = 1024 * MEBIBYTE
    processes: int = 256
    cpu_percent: int | None = None
    file_bytes: int = 1024 * MEBIBYTE
    open_files: int = 1024
    tmp_bytes: int = 64 * MEBIBYTE
