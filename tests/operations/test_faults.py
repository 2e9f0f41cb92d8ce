"""What breaks under a run, and what the next run makes of it: real server, real workers, real kills.

The paper keeps its reader waiting in the middle of a run; then something dies. Afterwards the next run must
have everything, each article once, and no run may go on for ever.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from deployments.operation.children import variable_of
from storage import open_store
from storage.verify import verify_store
from tests.operations.held_press import HeldPress
from tests.operations.prefect_parts import PLAN, Prefect, Process, wait_for

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    made = Prefect(tmp_path_factory.mktemp("faults"))
    made.start()
    try:
        plan = made.folder / "plan.yaml"
        plan.write_text(PLAN, "utf-8")
        done = made.khotin("deploy", "--file", str(plan), "--json")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def loaded(prefect: Prefect) -> Iterator[dict[str, str]]:
    """What workers are told of a process that has everything loaded, as under `khotin up`."""
    with tempfile.TemporaryDirectory(prefix="khotin-") as folder:
        process, told = prefect.loaded(Path(folder))
        yield told
        process.end()


class Corpus:
    """A store of its own with one paper, and the workers that run it."""

    def __init__(
        self, prefect: Prefect, press: HeldPress, folder: Path, told: Mapping[str, str], url: str = ""
    ) -> None:
        self.prefect, self.press, self.home = prefect, press, folder / "data"
        self.url = url or f"sqlite:///{self.home / 'khotin.db'}"
        self._env = {
            "KHOTIN_HOME": str(self.home),
            "KHOTIN_SOURCES": str(press.write_sources(folder / "sources")),
            "KHOTIN_SAMPLE_NEWSROOM": press.address,
            **({"KHOTIN_DATABASE_URL": url} if url else {}),
            **told,
        }
        self._workers: list[Process] = []

    def worker(self) -> Process:
        made = self.prefect.worker(f"worker-{time.monotonic_ns()}", **self._env)
        self._workers.append(made)
        return made

    def end(self) -> None:
        for worker in self._workers:
            worker.end()

    def held_run(self, pages: int = 3) -> str:
        """A run that has read so many pages and waits for the next."""
        self.press.hold(after=pages)
        run_id = self.prefect.trigger("ingest")
        self.press.wait_until_held()
        return run_id

    def assert_whole(self, articles: int) -> None:
        """All articles are there, each once, and the store is sound."""
        with open_store(self.home, self.url, create=False) as store:
            version = store.version()
            with store.documents(version) as documents:
                urls = [document.record.url for document in documents]
            assert len(urls) == len(set(urls)) == articles
            assert verify_store(store).findings == ()


FORKED, OF_ITS_OWN = "forked", "a process of its own"
"""How a run begins: as under `khotin up`, or as where the parts run alone."""

both_ways = pytest.mark.parametrize("corpus", [FORKED, OF_ITS_OWN], indirect=True)


@pytest.fixture
def corpus(
    prefect: Prefect, loaded: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Corpus]:
    with HeldPress() as press:
        press.publish(6)
        told = loaded if getattr(request, "param", FORKED) == FORKED else {}
        made = Corpus(prefect, press, tmp_path, told)
        try:
            yield made
        finally:
            press.let_go()
            made.end()


def process_of(worker: Process, run_id: str) -> int:
    """The process in which a run goes on."""
    found = [pid for pid in worker.family() if variable_of(pid, "PREFECT__FLOW_RUN_ID") == run_id]
    assert found
    return found[-1]


@both_ways
def test_killed_flow_process_is_a_crashed_run_and_the_next_one_takes_up_its_pages(corpus: Corpus) -> None:
    worker = corpus.worker()
    first = corpus.held_run()
    os.kill(process_of(worker, first), signal.SIGKILL)
    assert corpus.prefect.ended(first, 30)["state_name"] == "Crashed"
    corpus.press.let_go()
    second = corpus.prefect.ended(corpus.prefect.trigger("ingest"))
    assert second["state_name"] == "Completed", second["state"]["message"]
    corpus.assert_whole(6)


def test_machine_that_dies_leaves_a_run_that_another_worker_makes_up_for(corpus: Corpus) -> None:
    worker = corpus.worker()
    first = corpus.held_run()
    worker.kill_all()
    corpus.press.let_go()
    corpus.worker()
    second = corpus.prefect.ended(corpus.prefect.trigger("ingest"))
    assert second["state_name"] == "Completed", second["state"]["message"]
    corpus.assert_whole(6)
    LEFT_RUNNING.append(first)


LEFT_RUNNING: list[str] = []
"""Runs that nobody could end: `test_no_run_goes_on_for_ever` waits for what the heartbeats make of them."""


@both_ways
def test_worker_that_is_told_to_end_leaves_nothing_behind(corpus: Corpus) -> None:
    worker = corpus.worker()
    first = corpus.held_run()
    worker.send(signal.SIGTERM)
    time.sleep(1)
    corpus.press.let_go()
    worker.wait(60)
    LEFT_RUNNING.append(first)
    corpus.worker()
    second = corpus.prefect.ended(corpus.prefect.trigger("ingest"))
    assert second["state_name"] in ("Completed", "NoNewArticles"), second["state"]["message"]
    corpus.assert_whole(6)


def test_server_that_is_restarted_in_mid_run_costs_no_article(corpus: Corpus) -> None:
    corpus.worker()
    first = corpus.held_run()
    corpus.prefect.stop(at_once=True)
    corpus.press.let_go()
    corpus.prefect.start()
    LEFT_RUNNING.append(first)
    second = corpus.prefect.ended(corpus.prefect.trigger("ingest"), 180)
    assert second["state_name"] in ("Completed", "NoNewArticles", "SourcesBusy"), second["state"]["message"]
    corpus.prefect.ended(first, 240)
    corpus.assert_whole(6)


def test_store_that_is_locked_for_a_while_is_waited_for(corpus: Corpus) -> None:
    corpus.worker()
    first = corpus.held_run()
    with sqlite3.connect(corpus.home / "khotin.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        corpus.press.let_go()
        time.sleep(4)
        assert corpus.prefect.run(first)["state_type"] == "RUNNING"
        other.execute("ROLLBACK")
    other.close()
    assert corpus.prefect.ended(first)["state_name"] == "Completed"
    corpus.assert_whole(6)


def test_store_whose_database_is_gone_fails_the_run_and_the_next_one_has_everything(
    prefect: Prefect, loaded: dict[str, str], tmp_path: Path, postgres_server: str
) -> None:
    name = f"khotin_gone_{os.getpid()}"
    url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as server, HeldPress() as press:
        server.execute(f"CREATE DATABASE {name}".encode())
        press.publish(6)
        corpus = Corpus(prefect, press, tmp_path, loaded, url)
        try:
            corpus.worker()
            first = corpus.held_run()
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            press.let_go()
            failed = prefect.ended(first)
            assert failed["state_name"] == "Failed"
            assert failed["state"]["message"].startswith("store-unreachable: ")
            server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
            second = prefect.ended(prefect.trigger("ingest"))
            assert second["state_name"] == "Completed", second["state"]["message"]
            corpus.assert_whole(6)
        finally:
            press.let_go()
            corpus.end()
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_no_run_goes_on_for_ever(prefect: Prefect) -> None:
    # Last in the file: whom nobody could end, the automation ends after 90 seconds without a sign of life.
    wait_for(lambda: not prefect.unended(), f"an end of all runs ({prefect.unended()})", 200, every=2)
    assert {prefect.run(run_id)["state_type"] for run_id in LEFT_RUNNING} <= {"CRASHED", "COMPLETED"}
