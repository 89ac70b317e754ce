"""Stream, screen and journal of one window stay in step, whatever the disk and the screen do."""

from __future__ import annotations

import errno
import os

import pytest

from sandbox.guest import frames
from termhub.host import journal as journal_module
from termhub.host.journal import Journals
from termhub.host.window import MAX_SCROLLBACK, Window
from termhub.screen import engines, open_screen
from tests.support.console_core import FakeClock, FakeScreen


def window_in(folder, screen=FakeScreen, clock=None, **options):
    clock = clock or FakeClock()
    journals = Journals(folder, **options)
    window = Window(0, journals.open(0), screen, cols=80, rows=24, unix_time=clock.now, clock=clock.now)
    return window, journals


def recovered(folder, screen=FakeScreen):
    clock = FakeClock()
    journals = Journals(folder)
    window = Window.recover(0, journals.open(0), screen, unix_time=clock.now, clock=clock.now)
    journals.close()
    return window


def drain(window):
    while window.has_work:
        window.work()


class CostlyScreen(FakeScreen):
    """Every line of its history costs a kilobyte in a keyframe."""

    def __init__(self, cols, rows):
        super().__init__(cols, rows)
        self.asked = []

    def keyframe(self, scrollback=None):
        self.asked.append(scrollback)
        return b"x" * 1000 * (scrollback + 1)


def test_history_is_left_out_of_a_keyframe_that_would_be_too_long(tmp_path):
    window, journals = window_in(tmp_path, CostlyScreen)
    assert len(window.keyframe(None, 1 << 20)) <= 1 << 20
    assert window.screen.asked[0] == MAX_SCROLLBACK
    assert len(window.keyframe(5)) == 6000
    window.receive(0, b"x")
    drain(window)
    journals.close()
    assert max(path.stat().st_size for path in tmp_path.glob("0/*")) < 4 << 20


def test_a_keyframe_of_a_wide_screen_has_fewer_lines(tmp_path):
    window, journals = window_in(tmp_path, CostlyScreen)
    window.mark("resize", (1000, 500))
    drain(window)
    window.keyframe(None)
    assert window.screen.asked[-1] <= 2000
    journals.close()


def test_the_console_goes_on_while_the_disk_is_full(tmp_path, monkeypatch):
    clock = FakeClock()
    window, journals = window_in(tmp_path, clock=clock)
    window.receive(0, b"before ")
    drain(window)

    def full(fd, parts):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(journal_module.os, "writev", full)
    window.receive(7, b"during ")
    drain(window)
    assert window.parsed == 14
    assert window.screen.fed == b"before during "
    monkeypatch.undo()
    clock.advance(60)
    window.receive(14, b"after")
    drain(window)
    journals.close()
    again = recovered(tmp_path)
    assert again.parsed == 19
    assert again.screen.fed == b"before during after"


@pytest.mark.parametrize("engine", engines())
def test_a_screen_recovered_at_any_segment_is_the_same(tmp_path, engine):
    """Real screens: what keyframe and rest give is what the whole stream gives."""

    def real(cols, rows):
        return open_screen(cols, rows, scrollback=200, engine=engine)

    window, journals = window_in(tmp_path, real, segment_bytes=30_000, limit_bytes=200_000)
    offset = 0
    for number in range(600):
        line = (
            f"\x1b[3{number % 8}mline {number} é→\x1b]0;title {number}\x07\x1b[m text text text\r\n".encode()
        )
        window.receive(offset, line)
        offset += len(line)
        if number % 100 == 50:
            window.mark("resize", (60 + number // 10, 20))
        drain(window)
    journals.close()
    assert len(list(tmp_path.glob("0/*.seg"))) > 1
    again = recovered(tmp_path, real)
    assert again.parsed == window.parsed == offset
    assert (again.cols, again.rows) == (window.cols, window.rows)
    assert again.screen.text(50) == window.screen.text(50)
    assert again.screen.title == window.screen.title == "title 599"
    assert again.screen.keyframe(0) == window.screen.keyframe(0)


def test_sizes_without_output_do_not_fill_the_disk(tmp_path):
    window, journals = window_in(tmp_path, segment_bytes=4000, limit_bytes=10_000)
    for number in range(3000):
        window.mark("resize", (80 + number % 2, 24))
        drain(window)
    journals.close()
    assert sum(path.stat().st_size for path in tmp_path.glob("0/*")) < 20_000
    assert recovered(tmp_path).cols == window.cols


def test_many_marks_at_one_place_are_bounded(tmp_path):
    window, journals = window_in(tmp_path)
    window.receive(0, b"x" * 1000)
    for number in range(10_000):
        window.mark("resize", (80 + number % 100, 24))
    drain(window)
    assert window.cols == 80 + 9999 % 100
    journals.close()


def test_broken_events_and_sizes_in_a_journal_are_passed_over(tmp_path):
    window, journals = window_in(tmp_path)
    window.receive(0, b"fine")
    drain(window)
    journals.close()
    (segment,) = tmp_path.glob("0/*.seg")
    with open(segment, "ab") as file:
        file.write(frames.encode(frames.RESIZE, 0, b"\0" * 4))
        file.write(frames.encode(frames.EVENT, 0, b"not JSON"))
        file.write(frames.output(0, 4, b" too"))
    again = recovered(tmp_path)
    assert again.screen.fed == b"fine too"
    assert os.listdir(tmp_path / "0") == [segment.name]
