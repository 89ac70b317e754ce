"""How gateways are put together: what is refused, what is said, and what they tell each other."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory

from termhub.cli.gateways import Gateways, check_telnet, listening_addresses
from termhub.cli.service import Running
from termhub.config import Address, Settings, SshSettings, TelnetSettings, Web
from termhub.errors import ConfigError
from termhub.store import User

ALICE = User(1, "alice", 1.0, "default", None)


class Listening:
    """A socket that listens at an address."""

    family = socket.AF_INET

    def __init__(self, host: str, port: int = 2323) -> None:
        self.host, self.port = host, port

    def getsockname(self) -> tuple[str, int]:
        return self.host, self.port

    def fileno(self) -> int:
        return 99

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *details: object) -> None:
        pass


class Reactor:
    """Adopts ports."""

    seconds = staticmethod(lambda: 0.0)

    def __init__(self) -> None:
        self.adopted: list[Any] = []

    def adoptStreamPort(self, descriptor: int, family: int, factory: Any) -> str:
        self.adopted.append(factory)
        return "port"


class Hub:
    """What the gateways take from a hub, as names only."""

    def __init__(self) -> None:
        self.accounts, self.store, self.shares = object(), object(), object()
        self.audit, self.visitors, self.exports = object(), object(), object()
        self.removals, self.admin, self.reports = object(), object(), object()
        self.addresses: dict[str, str] = {}
        self.consoles: Any = SimpleNamespace(
            images=SimpleNamespace(listed=None), logged_in=None, logged_out=None, invitation=None
        )


class Gateway(Factory):
    """One with connections."""

    def __init__(self) -> None:
        self.is_stopped = False

    def stop(self) -> Deferred[None]:
        self.is_stopped = True
        return succeed(None)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("allow", [False, True])
def test_telnet_on_this_machine_needs_no_leave(host: str, allow: bool) -> None:
    assert check_telnet(Settings(telnet=TelnetSettings(allow_remote=allow)), Listening(host)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "fe80::1%eth0"])
def test_telnet_to_other_machines_needs_leave_and_is_warned_of(host: str) -> None:
    listening: Any = Listening(host)
    with pytest.raises(ConfigError, match="--telnet-allow-remote"):
        check_telnet(Settings(), listening)
    warning = check_telnet(Settings(telnet=TelnetSettings(allow_remote=True)), listening)
    assert warning is not None
    assert "in clear" in warning
    running = Running({"telnet": "telnet 192.0.2.1 2323"}, None, [warning])
    assert running.lines() == ["telnet telnet 192.0.2.1 2323", f"warning: {warning}"]


def test_default_addresses_and_off() -> None:
    assert listening_addresses(Settings()) == [
        ("web", Address("127.0.0.1", 8000)),
        ("ssh", Address("127.0.0.1", 2222)),
        ("telnet", Address("127.0.0.1", 2323)),
    ]
    off = Settings(web=Web(listen="off"), ssh=SshSettings(listen="off"))
    assert [name for name, _ in listening_addresses(off)] == ["telnet"]


@pytest.mark.parametrize(
    ("name", "host", "port", "public_url", "shown"),
    [
        ("web", "127.0.0.1", 8000, "", "http://127.0.0.1:8000/"),
        ("web", "::1", 8000, "", "http://[::1]:8000/"),
        ("web", "127.0.0.1", 8000, "https://hub.example.org", "https://hub.example.org/"),
        ("ssh", "127.0.0.1", 2222, "", "ssh -p 2222 console@127.0.0.1"),
        ("ssh", "192.0.2.1", 22, "", "ssh console@192.0.2.1"),
        ("ssh", "0.0.0.0", 2222, "https://hub.example.org:444", "ssh -p 2222 console@hub.example.org"),
        ("ssh", "::", 22, "", f"ssh console@{socket.gethostname()}"),
        ("telnet", "::1", 2323, "", "telnet ::1 2323"),
    ],
)
def test_how_to_come_in(name: Any, host: str, port: int, public_url: str, shown: str) -> None:
    reactor = Reactor()
    hub: Any = Hub()
    gateways = Gateways(hub, Settings(web=Web(public_url=public_url)), reactor)
    gateway = Gateway()
    setattr(gateways, f"_{name}", lambda: gateway)
    listening: Any = Listening(host, port)
    assert gateways.serve(name, listening) == "port"
    assert reactor.adopted == [gateway]
    assert gateways.addresses == {name: shown}
    assert hub.addresses == {name: shown}  # what is shared is invited to there


def test_gateways_know_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"ssh": Gateway(), "telnet": Gateway()}
    taken: dict[str, Any] = {}

    def make(name: str) -> Any:
        def make_gateway(services: Any, *arguments: Any) -> Gateway:
            taken[name] = services
            return made[name]

        return make_gateway

    def make_site(services: Any, reactor: Any, **options: Any) -> Factory:
        taken["web"] = services
        return Factory()

    monkeypatch.setattr("termhub.gateways.web.make_site", make_site)
    monkeypatch.setattr("termhub.gateways.ssh.make_gateway", make("ssh"))
    monkeypatch.setattr("termhub.gateways.telnet.make_gateway", make("telnet"))
    hub: Any = Hub()
    gateways = Gateways(hub, Settings(), Reactor())
    for name, port in (("web", 8000), ("ssh", 2222), ("telnet", 2323)):
        listening: Any = Listening("127.0.0.1", port)
        gateways.serve(name, listening)  # type: ignore[arg-type]
    assert taken["web"].ssh_address() == "ssh -p 2222 console@127.0.0.1"
    assert taken["ssh"].link() == taken["telnet"].link() == "http://127.0.0.1:8000/"
    done: list[None] = []
    Deferred.fromCoroutine(gateways.stop()).addCallback(done.append)
    assert done == [None]
    assert all(gateway.is_stopped for gateway in made.values())


def test_without_ssh_there_is_no_ssh_address(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Any] = []
    monkeypatch.setattr(
        "termhub.gateways.web.make_site", lambda services, *_, **__: taken.append(services) or Factory()
    )
    hub: Any = Hub()
    listening: Any = Listening("127.0.0.1", 8000)
    Gateways(hub, Settings(), Reactor()).serve("web", listening)
    assert taken[0].ssh_address() is None
