"""What the tests of fetching share: one host name, one policy, low limits, a clock, a shorthand to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.fetching import FetchConfig, Fetcher, HostPolicy
from parsers.errors import FetchError, KhotinError

HOST = "paper.example"
POLICY = HostPolicy(min_delay_seconds=0.0, allow_loopback=True)
"""For the routed host: a policy like that of the sample newsroom."""

OpenFetcher = Callable[..., AbstractAsyncContextManager[Fetcher]]


def at(path: str) -> str:
    """The URL of a path on the routed host."""
    return f"http://{HOST}{path}"


class ManualClock:
    """A Clock whose time passes only by `sleep`."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        """2026-03-02 00:00 UTC plus what was slept."""
        return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Seconds slept."""
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        """Let time pass without waiting."""
        self.sleeps.append(seconds)
        self.elapsed += seconds


def config(**changes: Any) -> FetchConfig:
    """The usual limits with some changed; times long enough for a slow machine."""
    settings = {"connect_timeout": 5.0, "total_timeout": 20.0, **changes}
    return FetchConfig(user_agent="khotin-test/0.1 (+https://khotin.example/)", **settings)


async def no_names(host: str, port: int) -> Sequence[str]:
    """A resolver that knows no name: that it is asked at all is an error of the test."""
    raise AssertionError(f"{host} was looked up")


async def failure(fetcher: Fetcher, url: str, **arguments: Any) -> KhotinError:
    """The error that `get` raises; without one the test fails."""
    with pytest.raises(KhotinError) as caught:
        await fetcher.get(url, **{"policy": POLICY, **arguments})
    return caught.value


async def fetch_failure(fetcher: Fetcher, url: str, **arguments: Any) -> FetchError:
    """The same, for errors that came with a request."""
    error = await failure(fetcher, url, **arguments)
    assert isinstance(error, FetchError)
    return error
