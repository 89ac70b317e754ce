"""Running the command in this process, away from the person's own settings."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest

from termhub.cli import main


@attrs.frozen
class Outcome:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of settings, empty at first."""
    for name in ("TERMHUB_HOST", "TERMHUB_TOKEN", "TERMHUB_DATA", "TERMHUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def termhub(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `termhub` with these words and this standard input, which is no terminal."""

    def run(*words: str, typed: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(words)
        out, err = capsys.readouterr()
        assert isinstance(exited.value.code, int)
        return Outcome(exited.value.code, out, err)

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A hub's data folder as it is after the first start, without users."""
    folder = tmp_path / "data"
    (folder / "hub").mkdir(parents=True)
    return folder


class FakeHub:
    """Answers REST calls from a table and remembers them."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.calls: list[tuple[str, Any, dict[str, str]]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                call = f"{self.command} {self.path}"
                hub.calls.append((call, body, dict(self.headers)))
                status, value = hub.answers.get(
                    call, (404, {"code": "not_found", "title": "Not Found", "detail": "Nothing here."})
                )
                content = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                if not isinstance(value, bytes):
                    kind = "problem+json" if status >= 400 else "json"
                    self.send_header("Content-Type", f"application/{kind}")
                if self.path == "/api/v1/login" and status == 200:
                    self.send_header("Set-Cookie", "termhub_session=ths_secret; HttpOnly")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, config: Path) -> Iterator[FakeHub]:
    """A hub that the commands talk to."""
    fake = FakeHub()
    monkeypatch.setenv("TERMHUB_HOST", fake.url)
    monkeypatch.setenv("TERMHUB_TOKEN", "th_token")
    yield fake
    fake.stop()


def problem(status: int, code: str, detail: str) -> tuple[int, Any]:
    return status, {"status": status, "code": code, "title": "T", "detail": detail}
