"""The store's benchmark: appends by all contenders, and what they come to on disk."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import psycopg

from parsers.compare import TextFacts
from storage.records import Record
from tests.benchmarks.made_up import Language, make_record, revised
from tests.benchmarks.measured import Table, median_ms, timed
from tests.benchmarks.rivals import Rival, rivals, size_of
from tests.benchmarks.store_ours import Bound, Ours

BASELINE = "sqlite3 raw, 4 KiB pages"
OURS = "khotin on SQLite"
NEAR = "khotin on SQLite, near duplicates too"
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"


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
    folder: Path, language: Language, versions: int, later: int, size: int, table: Table
) -> tuple[Ours, list[Record]]:
    """Appends by all contenders, in turns; gives our store on SQLite and the records it holds now.

    Ours alone then goes on to version `later`, where its size is taken.
    """
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
    made = batches(language, later, size)
    for version, batch in enumerate(islice(made, versions), 1):
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
    rows, packed = median_ms(bare["rows"]), median_ms(bare["made"])
    table.add("a bound: our rows, made beforehand, by bare sqlite3, x raw", f"{base / rows:.2f}")
    told = f"{base / (rows + packed):.2f} ({rows:.0f} and {packed:.0f} ms)"
    table.add("the same with encoding, hashing and packing in a bare loop, x raw", told)
    for contender in contenders:
        if contender is not ours:
            contender.close()
    for version, batch in enumerate(made, versions + 1):
        text_bytes += sum(len(record.text.encode()) for record in batch)
        live.update((record.url, record) for record in batch)
        ours.append(version, 0, [replace(record) for record in batch])
    records = _records_size(ours) / text_bytes
    table.add(
        f"size at {later} versions: versions, records and their indexes / text",
        f"{records:.2f}",
        "<= .45",
        records <= 0.45,
    )
    table.add("the whole file, with ledger and pages / text", f"{_size(ours, folder) / text_bytes:.2f}")
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
