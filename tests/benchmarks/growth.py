"""From one machine to many: what khotin needs as sources and articles grow, from costs measured here.

    python -m tests.benchmarks.growth [--quick]

**Measured** (PostgreSQL on this machine, if it is there, else SQLite): papers in a process of their own serve
distinct articles of 3.3 KB of text in pages of 250 KB, gzipped, like those of real papers. Two ingests with
all that a run does (robots.txt, feeds, fetching, parsing, search for near duplicates, commit, raw archive);
the second counts. Then polls that find nothing new, plainly and as a flow with a Prefect server (on SQLite)
beside it. Taken are CPU seconds of the process and the server, the seconds that the commit takes, bytes of
database, raw archive and index.

**Simulated**: how often sources are polled, by the very function that plans polls (flows/polling.py), for
sources of several sizes over four weeks.

**Extrapolated**: everything else, in proportion to articles and polls. Sources are taken to differ as a
log-normal distribution does (median 20 articles a day, sigma 1.1, so 37 in the mean); half of what is
published in a day is taken to come in its six busiest hours.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import fmean

import psycopg
from sqlalchemy import make_url

from flows.fetching import FetchConfig
from flows.ingest import Environment, ingest
from flows.polling import Situation, next_poll
from flows.rhythm import Rhythm, watched
from flows.sources import Limits, Source
from flows.stages import Runner, Stages
from flows.stages import commit as plain_commit
from flows.workbench import Workbench
from storage import RunResult, SourcePart, Store, open_store
from tests.benchmarks.fetch_server import make_pages
from tests.benchmarks.made_up import make_language, make_record
from tests.benchmarks.prefect_share import cpu_of_session
from tests.conftest import POSTGRES, ROOT, START, ManualClock
from tests.flows.running import feed_xml, scripted_source
from tests.operations.prefect_parts import Prefect
from tests.scripted_site import Answer, ScriptedSite

SOURCES = 20
FIRST, SECOND = 60, 100
"""Articles a source in the first run, which trains the dictionary, and in the second, which counts."""

POLL_RUNS = 20
PREFECT_RUNS = 3
SETTLE_SECONDS = 5
MEDIAN, SIGMA = 20.0, 1.1
"""Articles a day of a source: a log-normal distribution."""

BUSY_SHARE, BUSY_HOURS = 0.5, 6
CORE_SHARE = 0.6
"""A worker is one process and so one core; more of its time than this is not planned with."""

SIZES = (21, 100, 1_000, 10_000)
GOAL = 10_000_000
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured. CPU and commit in seconds, sizes in bytes."""

    database: str
    articles: int
    cpu_article: float
    commit_article: float
    database_article: float
    archive_article: float
    index_article: float
    cpu_poll: float
    prefect_client: float
    prefect_server: float
    """CPU seconds for each source of a flow run: in the worker beside the poll, and in the server."""
    commit_run: float
    database_poll: float


@dataclass(frozen=True, slots=True)
class Need:
    """What so many sources need."""

    sources: int
    articles: float
    polls: float
    requests: float
    busy_requests: float
    cores: float
    server: float
    workers: int
    lock: float
    database: float
    archive: float
    days: float


def mean_articles() -> float:
    """Articles a day of a source in the mean."""
    return MEDIAN * math.exp(SIGMA**2 / 2)


# -- measured -----------------------------------------------------------------------------------------------


def name_of(number: int) -> str:
    return f"bao-{number}"


def sources() -> list[Source]:
    limits = Limits(min_delay_seconds=0.0, concurrency=4, articles_per_run=1_000, requests_per_day=10**6)
    return [scripted_source(name_of(number), limits=limits) for number in range(SOURCES)]


_HEAD = (
    '<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta property="og:title" content="{title}"><meta property="og:type" content="article">'
    '<meta property="article:published_time" content="{at:%Y-%m-%dT%H:%M:%S}+07:00"></head>'
)


