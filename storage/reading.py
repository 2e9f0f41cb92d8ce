"""Reading the corpus back: as of any version, one document, its history, what changed between versions."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from parsers.errors import NotFound
from parsers.urls import url_key
from storage.commit import VersionRow
from storage.ledger import Counts, Ending, SourceTally
from storage.records import Record, record_of_row
from storage.tables import Capture, Endpoint, IngestRun, Outcome, Page, Revision, RunSource, Version, table_of

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Document:
    """One document in one revision, with its place in the store."""

    record: Record
    revision_id: int
    rev: int
    op: str
    version_id: int
    leaf: str
    text_sha256: str
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
    return [
        f"title: {record.title}",
        *([f"lead: {record.lead}"] if record.lead else []),
        *(paragraph.text for paragraph in record.paragraphs),
        *(f"caption: {caption}" for caption in record.captions),
    ]


def _label(document: Document | None) -> str:
    return f"version {document.version_id}, revision {document.rev}" if document else "not there"


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run with its sums."""

    run_id: str
    kind: str
    label: str
    state: str
    version_id: int | None
    detail: str
    started_at: datetime
    finished_at: datetime | None
    tallies: tuple[SourceTally, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one URL: its state, its ends in the ledger, its captures and revisions."""

    url: str
    page: dict[str, Any] | None
    outcomes: tuple[dict[str, Any], ...]
    captures: tuple[dict[str, Any], ...]
    documents: tuple[Document, ...]


def document_of(row: RowMapping) -> Document:
    """The document in a row of `revision`."""
    return Document(
        record_of_row(dict(row)),
        row["id"],
        row["rev"],
        row["op"],
        row["version_id"],
        row["leaf"],
        row["text_sha256"],
        row["capture_id"],
    )


def read_versions(connection: Connection) -> list[VersionRow]:
    """All versions, oldest first."""
    table = table_of(Version)
    return [VersionRow(**row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def read_version(connection: Connection, version_id: int) -> VersionRow:
    """One version. Raises NotFound and says which there are."""
    table = table_of(Version)
    row = connection.execute(select(table).where(table.c.id == version_id)).mappings().first()
    if row is None:
        newest = connection.execute(select(func.max(table.c.id))).scalar()
        there = f"versions 1 to {newest} are there" if newest else "the store is empty: run `khotin ingest`"
        raise NotFound(f"there is no version {version_id}", reason="no-such-version", hint=there)
    return VersionRow(**row)


def read_documents(connection: Connection, version: VersionRow, since: int = 0) -> Iterator[Document]:
    """The corpus as of a version, in the order in which documents were added or last revised.

    `since`: only revisions above this revision id (the `hi` of an older version). The ids that are
    superseded are read into memory first (8 bytes each and some), so that the scan needs no join.
    """
    table = table_of(Revision)
    superseded = set(
        connection.execute(
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
        rows = connection.execute(query).mappings().all()
        if not rows:
            return
        for row in rows:
            if row["id"] not in superseded and row["op"] != "retract":
                yield document_of(row)
        position = rows[-1]["id"]


def read_history(connection: Connection, url: str) -> list[Document]:
    """Every revision of one document, oldest first; empty if the URL is unknown."""
    table = table_of(Revision)
    query = select(table).where(table.c.url_key == url_key(url)).order_by(table.c.rev)
    return [document_of(row) for row in connection.execute(query).mappings()]


def read_document(connection: Connection, url: str, version: VersionRow) -> Document | None:
    """One document as of a version, None if it was not there or was retracted."""
    known = [d for d in read_history(connection, url) if d.revision_id <= version.hi]
    return known[-1] if known and known[-1].op != "retract" else None


def read_changes(connection: Connection, old: VersionRow | None, new: VersionRow | None) -> Iterator[Change]:
    """What changed from one version to another, in the order of the changes; reads only what lies between.

    None is the empty corpus before version 1. With `old` newer than `new` the same changes are told
    backwards.
    """
    start, end = (version.hi if version else 0 for version in (old, new))
    table = table_of(Revision)
    query = (
        select(table).where(table.c.id > min(start, end), table.c.id <= max(start, end)).order_by(table.c.id)
    )
    touched: dict[str, tuple[RowMapping, RowMapping]] = {}
    for row in connection.execute(query).mappings():
        before = touched.get(row["url_key"])
        touched[row["url_key"]] = (before[0] if before else row, row)
    for first_row, last_row in touched.values():
        base = None
        if first_row["prev_id"] is not None:
            query = select(table).where(table.c.id == first_row["prev_id"])
            base = _live(document_of(connection.execute(query).mappings().one()))
        change = _change(base, _live(document_of(last_row)), backwards=start > end)
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


def read_runs(connection: Connection, limit: int) -> list[RunRow]:
    """The newest runs with their sums, newest first."""
    runs, sums = table_of(IngestRun), table_of(RunSource)
    rows = connection.execute(select(runs).order_by(runs.c.started_at.desc()).limit(limit)).mappings().all()
    found = []
    for row in rows:
        query = select(sums).where(sums.c.run_id == row["run_id"]).order_by(sums.c.source)
        tallies = tuple(
            SourceTally(
                s["source"],
                Counts(**{ending.value: s[ending.value] for ending in Ending}),
                s["requests"],
                s["not_modified"],
                s["wire_bytes"],
                tuple(s["problems"]),
            )
            for s in connection.execute(query).mappings()
        )
        found.append(RunRow(**row, tallies=tallies))
    return found


def read_story(connection: Connection, url: str) -> Story:
    """All that is known of a URL, for `khotin why`. Raises NotFound if it was never met."""
    key = url_key(url)
    page, outcome, capture = table_of(Page), table_of(Outcome), table_of(Capture)
    state = connection.execute(select(page).where(page.c.url_key == key)).mappings().first()
    outcomes = connection.execute(select(outcome).where(outcome.c.url_key == key).order_by(outcome.c.id))
    captures = connection.execute(select(capture).where(capture.c.url_key == key).order_by(capture.c.id))
    story = Story(
        url,
        dict(state) if state else None,
        tuple(dict(row) for row in outcomes.mappings()),
        tuple(dict(row) for row in captures.mappings()),
        tuple(read_history(connection, url)),
    )
    if not (story.page or story.outcomes or story.captures or story.documents):
        raise NotFound(
            f"{url} was never met",
            reason="unknown-url",
            hint="is its source enabled and was it run? see `khotin sources list`",
        )
    return story


def read_capture(connection: Connection, capture_id: int) -> dict[str, Any]:
    """One row of the index of raw pages."""
    table = table_of(Capture)
    row = connection.execute(select(table).where(table.c.id == capture_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no capture {capture_id}", reason="no-such-capture")
    return dict(row)


def count_finished_runs(connection: Connection, label_prefix: str) -> int:
    """How many runs with such a label came to their end (with or without a new version)."""
    runs = table_of(IngestRun)
    query = select(func.count()).where(
        runs.c.label.startswith(label_prefix, autoescape=True), runs.c.state.in_(("committed", "nothing"))
    )
    return int(connection.execute(query).scalar_one())


def read_endpoint_rows(connection: Connection) -> list[dict[str, Any]]:
    """Every feed, sitemap and listing that was asked, for `khotin sources list`."""
    table = table_of(Endpoint)
    query = select(table).order_by(table.c.source, table.c.kind, table.c.url)
    return [dict(row) for row in connection.execute(query).mappings()]
