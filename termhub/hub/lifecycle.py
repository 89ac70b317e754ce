"""The states of a console, drawn as a machine.

``starting`` until the first link to its host, ``running`` while there is one, ``recovering``
after it broke until there is another, ``ended`` for good.  The machine holds no data; what
happens on the way is a method of the :class:`Tenant`, the console.
"""

from __future__ import annotations

from typing import Protocol

from automat import TypeMachineBuilder


class Tenant(Protocol):
    """What the console does when its state changes."""

    def entered(self, state: str) -> None:
        """The state is ``state`` now."""


class Lifecycle(Protocol):
    """What can happen to a console."""

    def linked(self) -> None:
        """There is a link to its host."""

    def lost(self) -> None:
        """The link broke."""

    def gone(self) -> None:
        """The sandbox is gone."""


_builder = TypeMachineBuilder(Lifecycle, Tenant)  # type: ignore[type-abstract]
_starting = _builder.state("starting")
_running = _builder.state("running")
_recovering = _builder.state("recovering")
_ended = _builder.state("ended")


@_starting.upon(Lifecycle.linked).to(_running)
@_recovering.upon(Lifecycle.linked).to(_running)
def _started(lifecycle: Lifecycle, tenant: Tenant) -> None:
    tenant.entered("running")


@_running.upon(Lifecycle.lost).to(_recovering)
def _broke(lifecycle: Lifecycle, tenant: Tenant) -> None:
    tenant.entered("recovering")


@_starting.upon(Lifecycle.gone).to(_ended)
@_running.upon(Lifecycle.gone).to(_ended)
@_recovering.upon(Lifecycle.gone).to(_ended)
def _went(lifecycle: Lifecycle, tenant: Tenant) -> None:
    tenant.entered("ended")


_starting.upon(Lifecycle.lost).loop().returns(None)
_recovering.upon(Lifecycle.lost).loop().returns(None)
_running.upon(Lifecycle.linked).loop().returns(None)
_ended.upon(Lifecycle.linked).loop().returns(None)
_ended.upon(Lifecycle.lost).loop().returns(None)
_ended.upon(Lifecycle.gone).loop().returns(None)

new_lifecycle = _builder.build()
"""Makes the machine of one console: ``new_lifecycle(tenant)``; it begins in ``starting``."""
