"""``python -m tests.bench``: run the benchmarks and write down what they found."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.figures import SECTIONS
from tests.bench.measures import Measure, all_measures
from tests.bench.peers import Peer, Unavailable, all_peers
from tests.bench.results import Results, save
from tests.bench.scale import FULL, QUICK, Scale

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


def say(text: str) -> None:
    """Progress, for the person who waits."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts: shows that all works, in minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    names = [section.name for section in SECTIONS]
    parser.add_argument("--section", choices=names, help="only the peers of one table")
    parser.add_argument("--peers", help="only these, separated by commas")
    parser.add_argument("--only", help="only measures whose name contains one of these, separated by commas")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--crowd", type=int, help="consoles of the crowd")
    parser.add_argument("--viewers", type=int)
    parser.add_argument("--document", type=Path, help=f"write the tables here (full runs: {DOCUMENT.name})")
    return parser.parse_args(argv)


def _scale(arguments: argparse.Namespace) -> Scale:
    scale = QUICK if arguments.quick else FULL
    given = {name: getattr(arguments, name) for name in ("rounds", "crowd", "viewers")}
    return dataclasses.replace(scale, **{name: value for name, value in given.items() if value})


def _started(peers: Sequence[Peer], absent: dict[str, str], stack: contextlib.ExitStack) -> list[Peer]:
    running = []
    for peer in peers:
        stack.callback(peer.stop)
        try:
            peer.start()
        except Unavailable as reason:
            say(f"{peer.name}: {reason}")
            absent[peer.name] = str(reason)
        else:
            running.append(peer)
    return running


def _results(peers: Sequence[Peer], running: Sequence[Peer], absent: Mapping[str, str]) -> dict[str, Results]:
    """A place for the samples of each section that has peers."""
    found = {}
    for section in SECTIONS:
        names = [peer.name for peer in running if peer.section == section.name]
        missing = {peer.name for peer in peers if peer.section == section.name} & set(absent)
        if names or missing:
            found[section.name] = Results(section, names, {name: absent[name] for name in missing})
    return found


def _rounds(measure: Measure, peers: Sequence[Peer], scale: Scale, results: Mapping[str, Results]) -> None:
    able = [peer for peer in peers if measure.takes(peer)]
    broken: set[str] = set()
    for number in range(measure.rounds(scale)):
        turn = number % max(1, len(able))
        for peer in able[turn:] + able[:turn]:
            if peer.name in broken:
                continue
            try:
                samples = measure.run(peer, scale)
            except Exception as error:  # noqa: BLE001 - one peer's failure is a result, told below
                broken.add(peer.name)
                results[peer.section].problems.append(f"{measure.key} of {peer.name}: {error}")
                say(f"{measure.key}, {peer.name}: failed: {error}")
                traceback.print_exc()
                continue
            results[peer.section].add(peer.name, samples)
            told = ", ".join(f"{key} {sorted(of)[len(of) // 2]:.2f}" for key, of in samples.items() if of)
            say(f"round {number + 1}, {peer.name}: {told}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 1 when something failed."""
    arguments = _arguments(argv)
    scale = _scale(arguments)
    wanted = [name.strip() for name in (arguments.only or "").split(",") if name.strip()]
    chosen = [name.strip() for name in (arguments.peers or "").split(",") if name.strip()]
    measures = [m for m in all_measures() if not wanted or any(part in m.key for part in wanted)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.freeze()
    absent: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="termhub-bench-")))
        folder.chmod(0o755)
        peers = [
            peer
            for peer in all_peers(folder)
            if (not chosen or peer.name in chosen) and arguments.section in (None, peer.section)
        ]
        running = _started(peers, absent, stack)
        results = _results(peers, running, absent)
        for measure in measures:
            if not any(measure.takes(peer) for peer in running):
                continue
            say(measure.key)
            _rounds(measure, running, scale, results)
    settings = dataclasses.asdict(scale)
    for of_section in results.values():
        print(of_section.table())
    if arguments.json:
        save(arguments.json, list(results.values()), settings)
    document = arguments.document or (None if arguments.quick or wanted or chosen else DOCUMENT)
    if document is not None:
        for of_section in results.values():
            of_section.write_into(document, settings)
    return 1 if any(of_section.problems for of_section in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
