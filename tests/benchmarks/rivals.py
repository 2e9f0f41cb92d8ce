"""The stores that ours is measured against, each used as its own documentation recommends.

Each keeps the same columns as plain text (id, version, url, title, source, published, text) and makes one
durable commit of each batch. What is not installed is told, never left out in silence.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import zstandard
from sqlmodel import Field, Session, SQLModel, create_engine

from storage.records import Record
from storage.tables import micros

COLUMNS = ("id", "version", "url", "title", "source", "published", "text")


class Rival(Protocol):
    """A store that takes batches."""

    name: str

    def append(self, version: int, first_id: int, records: Sequence[Record], /) -> None:
        """Commit a batch durably."""

    def close(self) -> None: ...


def row(version: int, number: int, record: Record) -> tuple[Any, ...]:
    """A record in the order of COLUMNS."""
    published = None if record.published_at is None else micros(record.published_at)
    return number, version, record.url, record.title, record.source, published, record.text


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Floor:
    """zstd frames in one file, and an fsync: the least that a durable compressed store has to do."""

    name = "floor: zstd frames + fsync"

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "frames.zst").open("wb")
        self._pack = zstandard.ZstdCompressor(level=3).compress

    def append(self, _version: int, _first_id: int, records: Sequence[Record]) -> None:
        for record in records:
            self._file.write(self._pack(record.text.encode()))
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class RawSqlite:
    """sqlite3.executemany with plain text, WAL and synchronous=FULL; an index finds a URL."""

    def __init__(self, folder: Path, page_size: int) -> None:
        self.name = f"sqlite3 raw, {page_size // 1024} KiB pages"
        self._db = sqlite3.connect(folder / "raw.db", isolation_level=None)
        for pragma in (f"page_size={page_size}", "journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE document (id INTEGER PRIMARY KEY, version INTEGER, url TEXT, title TEXT, "
            "source TEXT, published INTEGER, text TEXT)"
        )
        self._db.execute("CREATE INDEX by_url ON document (url)")

    def append(self, version: int, first_id: int, records: Sequence[Record]) -> None:
        rows = [row(version, first_id + n, record) for n, record in enumerate(records)]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


class PlainDocument(SQLModel, table=True):
    """The same columns as an SQLModel table."""

    __tablename__ = "plain_document"
    id: int | None = Field(default=None, primary_key=True)
    version: int
    url: str = Field(index=True)
    title: str
    source: str
    published: int | None
    text: str


class AddAll:
    """SQLModel's session.add_all, on the same SQLite settings as ours."""

    name = "SQLModel session.add_all"

    def __init__(self, folder: Path) -> None:
        self._engine = create_engine(f"sqlite:///{folder / 'orm.db'}")
        with self._engine.connect() as connection:
            for pragma in ("page_size=16384", "journal_mode=WAL", "synchronous=FULL"):
                connection.exec_driver_sql(f"PRAGMA {pragma}")
        SQLModel.metadata.create_all(self._engine, tables=[SQLModel.metadata.tables["plain_document"]])

    def append(self, version: int, first_id: int, records: Sequence[Record]) -> None:
        with Session(self._engine) as session:
            session.add_all(
                [
                    PlainDocument(**dict(zip(COLUMNS, row(version, first_id + n, record), strict=True)))
                    for n, record in enumerate(records)
                ]
            )
            session.commit()

    def close(self) -> None:
        self._engine.dispose()


def _arrow(version: int, first_id: int, records: Sequence[Record]) -> Any:
    import pyarrow as pa

    rows = [row(version, first_id + n, record) for n, record in enumerate(records)]
    kinds = (pa.int64(), pa.int64(), pa.string(), pa.string(), pa.string(), pa.int64(), pa.string())
    schema = pa.schema([pa.field(*pair) for pair in zip(COLUMNS, kinds, strict=True)])
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


class Delta:
    """Delta Lake by delta-rs: one Parquet file and one log entry a commit."""

    name = "Delta Lake"

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "delta")

    def append(self, version: int, first_id: int, records: Sequence[Record]) -> None:
        import deltalake

        deltalake.write_deltalake(self._path, _arrow(version, first_id, records), mode="append")

    def close(self) -> None:
        pass


class Lance:
    """Lance: one fragment and one manifest a commit."""

    name = "Lance"

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "lance")

    def append(self, version: int, first_id: int, records: Sequence[Record]) -> None:
        import lance

        mode = "append" if Path(self._path).exists() else "create"
        lance.write_dataset(_arrow(version, first_id, records), self._path, mode=mode)

    def close(self) -> None:
        pass


def rivals(folder: Path) -> tuple[list[Rival], list[str]]:
    """All that can be had here, and a line for each that cannot."""
    made: list[Rival] = []
    missing: list[str] = []

    def place(name: str) -> Path:
        path = folder / name
        path.mkdir()
        return path

    made += [Floor(place("floor")), RawSqlite(place("raw-4"), 4096), RawSqlite(place("raw-32"), 32768)]
    made.append(AddAll(place("add-all")))
    for package, make in (("deltalake", Delta), ("lance", Lance)):
        if find_spec(package) is None:
            missing.append(f"{make.name}: {package} is not installed (pip install -e '.[bench]')")
        else:
            made.append(make(place(package)))
    return made, missing
