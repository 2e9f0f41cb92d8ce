"""What a poll with nothing new costs: requests and CPU time for each source.

    python -m tests.benchmarks.poll [SOURCES] [FEEDS] [ARTICLES]

A site in a process of its own serves SOURCES papers (20) with FEEDS feeds each (2), which answer 304 to their
ETag. The first run stores ARTICLES articles a source (50); then every source is polled again by a run that
finds nothing new, once warm and five times measured. Counted is the CPU time of this process (user and
system, all threads) over the whole run: opening of the store, feeds, selection, commit. Delays are off.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flows.fetching import FetchConfig
from flows.ingest import Environment, ingest
from storage import open_store
from tests.conftest import ROOT, ManualClock
from tests.flows.running import article_html, feed_xml, scripted_source
from tests.scripted_site import Answer, ScriptedSite

RUNS = 5
XML = {"Content-Type": "application/rss+xml; charset=utf-8"}
TARGET_MS = 50.0


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a poll with nothing new: the median over the runs."""

    sources: int
    feeds: int
    articles: int
    requests_per_feed: float
    cpu_ms_per_source: float
    worst_ms_per_source: float


def hosts(sources: int) -> list[str]:
    return [f"bao-{number}" for number in range(sources)]


async def serve(sources: int, feeds: int, articles: int) -> None:
    """The papers; prints the port, and serves until its input ends."""
    async with ScriptedSite() as site:
        for index, name in enumerate(hosts(sources)):
            host = f"{name}.example"
            for feed in range(feeds):
                body = feed_xml(host, range(articles))
                headers = {**XML, "ETag": f'"{feed}"'}
                site.answers[host, f"/feed-{feed}.xml"] = Answer(body, headers=headers)
            for number in range(articles):
                site.answers[host, f"/bai-{number}.html"] = Answer(article_html(number + index * articles))
        print(site.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def measure(sources: int, feeds: int, articles: int, port: int, home: Path) -> Cost:
    chosen = [
        scripted_source(name, feeds=tuple(f"http://{name}.example/feed-{n}.xml" for n in range(feeds)))
        for name in hosts(sources)
    ]
    clock = ManualClock()
    routes = {f"{name}.example": ("127.0.0.1", port) for name in hosts(sources)}
    spent: list[float] = []
    requests = 0
    for number in range(RUNS + 2):
        started = time.process_time()
        with open_store(home, f"sqlite:///{home / 'khotin.db'}") as store:
            config = FetchConfig(user_agent="khotin-benchmark/1")
            report = await ingest(chosen, Environment(store, config, clock, random.Random(1), routes))
        used = time.process_time() - started
        assert report.result is not None
        if number == 0:
            assert sum(tally.counts.stored for tally in report.result.tallies) > 0
        else:
            assert all(tally.counts.discovered == 0 for tally in report.result.tallies)
            assert all(tally.not_modified == feeds for tally in report.result.tallies)
        if number > 1:
            spent.append(used * 1000 / sources)
            requests += sum(tally.requests for tally in report.result.tallies)
        clock.time += timedelta(minutes=30)
    return Cost(
        sources,
        feeds,
        articles,
        requests / (RUNS * sources * feeds),
        statistics.median(spent),
        max(spent),
    )


def poll_cost(sources: int = 20, feeds: int = 2, articles: int = 50) -> Cost:
    """Measure; a server process is started for it and ended."""
    command = [sys.executable, "-m", "tests.benchmarks.poll", "serve", *map(str, (sources, feeds, articles))]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        port = int(server.stdout.readline())
        return asyncio.run(measure(sources, feeds, articles, port, Path(folder)))


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["serve"]:
        sources, feeds, articles = map(int, arguments[1:])
        asyncio.run(serve(sources, feeds, articles))
        return 0
    cost = poll_cost(*map(int, arguments))
    print(
        f"a poll with nothing new, {cost.sources} sources with {cost.feeds} feeds: "
        f"{cost.requests_per_feed:.2f} requests per feed, "
        f"{cost.cpu_ms_per_source:.1f} ms CPU per source (worst run {cost.worst_ms_per_source:.1f}; "
        f"target {TARGET_MS:.0f})"
    )
    return 0 if cost.cpu_ms_per_source <= TARGET_MS and cost.requests_per_feed == 1 else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