async def serve(first: int, second: int) -> None:
    """The papers; prints the port. A line on the input puts the articles of the second run into the feeds."""
    language = make_language()
    frames = [re.split(r"<article.*</article>", page.decode(), flags=re.DOTALL) for page in make_pages()]
    async with ScriptedSite() as site:
        for number in range(SOURCES):
            host = f"{name_of(number)}.example"
            for place in range(1, first + second + 1):
                key = number * 10_000 + place
                record = make_record(key, language, random.Random(f"growth-{key}"))
                head, tail = frames[key % len(frames)]
                menu = head.split("</head>")[1]
                body = "".join(f"<p>{paragraph.text}</p>" for paragraph in record.paragraphs)
                told = f"<article><h1>{record.title}</h1><p>{record.lead}</p>{body}</article>"
                start = _HEAD.format(title=record.title, at=record.published_at)
                page = gzip.compress(f"{start}{menu}{told}{tail}".encode(), 6, mtime=0)
                headers = {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"}
                site.answers[host, f"/bai-{place}.html"] = Answer(page, headers=headers)
        for last in (first, first + second):
            for number in range(SOURCES):
                host = f"{name_of(number)}.example"
                headers = {"Content-Type": "application/rss+xml", "ETag": f'"{last}"'}
                site.answers[host, "/feed.xml"] = Answer(
                    feed_xml(host, range(max(1, last - second + 1), last + 1)), headers=headers
                )
            print(site.port, flush=True)
            await asyncio.to_thread(sys.stdin.readline)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def database(home: Path) -> Iterator[str]:
    """A database of its own: PostgreSQL where it is, else SQLite."""
    try:
        server = psycopg.connect(POSTGRES, connect_timeout=3, autocommit=True)
    except psycopg.OperationalError:
        yield f"sqlite:///{home / 'khotin.db'}"
        return
    name = f"khotin_growth_{uuid.uuid4().hex[:12]}"
    with server:
        server.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def database_bytes(store: Store) -> int:
    """The size of the tables with their indexes; of SQLite that of the file."""
    if store.url.get_backend_name() == "sqlite":
        with store.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            size = connection.exec_driver_sql("PRAGMA page_size").scalar()
        return int(pages or 0) * int(size or 0)
    query = (
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    with store.reading() as connection:
        return int(connection.exec_driver_sql(query).scalar() or 0)


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@dataclass(slots=True)
class Spent:
    """What one run took."""

    cpu: float
    commit: float
    database: int
    archive: int
    index: int
    stored: int


async def prefect_cpu(
    store: Store, chosen: Sequence[Source], port: int, clock: ManualClock, home: Path
) -> tuple[float, float]:
    """CPU seconds of this process and of a server, for each source of flow runs that find nothing new."""
    folder = home / "server"
    folder.mkdir()
    prefect = Prefect(folder)
    prefect.start()
    try:
        os.environ["PREFECT_API_URL"] = prefect.api
        os.environ["PREFECT_HOME"] = str(folder)
        from prefect import flow

        from flows.scheduled.runner import UnderPrefect

        @flow(name="growth", persist_result=False)
        async def polls() -> float:
            return (await run(store, chosen, port, clock, runner=UnderPrefect())).cpu

        await polls()  # the first one imports what is needed
        client, before = 0.0, cpu_of_session(prefect.server_pid)
        for _ in range(PREFECT_RUNS):
            client += await polls()
        await asyncio.sleep(SETTLE_SECONDS)  # task runs are recorded a little later
        server = cpu_of_session(prefect.server_pid) - before
    finally:
        prefect.stop()
    return client / (PREFECT_RUNS * SOURCES), server / (PREFECT_RUNS * SOURCES)


async def run(
    store: Store, chosen: Sequence[Source], port: int, clock: ManualClock, runner: Runner | None = None
) -> Spent:
    """One ingest, with what it added."""
    locked = 0.0

    async def commit(bench: Workbench, message: str, parts: Sequence[SourcePart]) -> RunResult:
        nonlocal locked
        started = time.perf_counter()
        result = await plain_commit(bench, message, parts)
        locked = time.perf_counter() - started
        return result

    def sizes() -> tuple[int, int, int]:
        return database_bytes(store), folder_bytes(store.home / "raw"), folder_bytes(store.home / "likeness")

    routes = {f"{source.name}.example": ("127.0.0.1", port) for source in chosen}
    config = FetchConfig(user_agent="khotin-benchmark/1")
    before = sizes()
    started = time.process_time()
    environment = Environment(store, config, clock, random.Random(1), routes)
    report = await ingest(chosen, environment, stages=Stages(commit=commit), runner=runner)
    cpu = time.process_time() - started
    after = sizes()
    assert report.result is not None
    assert not report.failed_sources
    stored = sum(tally.counts.stored for tally in report.result.tallies)
    clock.advance(minutes=30)
    grown = [b - a for a, b in zip(before, after, strict=True)]
    return Spent(cpu, locked, grown[0], grown[1], grown[2], stored)


async def measure(first: int, second: int, polls: int, server: subprocess.Popen[str]) -> Costs:
    assert server.stdout is not None
    assert server.stdin is not None
    port = int(server.stdout.readline())
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as url:
        home = Path(folder)
        with open_store(home, url) as store:
            chosen = sources()
            assert (await run(store, chosen, port, clock)).stored == SOURCES * first
            server.stdin.write("\n")
            server.stdin.flush()
            server.stdout.readline()
            counted = await run(store, chosen, port, clock)
            assert counted.stored >= 0.98 * SOURCES * second
            idle = [await run(store, chosen, port, clock) for _ in range(polls + 1)][1:]
            assert all(spent.stored == 0 for spent in idle)
            cpu_poll = fmean(spent.cpu for spent in idle) / SOURCES
            client, of_server = await prefect_cpu(store, chosen, port, clock, home)
            n = counted.stored
            return Costs(
                database=store.url.get_backend_name(),
                articles=n,
                cpu_article=counted.cpu / n,
                commit_article=counted.commit / n,
                database_article=counted.database / n,
                archive_article=counted.archive / n,
                index_article=counted.index / n,
                cpu_poll=cpu_poll,
                prefect_client=max(client - cpu_poll, 0.0),
                prefect_server=of_server,
                commit_run=fmean(spent.commit for spent in idle),
                database_poll=sum(spent.database for spent in idle) / (len(idle) * SOURCES),
            )


def costs(first: int, second: int, polls: int) -> Costs:
    """Measure; a server process is started for it and ended."""
    command = [sys.executable, "-m", "tests.benchmarks.growth", "serve", str(first), str(second)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as server:
        try:
            return asyncio.run(measure(first, second, polls, server))
        finally:
            server.terminate()


# -- simulated ----------------------------------------------------------------------------------------------


def polls_a_day(a_day: float, rng: random.Random, days: int = 28) -> float:
    """How often a feed with so many articles a day is asked, after a week in which its rhythm is learnt.

    A third of the day brings two thirds of the articles; the night brings hardly any.
    """
    weights = [0.2] * 6 + [1.0] * 2 + [2.0] * 8 + [1.0] * 8
    total = sum(weights)
    rhythm: Rhythm | None = None
    now = START
    end = START + timedelta(days=days)
    counted = idle = 0
    last = now
    while now < end:
        hour = (now.hour + 7) % 24
        expected = a_day * weights[hour] / total * ((now - last) / timedelta(hours=1))
        new = _poisson(expected, rng)
        rhythm = watched(rhythm, now, [now] * new)
        idle = 0 if new else idle + 1
        known = Situation(timedelta(minutes=10), timedelta(hours=12), rhythm=rhythm, idle=idle, items=50)
        counted += now >= START + timedelta(days=7)
        last, now = now, next_poll(known, now, rng).at
    return counted / (days - 7)


def _poisson(mean: float, rng: random.Random) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, number, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        number += 1
        product *= rng.random()
    return number


def mean_polls(draws: int, rng: random.Random) -> float:
    """Polls of a source a day, in the mean over sources of all sizes."""
    return fmean(polls_a_day(rng.lognormvariate(math.log(MEDIAN), SIGMA), rng) for _ in range(draws))


# -- extrapolated -------------------------------------------------------------------------------------------


def need(cost: Costs, number: int, polls: float) -> Need:
    """What so many sources need, each polled `polls` times a day; runs begin every ten minutes."""
    articles = number * mean_articles()
    asked = number * polls
    # A feed each poll, four sitemaps and a robots.txt a day, each article once and, a third of them, again.
    requests = asked + 5 * number + articles * 4 / 3
    cpu = asked * (cost.cpu_poll + cost.prefect_client) + articles * cost.cpu_article * 4 / 3
    cores = cpu * BUSY_SHARE / (BUSY_HOURS * 3600)
    locked = articles * cost.commit_article + 144 * max(1, math.ceil(cores / CORE_SHARE)) * cost.commit_run
    return Need(
        sources=number,
        articles=articles,
        polls=asked,
        requests=requests,
        busy_requests=requests * BUSY_SHARE / (BUSY_HOURS * 3600),
        cores=cores,
        server=asked * cost.prefect_server * BUSY_SHARE / (BUSY_HOURS * 3600),
        workers=max(1, math.ceil(cores / CORE_SHARE)),
        lock=locked * BUSY_SHARE / (BUSY_HOURS * 3600),
        database=articles * cost.database_article + asked * cost.database_poll,
        archive=articles * cost.archive_article * 4 / 3,
        days=GOAL / articles,
    )


def told(cost: Costs, needs: Sequence[Need], polls: float) -> str:
    """The result as Markdown."""
    ms = 1000
    lines = [
        f"Measured on {cost.database}, {cost.articles:,} articles: {cost.cpu_article * ms:.1f} ms of CPU an "
        f"article, {cost.cpu_poll * ms:.1f} ms a poll with nothing new; {cost.commit_article * ms:.2f} ms of "
        f"commit an article, {cost.commit_run * ms:.0f} ms a run of {SOURCES} sources with nothing new; "
        f"database {cost.database_article / 1000:.1f} KB an article, {cost.database_poll:.0f} bytes a poll, "
        f"raw archive {cost.archive_article / 1000:.0f} KB, index {cost.index_article:.0f} bytes.",
        f"As a flow, each source of a run costs {cost.prefect_client * ms:.0f} ms more in the worker, and "
        f"{cost.prefect_server * ms:.0f} ms in Prefect's server.",
        f"Simulated: {polls:.0f} polls of a source a day.",
        "Requests, cores and the share of time in commits are those of the busiest hours.",
        "",
        "| sources | articles a day | polls a day | requests/s | cores of workers | of Prefect | workers "
        "| in commits | database a day | raw pages a day | 10 M articles after |",
        "|---" * 11 + "|",
    ]
    for n in needs:
        cells = (
            f"{n.sources:,}",
            f"{n.articles:,.0f}",
            f"{n.polls:,.0f}",
            f"{n.busy_requests:.1f}",
            f"{n.cores:.2f}",
            f"{n.server:.2f}",
            str(n.workers),
            f"{100 * n.lock:.2g} %",
            _size(n.database),
            _size(n.archive),
            _days(n.days),
        )
        lines.append("| " + " | ".join(cells) + " |")
    last = needs[-1]
    size = GOAL * cost.database_article + last.days * last.polls * cost.database_poll
    lines += [
        "",
        f"At 10 M articles of {last.sources:,} sources, after {_days(last.days)}: database {_size(size)}, "
        f"raw archive {_size(GOAL * cost.archive_article * 4 / 3)}, "
        f"index {_size(GOAL * cost.index_article)}.",
    ]
    return "\n".join(lines)


def _size(count: float) -> str:
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count / 1e3:.3g} KB"


def _days(days: float) -> str:
    return f"{days:.0f} days" if days < 700 else f"{days / 365:.0f} years"


def main(arguments: list[str]) -> None:
    """The command."""
    if arguments[:1] == ["serve"]:
        asyncio.run(serve(int(arguments[1]), int(arguments[2])))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the articles")
    quick = parser.parse_args(arguments).quick
    cost = costs(FIRST // 3, SECOND // 5, 5) if quick else costs(FIRST, SECOND, POLL_RUNS)
    polls = mean_polls(30 if quick else 200, random.Random(7))
    print(told(cost, [need(cost, number, polls) for number in SIZES], polls))


if __name__ == "__main__":
    main(sys.argv[1:])
