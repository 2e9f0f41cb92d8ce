"""What a Fetcher is told of earlier runs, and gives to later ones: robots.txt files and waits of hosts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RobotsMemo:
    """One robots.txt as it was found.

    `body` is that of an answer 200; without one `told` says why there are no rules, or `problem` why nothing
    may be asked for now.
    """

    url: str
    asked_at: datetime
    status: int | None = None
    body: bytes | None = None
    told: str = ""
    problem: str = ""


Recall = Callable[[str], Awaitable[RobotsMemo | None]]
"""Gives what an earlier run found at the address of a robots.txt; None: not known."""

TellHold = Callable[[str, float], Awaitable[None]]
"""Called when a host asks to be left alone for so many seconds."""


async def recall_nothing(_url: str) -> RobotsMemo | None:
    """For a Fetcher without a past."""
    return None


async def tell_nobody(_host: str, _seconds: float) -> None:
    """For a Fetcher whose waits end with it."""
