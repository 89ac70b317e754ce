"""The parts of an export that need no sandbox: output that is gone, places, what a relay holds."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from termhub.errors import ConsoleError, TooMany
from termhub.hub import export
from termhub.hub.export import Exports, Relay
from termhub.store import User

ALICE, BOB = (User(number, name, 0.0, "free") for number, name in ((1, "alice"), (2, "bob")))


class Kept:
    """A sink that keeps all."""

    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data

    def files(self) -> dict[str, bytes]:
        with tarfile.open(fileobj=io.BytesIO(self.data + bytes(1024))) as archive:
            return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


class Journal:
    """A console's output of which the beginning goes, and that may fail."""

    id = "c-aaaaaaaaaa"

    def __init__(self, total: bytes, kept_from: list[int], piece: int, fails_at: int | None = None) -> None:
        self.total, self.kept_from, self.piece, self.fails_at = total, kept_from, piece, fails_at
        self.calls = 0

    async def output(self, window: int, since: int, wait: float, limit: int) -> tuple[int, bytes]:
        first = self.kept_from[min(self.calls, len(self.kept_from) - 1)]
        if self.calls == self.fails_at:
            raise ConsoleError("It has ended.", "ended")
        self.calls += 1
        start = max(since, first)
        return start, self.total[start : start + self.piece]


def result(coroutine: Any) -> Any:
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    (value,) = results
    if hasattr(value, "value"):
        raise value.value
    return value


@given(
    total=st.binary(min_size=1, max_size=300),
    kept_from=st.lists(st.integers(0, 300), min_size=1, max_size=5).map(sorted),
    piece=st.integers(1, 100),
    fails_at=st.none() | st.integers(1, 5),
)
def test_output_is_as_long_as_was_said_and_right_where_it_is_kept(
    total: bytes, kept_from: list[int], piece: int, fails_at: int | None
) -> None:
    exports: Any = Exports(None, None, None, lambda: 1.0)  # type: ignore[arg-type]
    sink = Kept()
    journal = Journal(total, [min(first, len(total)) for first in kept_from], piece, fails_at)
    result(exports._write_output(sink, "output", journal, 0, len(total)))
    assert len(sink.data) % 512 == 0
    written = sink.files()["output"]
    start = journal.kept_from[0]
    assert len(written) == len(total) - start
    assert all(byte in (0, total[start + at]) for at, byte in enumerate(written))
    if fails_at is None and len(set(journal.kept_from)) == 1:
        assert written == total[start:]


def test_one_of_a_user_and_few_of_all() -> None:
    exports: Any = Exports(None, None, None, lambda: 1.0)  # type: ignore[arg-type]
    with exports._place(ALICE):
        with pytest.raises(TooMany) as refused, exports._place(ALICE):
            pass
        assert refused.value.code == "export_runs"
        with exports._place(BOB):
            pass
        exports._running.update(range(100, 100 + export.MOST - 1))
        with pytest.raises(TooMany) as refused, exports._place(BOB):
            pass
        assert refused.value.code == "too_many_exports"
    exports._running.clear()
    with exports._place(ALICE):
        pass


def test_a_relay_gives_what_came_and_then_the_end() -> None:
    relay = Relay()
    relay.stream_data(b"one")
    assert result(relay.next()) == b"one"
    waiting = Deferred.fromCoroutine(relay.next())
    assert not waiting.called
    relay.stream_data(b"two")
    assert waiting.result == b"two"
    relay.stream_data(b"")
    assert result(relay.next()) == b""
    ended = Deferred.fromCoroutine(relay.ended())
    assert not ended.called
    relay.stream_ended({"code": 0, "said": ""})
    assert ended.result == {"code": 0, "said": ""}


def test_a_program_that_is_gone_ends_the_waiting() -> None:
    relay = Relay()
    waiting = Deferred.fromCoroutine(relay.next())
    relay.stream_ended(None)
    assert waiting.result == b""
    assert result(relay.ended()) is None
