"""The store against raw sqlite3, the ORM session, Delta Lake, Lance, and a floor, in one run.

    make bench-store                              (all of it: half an hour)
    python -m tests.benchmarks.store --quick      (a tenth of everything: 4 minutes)

All contenders get the same generated records (tests/benchmarks/made_up.py), batch by batch in turns, so that
a machine that slows down slows all of them. Ours is `Store.begin_run` and `Store.commit_run` with everything:
look-up of known revisions and of equal texts, packing with the dictionary, leaves, Merkle root, chain,
guards, ledger, pages, fsync, HEAD.json. The search for near duplicates, which no peer has, is measured by
`make bench-dedup`; here it has a line of its own and is left out of the others. Text facts (word count,
comparison keys) are worked out where pages are parsed; their cost has a line of its own. The raw peers hold
plain text in seven columns, without any of that.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import platform
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import psycopg
import zstandard

from parsers.article import Paragraph
from parsers.compare import TextFacts
from storage import Met, Offer, SourcePart, Store, open_store
from storage.export import Form, export_corpus
from storage.hashing import leaf_hash
from storage.reading import Reader, read_dictionaries
from storage.records import Record, leaf_fields
from storage.verify import verify_store
from tests.benchmarks.made_up import Language, make_language, make_record, revised
from tests.benchmarks.rivals import Delta, Rival, rivals, size_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BASELINE = "sqlite3 raw, 4 KiB pages"
OURS = "khotin on SQLite"
NEAR = "khotin on SQLite, near duplicates too"
SECTIONS = ["append", "small", "look-up"]
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"


class Ours:
    """khotin's store as a contender."""

    def __init__(self, name: str, home: Path, url: str, *, near_duplicates: bool = False) -> None:
        self.name = name
        self.home = home
        self.store: Store = open_store(home, url, near_duplicates=near_duplicates)

    def append(self, version: int, _first_id: int, records: Sequence[Record]) -> None:
        now = NOW + timedelta(minutes=version)
        run_id = f"run-{version}"
        offers: dict[str, list[Offer]] = {}
        for record in records:
            met = Met(record.url, "https://bao.example/rss", status=200, fetched_at=record.fetched_at)
            offers.setdefault(record.source, []).append(Offer(met, record))
        parts = [SourcePart(source, offers=tuple(told)) for source, told in offers.items()]
        self.store.begin_run(run_id, "ingest", "", now)
        result = self.store.commit_run(run_id, "ingest", "benchmark", parts, now, "bench")
        if result.version is None or result.version.added + result.version.revised != len(records):
            raise AssertionError(f"{self.name} took in {result.version}")

    def close(self) -> None:
        self.store.close()


