"""The peers: every way to a terminal that is measured, behind one interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.clients import Client


class Unavailable(Exception):
    """This peer cannot be had on this machine; the message says why."""


class Session(Protocol):
    """A program behind a peer."""

    def connect(self) -> Client:
        """Attach one more terminal of 80 columns and 24 rows."""

    def end(self) -> None:
        """End the program."""


class Peer(Protocol):
    """One server, and what it can do."""

    name: str
    section: str
    """Which table it stands in."""
    keeps: bool
    """Whether programs outlive the clients, so that one can leave and come back."""
    shares: bool
    """Whether several clients can watch one program."""

    def start(self) -> None:
        """Start the server.

        :raises Unavailable: when it is not on this machine.
        """

    def stop(self) -> None:
        """Stop the server and all that it started."""

    def open(self, argv: Sequence[str]) -> Session:
        """A new program.  Where ``keeps`` is false it starts with the first client."""

    def open_python(self) -> Session:
        """The interactive interpreter, as a person would get it."""

    def processes(self) -> Mapping[str, set[int]]:
        """The pids of the server and of all that it started, by kind."""


def all_peers(folder: Path) -> list[Peer]:
    """Every peer this harness knows, in the order of the table.

    :param folder: an empty folder for their sockets and data.
    """
    from tests.bench.peers.bare import BarePeer
    from tests.bench.peers.hub import HubPeer
    from tests.bench.peers.limits import LimitsPeer
    from tests.bench.peers.raw import RawPeer
    from tests.bench.peers.shared import SharedPeer
    from tests.bench.peers.ssh import SshHubPeer, SshTmuxPeer
    from tests.bench.peers.terminado import TerminadoPeer
    from tests.bench.peers.tmux import TmuxPeer
    from tests.bench.peers.ttyd import TtydPeer, TtydTmuxPeer

    return [
        RawPeer(),
        BarePeer(folder / "bare"),
        TtydPeer(folder / "ttyd"),
        TtydTmuxPeer(folder / "ttyd-tmux"),
        TmuxPeer(folder / "tmux"),
        TerminadoPeer(folder / "terminado"),
        HubPeer("termhub", folder / "hub", engine="auto"),
        HubPeer("termhub-pyte", folder / "hub-pyte", engine="pyte"),
        SshTmuxPeer(folder / "ssh-tmux"),
        SshHubPeer(folder / "ssh-hub"),
        SharedPeer("1 viewer", folder / "alone", has_crowd=False),
        SharedPeer("many viewers", folder / "crowded", has_crowd=True),
        LimitsPeer("few limits", folder / "few-limits", has_all=False),
        LimitsPeer("all limits", folder / "all-limits", has_all=True),
    ]
