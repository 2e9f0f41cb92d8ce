"""Time as a value that is passed in, so that tests and replays can hold it still."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the flows ask about time."""

    def now(self) -> datetime:
        """The time of day, zone-aware, in UTC. It may jump back when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment. It never goes back: differences of it are durations."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The machine's time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """The machine's monotonic clock, in seconds."""
        return time.monotonic()
