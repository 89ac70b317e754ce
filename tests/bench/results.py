"""The samples of a run, and what is made of them: JSON and a table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.figures import Figure, Section


class Results:
    """The samples of one section, by figure, peer and round.

    :param peers: the names of the peers, in the order of the table.
    :param absent: why a peer is not there.
    """

    def __init__(self, section: Section, peers: Sequence[str], absent: Mapping[str, str]) -> None:
        self.section = section
        self.peers = list(peers)
        self.absent = dict(absent)
        self.problems: list[str] = []
        self.started = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        self._samples: dict[str, dict[str, list[list[float]]]] = {}

    def add(self, peer: str, samples: Mapping[str, Sequence[float]]) -> None:
        """What a round brought for one peer."""
        for key, values in samples.items():
            if values:
                self._samples.setdefault(key, {}).setdefault(peer, []).append(list(values))

    def value(self, figure: Figure, peer: str) -> float | None:
        """The figure over all rounds; None when it was not measured."""
        rounds = self._samples.get(figure.key, {}).get(peer)
        return figure.summary([value for one in rounds for value in one]) if rounds else None

    def ratio(self, figure: Figure, peer: str, other: str) -> float | None:
        """The median over the rounds of one peer's figure divided by another's in the same round."""
        mine = self._samples.get(figure.key, {}).get(peer, [])
        others = self._samples.get(figure.key, {}).get(other, [])
        ratios = [
            figure.summary(a) / figure.summary(b)
            for a, b in zip(mine, others, strict=False)
            if figure.summary(b)
        ]
        return statistics.median(ratios) if ratios else None

    def aim(self, figure: Figure) -> float | None:
        """What the figure should be; None without an aim, or without the peer it is taken from."""
        if not isinstance(figure.aim, str):
            return figure.aim
        other = self.value(figure, figure.aim)
        return None if other is None else other * figure.factor + figure.allowance

    def parts(self, prefix: str) -> dict[str, dict[str, float]]:
        """The figures ``PREFIX: PART`` by part and peer."""
        found: dict[str, dict[str, float]] = {}
        for key, peers in self._samples.items():
            if key.startswith(prefix + ": "):
                found[key[len(prefix) + 2 :]] = {
                    peer: statistics.median(value for one in rounds for value in one)
                    for peer, rounds in peers.items()
                }
        return found

    def document(self) -> dict[str, object]:
        """Everything, for a program to read."""
        return {
            "started": self.started,
            "absent": self.absent,
            "problems": self.problems,
            "samples": self._samples,
        }

    def table(self) -> str:
        """The table for people, in Markdown."""
        ours, reference = self.section.ours, self.section.reference
        heads = ["", *self.peers, f"{ours} ÷ {reference}", "aim", "reached"]
        lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
        for figure in self.section.figures:
            values = {peer: self.value(figure, peer) for peer in self.peers}
            if all(value is None for value in values.values()):
                continue
            ratio = self.ratio(figure, ours, reference)
            aim = self.aim(figure)
            mine = values.get(ours)
            reached = "" if aim is None or mine is None else "yes" if figure.reached(mine, aim) else "**no**"
            wanted = "" if aim is None else ("≥ " if figure.more_is_better else "≤ ") + _number(aim)
            cells = [figure.title, *(_number(values[peer]) for peer in self.peers)]
            cells += ["" if ratio is None else f"× {ratio:.2f}", wanted, reached]
            lines.append("| " + " | ".join(cells) + " |")
        for prefix, title in self.section.parts:
            parts = self.parts(prefix)
            if parts:
                lines += ["", f"**{title}**", ""]
                for peer in self.peers:
                    shares = [f"{part} {_number(of[peer])}" for part, of in parts.items() if peer in of]
                    if shares:
                        lines.append(f"- {peer}: " + ", ".join(shares))
        for peer, reason in self.absent.items():
            lines += ["", f"Not measured: {peer} ({reason})."]
        for problem in self.problems:
            lines += ["", f"Failed: {problem}."]
        return "\n".join(lines) + "\n"

    def write_into(self, path: Path, settings: Mapping[str, object]) -> None:
        """Put the table between the section's marks in a document."""
        begin, end = (f"<!-- measured {self.section.name}: {mark} -->" for mark in ("begin", "end"))
        text = path.read_text()
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        if not rest or not after:
            raise ValueError(f"{path} has no place for the table of {self.section.name}")
        counts = ", ".join(f"{name.replace('_', ' ')} {settings[name]}" for name in self.section.counts)
        head = f"{self.started}, {machine()}.  {counts}.\n\n"
        path.write_text(f"{before}{begin}\n{head}{self.table()}{end}{after}")


def save(path: Path, results: Sequence[Results], settings: Mapping[str, object]) -> None:
    """Write every sample of a run as JSON."""
    sections = {of.section.name: of.document() for of in results}
    document = {"machine": machine(), "settings": dict(settings), "sections": sections}
    path.write_text(json.dumps(document, indent=1))


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def machine() -> str:
    """This machine in a few words."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )
