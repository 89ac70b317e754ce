"""Connections by the operator's list from real sandboxes, with the programs people use.

The Internet is a TLS server of the test's: names are looked up here, and what is dialled goes there.
"""

from __future__ import annotations

import http.server
import os
import shutil
import ssl
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from termhub.hub.console import Console
from tests.support.real_hub import RealHubCase, run

pytestmark = pytest.mark.long

NAMES = ("pypi.org", "files.pythonhosted.org", "github.com")
PUBLIC = "151.101.0.223"
LARGE_BYTES = 100_000_000


class Site(http.server.SimpleHTTPRequestHandler):
    """A package index, a repository and a large file."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path != "/large":
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(LARGE_BYTES))
        self.end_headers()
        piece = bytes(1_000_000)
        for _ in range(LARGE_BYTES // len(piece)):
            self.wfile.write(piece)

    def log_message(self, *_: object) -> None:
        """Silence."""


class Internet:
    """The server, with a certificate for every name."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "authority.pem"
        key = folder / "key.pem"
        names = ",".join(f"DNS:{name}" for name in NAMES)
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test",
        ]
        command += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(self.authority)]
        subprocess.run(command, check=True, capture_output=True)
        self.root = folder / "site"
        self._make_package()
        self._make_repository()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority, key)

        def handler(*arguments: Any) -> Site:
            return Site(*arguments, directory=str(self.root))

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _make_package(self) -> None:
        index = self.root / "simple" / "tiny-thing"
        index.mkdir(parents=True)
        name = "tiny_thing-1.0-py3-none-any.whl"
        with zipfile.ZipFile(index / name, "w") as wheel:
            wheel.writestr("tiny_thing.py", "answer = 42\n")
            wheel.writestr(
                "tiny_thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n"
            )
            wheel.writestr(
                "tiny_thing-1.0.dist-info/WHEEL",
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            wheel.writestr("tiny_thing-1.0.dist-info/RECORD", "")
        (index / "index.html").write_text(
            f'<a href="https://files.pythonhosted.org/simple/tiny-thing/{name}">{name}</a>'
        )

    def _make_repository(self) -> None:
        work = self.root / "work"
        work.mkdir()
        (work / "file.txt").write_text("from the repository\n")
        env = {**os.environ, "HOME": str(work), "GIT_CONFIG_NOSYSTEM": "1"}
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
            subprocess.run(["git", *words], cwd=work, env=env, check=True)
        subprocess.run(
            ["git", "clone", "-q", "--bare", str(work), str(self.root / "thing.git")], env=env, check=True
        )
        subprocess.run(["git", "update-server-info"], cwd=self.root / "thing.git", env=env, check=True)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class TestOutside(RealHubCase):
    """What programs in a console of the plan plus reach."""

    async def setUp(self) -> None:
        if not shutil.which("openssl") or not shutil.which("git"):
            self.skipTest("needs openssl and git")
        await super().setUp()
        (self.data / "internet").mkdir()
        self.internet = Internet(self.data / "internet")
        self.addCleanup(self.internet.close)
        self.play(self.hub)
        await self.hub.store.change_user(self.user.number, 0.0, plan="plus")
        self.user = (await self.hub.store.users())[0]
        self.box = await self.console(program="bash")

    def play(self, hub: Any) -> None:
        """Look names up and dial for a hub."""

        async def resolve(host: str, port: int) -> list[str]:
            return {"codeload.github.com": ["10.0.0.1"]}.get(host, [PUBLIC])

        async def dial(address: str, port: int, to: Protocol) -> None:
            assert (address, port) == (PUBLIC, 443)
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.internet.port, 30)
            await connectProtocol(endpoint, to)  # type: ignore[no-untyped-call]

        hub.outside.resolve, hub.outside.dial = resolve, dial

    async def said(self, script: str, console: Console | None = None) -> str:
        """What a shell script in the console writes."""
        program = await run(console or self.box, "bash", "-c", f"exec 2>&1; cd; {script}")
        await program.ended()
        return bytes(program.data).decode(errors="replace")

    async def trust(self) -> str:
        """The script that makes programs trust the server."""
        program = await run(self.box, "bash", "-c", "cat > authority.pem")
        program.feed(self.internet.authority.read_bytes(), end=True)
        await program.ended()
        file = "$HOME/authority.pem"
        return f"export SSL_CERT_FILE={file} PIP_CERT={file} GIT_SSL_CAINFO={file} CURL_CA_BUNDLE={file};"

    async def test_pip_installs_git_clones_and_urllib_reads(self) -> None:
        trust = await self.trust()
        said = await self.said(
            f"{trust} git clone -q https://github.com/thing.git && cat thing/file.txt;"
            "curl -sS https://pypi.org/simple/tiny-thing/ | head -c 8; echo;"
            "python3 -c \"import urllib.request as u; print(u.urlopen('https://pypi.org/simple/tiny-thing/').status)\""
        )
        assert said.splitlines() == ["from the repository", "<a href=", "200"], said
        has_pip = "pip" in await self.said("python3 -m pip --version")
        if has_pip:
            said = await self.said(
                f"{trust} python3 -m pip install -q --target there --no-deps tiny-thing &&"
                " PYTHONPATH=there python3 -c 'import tiny_thing; print(tiny_thing.answer)'"
            )
            assert said.splitlines()[-1:] == ["42"], said

    async def test_what_is_not_listed_is_refused_with_plan_and_list(self) -> None:
        said = await self.said(
            "python3 -c \"import urllib.request as u; u.urlopen('https://evil.example/')\""
        )
        assert "403" in said
        assert "evil.example:443 is not on the list of hosts for the plan plus" in said
        assert "pypi.org" in said
        said = await self.said(
            "curl -sS https://codeload.github.com/ ; curl -sS http://pypi.org/; curl -sS https://1.1.1.1/"
        )
        assert said.count("403") == 2, said
        assert "https://" in said
        assert "Network is unreachable" in await self.said(
            "python3 -c \"import socket; socket.create_connection(('151.101.0.223', 443))\""
        )

    async def test_plan_without_network_refuses_at_once(self) -> None:
        await self.hub.store.change_user(self.user.number, 0.0, plan="free")
        said = await self.said("python3 -c \"import urllib.request as u; u.urlopen('https://pypi.org/')\"")
        assert "the plan free has no network" in said

    async def test_hub_that_restarts_breaks_connections_and_the_console_lives(self) -> None:
        trust = await self.trust()
        slow = await run(
            self.box,
            "bash",
            "-c",
            f"{trust} cd; exec curl -sS --limit-rate 100k https://pypi.org/large | wc -c",
        )
        way: Any = self.box.streams.way_out
        while not way.bytes_in:
            await self.pause()
        name = self.box.id
        await self.hub.stop()
        await slow.ended()
        self.hub = await self.new_hub()
        self.play(self.hub)
        again = self.hub.consoles.get(self.user, name)
        said = await self.said(f"{trust} curl -sS https://pypi.org/simple/tiny-thing/ | head -c 8", again)
        assert said == "<a href=", said

    async def test_console_that_ends_takes_its_connections_along(self) -> None:
        trust = await self.trust()
        await run(
            self.box,
            "bash",
            "-c",
            f"{trust} cd; exec curl -sS --limit-rate 100k -o /dev/null https://pypi.org/large",
        )
        way: Any = self.box.streams.way_out
        while not way.bytes_in:
            await self.pause()
        await self.hub.consoles.end(self.box, "a test")
        while self.hub.outside.open:
            await self.pause()

    async def test_large_download_is_whole_and_counted(self) -> None:
        trust = await self.trust()
        said = await self.said(
            f"{trust} curl -sS -o /dev/null -w '%{{size_download}} %{{time_total}}' https://pypi.org/large"
        )
        size, _ = said.split()
        assert int(size) == LARGE_BYTES, said
        way: Any = self.box.streams.way_out
        assert LARGE_BYTES < way.bytes_in < LARGE_BYTES * 1.1

    async def pause(self) -> None:
        await deferLater(reactor, 0.02)  # type: ignore[arg-type]