class Bound:
    """What no append of ours can be faster than, measured on its own: the rows, and what they are made of.

    `rows_of` takes the rows that our store wrote for a version and writes them again by bare sqlite3, in
    one transaction of another file with the same tables, indexes and guards; `make` encodes, hashes and packs
    the bodies and leaves in one loop without a decision, an object or a look-up.
    """

    def __init__(self, folder: Path, ours: Ours) -> None:
        url = f"sqlite:///{folder}/khotin.db"
        open_store(folder, url, near_duplicates=False).close()
        self._ours = ours
        self._db = sqlite3.connect(folder / "khotin.db", isolation_level=None)
        self._db.execute("ATTACH ? AS ours", (str(ours.home / "khotin.db"),))
        for pragma in ("main.synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=2000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._pack = zstandard.ZstdCompressor(level=3).compress

    def rows_of(self, version: int) -> Callable[[], None]:
        """Gives the work to be timed: the rows are read before."""
        told: dict[str, list[tuple[Any, ...]]] = {}
        run = f"run-{version}"
        for name, where, value in (
            ("zdict", "id > (SELECT coalesce(max(id), 0) FROM main.zdict) AND ? <> ''", run),
            ("version", "id = ?", version),
            ("revision", "version_id = ?", version),
            ("outcome", "run_id = ?", run),
            ("page", "run_id = ?", run),
        ):
            query = f"SELECT * FROM ours.{name} WHERE {where} ORDER BY 1"
            told[name] = self._db.execute(query, (value,)).fetchall()

        def write() -> None:
            self._db.execute("BEGIN IMMEDIATE")
            for name, rows in told.items():
                if rows:
                    marks = ", ".join("?" * len(rows[0]))
                    verb = "INSERT OR REPLACE" if name == "page" else "INSERT"
                    self._db.executemany(f"{verb} INTO main.{name} VALUES ({marks})", rows)
            self._db.execute("COMMIT")

        return write

    def make(self, records: Sequence[Record]) -> None:
        """Bodies as JSON, their hashes, leaves, and frames."""
        for record in records:
            body = record.body
            fields = leaf_fields(record, 1, "add", None, hashlib.sha256(body).hexdigest())
            leaf_hash(fields)
            self._pack(body)

    def close(self) -> None:
        self._db.close()


class Pool:
    """Distinct records in any number: texts of a pool, each made another by its number.

    Generating a text costs ten times as much as storing it, so that a million are not all written anew.
    """

    def __init__(self, language: Language, size: int = 2_000) -> None:
        self._records = [make_record(n, language, random.Random(f"pool-{n}")) for n in range(size)]
        self._size = size

    def take(self, start: int, count: int) -> list[Record]:
        found = []
        for number in range(start, start + count):
            base = self._records[number % self._size]
            paragraphs = list(base.paragraphs)
            place = number // self._size % len(paragraphs)
            paragraphs[place] = Paragraph(
                f"Tin số {number}. {paragraphs[place].text}", paragraphs[place].kind
            )
            record = replace(
                base, url=f"https://bao.example/tin-{number}-post{number}.html", paragraphs=tuple(paragraphs)
            )
            _ = record.facts
            found.append(record)
        return found


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of this process; the garbage of what was before is not counted."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def median_ms(times: Sequence[float]) -> float:
    return statistics.median(times) * 1000


class Table:
    """Lines of the result: what, our figure, the target, and whether it is met."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []

    def add(self, what: str, figure: str, target: str = "", met: bool | None = None) -> None:
        verdict = "" if met is None else "yes" if met else "no"
        self.lines.append((what, figure, target, verdict))
        print(f"  {what}: {figure} {target and f'(target {target}: {verdict})'}", flush=True)

    def markdown(self) -> str:
        head = "| what | measured | target | met |\n|---|---|---|---|\n"
        return head + "\n".join("| " + " | ".join(line) + " |" for line in self.lines)


def _facts(records: Sequence[Record]) -> list[TextFacts]:
    return [record.facts for record in records]


def batches(language: Language, versions: int, size: int) -> Iterator[list[Record]]:
    """Batches of new records, every twentieth a revision of an earlier one."""
    rng = random.Random(5)
    number = 0
    last: list[Record] = []
    for _ in range(versions):
        fresh = []
        for place in range(size):
            if last and place % 20 == 0:
                fresh.append(revised(last[place + 1], rng))  # one that was new there
            else:
                fresh.append(make_record(number, language, random.Random(f"1-{number}")))
                number += 1
        last = fresh
        yield fresh


def append_section(
    folder: Path, language: Language, versions: int, size: int, table: Table
) -> tuple[Ours, list[Record]]:
    """Appends by all contenders, in turns; gives our store on SQLite and the records it holds now."""
    contenders: list[Rival]
    contenders, missing = rivals(folder)
    ours = Ours(OURS, folder / "khotin", f"sqlite:///{folder}/khotin/khotin.db")
    near = folder / "near"
    contenders += [ours, Ours(NEAR, near, f"sqlite:///{near}/khotin.db", near_duplicates=True)]
    with suppress(psycopg.OperationalError):
        with psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=3) as server:
            server.execute("DROP DATABASE IF EXISTS khotin_bench WITH (FORCE)")
            server.execute("CREATE DATABASE khotin_bench")
        contenders.append(Ours("khotin on PostgreSQL", folder / "pg", f"{POSTGRESQL}/khotin_bench"))
    walls: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    cpus: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    facts: list[float] = []
    text_bytes = 0
    live: dict[str, Record] = {}
    (folder / "bound").mkdir()
    bound = Bound(folder / "bound", ours)
    bare: dict[str, list[float]] = {"rows": [], "made": []}
    first_id = 1
    rng = random.Random(3)
    for version, batch in enumerate(batches(language, versions, size), 1):
        facts.append(timed(partial(_facts, batch))[1])
        text_bytes += sum(len(record.text.encode()) for record in batch)
        live.update((record.url, record) for record in batch)
        rng.shuffle(contenders)  # whoever comes first has the colder caches
        for contender in contenders:
            # Copies without what was worked out for another contender, but with the facts of their texts.
            fresh = [replace(record) for record in batch]
            for new in fresh:
                _ = new.facts if isinstance(contender, Ours) else new.text
            wall, cpu = timed(partial(contender.append, version, first_id, fresh))
            walls[contender.name].append(wall)
            cpus[contender.name].append(cpu)
        bare["rows"].append(timed(bound.rows_of(version))[0])
        fresh = [replace(record) for record in batch]
        bare["made"].append(timed(partial(bound.make, fresh))[0])
        first_id += len(batch)
    bound.close()
    base = median_ms(walls[BASELINE])
    print(
        f"\nappend, {versions} versions x {size} documents of "
        f"{text_bytes / (versions * size):.0f} bytes of text"
    )
    print(f"  {'':42} {'x raw':>6} {'ms':>8} {'CPU ms':>8} {'size/text':>9}")
    sizes = {c.name: _size(c, folder) for c in contenders}
    order = sorted(contenders, key=lambda c: median_ms(walls[c.name]))
    for contender in order:
        ms, cpu_ms = median_ms(walls[contender.name]), median_ms(cpus[contender.name])
        size_told = sizes[contender.name]
        ratio = f"{size_told / text_bytes:9.2f}" if size_told else f"{'':9}"
        print(f"  {contender.name:42} {base / ms:6.2f} {ms:8.1f} {cpu_ms:8.1f} {ratio}")
    for line in missing:
        print(f"  {line}")
    print(
        f"  text facts, where pages are parsed: {median_ms(facts) / size * 1000:.0f} us of CPU a document\n"
    )
    for name in (c.name for c in order if isinstance(c, Ours)):
        speed = base / median_ms(walls[name])
        if name == NEAR:
            table.add(f"append, {name}, x {BASELINE}", f"{speed:.2f}")
        else:
            table.add(f"append, {name}, x {BASELINE}", f"{speed:.2f}", ">= 1.0 (must .75)", speed >= 1.0)
    rows, made = median_ms(bare["rows"]), median_ms(bare["made"])
    table.add("a bound: our rows, made beforehand, by bare sqlite3, x raw", f"{base / rows:.2f}")
    told = f"{base / (rows + made):.2f} ({rows:.0f} and {made:.0f} ms)"
    table.add("the same with encoding, hashing and packing in a bare loop, x raw", told)
    records = _records_size(ours) / text_bytes
    table.add("versions, records and their indexes / text", f"{records:.2f}", "<= .45", records <= 0.45)
    table.add("the whole file, with ledger and pages / text", f"{sizes[ours.name] / text_bytes:.2f}")
    for contender in contenders:
        if contender is not ours:
            contender.close()
    return ours, list(live.values())


def _size(contender: Rival, folder: Path) -> int:
    if isinstance(contender, Ours):
        if "SQLite" not in contender.name:
            return 0
        with contender.store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar() or 0
            return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)
    names = {"Delta Lake": "deltalake", "Lance": "lance", "SQLModel session.add_all": "add-all"}
    place = names.get(contender.name) or ("floor" if contender.name.startswith("floor") else None)
    if place is None:
        place = "raw-4" if contender.name == BASELINE else "raw-32"
    return size_of(folder / place)


def _records_size(ours: Ours) -> int:
    """Bytes of the tables that hold the corpus, as SQLite's dbstat counts pages."""
    query = (
        "SELECT sum(pgsize) FROM dbstat WHERE name IN "
        "(SELECT name FROM sqlite_schema WHERE tbl_name IN ('version', 'revision', 'zdict'))"
    )
    with ours.store.reading() as connection:
        return int(connection.exec_driver_sql(query).scalar() or 0)


def scan_section(folder: Path, ours: Ours, live: Sequence[Record], table: Table) -> None:
    """Reading the corpus as of the newest version, against a JSON Lines file of the same documents."""
    path = folder / "corpus.jsonl"
    with path.open("wb") as stream:
        for record in live:
            row = {"url": record.url, "title": record.title, "source": record.source, "text": record.text}
            stream.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    version = ours.store.version()

    def jsonl() -> None:
        with path.open("rb") as stream:
            seen = sum(1 for line in stream if orjson.loads(line)["text"])
        if seen != len(live):
            raise AssertionError(seen)

    def scan(look: Callable[..., object]) -> Callable[[], None]:
        def run() -> None:
            with ours.store.documents(version) as documents:
                seen = sum(1 for document in documents if look(document))
            if seen != len(live):
                raise AssertionError(seen)

        return run

    contenders = {
        "jsonl": jsonl,
        "scan": scan(lambda d: d.url and d.body),
        "text": scan(lambda d: d.url and d.text),
        "record": scan(lambda d: d.record),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(5):
        for name, work in contenders.items():
            times[name].append(timed(work)[0])
    rate = {name: len(live) / statistics.median(told) for name, told in times.items()}
    told = f"{rate['scan']:,.0f} and {rate['jsonl']:,.0f} docs/s"
    for name, what in (
        ("scan", "as-of scan, each body unpacked (JSON, not parsed)"),
        ("text", "as-of scan, each text parsed"),
        ("record", "as-of scan, each record made"),
    ):
        ratio = rate[name] / rate["jsonl"]
        what = f"{what}, x reading JSONL with orjson"
        if name == "scan":
            table.add(what, f"{ratio:.2f} ({told})", ">= 1.0", ratio >= 1.0)
        else:
            table.add(what, f"{ratio:.2f}")


def verify_section(ours: Ours, table: Table) -> None:
    """Hashing all anew, per core; the floor fetches, unpacks and hashes each body and does no more."""
    count = ours.store.version().hi

    def floor() -> None:
        with ours.store.reading() as connection:
            unpackers = {None: zstandard.ZstdDecompressor()} | {
                number: zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(told.data))
                for number, told in read_dictionaries(connection).items()
            }
            rows = connection.connection.driver_connection.execute(  # type: ignore[union-attr]
                "SELECT body, leaf, zdict_id FROM revision ORDER BY id"
            )
            for body, leaf, zdict_id in rows:
                if hashlib.sha256(unpackers[zdict_id].decompress(body)).digest() == leaf:
                    raise AssertionError  # a body alone never makes a leaf

    def verify() -> None:
        if not verify_store(ours.store, archive=False).sound:
            raise AssertionError

    floors, ours_cpu = [], []
    for _ in range(5):
        floors.append(timed(floor)[1])
        ours_cpu.append(timed(verify)[1])
    rate, bare = count / statistics.median(ours_cpu), count / statistics.median(floors)
    table.add("verify, docs/s of CPU", f"{rate:,.0f}", ">= 45,000", rate >= 45_000)
    table.add("a floor: fetch, unpack and hash only, docs/s of CPU", f"{bare:,.0f}")


def export_section(folder: Path, ours: Ours, table: Table) -> None:
    """Exports, in documents a second."""
    version = ours.store.version()
    for form in (Form.JSONL, Form.PARQUET):
        target = folder / f"export.{form.value}"
        wall, _ = timed(partial(export_corpus, ours.store, version, target, form))
        table.add(f"export as {form.value}, docs/s", f"{version.documents / wall:,.0f}")


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


def main() -> None:
    """Run all sections and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="a tenth of everything")
    arguments.add_argument("--sections", nargs="*", default=SECTIONS, choices=SECTIONS, help="default: all")
    arguments.add_argument("--folder", type=Path, help="where to work, on a real disk")
    options = arguments.parse_args()
    factor = 10 if options.quick else 1
    folder = Path(tempfile.mkdtemp(prefix="khotin-bench-", dir=options.folder))
    table = Table()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )
    try:
        language = make_language()
        if "append" in options.sections:
            ours, live = append_section(folder, language, 40 // min(factor, 2), 1_000, table)
            scan_section(folder, ours, live, table)
            verify_section(ours, table)
            export_section(folder, ours, table)
            ours.close()
        pool = Pool(language)
        if "small" in options.sections:
            small_section(folder, pool, 10_000 // factor, 300 // min(factor, 3), table)
        if "look-up" in options.sections:
            look_up_section(folder, pool, 1_000_000 // factor, table)
        print()
        print(table.markdown())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
