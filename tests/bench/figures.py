"""The figures of the report: what each is called, how it is summed up, which way is better."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample below which ``share`` of them lie (nearest rank)."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p50(samples: Sequence[float]) -> float:
    """The median."""
    return statistics.median(samples)


def p99(samples: Sequence[float]) -> float:
    """The 99th percentile."""
    return quantile(samples, 0.99)


def worst(samples: Sequence[float]) -> float:
    """The largest."""
    return max(samples)


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    :param key: the samples it is made of.
    :param title: what people read.
    :param summary: one number from all samples of a peer.
    :param aim: what termhub should reach; a number, or the name of a peer to be as good as.
    :param factor: the figure of that peer is multiplied by it,
    :param allowance: and this is added.
    """

    key: str
    title: str
    summary: Callable[[Sequence[float]], float]
    more_is_better: bool = False
    aim: float | str | None = None
    allowance: float = 0.0
    factor: float = 1.0

    def reached(self, value: float, aim: float) -> bool:
        """Whether ``value`` is at least as good as ``aim``."""
        return value >= aim if self.more_is_better else value <= aim


_TTYD_TMUX = "ttyd + tmux"
_SSH_TMUX = "ssh + tmux"

_WEB_FIGURES = (
    Figure("echo idle", "echo, idle: p50, ms", p50, aim=_TTYD_TMUX),
    Figure("echo idle", "echo, idle: p99, ms", p99),
    Figure("echo busy", "echo, busy neighbours: p50, ms", p50, aim=_TTYD_TMUX),
    Figure("echo busy", "echo, busy neighbours: p99, ms", p99),
    Figure("echo flooded", "echo, a neighbour floods: p50, ms", p50, aim=_TTYD_TMUX),
    Figure("echo flooded", "echo, a neighbour floods: p99, ms", p99),
    Figure("output plain", "output, plain: MB/s", p50, True, 35),
    Figure("output coloured", "output, coloured: MB/s", p50, True),
    Figure("output unicode", "output, unicode: MB/s", p50, True, 20),
    Figure("output plain, nobody attached", "output, plain, nobody attached: MB/s", p50, True),
    Figure("output coloured, nobody attached", "output, coloured, nobody attached: MB/s", p50, True),
    Figure("output unicode, nobody attached", "output, unicode, nobody attached: MB/s", p50, True),
    Figure("ctrl-c", "Ctrl-C, fast client: p50, ms", p50),
    Figure("ctrl-c slow client", "Ctrl-C, client reads 1 MB/s: p50, ms", p50, aim=50),
    Figure("ctrl-c slow client", "Ctrl-C, client reads 1 MB/s: worst, ms", worst),
    Figure("ctrl-c slow client, long lines", "Ctrl-C, 1 MB/s, long lines: p50, ms", p50, aim=50),
    Figure("ctrl-c slow client, long lines", "Ctrl-C, 1 MB/s, long lines: worst, ms", worst),
    Figure("attach", "attach, long history: p50, ms", p50, aim=10),
    Figure("attach", "attach, long history: p99, ms", p99),
    Figure("attach bytes", "attach, long history: bytes", p50, aim=4096),
    Figure("attach right", "attach, long history: screen right (1 = always)", min, True, 1),
    Figure("attach right, full screen", "attach, full-screen program: screen right", min, True, 1),
    Figure("viewers", "1 MB to all viewers: s", p50, aim=1.4),
    Figure("viewers megabytes", "1 MB to all viewers: MB sent", p50),
    Figure("create", "create to prompt: p50, ms", p50, aim="raw pty", allowance=40),
    Figure("create", "create to prompt: worst, ms", worst),
    Figure("create prepared", "create to prompt, prepared: p50, ms", p50),
    Figure("crowd", "many consoles, a key a second each: p50, ms", p50, aim=_TTYD_TMUX),
    Figure("crowd", "many consoles, a key a second each: p99, ms", p99, aim=_TTYD_TMUX),
    Figure("crowd cpu", "many consoles: all processes, % of a core", p50),
    Figure("memory", "memory of an idle console: MiB", p50),
)

_SSH_FIGURES = (
    Figure("echo idle", "echo, idle: p50, ms", p50),
    Figure("echo idle", "echo, idle: p99, ms", p99),
    Figure("echo busy", "echo, busy neighbours: p50, ms", p50),
    Figure("echo busy", "echo, busy neighbours: p99, ms", p99, aim=_SSH_TMUX),
    Figure("echo flooded", "echo, a neighbour floods: p50, ms", p50),
    Figure("echo flooded", "echo, a neighbour floods: p99, ms", p99, aim=_SSH_TMUX),
    Figure("text", "`cat` of a large file: s", p50, aim=_SSH_TMUX),
    Figure("text megabytes", "`cat` of a large file: MB to the terminal", p50),
    Figure("ctrl-c", "Ctrl-C, fast client: p50, ms", p50, aim=_SSH_TMUX),
    Figure("ctrl-c", "Ctrl-C, fast client: worst, ms", worst),
    Figure("ctrl-c slow client", "Ctrl-C, client reads 1 MB/s: p50, ms", p50, aim=_SSH_TMUX),
    Figure("ctrl-c slow client", "Ctrl-C, client reads 1 MB/s: worst, ms", worst),
    Figure("ctrl-c slow client, long lines", "Ctrl-C, 1 MB/s, long lines: p50, ms", p50, aim=_SSH_TMUX),
    Figure("ctrl-c slow client, long lines", "Ctrl-C, 1 MB/s, long lines: worst, ms", worst),
    Figure("bytes cell", "one changed cell: bytes", p50, aim=_SSH_TMUX),
    Figure("bytes cell, wire", "one changed cell: bytes on the wire", p50, aim=_SSH_TMUX),
    Figure("bytes lines", "1,000 lines at once: bytes", p50, aim=_SSH_TMUX),
    Figure("bytes lines, wire", "1,000 lines at once: bytes on the wire", p50, aim=_SSH_TMUX),
    Figure("bytes slow lines", "1,000 lines one by one: bytes", p50, aim=_SSH_TMUX),
    Figure("bytes slow lines, wire", "1,000 lines one by one: bytes on the wire", p50, aim=_SSH_TMUX),
    Figure("login", "login to the screen: p50, ms", p50),
    Figure("login", "login to the screen: worst, ms", worst),
    Figure("logins", "logins a second, one after another", p50, True),
    Figure("logins together", "logins a second, four at a time", p50, True),
    Figure("login memory", "memory of an idle login: MiB", p50),
)


