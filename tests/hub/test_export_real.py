"""Exports of real homes and consoles, unpacked by GNU tar."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred

from termhub.errors import TooMany
from termhub.hub.console import Console
from termhub.hub.export import Exports
from tests.support.folders import temporary_folder
from tests.support.real_hub import RealHubCase, run

MAKE_HOME = r"""
cd "$HOME"
mkdir -p 'a/größe ☃' closed
printf hello > 'a/größe ☃/file'
printf '\377' > "$(printf 'bytes-\377')"
ln -s /etc/passwd link
ln a/größe*/file hard
truncate -s 500M sparse
printf end >> sparse
printf secret > unreadable; chmod 000 unreadable
printf x > closed/inside; chmod 000 closed
mkfifo pipe
head -c 3000000 /dev/zero | tr '\0' z > large
printf %s "$(seq 200)" > "$(printf 'n%.0s' $(seq 200))"
"""


class FileSink:
    """Writes to a file; a test may hold it up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("wb")
        self.count = 0
        self.largest = 0
        self.hold: Deferred[None] | None = None
        self.held: Deferred[None] = Deferred()
        self.hold_after = -1

    async def write(self, data: bytes) -> None:
        self.count += len(data)
        self.largest = max(self.largest, len(data))
        self.file.write(data)
        if 0 <= self.hold_after <= self.count:
            self.hold_after = -1
            self.hold = Deferred()
            # Not from within the export that is to wait.
            reactor.callLater(0, self.held.callback, None)  # type: ignore[attr-defined]
            await self.hold


class ExportTests(RealHubCase):
    async def setUp(self) -> None:
        await super().setUp()
        hub = self.hub
        self.exports = Exports(hub.store, hub.consoles, hub.shares, lambda: 1_700_000_000.0)
        self.folder = temporary_folder(self)

    async def shell(self, console: Console, script: str) -> bytes:
        done = await run(console, "sh", "-ec", script)
        await done.ended()
        self.assertEqual(done.status, {"code": 0, "said": ""}, bytes(done.data))
        return bytes(done.data)

    async def export(self) -> FileSink:
        sink = FileSink(self.folder / "export.tar")
        await self.exports.run(self.user, sink)
        sink.file.close()
        return sink

    def unpack(self, sink: FileSink) -> Path:
        into = self.folder / "unpacked"
        into.mkdir()
        done = subprocess.run(
            ["tar", "--no-same-owner", "-C", str(into), "-xf", str(sink.path)],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return into

    async def test_all_of_it_can_be_unpacked(self) -> None:
        console = await self.console(program="bash", name="main")
        await self.shell(console, MAKE_HOME)
        await console.input(self.user, "owner", 0, b"echo marker-$((40+2))\n")
        while b"marker-42" not in (await console.output(0, 0, 60.0))[1]:
            pass
        await self.hub.store.add_token(self.user.number, "laptop", "the hash", 1.0)
        sink = await self.export()
        self.assertLess(sink.count, 20_000_000)  # holes are not sent
        into = self.unpack(sink)

        home = into / "home"
        self.assertEqual((home / "a/größe ☃/file").read_text(), "hello")
        self.assertEqual((home / "hard").stat().st_ino, (home / "a/größe ☃/file").stat().st_ino)
        self.assertEqual(os.readlink(home / "link"), "/etc/passwd")
        self.assertTrue(os.path.exists(os.fsencode(home) + b"/bytes-\xff"))
        self.assertEqual((home / "sparse").stat().st_size, (500 << 20) + 3)
        self.assertEqual((home / "large").stat().st_size, 3_000_000)
        self.assertEqual((home / ("n" * 200)).read_text().split()[-1], "200")
        unreadable = (into / "home-unreadable.txt").read_text().split()
        self.assertEqual(sorted(unreadable), ["./closed", "./unreadable"])
        self.assertFalse((home / "unreadable").exists())

        account = json.loads((into / "account.json").read_bytes())
        self.assertEqual(account["name"], self.user.name)
        self.assertEqual(account["plan"]["name"], "pro")
        self.assertEqual(account["tokens"][0]["label"], "laptop")
        self.assertNotIn(b"the hash", sink.path.read_bytes()[:100_000])
        about = json.loads((into / "consoles/main/about.json").read_bytes())
        self.assertEqual((about["id"], about["state"]), (console.id, "running"))
        self.assertIn("marker-42", (into / "consoles/main/screen.txt").read_text())
        self.assertIn(b"marker-42", (into / "consoles/main/output").read_bytes())
        with tarfile.open(sink.path) as archive:
            self.assertEqual(archive.getnames()[0], "account.json")

    async def test_a_home_that_changes_meanwhile_and_a_client_that_is_slow(self) -> None:
        console = await self.console(program="bash")
        await self.shell(console, 'cd "$HOME"; for i in $(seq 40); do head -c 1000000 /dev/zero > f$i; done')
        sink = FileSink(self.folder / "export.tar")
        sink.hold_after = 2_000_000
        running = Deferred.fromCoroutine(self.exports.run(self.user, sink))
        await sink.held
        with self.assertRaises(TooMany):
            await self.exports.run(self.user, FileSink(self.folder / "second.tar"))
        await self.shell(console, 'cd "$HOME"; for i in $(seq 40); do printf x > f$i; done; rm f40')
        assert sink.hold is not None
        sink.hold.callback(None)
        await running
        sink.file.close()
        self.assertLessEqual(sink.largest, 1 << 20)
        self.assertIn("f1", os.listdir(self.unpack(sink) / "home"))

    async def test_whoever_goes_away_leaves_nothing_running(self) -> None:
        console = await self.console(program="bash")
        await self.shell(console, 'cd "$HOME"; head -c 30000000 /dev/zero > large')
        sink = FileSink(self.folder / "export.tar")
        sink.hold_after = 2_000_000
        running = Deferred.fromCoroutine(self.exports.run(self.user, sink))
        await sink.held
        (files,) = [each for each in self.hub.consoles.all() if each.is_prepared]
        self.assertEqual(len(files.streams), 1)
        running.cancel()
        with self.assertRaises(CancelledError):
            await running
        self.assertEqual(len(files.streams), 0)
        await self.export()

    async def test_a_sandbox_that_dies_is_no_whole_archive(self) -> None:
        console = await self.console(program="bash")
        await self.shell(console, 'cd "$HOME"; head -c 30000000 /dev/zero > large')
        sink = FileSink(self.folder / "export.tar")
        sink.hold_after = 2_000_000
        running: Any = Deferred.fromCoroutine(self.exports.run(self.user, sink))
        await sink.held
        (files,) = [each for each in self.hub.consoles.all() if each.is_prepared]
        await self.hub.consoles.remove(files)
        assert sink.hold is not None
        reactor.callLater(0, sink.hold.callback, None)  # type: ignore[attr-defined]
        error = await running.addCallbacks(lambda none: None, lambda failure: failure.value)
        self.assertEqual(error.code, "away")
