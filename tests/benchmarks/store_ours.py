"""khotin's store as a contender of the store's benchmark, what bounds it, and records in any number."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from parsers.article import Paragraph
from storage import Met, Offer, SourcePart, Store, open_store
from storage.hashing import leaf_hash
from storage.records import Record, leaf_fields
from tests.benchmarks.made_up import Language, make_record

NOW = datetime(2026, 6, 1, tzinfo=UTC)


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
