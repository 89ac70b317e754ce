"""What a console may use at most."""

from __future__ import annotations

import attrs

MEBIBYTE = 1 << 20

_HOST_MEMORY_BYTES = 512 * MEBIBYTE
_HOST_PROCESSES = 16
_LEAST_HOST_PERCENT = 20


@attrs.frozen
class Limits:
    """The most that one console may use.

    :param memory_bytes: resident memory and page cache of all its processes together.
    :param processes: processes and threads.
    :param cpu_percent: of one core; None for as much as there is.
    :param cpu_weight: its share where CPU time is short, beside others' 100; 1 to 10,000.
    :param file_bytes: size of one file.
    :param open_files: open descriptors of one process.
    :param tmp_bytes: size of ``/tmp`` and of ``/dev/shm``, each.
    :param home_bytes: size of the home, which all consoles of its user share; None for any.
    :param home_files: files, folders and links in it; None for any number.
    """

    memory_bytes: int = 1024 * MEBIBYTE
    processes: int = 256
    cpu_percent: int | None = None
    cpu_weight: int = 100
    file_bytes: int = 1024 * MEBIBYTE
    open_files: int = 1024
    tmp_bytes: int = 64 * MEBIBYTE
    home_bytes: int | None = None
    home_files: int | None = None


def host_limits(limits: Limits) -> Limits:
    """The limits of the host of a console: a hostile program can make it work, but not without end.

    It may use as much CPU as the console, and at least enough for an echo to be fast.
    """
    percent = None if limits.cpu_percent is None else max(limits.cpu_percent, _LEAST_HOST_PERCENT)
    return Limits(memory_bytes=_HOST_MEMORY_BYTES, processes=_HOST_PROCESSES, cpu_percent=percent)
