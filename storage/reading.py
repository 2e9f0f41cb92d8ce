"""Reading the corpus back: as of any version, one document, its history, what changed between versions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, exists, func, select

from parsers.errors import NotFound
from parsers.urls import url_key
from storage.codec import Dictionary, Unpacker
from storage.records import Record, record_of_row
from storage.tables import Revision, Version, Zdict, table_of
from storage.versions import VersionRow

_BATCH = 1_000
_LARGEST_ID = 2**63 - 1
"""A larger number is none that a database could hold, or be asked for."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document in one revision, with its place in the store."""

    record: Record
    revision_id: int
    rev: int
    op: str
    version_id: int
    leaf: str
    capture_id: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one document between two versions; `old` or `new` is None where it was not there."""

    kind: str  # added, revised, retracted
    old: Document | None
    new: Document | None

    def text_diff(self) -> str:
        """The change as a unified diff of title and paragraphs, one paragraph a line."""
        lines = difflib.unified_diff(
            _lines(self.old),
            _lines(self.new),
            fromfile=_label(self.old),
            tofile=_label(self.new),
            lineterm="",
            n=1,
        )
        return "\n".join(lines)


def _lines(document: Document | None) -> list[str]:
    if document is None:
        return []
    record = document.record
    if record.purged:
        return ["(the text was purged)"]
    return [
        f"title: {record.title}",
        *([f"lead: {record.lead}"] if record.lead else []),
        *(paragraph.text for paragraph in record.paragraphs),
        *(f"caption: {caption}" for caption in record.captions),
    ]


def _label(document: Document | None) -> str:
    return f"version {document.version_id}, revision {document.rev}" if document else "not there"


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
    """Reads documents inside one transaction."""

    def __init__(self, connection: Connection, dictionaries: Mapping[int, Dictionary] | None = None) -> None:
        self._connection = connection
        self._unpacker = Unpacker(read_dictionaries(connection) if dictionaries is None else dictionaries)

    def _document(self, row: RowMapping) -> Document:
        return Document(
            record_of_row(dict(row), self._unpacker),
            row["id"],
            row["rev"],
            row["op"],
            row["version_id"],
            row["leaf"],
            row["capture_id"],
        )

    def documents(self, version: VersionRow, since: int = 0) -> Iterator[Document]:
        """The corpus as of a version, in the order in which documents were added or last revised.

        `since`: only revisions above this revision id (the `hi` of an older version). The ids that are
        superseded are read into memory first (some 60 bytes each), so that the scan needs no join.
        """
        table = table_of(Revision)
        superseded = set(
            self._connection.execute(
                select(table.c.prev_id).where(table.c.id <= version.hi, table.c.prev_id.is_not(None))
            ).scalars()
        )
        position = since
        while True:
            query = (
                select(table)
                .where(table.c.id > position, table.c.id <= version.hi)
                .order_by(table.c.id)
                .limit(_BATCH)
            )
            rows = self._connection.execute(query).mappings().all()
            if not rows:
                return
            for row in rows:
                if row["id"] not in superseded and row["op"] != "retract":
                    yield self._document(row)
            position = rows[-1]["id"]

    def history(self, url: str) -> list[Document]:
        """Every revision of one document, oldest first; empty if the URL is unknown."""
        table = table_of(Revision)
        query = select(table).where(table.c.url_key == url_key(url)).order_by(table.c.rev)
        return [self._document(row) for row in self._connection.execute(query).mappings()]

    def document(self, url: str, version: VersionRow) -> Document | None:
        """One document as of a version, None if it was not there or was retracted."""
        table = table_of(Revision)
        query = (
            select(table)
            .where(table.c.url_key == url_key(url), table.c.id <= version.hi)
            .order_by(table.c.rev.desc())
            .limit(1)
        )
        row = self._connection.execute(query).mappings().first()
        return self._document(row) if row is not None and row["op"] != "retract" else None

    def changes(self, old: VersionRow | None, new: VersionRow | None) -> Iterator[Change]:
        """What changed from one version to another, in the order of the changes; reads what lies between.

        None is the empty corpus before version 1. With `old` newer than `new` the same changes are told
        backwards.
        """
        start, end = (version.hi if version else 0 for version in (old, new))
        table = table_of(Revision)
        query = (
            select(table)
            .where(table.c.id > min(start, end), table.c.id <= max(start, end))
            .order_by(table.c.id)
        )
        touched: dict[str, tuple[RowMapping, RowMapping]] = {}
        for row in self._connection.execute(query).mappings():
            before = touched.get(row["url_key"])
            touched[row["url_key"]] = (before[0] if before else row, row)
        for first, last in touched.values():
            base = None
            if first["prev_id"] is not None:
                query = select(table).where(table.c.id == first["prev_id"])
                base = _live(self._document(self._connection.execute(query).mappings().one()))
            change = _change(base, _live(self._document(last)), backwards=start > end)
            if change is not None:
                yield change


def _live(document: Document) -> Document | None:
    return None if document.op == "retract" else document


def _change(older: Document | None, newer: Document | None, *, backwards: bool) -> Change | None:
    old, new = (newer, older) if backwards else (older, newer)
    if old is None and new is None:
        return None
    kind = "added" if old is None else "retracted" if new is None else "revised"
    return Change(kind, old, new)
