"""A clock that stands still until someone sleeps, and a Fetcher that knows loopback only."""

from __future__ import annotations

import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flows.fetching import FetchConfig, Fetcher
from tests.fetching.settings import HOST, ManualClock, OpenFetcher, config, no_names
from tests.hostile_server import HostileServer

# Reading the certificate authorities takes longer than most of these tests.
_AUTHORITIES = ssl.create_default_context()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_fetcher(clock: ManualClock) -> OpenFetcher:
    """Opens a Fetcher to which `paper.example` is the given server."""

    @asynccontextmanager
    async def opened(
        server: HostileServer | None = None, settings: FetchConfig | None = None, **parts: Any
    ) -> AsyncIterator[Fetcher]:
        arguments: dict[str, Any] = {
            "resolver": no_names,
            "sleep": clock.sleep,
            "ssl_context": _AUTHORITIES,
            **parts,
        }
        if server is not None:
            arguments.setdefault("routes", {HOST: server.address})
        async with Fetcher(settings or config(), clock=clock, rng=random.Random(7), **arguments) as fetcher:
            yield fetcher

    return opened
