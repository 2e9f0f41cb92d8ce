"""Reading the corpus back: as of any version, one document, its history, what changed between versions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import Connection, exists, func, select

from parsers.errors import NotFound
from parsers.urls import url_key
from storage.bulk import among
from storage.codec import ZSTD, Dictionary, Unpacker
from storage.documents import SELECT_REVISIONS, Change, Difference, Document, RevisionRow
from storage.ledger_rows import CHUNK
from storage.tables import Revision, Version, Zdict, table_of
from storage.versions import VersionRow

_BATCH = 500
_LARGEST_ID = 2**63 - 1
"""A larger number is none that a database could hold, or be asked for."""


def read_dictionaries(connection: Connection) -> dict[int, Dictionary]:
    """The dictionaries that bodies were packed with, by id."""
    table = table_of(Zdict)
    query = select(table.c.id, table.c.sha256, table.c.data)
    return {row.id: Dictionary(row.id, row.sha256, bytes(row.data)) for row in connection.execute(query)}


def read_versions(connection: Connection) -> list[VersionRow]:
    """All versions, oldest first."""
    table = table_of(Version)
    return [VersionRow(**row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def read_version(connection: Connection, version_id: int) -> VersionRow:
    """One version. Raises NotFound and says which there are."""
    table = table_of(Version)
    row = None
    if version_id <= _LARGEST_ID:
        row = connection.execute(select(table).where(table.c.id == version_id)).mappings().first()
    if row is None:
        newest = connection.execute(select(func.max(table.c.id))).scalar()
        there = f"versions 1 to {newest} are there" if newest else "the store is empty: run `khotin ingest`"
        raise NotFound(f"there is no version {version_id}", reason="no-such-version", hint=there)
    return VersionRow(**row)


def count_by_source(connection: Connection, version: VersionRow) -> dict[str, int]:
    """How many documents of a version each source has, without reading any."""
    table = table_of(Revision)
    later = table.alias()
    superseded = exists().where(later.c.prev_id == table.c.id, later.c.id <= version.hi)
    query = (
        select(table.c.source, func.count())
        .where(table.c.id <= version.hi, table.c.op != "retract", ~superseded)
        .group_by(table.c.source)
        .order_by(table.c.source)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


class Reader:
    """Reads documents inside one transaction, straight from the driver."""

    def __init__(self, connection: Connection, dictionaries: Mapping[int, Dictionary] | None = None) -> None:
        self._connection = connection
        self._unpacker = Unpacker(read_dictionaries(connection) if dictionaries is None else dictionaries)

    def documents(self, version: VersionRow, since: int = 0) -> Iterator[Document]:
        """The corpus as of a version, in the order in which documents were added or last revised.

        `since`: only revisions above this revision id (the `hi` of an older version). The ids that are
        superseded are read into memory first (some 60 bytes each), so that the scan needs no join. While a
        batch is looked at, a thread unpacks the bodies of the next.
        """
        superseded = {
            row[0]
            for row in among(
                self._connection,
                "SELECT prev_id FROM revision WHERE prev_id IS NOT NULL AND id <= ?",
                values=(version.hi,),
            )
        }
        # Unpackers are not for two threads at once; the one of the thread serves all batches.
        ahead = Unpacker(self._unpacker.dictionaries)
        with ThreadPoolExecutor(1) as thread:
            waiting: tuple[list[RevisionRow], Future[list[bytes | None]]] | None = None
            for rows in self._batches(since, version.hi):
                live = [row for row in rows if row.id not in superseded and row.op != "retract"]
                packed = [(row.body, row.zdict_id if row.codec == ZSTD else -1) for row in live]
                following = live, thread.submit(ahead.unpack_all, packed)
                if waiting is not None:
                    yield from self._made(*waiting)
                waiting = following
            if waiting is not None:
                yield from self._made(*waiting)

    def _made(self, rows: list[RevisionRow], bodies: Future[list[bytes | None]]) -> Iterator[Document]:
        unpacker = self._unpacker
        for row, body in zip(rows, bodies.result(), strict=True):
            yield Document(row, unpacker, body)

    def _batches(self, after: int, last: int) -> Iterator[list[RevisionRow]]:
        driver: Any = self._connection.connection.driver_connection
        if self._connection.dialect.name == "sqlite":
            query = f"{SELECT_REVISIONS} WHERE id > ? AND id <= ? ORDER BY id"
            with contextlib.closing(driver.execute(query, (after, last))) as cursor:
                while rows := cursor.fetchmany(_BATCH):
                    yield list(map(RevisionRow._make, rows))
            return
        query = f"{SELECT_REVISIONS} WHERE id > %s AND id <= %s ORDER BY id LIMIT {_BATCH}"
        with driver.cursor(binary=True) as cursor:
            while rows := cursor.execute(query, (after, last)).fetchall():
                yield list(map(RevisionRow._make, rows))
                after = rows[-1][0]

    def _select(self, where: str, *key_sets: Sequence[Any], values: Sequence[Any] = ()) -> list[Document]:
        rows = among(self._connection, f"{SELECT_REVISIONS} WHERE {where}", *key_sets, values=values)
        return [Document(RevisionRow._make(row), self._unpacker) for row in rows]

    def revisions(self, ids: Sequence[int]) -> list[Document]:
        """The revisions with these ids, in no order."""
        chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
        return [document for chunk in chunks for document in self._select("id {}", chunk)]

    def history(self, url: str) -> list[Document]:
        """Every revision of one document, oldest first; empty if the URL is unknown."""
        return self._select("url_key = ? ORDER BY rev", values=(bytes.fromhex(url_key(url)),))

    def document(self, url: str, version: VersionRow) -> Document | None:
        """One document as of a version, None if it was not there or was retracted."""
        where = "url_key = ? AND id <= ? ORDER BY rev DESC LIMIT 1"
        found = self._select(where, values=(bytes.fromhex(url_key(url)), version.hi))
        return found[0] if found and found[0].op != "retract" else None

    def differences(self, old: VersionRow | None, new: VersionRow | None) -> list[Difference]:
        """What changed from one version to another, in the order of the changes; reads what lies between.

        None is the empty corpus before version 1. With `old` newer than `new` the same changes are told
        backwards. No text is read.
        """
        start, end = (version.hi if version else 0 for version in (old, new))
        query = "SELECT id, prev_id, op, url FROM revision WHERE id > ? AND id <= ? ORDER BY id"
        # By URL: the revision before the first change, and id and op of the last.
        touched: dict[str, tuple[int | None, int, str]] = {}
        bounds = (min(start, end), max(start, end))
        for revision_id, prev_id, op, url in among(self._connection, query, values=bounds):
            before = touched.get(url)
            touched[url] = (before[0] if before else prev_id, revision_id, op)
        gone = self._tombstones([base for base, _, _ in touched.values() if base is not None])
        found = []
        for url, (base, last, op) in touched.items():
            older = None if base in gone else base
            newer = None if op == "retract" else last
            if start > end:
                older, newer = newer, older
            if older is not None or newer is not None:
                kind = "added" if older is None else "retracted" if newer is None else "revised"
                found.append(Difference(kind, url, older, newer))
        return found

    def _tombstones(self, ids: list[int]) -> set[int | None]:
        query = "SELECT id FROM revision WHERE op = 'retract' AND id {}"
        chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
        return {row[0] for chunk in chunks for row in among(self._connection, query, chunk)}

    def changes(self, old: VersionRow | None, new: VersionRow | None) -> Iterator[Change]:
        """The differences of two versions with their documents."""
        differences = self.differences(old, new)
        for start in range(0, len(differences), CHUNK):
            chunk = differences[start : start + CHUNK]
            ids = [i for told in chunk for i in (told.old_id, told.new_id) if i is not None]
            by_id: dict[int | None, Document] = {d.revision_id: d for d in self.revisions(ids)}
            for told in chunk:
                yield Change(told.kind, by_id.get(told.old_id), by_id.get(told.new_id))