_ALONE, _MANY = "1 viewer", "many viewers"

_SHARED_FIGURES = (
    Figure("shared typing", "echo, typing: p50, ms", p50),
    Figure("shared typing", "echo, typing: p99, ms", p99, aim=_ALONE, factor=2),
    Figure("shared hurry", "echo, a key every 10 ms: p50, ms", p50),
    Figure("shared hurry", "echo, a key every 10 ms: p99, ms", p99),
    Figure("shared printing", "echo, the console prints: p50, ms", p50),
    Figure("shared printing", "echo, the console prints: p99, ms", p99, aim=_ALONE, factor=2),
    Figure("shared cost", "the hub's work for a key, typing: ms", p50),
    Figure("shared memory browsers", "the hub's memory, a browser: kB", p50, aim=100),
    Figure("shared memory ssh", "the hub's memory, an ssh terminal: kB", p50, aim=100),
    Figure("shared memory lagging", "the hub's memory, a lagging browser: kB", p50, aim=100),
    Figure("shared memory browsers, flooded", "a browser, the console floods: kB", p50, aim=100),
    Figure("shared memory ssh, flooded", "an ssh terminal, the console floods: kB", p50, aim=100),
    Figure("shared memory lagging, flooded", "a lagging browser, the console floods: kB", p50, aim=100),
)


_FEW, _ALL = "few limits", "all limits"

_LIMITS_FIGURES = (
    Figure("plan check", "looking up plan and limits of a user: µs", p50),
    Figure("request", "a request, `GET /me`: p50, ms", p50),
    Figure("request", "a request, `GET /me`: p99, ms", p99),
    Figure("create", "create to prompt: p50, ms", p50, aim=_FEW, allowance=50),
    Figure("create", "create to prompt: worst, ms", worst),
    Figure("people memory", "many users at rest: memory of a console, MiB", p50),
    Figure("people rest", "many users at rest: all processes, % of a core", p50, aim=5),
    Figure("people echo", "many users, a key a second each: p50, ms", p50),
    Figure("people echo", "many users, a key a second each: p99, ms", p99),
    Figure("abuse none", "echo of a neighbour, nobody does harm: p99, ms", p99),
    Figure("abuse", "echo of a neighbour beside each abuse: p50, ms", p50),
    Figure("abuse", "echo of a neighbour beside each abuse: p99, ms", p99),
)


@dataclass(frozen=True)
class Section:
    """One table: the peers that do the same for a person, and what is measured of them.

    :param ours: the peer that is compared, to the ``reference``.
    :param parts: figures that are told apart by kind of process: their keys and titles.
    :param counts: what of a :class:`~tests.bench.scale.Scale` says how it was measured.
    """

    name: str
    ours: str
    reference: str
    figures: tuple[Figure, ...]
    parts: tuple[tuple[str, str], ...]
    counts: tuple[str, ...]


_EVERYWHERE = ("rounds", "keys", "neighbours", "interrupts", "flood_seconds", "patience_seconds")

WEB = Section(
    "web",
    "termhub",
    _TTYD_TMUX,  # today's way to a lasting terminal in the browser
    _WEB_FIGURES,
    (
        ("crowd cpu", "CPU of the many consoles by kind of process, % of a core"),
        ("memory", "Memory of an idle console by kind of process, MiB"),
    ),
    (
        *_EVERYWHERE,
        "megabytes",
        "history_lines",
        "attaches",
        "viewers",
        "broadcasts",
        "creations",
        "crowd",
        "crowd_seconds",
        "crowd_rounds",
        "idle_consoles",
    ),
)

SSH = Section(
    "ssh",
    "termhub ssh",
    _SSH_TMUX,  # today's way to a terminal that outlives the connection
    _SSH_FIGURES,
    (("login memory", "Memory of an idle login by kind of process, MiB"),),
    (*_EVERYWHERE, "text_megabytes", "cells", "logins", "idle_logins"),
)

SHARED = Section(
    "shared",
    _MANY,
    _ALONE,
    _SHARED_FIGURES,
    (("shared load", "CPU while somebody types, by kind of process, % of a core"),),
    ("rounds", "shared_keys", "browsers", "terminals", "laggards", "laggard_bytes", "flood_seconds"),
)

LIMITS = Section(
    "limits",
    _ALL,
    _FEW,
    _LIMITS_FIGURES,
    (
        ("people memory", "Memory of a console at rest by kind of process, MiB"),
        ("people rest", "CPU of many users at rest by kind of process, % of a core"),
        ("abuse each", "Echo of a neighbour beside one user's abuse: p99, ms"),
    ),
    ("rounds", "requests", "creations", "people", "rest_seconds", "crowd_seconds"),
)

SECTIONS = (WEB, SSH, SHARED, LIMITS)
