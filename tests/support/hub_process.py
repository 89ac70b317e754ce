"""A whole termhub for a test: `termhub up` in a process of its own, and HTTP calls to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import selectors
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from termhub.host.folder import Folder
from tests.support.console_process import until

TERMHUB = Path(sys.executable).with_name("termhub")
START_SECONDS = 60.0


class HubProcess:
    """`termhub up` on free ports; can be killed and started again on the same data and ports.

    :param data: the data folder; made if missing.
    :param settings: further command-line arguments.
    :param ssh: whether it serves ssh, at ``ssh_port``.
    :param telnet: whether it serves telnet, at ``telnet_port``.
    :param prefix: a command that runs it.
    """

    def __init__(
        self,
        data: Path,
        settings: tuple[str, ...] = (),
        *,
        ssh: bool = False,
        telnet: bool = False,
        prefix: tuple[str, ...] = (),
    ) -> None:
        self.data = data
        self.prefix = prefix
        self.settings = settings
        self.ssh = ssh
        self.telnet = telnet
        self.port = 0
        self.ssh_port = 0
        self.telnet_port = 0
        self.url = ""
        self.login_link: str | None = None
        self.cookie: str | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.lines: list[str] = []

    def start(self) -> None:
        """Start it and wait until it has printed where it listens."""
        command = [
            *self.prefix,
            str(TERMHUB),
            "up",
            "--data",
            str(self.data),
            "--web",
            f"127.0.0.1:{self.port}",
        ]
        command += ["--ssh", f"127.0.0.1:{self.ssh_port}" if self.ssh else "off"]
        command += ["--telnet", f"127.0.0.1:{self.telnet_port}" if self.telnet else "off"]
        log = open(self.data.with_suffix(".stderr"), "ab")  # noqa: SIM115 - the child keeps it
        self.process = subprocess.Popen(
            [*command, *self.settings], stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        self._read_addresses()

    def _read_addresses(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        selector = selectors.DefaultSelector()
        selector.register(self.process.stdout, selectors.EVENT_READ)
        os.set_blocking(self.process.stdout.fileno(), False)
        deadline = time.monotonic() + START_SECONDS
        text = b""
        ready = False
        while True:
            if not selector.select(max(0.0, 0.5 if ready else deadline - time.monotonic())):
                if ready:
                    break
                raise AssertionError(
                    f"termhub up said nothing useful in {START_SECONDS} s: {text!r}\n{self.errors()}"
                )
            chunk = self.process.stdout.read() or b""
            if not chunk:
                raise AssertionError(f"termhub up ended: {text.decode(errors='replace')}\n{self.errors()}")
            text += chunk
            match = re.search(rb"^web\s+(https?://\S+)\s*$", text, re.M)
            if match:
                ready = True
                self.url = match[1].decode().rstrip("/")
                self.port = urlsplit(self.url).port or 0
            link = re.search(rb"^login\s+(https?://\S+)\s*$", text, re.M)
            if link:
                self.login_link = link[1].decode()
                break
        self.lines = text.decode(errors="replace").splitlines()
        if found := re.search(rb"^ssh\s.* -p (\d+) ", text, re.M):
            self.ssh_port = int(found[1])
        if found := re.search(rb"^telnet\s.* (\d+)$", text, re.M):
            self.telnet_port = int(found[1])
        selector.close()

    def errors(self) -> str:
        """What it wrote to standard error so far."""
        path = self.data.with_suffix(".stderr")
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    @property
    def pid(self) -> int:
        """The hub's own process id."""
        return int((self.data / "hub.pid").read_text().split()[0])

    def kill(self) -> None:
        """`kill -9` the hub."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(60)

    def host_pid(self, console: str) -> int:
        """Process id of the living host of a console."""
        folder = Folder(self.data / "run" / "consoles" / console)
        return int(until(folder.locked_by, "a host"))

    def kill_host(self, console: str) -> int:
        """`kill -9` a console's host; returns the pid it had."""
        pid = self.host_pid(console)
        os.kill(pid, signal.SIGKILL)
        return pid

    # -- HTTP -------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and decoded body (JSON, or bytes) of one call to the REST API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if self.url.startswith("https:"):
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        sent = {"Origin": self.url, **(headers or {})}
        if self.cookie:
            sent["Cookie"] = self.cookie
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, "/api/v1" + path, body=data, headers=sent)
            response = connection.getresponse()
            content = response.read()
            cookie = response.getheader("Set-Cookie")
            if cookie and cookie.startswith(("termhub_session=", "__Host-termhub_session=")):
                self.cookie = cookie.split(";")[0]
            if "json" in (response.getheader("Content-Type") or ""):
                return response.status, json.loads(content)
            return response.status, content
        finally:
            connection.close()

    def log_in(self) -> None:
        """Use the one-time link that the first start printed."""
        assert self.login_link is not None, f"no login link was printed: {self.lines}"
        status, body = self.request("POST", "/login", {"link": self.login_link.partition("#login=")[2]})
        assert status == 200, body

    def new_console(self, **values: Any) -> dict[str, Any]:
        """Create a console; returns its description."""
        status, body = self.request("POST", "/consoles", values)
        assert status == 201, body
        return dict(body)

    def stop(self) -> None:
        """End all consoles, the launcher and the hub."""
        if self.process is not None:
            subprocess.run(
                [str(TERMHUB), "down", "--all", "--data", str(self.data)],
                timeout=120,
                capture_output=True,
                check=False,
            )
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(60)
            assert self.process.stdout is not None
            self.process.stdout.close()
        shutil.rmtree(self.data, ignore_errors=True)
