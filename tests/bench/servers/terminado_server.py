# mypy: ignore-errors
"""terminado as Jupyter uses it: named terminals on Tornado, any program by its command line."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import tornado.web
from terminado import NamedTermManager, TermSocket
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets


class OpenHandler(tornado.web.RequestHandler):
    """``POST /open`` with a JSON list starts a terminal and answers its name; ``/end/NAME`` ends it."""

    def initialize(self, manager: NamedTermManager) -> None:
        self.manager = manager

    def post(self, name: str = "") -> None:
        if name:
            terminal = self.manager.terminals.get(name)
            if terminal is not None:
                terminal.killpg(signal.SIGKILL)
            return
        name, _terminal = self.manager.new_named_terminal(
            shell_command=json.loads(self.request.body), height=24, width=80
        )
        _terminal.ptyproc.setwinsize(24, 80)
        self.write(name)


async def main() -> None:
    manager = NamedTermManager(shell_command=["true"])
    options: dict[str, Any] = {"manager": manager}
    application = tornado.web.Application(
        [
            (r"/open", OpenHandler, options),
            (r"/end/(\w+)", OpenHandler, options),
            (r"/terminals/(\w+)", TermSocket, {"term_manager": manager}),
        ],
        log_function=lambda handler: None,
    )
    server = HTTPServer(application)
    sockets = bind_sockets(0, "127.0.0.1", backlog=1024)
    server.add_sockets(sockets)
    print(f"port {sockets[0].getsockname()[1]}", flush=True)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    await done.wait()
    for terminal in list(manager.terminals.values()):
        terminal.killpg(signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main())
