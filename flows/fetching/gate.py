"""Who else asks a host: what a Fetcher needs to share the hosts with other runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spare:
    """What others left of a host: do not ask it for `free_in` seconds, or leave it alone for `held_for`."""

    free_in: float = 0.0
    held_for: float = 0.0


class HostGate(Protocol):
    """Lets one run at a time ask a host."""

    async def enter(self, host: str) -> Spare:
        """Wait until no other run asks the host. TransientFetchError (`host-busy`) after a long wait."""
        ...

    def leave(self, host: str, free_in: float) -> None:
        """A request has ended, or was not made after all; its delay lasts `free_in` seconds more."""
        ...


class NobodyElse:
    """For a run that has the hosts to itself."""

    async def enter(self, host: str) -> Spare:  # noqa: ARG002
        """At once."""
        return Spare()

    def leave(self, host: str, free_in: float) -> None:
        """Nobody waits."""
