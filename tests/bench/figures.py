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
    :param allowance: added to the figure of that peer.
    """

    key: str
    title: str
    summary: Callable[[Sequence[float]], float]
    more_is_better: bool = False
    aim: float | str | None = None
    allowance: float = 0.0

    def reached(self, value: float, aim: float) -> bool:
        """Whether ``value`` is at least as good as ``aim``."""
        return value >= aim if self.more_is_better else value <= aim


REFERENCE = "ttyd + tmux"
"""The peer that ratios are taken to: today's way to a lasting terminal in the browser."""

FIGURES = (
    Figure("echo idle", "echo, idle: p50, ms", p50, aim=REFERENCE),
    Figure("echo idle", "echo, idle: p99, ms", p99),
    Figure("echo busy", "echo, busy neighbours: p50, ms", p50, aim=REFERENCE),
    Figure("echo busy", "echo, busy neighbours: p99, ms", p99),
    Figure("echo flooded", "echo, a neighbour floods: p50, ms", p50, aim=REFERENCE),
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
    Figure("crowd", "many consoles, a key a second each: p50, ms", p50, aim=REFERENCE),
    Figure("crowd", "many consoles, a key a second each: p99, ms", p99, aim=REFERENCE),
    Figure("crowd cpu", "many consoles: all processes, % of a core", p50),
    Figure("memory", "memory of an idle console: MiB", p50),
)
