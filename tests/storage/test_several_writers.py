"""Several processes write at once: all end well, nothing is lost or doubled; a stalled one is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parsers.errors import StoreBusy
from storage import open_store
from tests.conftest import ROOT, START
from tests.storage.editions import article, check_checkpoint, check_sound, revisions, run

COMMITS = 6


@contextmanager
def writer(*args: str, says: str) -> Iterator[subprocess.Popen[str]]:
    """A process of tests.storage.rivals.py that has said its word; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.storage.rivals", *args],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            said(process, says)
            yield process
        finally:
            process.kill()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def ended_well(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors


def run_at_once(home: Path, url: str, writers: int, number: int, shared: bool) -> None:
    """Have processes start together when all are ready: so the first opening is a race too."""
    with writer("commits", str(home), url, str(writers), str(number), str(int(shared)), says="ready") as all_:
        go(all_)
        ended_well(all_)


def said(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.strip() == word, process.communicate()[1]


@pytest.mark.parametrize(("writers", "shared"), [(2, False), (4, True)])
def test_writers_at_once_on_a_new_store_lose_and_double_nothing(
    store_url: str, tmp_path: Path, writers: int, shared: bool
) -> None:
    home = tmp_path / "home"
    names = [f"w{n}" for n in range(writers)]
    run_at_once(home, store_url, writers, COMMITS, shared)
    with open_store(home, store_url) as store:
        check_sound(store)
        check_checkpoint(store)
        versions = store.versions()
        assert len(versions) == writers * COMMITS, "each run brought an article of its own"
        assert {v.run_id for v in versions} == {f"{name}-{n}" for name in names for n in range(COMMITS)}
        assert versions[-1].documents == len({(url, rev) for _, _, url, rev, _ in revisions(store)})
        assert versions[-1].documents == COMMITS * (writers + 1), "the common articles are there once"
        assert all(r.state == "committed" for r in store.runs(limit=100))


def test_first_openings_at_once_make_one_store(store_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run_at_once(home, store_url, 8, 0, False)
    with open_store(home, store_url) as store:
        assert store.versions() == []


@pytest.mark.parametrize("stalled", [False, True], ids=["slow", "stopped"])
def test_writer_that_holds_the_lock_makes_others_busy_and_its_end_sets_them_free(
    store_url: str, tmp_path: Path, stalled: bool
) -> None:
    home = tmp_path / "home"
    with (
        open_store(home, store_url, busy_seconds=0.3) as store,
        writer("hold", str(home), store_url, says="holding") as process,
    ):
        if stalled:
            os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(StoreBusy) as caught:
            run(store, "waits", [article("a", 1)], START)
        assert caught.value.reason == "store-busy"
        assert store.versions() == [], "readers wait for nobody"
        process.kill()
        process.wait()
        with open_store(home, store_url) as patient:  # PostgreSQL takes a moment to see that it is gone
            run(patient, "goes on", [article("a", 1)], START)
        assert len(store.versions()) == 1
        check_checkpoint(store)


def test_writer_waits_for_a_slow_one_and_then_goes_on(store_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with (
        writer("commits", str(home), store_url, "1", "1", "0", says="ready") as waiting,
        writer("hold", str(home), store_url, says="holding") as slow,
    ):
        go(waiting)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=1)
        go(slow)
        ended_well(slow)
        ended_well(waiting)
    with open_store(home, store_url) as store:
        assert [v.run_id for v in store.versions()] == ["w0-0"]


def test_two_sample_ingests_at_once_on_an_empty_store_both_end_well(store_url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KHOTIN_", "PREFECT_"))}
    clean |= {
        "KHOTIN_HOME": str(home),
        "KHOTIN_DATABASE_URL": store_url,
        "PREFECT_HOME": str(tmp_path / "no-prefect"),
    }
    command = [sys.executable, "-c", "from deployments.command import main; main()", "ingest", "--sample"]
    both = [
        subprocess.Popen(
            command, cwd=ROOT, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        out, errors = process.communicate(timeout=100)
        assert process.returncode == 0, out + errors
        assert "Traceback" not in errors
    with open_store(home, store_url) as store:
        check_sound(store)
        check_checkpoint(store)
        assert sum(v.kind == "seed" for v in store.versions()) == 1
        assert all(run.state in ("committed", "nothing") for run in store.runs())
