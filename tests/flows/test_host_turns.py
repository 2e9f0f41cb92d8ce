"""Runs at the same time share the hosts: one of them asks a host at a time, and all keep to its delay."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flows.clock import SystemClock
from flows.fetching.gate import Spare
from flows.host_turns import HostTurns
from flows.ingest import ingest
from flows.sources import Limits
from parsers.errors import TransientFetchError
from storage import HostState, Store, open_store
from tests.busy_site import BusySite, mean_delay, overlaps
from tests.conftest import ROOT
from tests.flows.running import environment, scripted_source
from tests.scripted_site import Answer, ScriptedSite

DELAY = 0.06


@pytest.fixture
async def busy() -> AsyncIterator[BusySite]:
    """Two papers; each answer takes a while."""
    site = BusySite({"a.example": 6, "b.example": 6}, 0.02)
    await site.start()
    yield site
    await site.stop()


async def test_runs_at_once_never_ask_one_host_at_the_same_time(
    store: Store, store_url: str, busy: BusySite, tmp_path: Path
) -> None:
    # Two sources of different names on the hosts a and b: the claims on sources cannot keep them apart.
    limits = Limits(min_delay_seconds=DELAY, concurrency=1)
    sources = [
        scripted_source(
            name,
            home=f"http://{host}/",
            feeds=(f"http://{host}/feed.xml",),
            article_pattern=rf"^http://{host}/bai-\d+\.html$",
            limits=limits,
        )
        for host in ("a.example", "b.example")
        for name in (host[0], f"{host[0]}-too")
    ]
    routes = dict.fromkeys(("a.example", "b.example"), ("127.0.0.1", busy.port))
    with open_store(tmp_path / "home", store_url) as second:
        reports = await asyncio.gather(
            ingest(sources[::2], environment(store, routes, SystemClock())),
            ingest(sources[1::2], environment(second, routes, SystemClock())),
        )
    assert overlaps(busy.asked) == []
    for host in ("a.example", "b.example"):
        # Two runs that did not know of each other would need half of the time.
        assert mean_delay(busy.asked, host) > DELAY * 0.75
    counts = [tally.counts for report in reports if report.result for tally in report.result.tallies]
    assert sum(count.stored for count in counts) == 12
    assert sum(count.failed + count.deferred for count in counts) == 0


class Opened:
    """The hosts as one run has them, over a session of its own."""

    def __init__(self, store: Store, **options: float) -> None:
        self._store = store
        self._options = options

    async def __aenter__(self) -> HostTurns:
        self._claims = self._store.claims()
        claims = self._claims.__enter__()
        self._turns = HostTurns(claims, self._store.host, SystemClock(), random.Random(1), **self._options)
        return self._turns

    async def __aexit__(self, *_: object) -> None:
        await self._turns.close()
        self._claims.__exit__(None, None, None)


async def test_host_is_given_back_when_its_delay_is_over_and_at_the_end(store: Store) -> None:
    async with Opened(store) as first, Opened(store, longest_wait=0.0) as second:
        await first.enter("a.example")
        await second.enter("b.example")
        with pytest.raises(TransientFetchError) as told:
            await second.enter("a.example")
        assert told.value.reason == "host-busy"
        first.leave("a.example", 0.0)
        async with Opened(store) as third:
            assert await third.enter("a.example") == Spare()
            third.leave("a.example", 3600.0)
        # Its delay is not over, but the run is: its rows tell of the delay (HostMemory.keep).
        async with Opened(store) as fourth:
            assert await fourth.enter("a.example") == Spare()


async def test_run_that_goes_on_and_on_lets_others_have_their_turn(store: Store) -> None:
    turns: list[str] = []

    async def ask(who: str, run: HostTurns, times: int) -> None:
        for _ in range(times):
            await run.enter("a.example")
            turns.append(who)
            await asyncio.sleep(0.01)
            run.leave("a.example", 0.0)

    async with Opened(store, keep_seconds=0.05) as first, Opened(store, keep_seconds=0.05) as second:
        await first.enter("a.example")
        first.leave("a.example", 0.0)
        await asyncio.gather(ask("first", first, 60), ask("second", second, 5))
    assert turns[-1] == "first"
    assert turns.count("second") == 5


async def test_several_requests_of_one_run_share_a_host(store: Store) -> None:
    async with Opened(store) as run, Opened(store, longest_wait=0.0) as other:
        for _ in range(3):
            await run.enter("a.example")
        for _ in range(2):
            run.leave("a.example", 0.0)
        with pytest.raises(TransientFetchError):
            await other.enter("a.example")
        run.leave("a.example", 0.0)


async def test_wait_that_a_host_asked_one_run_for_holds_for_one_that_runs_already(store: Store) -> None:
    clock = SystemClock()
    source = scripted_source()
    async with ScriptedSite() as site:
        site.answers["a.example", "/robots.txt"] = Answer(b"", 404)
        site.answers["a.example", "/feed.xml"] = Answer(b"", 429, {"Retry-After": "600"})
        async with Opened(store) as running:
            await running.enter("b.example")
            await ingest([source], environment(store, site.routes("a.example"), clock))
            spare = await running.enter("a.example")
    assert 590 < spare.held_for <= 600


async def test_delay_that_a_run_left_is_kept_by_the_next_that_claims_the_host(store: Store) -> None:
    from datetime import timedelta

    now = SystemClock().now()
    store.spare_hosts([HostState("a.example", now + timedelta(seconds=50))])
    async with Opened(store) as run:
        spare = await run.enter("a.example")
        assert 40 < spare.free_in <= 50
        assert spare.held_for == 0
        # Told once: from then on the run knows it itself.
        assert await run.enter("a.example") == Spare()


HOLDER = """
import asyncio, random, sys
from pathlib import Path
from flows.clock import SystemClock
from flows.host_turns import HostTurns
from storage import open_store
async def main():
    with open_store(Path(sys.argv[1]), sys.argv[2]) as store, store.claims() as claims:
        turns = HostTurns(claims, store.host, SystemClock(), random.Random())
        await turns.enter("a.example")
        print("held", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_host_of_a_run_that_was_killed_is_free(store: Store, store_url: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(  # noqa: ASYNC220 - nothing else goes on meanwhile
        [sys.executable, "-c", HOLDER, str(tmp_path / "home"), store_url],
        stdout=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        async with Opened(store, longest_wait=0.0) as run:
            with pytest.raises(TransientFetchError):
                await run.enter("a.example")
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        async with Opened(store) as run:
            assert await run.enter("a.example") == Spare()
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout is not None:
            holder.stdout.close()
