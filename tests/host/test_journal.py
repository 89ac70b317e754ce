"""A journal gives back a prefix of what was written, whatever byte its writer dies at."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.host import journal as journal_module
from termhub.host.journal import Journals


def written(folder: Path, *pieces: bytes, **options: Any) -> Journals:
    journals = Journals(folder, **options)
    journal = journals.open(0)
    offset = 0
    journal.start_segment(0, 80, 24, b"", 1000.0)
    for piece in pieces:
        if journal.wants_segment(0.0):
            journal.start_segment(offset, 80, 24, b"K%d" % offset, 1000.0)
        journal.append(offset, piece, 1000.0)
        offset += len(piece)
    return journals


def recovered(folder: Path) -> tuple[int, bytes, bytes]:
    """Offset and bytes of the keyframe, and the output after it."""
    offset, keyframe, output = 0, b"", b""
    with closing(Journals(folder)) as journals:
        found = list(journals.open(0).recover())
    for frame in found:
        if frame.type == frames.KEYFRAME:
            offset, _, _, data = frames.parse_keyframe(frame.payload)
            keyframe += data
        elif frame.type == frames.OUTPUT:
            first, data = frames.parse_output(frame.payload)
            assert first == offset + len(output)
            output += data
    return offset, keyframe, output


def test_what_was_appended_comes_back(tmp_path):
    written(tmp_path, b"one ", b"two").close()
    assert recovered(tmp_path) == (0, b"", b"one two")


def test_the_layout_is_the_documented_one(tmp_path):
    written(tmp_path, b"x" * 10).close()
    (segment,) = (tmp_path / "0").iterdir()
    assert segment.name == "00000000000000000000.seg"
    kinds = [frame.type for frame in frames.Decoder().feed(segment.read_bytes())]
    assert kinds == [frames.KEYFRAME, frames.EVENT, frames.OUTPUT]


def test_segments_follow_each_other_and_begin_with_a_keyframe(tmp_path):
    pieces = [bytes([number]) * 1000 for number in range(20)]
    written(tmp_path, *pieces, segment_bytes=5000).close()
    names = sorted(path.name for path in (tmp_path / "0").iterdir())
    assert len(names) > 2
    first = int(names[-1][:20])
    offset, keyframe, output = recovered(tmp_path)
    assert (offset, keyframe) == (first, b"K%d" % first)
    assert output == b"".join(pieces)[first:]


def test_the_oldest_segments_go_beyond_the_limit(tmp_path):
    pieces = [b"x" * 1000] * 100
    journals = written(tmp_path, *pieces, segment_bytes=5000, limit_bytes=20_000)
    size = sum(path.stat().st_size for path in (tmp_path / "0").iterdir())
    assert 10_000 < size <= 20_000
    start = journals.open(0).start
    assert start is not None
    assert start > 50_000


def test_windows_share_one_budget(tmp_path):
    journals = Journals(tmp_path, limit_bytes=64_000, segment_bytes=16_000)
    offsets = [0] * 4
    for _ in range(100):
        for window in range(4):
            journal = journals.open(window)
            if journal.wants_segment(1e9):
                journal.start_segment(offsets[window], 80, 24, b"k" * 100, 1e9)
            journal.append(offsets[window], b"x" * 1000, 1e9)
            offsets[window] += 1000
    size = sum(path.stat().st_size for path in tmp_path.glob("*/*.seg"))
    assert size <= 64_000 + 4 * 1100
    assert all(journals.open(window).segments for window in range(4))


def test_output_is_read_back_across_segments(tmp_path):
    pieces = [os.urandom(700) for _ in range(50)]
    whole = b"".join(pieces)
    for journals in (written(tmp_path, *pieces, segment_bytes=5000), Journals(tmp_path)):
        journal = journals.open(0)
        for offset in (0, 1, 699, 700, 12_345, len(whole) - 1):
            assert journal.read(offset, 10_000) == (offset, whole[offset : offset + 10_000])
        assert journal.read(len(whole), 10) == (len(whole), b"")
        offset, read = 0, b""
        while True:
            offset, data = journal.read(offset, 333)
            if not data:
                break
            read += data
            offset += len(data)
        assert read == whole


def test_a_hole_in_the_stream_is_told_by_a_later_offset(tmp_path):
    journals = written(tmp_path, b"abc")
    journals.open(0).append(10, b"xyz", 1000.0)
    assert journals.open(0).read(0, 100) == (0, b"abc")
    assert journals.open(0).read(3, 100) == (10, b"xyz")


def test_a_second_recovery_goes_on_where_the_first_did(tmp_path):
    written(tmp_path, b"one").close()
    journals = Journals(tmp_path)
    journal = journals.open(0)
    list(journal.recover())
    journal.append(3, b" two", 2000.0)
    journals.close()
    assert recovered(tmp_path) == (0, b"", b"one two")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journal")
    pieces = [bytes([65 + number]) * (number * 7 % 40 + 1) for number in range(30)]
    written(folder, *pieces, segment_bytes=400).close()
    return folder, b"".join(pieces)


def test_cut_at_any_byte_a_prefix_comes_back(finished, tmp_path):
    folder, whole = finished
    last = sorted((folder / "0").iterdir())[-1]
    before = None
    for length in range(last.stat().st_size + 1):
        copy = tmp_path / str(length)
        shutil.copytree(folder, copy)
        os.truncate(copy / "0" / last.name, length)
        offset, _, output = recovered(copy)
        assert whole[offset:].startswith(output)
        end = offset + len(output)
        assert before is None or end >= before
        before = end
        # appending after it gives a journal that reads whole again
        with closing(Journals(copy)) as journals:
            list(journals.open(0).recover())
            journals.open(0).append(end, whole[end:], 3000.0)
        assert recovered(copy)[2] == whole[recovered(copy)[0] :]
        shutil.rmtree(copy)
    assert before == len(whole)


def test_a_segment_that_was_being_begun_is_as_if_it_never_was(tmp_path):
    written(tmp_path, b"abc").close()
    (tmp_path / "0" / "00000000000000000003.part").write_bytes(
        frames.encode(frames.KEYFRAME, 0, b"x" * 12)[:9]
    )
    assert recovered(tmp_path) == (0, b"", b"abc")
    assert not list((tmp_path / "0").glob("*.part"))


@settings(max_examples=150, deadline=None)
@given(garbage=st.binary(max_size=200), position=st.integers(0, 400), flip=st.booleans())
def test_garbage_never_raises_and_the_journal_can_go_on(finished, garbage, position, flip):
    folder, _ = finished
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "journal"
        shutil.copytree(folder, copy)
        for path in (copy / "0").iterdir() if flip else sorted((copy / "0").iterdir())[-1:]:
            data = path.read_bytes()
            path.write_bytes(data[:position] + garbage + data[position + len(garbage) * flip :])
        journal = Journals(copy).open(0)
        list(journal.recover())
        if not journal.is_open:
            journal.start_segment(5, 80, 24, b"new", 1000.0)
        journal.append(5, b"more", 1000.0)
        journal.read(0, 1000)
        journal.close()
        recovered_again = Journals(copy).open(0)
        list(recovered_again.recover())
        recovered_again.close()


def test_a_full_disk_suspends_the_journal_until_a_new_segment(tmp_path, monkeypatch):
    errors = []
    journals = written(tmp_path, b"abc", on_error=lambda window, error: errors.append((window, error.errno)))
    journal = journals.open(0)
    real = os.writev

    def full(fd, parts):
        real(fd, [b"".join(parts)[:5]])
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(journal_module.os, "writev", full)
    journal.append(3, b"lost", 1001.0)
    assert not journal.is_open
    assert errors == [(0, errno.ENOSPC)]
    journal.append(7, b"lost too", 1002.0)
    assert not journal.wants_segment(1002.0)
    monkeypatch.undo()
    assert journal.wants_segment(1010.0)
    journal.start_segment(15, 80, 24, b"screen", 1010.0)
    journal.append(15, b"found", 1010.0)
    assert recovered(tmp_path) == (15, b"screen", b"found")
    assert journal.read(0, 100) == (0, b"abc")


def test_deleting_leaves_nothing(tmp_path):
    journals = written(tmp_path, b"abc")
    assert journals.found() == [0]
    journals.delete(0)
    assert journals.found() == []
    assert not (tmp_path / "0").exists()
