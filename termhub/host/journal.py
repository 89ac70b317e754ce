"""A window's stream on disk: segments that are files of frames.

A segment starts with a KEYFRAME that draws the whole screen and goes on with what came
after it: OUTPUT, RESIZE, and EVENT frames that say the time.  So the newest segment
alone restores a window, and older ones are history that may be deleted.

Invariant: whatever byte the writing process dies at, what is read back is a prefix of
what was appended.  A segment appears under its name only when its keyframe is whole;
a frame cut off at the end is dropped, because its bytes were never acknowledged and
the agent sends them again.  The console's ``host.lock`` makes the writer the only one.
"""

from __future__ import annotations

import os
import shutil
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field

from sandbox.guest import frames

SEGMENT_BYTES = 8 << 20
LIMIT_BYTES = 64 << 20
TIME_SECONDS = 0.1
"""How finely the journal says when output came."""

_RETRY_SECONDS = 5.0
_MARK_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 18
_KINDS = (frames.KEYFRAME, frames.OUTPUT, frames.RESIZE, frames.EVENT)
_LEAST = {frames.KEYFRAME: 12, frames.OUTPUT: 8, frames.RESIZE: 4, frames.EVENT: 2}
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


@define(eq=False)
class Segment:
    """One file of the journal.

    :param first: the stream's offset at its keyframe.
    :param size: bytes of whole frames in it.
    :param marks: ``(offset, position)`` of some OUTPUT frames, ascending.
    """

    path: Path
    first: int
    size: int
    marks: list[tuple[int, int]] = field(factory=list)
    indexed: bool = False


