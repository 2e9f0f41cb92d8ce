"""From one machine to many: two workers on one pool, PostgreSQL behind the store and behind Prefect.

Each worker serves a queue of its own, and each queue has its sources; one paper is read by sources of both. A
real server in a process of its own records every request: what the workers may do to it is what counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from storage import open_store
from storage.verify import verify_store
from tests.busy_site import mean_delay, overlaps, read_requests
from tests.conftest import ROOT
from tests.operations.prefect_parts import Prefect, wait_for

ARTICLES = 6
DELAY = 0.3
SOURCES = {"a": "a.example", "b": "b.example", "c-north": "c.example", "c-south": "c.example"}
QUEUES = {"north": ("a", "c-north"), "south": ("b", "c-south")}

SOURCE = """
name = "{name}"
title = "{name}"
home = "http://{host}/"
feeds = ["http://{host}/feed.xml"]
article_pattern = '^http://{host}/bai-\\d+\\.html$'
parser = "generic"
poll_minutes = 0
window_days = 36500
allow_loopback = true

[limits]
min_delay_seconds = {delay}
"""
DEPLOYMENT = """
  - name: ingest-{queue}
    entrypoint: flows.scheduled.ingest.ingest
    tags: [khotin]
    parameters: {{sources: [{sources}]}}
    work_pool: {{name: khotin, work_queue_name: {queue}}}
"""


@pytest.fixture
def prefect_database(postgres_server: str) -> Iterator[str]:
    """A database for Prefect's server, dropped afterwards."""
    name = f"khotin_prefect_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
    url = make_url(postgres_server).set(drivername="postgresql+asyncpg", database=name)
    yield url.render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def prefect(prefect_database: str, tmp_path: Path) -> Iterator[Prefect]:
    made = Prefect(tmp_path)
    made.env["PREFECT_API_DATABASE_CONNECTION_URL"] = prefect_database
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def press(tmp_path: Path) -> Iterator[str]:
    """Three papers; gives their address. The readers of a and b, one in each worker, are at work at once."""
    hosts = [f"a.example+:{ARTICLES}", f"b.example+:{ARTICLES}", f"c.example:{ARTICLES}"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.busy_site", str(tmp_path), "0.05", *hosts]
    with subprocess.Popen(command, env=env, cwd=ROOT) as server:
        try:
            wait_for((tmp_path / "port").exists, "the papers")
            yield f"127.0.0.1:{(tmp_path / 'port').read_text()}"
        finally:
            server.terminate()


def test_two_workers_share_the_sources_and_the_hosts(
    prefect: Prefect, press: str, postgres_url: str, tmp_path: Path, told: Callable[[str], None]
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for name, host in SOURCES.items():
        (sources / f"{name}.toml").write_text(SOURCE.format(name=name, host=host, delay=DELAY))
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "name: khotin\ndeployments:"
        + "".join(DEPLOYMENT.format(queue=q, sources=", ".join(names)) for q, names in QUEUES.items())
    )
    env = {
        "KHOTIN_HOME": str(tmp_path / "data"),
        "KHOTIN_DATABASE_URL": postgres_url,
        "KHOTIN_SOURCES": str(sources),
        "KHOTIN_SAMPLE_NEWSROOM": press,
    }
    done = prefect.khotin("deploy", "--file", str(plan), "--json", **env)
    assert done.returncode == 0, done.stderr
    workers = [prefect.worker(f"worker-{queue}", queue=queue, **env) for queue in QUEUES]
    try:
        runs = [prefect.trigger(f"ingest-{queue}", flow="ingest") for queue in QUEUES]
        ended = [prefect.ended(run, 240) for run in runs]
    finally:
        for worker in workers:
            worker.end()
    assert {row["state_type"] for row in ended} == {"COMPLETED"}
    assert [row["work_queue_name"] for row in ended] == list(QUEUES)

    requests = read_requests(tmp_path)
    with open_store(tmp_path / "data", postgres_url, create=False) as store:
        told_runs = store.runs()
        assert verify_store(store).findings == ()
        with store.documents(store.version()) as documents:
            urls = [document.url for document in documents]
    # Both went on at the same time, each with its own sources.
    first, second = told_runs
    assert first.finished_at is not None
    assert second.finished_at is not None
    assert max(first.started_at, second.started_at) < min(first.finished_at, second.finished_at)
    by_run = {frozenset(tally.source for tally in run.tallies) for run in told_runs}
    assert by_run == {frozenset(names) for names in QUEUES.values()}
    # The sums hold, nothing is lost and nothing doubled, though two sources read the same paper.
    counts = [tally.counts for run in told_runs for tally in run.tallies]
    assert [count.discovered for count in counts] == [ARTICLES] * 4
    assert sum(count.stored for count in counts) == len(set(urls)) == len(urls) == 3 * ARTICLES
    assert sum(count.failed + count.deferred + count.rejected for count in counts) == 0
    # No host was ever asked twice at a time, and all kept to its delay.
    assert overlaps(requests) == []
    assert mean_delay(requests, "c.example") > DELAY * 0.75
    shared = sum(request.host == "c.example" for request in requests)
    told(
        f"scale-out: two workers, 4 sources, {len(requests)} requests, {shared} by both to one paper; "
        "none at once on one host"
    )
