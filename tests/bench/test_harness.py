"""The harness itself: reading at a pace, known screens, figures, the table, one small run."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

import pytest

from tests.bench.__main__ import DOCUMENT, main
from tests.bench.clients import PtyClient, TookTooLong, await_marker, drain, paced, watch
from tests.bench.figures import SECTIONS, SSH, WEB, quantile
from tests.bench.measures.attach import full_screen, lines_screen, shows
from tests.bench.processes import command_line, cpu_seconds, descendants, pss_bytes
from tests.bench.programs import ECHO, READY, script, with_files
from tests.bench.results import Results
from tests.bench.scale import QUICK
from tests.support.console_process import until


def test_a_paced_reader_reads_no_faster_than_told() -> None:
    client = PtyClient(script("writer", "plain", 0))
    try:
        watch(client, READY)
        client.send(b"flood\n")
        began = time.monotonic()
        count = sum(len(data) for data in paced(client, 0.5, 200_000))
        assert 0 < count <= 200_000 * (time.monotonic() - began) + 5_000
        client.send(b"\x03")
        await_marker(client, b"STOPPED 1")
    finally:
        client.close()


def test_a_marker_is_seen_across_two_reads_and_missed_when_it_never_comes() -> None:
    client = PtyClient(ECHO)
    try:
        watch(client, READY)
        drain(client)
        client.send(b"ab")
        time.sleep(0.05)
        client.send(b"cd")
        assert watch(client, b"abcd") == b"abcd"
        with pytest.raises(TookTooLong):
            await_marker(client, b"zz", 0.1)
    finally:
        client.close()


@pytest.mark.parametrize(("argument", "rows"), [("500", lines_screen(500)), ("full", full_screen())])
def test_the_known_screens_are_what_the_program_draws(argument: str, rows: list[str]) -> None:
    client = PtyClient(script("history", argument))
    try:
        shown = watch(client, READY)
    finally:
        client.close()
    assert shows(shown, rows)
    assert not shows(shown[:-2000], rows)


def test_a_program_is_the_same_from_a_file() -> None:
    argv = script("writer", "plain", 7)
    assert Path(with_files(argv)[3]).name == "writer.py"
    assert list(with_files(argv)[4:]) == ["plain", "7"]
    assert with_files(ECHO) == ECHO


def test_processes_are_found_under_their_parent_and_weighed() -> None:
    client = PtyClient(("/bin/sh", "-c", "sleep 60 & echo READY; wait"))
    try:
        watch(client, READY)
        # The shell says so before the child has become what it runs.
        until(
            lambda: ["sleep", "60"] in [command_line(pid) for pid in descendants([client.pid])],
            "the shell's child",
        )
        assert client.pid in descendants([os.getpid()])
        assert pss_bytes([client.pid]) > 10_000
        assert cpu_seconds([client.pid]) > 0
    finally:
        client.close()
    assert cpu_seconds([client.pid]) == 0


def test_quantiles_are_samples_of_the_data() -> None:
    assert quantile([3, 1, 2], 0.0) == 1
    assert quantile(range(100), 0.99) == 99
    assert quantile([5.0], 0.99) == 5.0


SETTINGS = dataclasses.asdict(QUICK)


def results() -> Results:
    found = Results(WEB, ["ttyd + tmux", "termhub"], {"ttyd": "not on PATH"})
    found.add("ttyd + tmux", {"echo idle": [1.0, 2.0, 3.0], "output plain": [28.0]})
    found.add("termhub", {"echo idle": [1.0, 1.0, 1.0], "output plain": [30.0], "memory: agent": [9.0]})
    found.add("ttyd + tmux", {"echo idle": [4.0]})
    found.add("termhub", {"echo idle": [1.0]})
    return found


def test_the_table_has_ratios_aims_and_what_is_missing() -> None:
    table = results().table()
    echo = next(line for line in table.splitlines() if "echo, idle: p50" in line)
    assert [cell.strip() for cell in echo.split("|")[2:-1]] == ["2.50", "1.00", "× 0.38", "≤ 2.50", "yes"]
    output = next(line for line in table.splitlines() if "output, plain: MB/s" in line)
    assert "| ≥ 35.0 | **no** |" in output
    assert "- termhub: agent 9.00" in table
    assert "Not measured: ttyd (not on PATH)." in table
    assert "Ctrl-C" not in table


def test_an_aim_may_be_another_peers_figure_and_some_more() -> None:
    found = Results(WEB, ["raw pty", "termhub"], {})
    found.add("raw pty", {"create": [20.0]})
    found.add("termhub", {"create": [65.0]})
    row = next(line for line in found.table().splitlines() if "create to prompt: p50" in line)
    assert "| ≤ 60.0 | **no** |" in row


def test_the_table_replaces_the_one_before(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- measured web: begin -->\nold\n<!-- measured web: end -->\nafter\n")
    for _twice in range(2):
        results().write_into(document, SETTINGS)
    text = document.read_text()
    assert text.startswith("before\n<!-- measured web: begin -->\n20")
    assert text.endswith("<!-- measured web: end -->\nafter\n")
    assert text.count("echo, idle: p50") == 1
    assert "old" not in text
    document.write_text("no marks")
    with pytest.raises(ValueError, match="no place"):
        results().write_into(document, SETTINGS)


def test_a_small_run_measures_and_writes_every_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = tmp_path / "samples.json"
    code = main(["--quick", "--peers", "raw pty,bare ws", "--only", "echo idle", "--json", str(samples)])
    assert code == 0
    assert "echo, idle: p50" in capsys.readouterr().out
    found = json.loads(samples.read_text())["sections"]["web"]["samples"]["echo idle"]
    assert set(found) == {"raw pty", "bare ws"}
    assert all(len(rounds[0]) == 30 and min(rounds[0]) > 0 for rounds in found.values())


def test_every_section_has_its_place_in_the_document(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(DOCUMENT.read_text())
    found = Results(SSH, ["ssh + tmux", "termhub ssh"], {})
    found.add("ssh + tmux", {"bytes cell": [14.0]})
    found.add("termhub ssh", {"bytes cell": [12.0]})
    found.write_into(document, SETTINGS)
    assert "| one changed cell: bytes | 14.0 | 12.0 | × 0.86 | ≤ 14.0 | yes |" in document.read_text()
    for section in SECTIONS:
        Results(section, [], {}).write_into(document, SETTINGS)


def test_a_small_run_over_ssh(tmp_path: Path) -> None:
    samples = tmp_path / "samples.json"
    assert main(["--quick", "--section", "ssh", "--only", "text", "--json", str(samples)]) == 0
    found = json.loads(samples.read_text())["sections"]["ssh"]
    if "ssh" in found["absent"].get("termhub ssh", ""):
        pytest.skip("ssh is not on PATH")
    peers = {"ssh + tmux", "termhub ssh"} - set(found["absent"])
    assert set(found["samples"]["text"]) == peers
    assert all(rounds[0][0] > 0 for rounds in found["samples"]["text"].values())
    assert found["samples"]["text megabytes"]["termhub ssh"][0][0] < QUICK.text_megabytes