class Journal:
    """The journal of one window.  Made by :class:`Journals`.

    :param folder: holds the segments; made when the first one is started.
    :param budget: told of every byte, deletes old segments.
    """

    def __init__(self, folder: Path, window: int, budget: Journals) -> None:
        self._folder = folder
        self._window = window
        self._budget = budget
        self._fd = -1
        self._time = 0.0
        self._retry_at = 0.0
        self._reading: tuple[Segment, int, int] | None = None
        self.segments: list[Segment] = _segments(folder)

    # -- writing -------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether appends reach the disk; False after an error until the next segment."""
        return self._fd >= 0

    @property
    def is_full(self) -> bool:
        """Whether the segment is as long as it may get."""
        return self.segments[-1].size >= self.full_bytes

    @property
    def full_bytes(self) -> int:
        """How long a segment may get."""
        return self._budget.segment_bytes

    def wants_segment(self, now: float) -> bool:
        """Whether it is time for :meth:`start_segment`; :param now: Unix time."""
        if self._fd >= 0:
            return self.is_full
        return now >= self._retry_at

    def start_segment(self, offset: int, cols: int, rows: int, keyframe: bytes, now: float) -> None:
        """Go on in a new segment that starts with ``keyframe``, the screen at ``offset``."""
        self.close()
        path = self._folder / f"{offset:020d}.seg"
        part = path.with_suffix(".part")
        head = frames.keyframes(self._window, offset, cols, rows, keyframe)
        head.append(frames.encode_json(frames.EVENT, self._window, {"type": "time", "time": round(now, 3)}))
        size = sum(map(len, head))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o640)
            _write_all(self._fd, head)
            os.rename(part, path)
        except OSError as error:
            self._suspend(now, error)
            return
        if self.segments and self.segments[-1].path == path:
            self._budget.forget(self.segments.pop())
        self.segments.append(Segment(path, offset, size, indexed=True))
        self._time = now
        self._budget.add(size)

    def append(self, offset: int, data: bytes, now: float) -> None:
        """Add output that starts at ``offset``; :param now: Unix time."""
        if self._fd < 0:
            return
        head = frames.output_head(self._window, offset, len(data))
        if now - self._time >= TIME_SECONDS or now < self._time:
            self._time = now
            event = {"type": "time", "time": round(now, 3)}
            head = frames.encode_json(frames.EVENT, self._window, event) + head
        segment = self.segments[-1]
        if not segment.marks or segment.size - segment.marks[-1][1] >= _MARK_BYTES:
            segment.marks.append((offset, segment.size))
        self._write([head, data], now)

    def resize(self, cols: int, rows: int, now: float) -> None:
        """Add a change of size."""
        self._write([frames.resize(self._window, cols, rows)], now)

    def event(self, fields: dict[str, Any], now: float) -> None:
        """Add an event of the window, such as its program's exit, with its time."""
        self._write([frames.encode_json(frames.EVENT, self._window, {**fields, "time": round(now, 3)})], now)

    def _write(self, parts: list[bytes], now: float) -> None:
        if self._fd < 0:
            return
        segment = self.segments[-1]
        try:
            size = _write_all(self._fd, parts)
        except OSError as error:
            try:
                os.ftruncate(self._fd, segment.size)
            except OSError:
                pass  # the cut-off frame is dropped on recovery
            self._suspend(now, error)
            return
        segment.size += size
        self._budget.add(size)

    def _suspend(self, now: float, error: OSError) -> None:
        """The disk refuses (full, say): the console goes on, a later segment starts afresh."""
        self.close()
        self._retry_at = now + _RETRY_SECONDS
        self._budget.failed(self._window, error)

    def close(self) -> None:
        """Stop writing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def delete(self) -> None:
        """The window is gone: delete its journal."""
        self.close()
        while self.segments:
            self._budget.forget(self.segments.pop())
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- recovery ------------------------------------------------------------

    def recover(self) -> Iterator[frames.Frame]:
        """The whole frames of the newest usable segment, oldest first; appending goes on behind them.

        Nothing when there is no usable segment.
        """
        while self.segments:
            segment = self.segments[-1]
            segment.size = 0
            headed = False
            for frame in _frames(segment.path):
                if not headed and frame.type != frames.KEYFRAME:
                    break
                headed = headed or not frames.keyframe_continues(frame.payload)
                segment.size += frames.HEADER.size + len(frame.payload)
                yield frame
            if headed:
                break
            self.segments.pop()
            segment.path.unlink(missing_ok=True)
        else:
            return
        try:
            self._fd = os.open(segment.path, os.O_WRONLY | os.O_APPEND | _FLAGS)
            os.ftruncate(self._fd, segment.size)
        except OSError as error:
            self._suspend(0.0, error)

    # -- reading back --------------------------------------------------------

    @property
    def start(self) -> int | None:
        """The oldest offset that can be read back, or None."""
        return self.segments[0].first if self.segments else None

    def read(self, offset: int, limit: int) -> tuple[int, bytes]:
        """At most ``limit`` bytes of output from ``offset`` on, as ``(offset, data)``.

        Where the stream has a hole the offset returned is later.  Empty: there is no more.
        """
        place = self._place(offset)
        if place is None:
            return offset, b""
        segment, position = place
        pieces: list[bytes] = []
        start = end = offset
        while True:
            for at, frame in _frames_from(segment, position):
                if frame.type != frames.OUTPUT:
                    continue
                first, data = frames.parse_output(frame.payload)
                if first + len(data) <= end:
                    continue
                if not pieces:
                    start = end = max(first, offset)
                if first > end or end - start >= limit:
                    self._reading = (segment, end, at)
                    return start, b"".join(pieces)
                piece = data[end - first : end - first + limit - (end - start)]
                pieces.append(piece)
                end += len(piece)
                if end - start >= limit:
                    self._reading = (segment, end, at)
                    return start, b"".join(pieces)
            following = self.segments.index(segment) + 1
            if following >= len(self.segments):
                return start, b"".join(pieces)
            segment, position = self.segments[following], 0

    def _place(self, offset: int) -> tuple[Segment, int] | None:
        if not self.segments:
            return None
        if self._reading is not None and self._reading[1] == offset and self._reading[0] in self.segments:
            return self._reading[0], self._reading[2]
        index = bisect_right([segment.first for segment in self.segments], offset) - 1
        segment = self.segments[max(index, 0)]
        _index(segment)
        mark = bisect_right(segment.marks, (offset, 1 << 62)) - 1
        return segment, segment.marks[mark][1] if mark >= 0 else 0


class Journals:
    """The journals of one console's windows, within one budget.

    :param folder: ``journal/`` of the console.
    :param limit_bytes: most bytes of all segments; the oldest are deleted beyond it.
    :param segment_bytes: size from which a segment is followed by the next.
    :param on_error: called with window and error when the disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int = LIMIT_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        on_error: Callable[[int, OSError], None] = lambda window, error: None,
    ) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._most_segment_bytes = segment_bytes
        self._journals: dict[int, Journal] = {}
        self._total = 0
        self._on_error = on_error

    @property
    def segment_bytes(self) -> int:
        """When a segment is full: 8 MiB, less where many windows share the budget."""
        share = self._limit // (2 * max(len(self._journals), 1))
        return min(self._most_segment_bytes, share)

    def found(self) -> list[int]:
        """The windows that have a journal on disk."""
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isdecimal() and int(name) < frames.CONSOLE)

    def open(self, window: int) -> Journal:
        """The journal of a window: what is on disk of it, or an empty one."""
        journal = self._journals.get(window)
        if journal is None:
            journal = self._journals[window] = Journal(self._folder / str(window), window, self)
            self._total += sum(segment.size for segment in journal.segments)
        return journal

    def delete(self, window: int) -> None:
        """Delete a window's journal."""
        self.open(window).delete()
        del self._journals[window]

    def close(self) -> None:
        """Stop writing all of them."""
        for journal in self._journals.values():
            journal.close()

    def add(self, size: int) -> None:
        """``size`` bytes were written; delete the oldest segments beyond the limit."""
        self._total += size
        if self._total <= self._limit:
            return
        self._total = sum(s.size for journal in self._journals.values() for s in journal.segments)
        while self._total > self._limit:
            sealed = [journal for journal in self._journals.values() if len(journal.segments) > 1]
            if not sealed:
                return
            oldest = min(sealed, key=lambda journal: _modified(journal.segments[0].path))
            segment = oldest.segments.pop(0)
            segment.path.unlink(missing_ok=True)
            self._total -= segment.size

    def forget(self, segment: Segment) -> None:
        """A segment is no longer there."""
        self._total -= segment.size

    def failed(self, window: int, error: OSError) -> None:
        """A journal could not be written."""
        self._on_error(window, error)


