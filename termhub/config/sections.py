"""The sections of the settings, each with its settings, their meaning and their defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


class Web(Struct, frozen=True, forbid_unknown_fields=True):
    """Browser, REST and WebSocket."""

    listen: Annotated[str, Meta(description="Where the web gateway listens: HOST:PORT, or off.")] = (
        "127.0.0.1:8000"
    )
    public_url: Annotated[
        str,
        Meta(
            description="The address people use, where a proxy stands in front (https://…); "
            "links and the Origin check use it. Empty: the listening address."
        ),
    ] = ""
    connections: Annotated[NotNegative, Meta(description="Most connections at a time; 0: no limit.")] = 4096
    connections_per_address: Annotated[
        NotNegative,
        Meta(
            description="Most connections of one address (IPv6: of 64 bits) at a time; 0: no limit. "
            "Connections of trusted proxies count for whom they bring."
        ),
    ] = 1024
    tls_certificate: Annotated[
        str,
        Meta(
            description="Certificate and its chain (PEM); with `web.tls_key` the web is served by https. "
            "Read again when it changes."
        ),
    ] = ""
    tls_key: Annotated[str, Meta(description="Private key of `web.tls_certificate` (PEM).")] = ""
    hsts_seconds: Annotated[
        NotNegative,
        Meta(description="Browsers that came by https use nothing else for this long; 0: they are not told."),
    ] = 31_536_000
    trusted_proxies: Annotated[
        list[str],
        Meta(
            description="Addresses or networks of proxies whose X-Forwarded-For, -Proto and -Host are "
            "believed; nobody else's are."
        ),
    ] = field(default_factory=list)
    requests_per_minute: Annotated[
        NotNegative, Meta(description="Most requests of one user a minute, on average; 0: no limit.")
    ] = 1200
    requests_per_minute_address: Annotated[
        NotNegative,
        Meta(
            description="Most requests of one address (IPv6: of 64 bits) a minute, on average; 0: no limit."
        ),
    ] = 3000


class SshSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles from any ssh client."""

    listen: Annotated[str, Meta(description="Where the ssh gateway listens: HOST:PORT, or off.")] = (
        "127.0.0.1:2222"
    )
    connections: Annotated[NotNegative, Meta(description="Most ssh connections at a time; 0: no limit.")] = (
        500
    )
    connections_per_address: Annotated[
        NotNegative,
        Meta(description="Most ssh connections of one address (IPv6: of 64 bits) at a time; 0: no limit."),
    ] = 100
    unauthenticated: Annotated[
        NotNegative,
        Meta(description="Most ssh connections that have not logged in yet, at a time; 0: no limit."),
    ] = 100
    login_seconds: Annotated[
        Positive, Meta(description="An ssh connection that has not logged in after this long is closed.")
    ] = 60
    channels: Annotated[Positive, Meta(description="Most sessions in one ssh connection at a time.")] = 10


class TelnetSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles from any telnet client; telnet encrypts nothing."""

    listen: Annotated[
        str,
        Meta(
            description="Where the telnet gateway listens: HOST:PORT, or off. Only a loopback address, "
            "unless `telnet.allow_remote`."
        ),
    ] = "127.0.0.1:2323"
    allow_remote: Annotated[
        bool,
        Meta(description="Serve telnet to other machines too: passwords then cross the network in clear."),
    ] = False
    connections: Annotated[
        NotNegative, Meta(description="Most telnet connections at a time; 0: no limit.")
    ] = 200
    connections_per_address: Annotated[
        NotNegative,
        Meta(description="Most telnet connections of one address (IPv6: of 64 bits) at a time; 0: no limit."),
    ] = 100
    login_seconds: Annotated[
        Positive, Meta(description="A telnet connection that has not logged in after this long is closed.")
    ] = 60
    idle_seconds: Annotated[
        NotNegative,
        Meta(description="A telnet connection on which nobody typed for this long is closed; 0: never."),
    ] = 0


class ConsolesSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles of a user."""

    kept_ended: Annotated[
        NotNegative, Meta(description="Ended consoles kept listed for each user; the oldest go.")
    ] = 50
    program: Annotated[str, Meta(description="Program of a new console when none is asked for.")] = "python"
    image: Annotated[
        str, Meta(description="Image of a new console when none is asked for; empty: the system's Python.")
    ] = ""
    prepare: Annotated[
        bool,
        Meta(description="Keep one console ready for each logged-in user, so that new is instant."),
    ] = True
    prepared_idle_seconds: Annotated[
        Positive, Meta(description="A prepared console that nobody took for this long is ended.")
    ] = 3600
    prepared_total: Annotated[NotNegative, Meta(description="Most prepared consoles of all users.")] = 50


class NetworkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What consoles of plans with `network = "allowlist"` reach."""

    allow: Annotated[
        list[str],
        Meta(
            description="Hosts they may connect to by a proxy: `pypi.org`, `*.github.com`, "
            "`git.example.org:8443`; without a port 443."
        ),
    ] = field(
        default_factory=lambda: [
            "pypi.org",
            "files.pythonhosted.org",
            "github.com",
            "codeload.github.com",
            "*.githubusercontent.com",
        ]
    )
    connections: Annotated[Positive, Meta(description="Most such connections of one console at a time.")] = 32
    connections_total: Annotated[
        Positive, Meta(description="Most such connections of all consoles at a time.")
    ] = 1000


class GuestsSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Consoles for visitors without an account, on the plan `guest`."""

    enabled: Annotated[bool, Meta(description="Let visitors try a console without an account.")] = False
    most: Annotated[Positive, Meta(description="Most such visitors at a time.")] = 20


class HooksSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told when a user nears or passes a limit of the plan."""

    url: Annotated[
        str, Meta(description="Where to POST signed events to (http:// or https://); empty: nowhere.")
    ] = ""
    secret_file: Annotated[
        str, Meta(description="File with the secret that signs them; needed with `hooks.url`.")
    ] = ""
    near_percent: Annotated[
        Annotated[int, Meta(ge=1, le=99)],
        Meta(description="A user is near a limit from this much of it on, in percent."),
    ] = 80


class ScreenSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Terminal emulation in the hosts."""

    engine: Annotated[
        Literal["auto", "ghostty", "pyte"],
        Meta(description="Terminal engine; auto takes ghostty where pyghostty is installed."),
    ] = "auto"


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The hub's log. It never holds secrets or what people type."""

    level: Annotated[
        Literal["debug", "info", "warn", "error"], Meta(description="Least severe messages to write.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"], Meta(description="Lines for people, or one JSON object a line.")
    ] = "text"
    file: Annotated[str, Meta(description="File to append to; empty: standard error.")] = ""
