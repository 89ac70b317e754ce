"""Time spans as people write and read them: ``90m``, ``2h``, ``1d12h``.

Pure.  Invariant: what :func:`duration_text` writes of a span, :func:`parse_duration` reads as that many
seconds.
"""

from __future__ import annotations

import re

from termhub.errors import BadRequest

MOST_SECONDS = 10 * 366 * 86400
"""Ten years: longer than anything here lasts."""

_UNITS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
_WRITTEN = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))

# Each unit once, the larger first; so few digits that no number here is large.
_DURATION = re.compile("".join(rf"(?:([0-9]{{1,9}}) ?{unit} ?)?" for unit in _UNITS), re.ASCII)
_MOST_CHARACTERS = 64


def parse_duration(text: str) -> float:
    """The seconds of a span such as ``45s``, ``90m``, ``2h``, ``1d 12h`` or ``1w``.

    :raises BadRequest: when it is none, or none that anything could last.
    """
    given = text.strip().lower()
    found = _DURATION.fullmatch(given) if 0 < len(given) <= _MOST_CHARACTERS else None
    if found is None:
        raise BadRequest(f"{text!r:.60} is no time span; it looks like 90m, 2h or 1d.", "bad_duration")
    counts = zip(found.groups(), _UNITS.values(), strict=True)
    seconds = sum(int(count) * unit for count, unit in counts if count is not None)
    if not 0 < seconds <= MOST_SECONDS:
        raise BadRequest(f"{text!r:.60} is no time that anything here lasts.", "bad_duration")
    return float(seconds)


def duration_text(seconds: float) -> str:
    """A span in its two largest units, rounded to the smaller: ``1d12h``, ``2h``, ``45s``.

    :param seconds: at least 0.
    """
    whole = max(0, round(seconds))
    for place, (_, size) in enumerate(_WRITTEN):
        if whole >= size:
            last = _WRITTEN[min(place + 1, len(_WRITTEN) - 1)][1]
            whole = (whole + last // 2) // last * last
            break
    text, kept = "", whole
    for unit, size in _WRITTEN:
        count, kept = divmod(kept, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
