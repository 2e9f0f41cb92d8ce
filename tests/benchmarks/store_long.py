"""The store's benchmark: a long history of small versions, and very many documents."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

from storage.reading import Reader
from tests.benchmarks.measured import Table, median_ms, timed
from tests.benchmarks.rivals import Delta
from tests.benchmarks.store_ours import Ours, Pool


def small_section(folder: Path, pool: Pool, versions: int, delta_versions: int, table: Table) -> None:
    """Ten documents a version: latency must not grow with the history."""
    home = folder / "small"
    ours = Ours("khotin", home, f"sqlite:///{home}/khotin.db")
    times: list[float] = []
    for version in range(1, versions + 1):
        batch = pool.take(version * 10, 10)
        start = time.perf_counter()
        ours.append(version, 0, batch)
        times.append(time.perf_counter() - start)
    early, late = median_ms(times[50:150]), median_ms(times[-100:])
    told = f"{late / early:.2f} ({early:.1f} and {late:.1f} ms)"
    table.add(f"commit p50 at version {versions:,} / at 100", told, "<= 1.2", late / early <= 1.2)

    with suppress(ImportError):
        rival = Delta(_made(folder / "small-delta"))
        delta_times = []
        for version in range(1, delta_versions + 1):
            batch = pool.take(version * 10, 10)
            start = time.perf_counter()
            rival.append(version, version * 10, batch)
            delta_times.append(time.perf_counter() - start)
        delta = median_ms(delta_times[-20:])
        here = median_ms(times[delta_versions - 20 : delta_versions])
        told = f"{delta / here:.1f} times ({here:.1f} and {delta:.1f} ms)"
        table.add(
            f"10-document commit at version {delta_versions}, faster than Delta Lake's",
            told,
            ">= 10 times",
            delta / here >= 10,
        )
    with ours.store.reading() as connection:
        reader = Reader(connection)
        old, new = ours.store.version(versions - 100), ours.store.version(versions)
        told_times = []
        for _ in range(21):
            wall, _ = timed(lambda: reader.differences(old, new))
            told_times.append(wall)
        if len(reader.differences(old, new)) != 1_000:
            raise AssertionError
    ms = median_ms(told_times)
    table.add(
        f"diff of the last 1,000 documents at {versions:,} versions", f"{ms:.1f} ms", "<= 5 ms", ms <= 5
    )
    ours.close()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def look_up_section(folder: Path, pool: Pool, documents: int, table: Table) -> None:
    """One document by its URL, among very many: title and text, not only its place."""
    home = folder / "large"
    ours = Ours("khotin", home, f"sqlite:///{home}/khotin.db")
    start = time.perf_counter()
    per_version = 5_000
    for version in range(1, documents // per_version + 1):
        ours.append(version, 0, pool.take(version * per_version, per_version))
    print(f"  built {documents:,} documents in {time.perf_counter() - start:.0f} s")
    version_row = ours.store.version()
    rng = random.Random(4)
    numbers = [rng.randrange(per_version, documents) for _ in range(2_000)]
    times = []
    for number in numbers:
        url = f"https://bao.example/tin-{number}-post{number}.html"
        begin = time.perf_counter()
        found = ours.store.document(url, version_row)
        title = found.record.title if found else ""
        times.append(time.perf_counter() - begin)
        if not title:
            raise AssertionError(url)
    ms = median_ms(times)
    table.add(f"look-up by URL at {documents:,} documents, p50", f"{ms:.2f} ms", "<= 1 ms", ms <= 1)
    p99 = sorted(times)[int(len(times) * 0.99)] * 1000
    table.add("the same, p99", f"{p99:.2f} ms")
    ours.close()