def _write_all(fd: int, parts: list[bytes]) -> int:
    size = sum(map(len, parts))
    written = os.writev(fd, parts)
    if written < size:
        rest = memoryview(b"".join(parts))[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]
    return size


def _segments(folder: Path) -> list[Segment]:
    found = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        if suffix == ".seg" and len(stem) == 20 and stem.isdecimal():
            found.append(Segment(Path(entry.path), int(stem), entry.stat(follow_symlinks=False).st_size))
        elif suffix == ".part":
            os.unlink(entry.path)
    return found


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _frames(path: Path, position: int = 0) -> Iterator[frames.Frame]:
    """The whole frames of a segment from ``position`` on; ends where one is cut off or broken."""
    try:
        fd = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return
    size = frames.HEADER.size
    needed = _CHUNK_BYTES
    try:
        while True:
            chunk = os.pread(fd, needed, position)
            start = 0
            while len(chunk) - start >= size:
                kind, window, length = frames.HEADER.unpack_from(chunk, start)
                if kind not in _KINDS or not _LEAST[kind] <= length <= frames.MAX_PAYLOAD:
                    return
                end = start + size + length
                if end > len(chunk):
                    break
                yield frames.Frame(kind, window, chunk[start + size : end])
                start = end
            if not start and len(chunk) < needed:
                return
            position += start
            needed = max(_CHUNK_BYTES, frames.MAX_PAYLOAD + size) if not start else _CHUNK_BYTES
    finally:
        os.close(fd)


def _frames_from(segment: Segment, position: int) -> Iterator[tuple[int, frames.Frame]]:
    for frame in _frames(segment.path, position):
        yield position, frame
        position += frames.HEADER.size + len(frame.payload)


def _index(segment: Segment) -> None:
    """Note where some of the OUTPUT frames are, for a segment an earlier process wrote."""
    if segment.indexed:
        return
    segment.indexed = True
    segment.marks.clear()
    for position, frame in _frames_from(segment, 0):
        if frame.type == frames.OUTPUT and (
            not segment.marks or position - segment.marks[-1][1] >= _MARK_BYTES
        ):
            segment.marks.append((frames.parse_output(frame.payload)[0], position))
