"""Bills as CSV, for the web and the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

USED = (
    "cpu_seconds",
    "memory_gib_hours",
    "disk_gib_hours",
    "network_in",
    "network_out",
    "console_hours",
)


def bill_csv(month: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """What everybody used in a month as CSV (RFC 4180), one row a user.

    :param rows: as ``GET /admin/usage`` has them.
    :returns: text that no spreadsheet takes for formulas.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["month", "user", "name", "plan", *USED])
    for row in rows:
        names = [harmless(row["name"] or ""), harmless(row["plan"] or "")]
        writer.writerow([month, row["number"], *names, *(row[name] for name in USED)])
    return text.getvalue()


def harmless(text: str) -> str:
    """Text that a spreadsheet shows as it is: what it would take for a formula has a ``'`` before it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text
