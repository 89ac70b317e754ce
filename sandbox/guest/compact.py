"""JSON by the C half of the ``json`` module alone.

``json`` itself brings ``re`` and ``enum``: 13 ms and 2 MB in every agent.  The scanner and
encoder underneath are in ``_json``, which every CPython from 3.8 on has; where it is
missing or has changed, ``json`` does the work.  Numbers that are not finite are refused.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar, Dict

_SPACE = " \t\n\r"


def loads(text: str) -> Any:
    """The value that ``text`` writes.

    :raises ValueError: when it is not JSON.
    :raises RecursionError: when it nests too deeply.
    """
    text = text.strip(_SPACE)
    try:
        value, end = _scan(text, 0)
    except (StopIteration, SystemError):  # its way to say "malformed" without json loaded
        import json

        value, end = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(text)
    if end != len(text):
        raise ValueError("more than one value: %r" % text[end : end + 20])
    return value


def dumps(value: Any) -> str:
    """``value`` as JSON without spaces, in ASCII.

    :raises ValueError: when it contains itself or a number that is not finite.
    :raises TypeError: when it contains something JSON does not have.
    """
    return "".join(_encoder()(value, 0))


def _refuse(value: Any) -> Any:
    raise TypeError("JSON has no %s" % type(value).__name__)


def _refuse_constant(name: str) -> Any:
    raise ValueError("not a finite number: %s" % name)


class _Rules:
    """What the C scanner asks its caller for."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)
    memo: ClassVar[Dict[str, str]] = {}


def _make_scanner() -> Callable[[str, int], Any]:
    try:
        from _json import make_scanner

        scan: Callable[[str, int], Any] = make_scanner(_Rules)  # type: ignore[arg-type]
        if scan("[1]", 0) == ([1], 3):
            return scan
    except (ImportError, AttributeError, TypeError):
        pass  # another Python: json knows how
    import json

    return json.JSONDecoder(parse_constant=_refuse_constant).raw_decode


def _make_encoder() -> Callable[[], Callable[[Any, int], Any]]:
    try:
        from _json import encode_basestring_ascii, make_encoder

        def encoder() -> Callable[[Any, int], Any]:
            encode: Callable[[Any, int], Any] = make_encoder(
                {}, _refuse, encode_basestring_ascii, None, ":", ",", False, False, False
            )
            return encode

        if "".join(encoder()([1], 0)) == "[1]":
            return encoder
    except (ImportError, TypeError):
        pass  # another Python: json knows how
    import json

    whole = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_refuse)
    return lambda: lambda value, level: whole.encode(value)


_scan = _make_scanner()
_encoder = _make_encoder()
