"""What an export says of a document: the fields of a row, where its raw page stands, and the way back.

The names are those that corpus builders know (FineWeb-2: text, id, url, date, language, language_script).
Under `proof` stands what else a leaf covers, so that an export can be verified without the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, select

from parsers.article import Paragraph, ParagraphKind
from storage.closeness import StoredModel, read_scores
from storage.documents import Document
from storage.export_filter import ExportFilter
from storage.reading import Reader
from storage.records import Record
from storage.tables import Capture, Revision, table_of
from storage.versions import VersionRow

_ISO_639_3 = {"vi": "vie", "en": "eng"}
_BATCH = 500
"""Documents whose raw pages are looked up together; stays below SQLite's oldest limit of 999 parameters."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the store holds beside a document: the leaf of the revision before it, and where its raw page
    stands (file relative to the archive's folder, offset in bytes).
    """

    prev_leaf: str | None = None
    warc_file: str | None = None
    warc_offset: int | None = None
    closeness: float | None = None


@dataclass(slots=True)
class Left:
    """What a stream of documents left out, counted while it is read."""

    purged: int = 0
    filtered: int = 0


def export_row(document: Document, beside: Beside | None = None) -> dict[str, Any]:
    """One document as exports hold it; `id` is its canonical URL, `leaf` the hash that vouches for it.

    Without `beside` the place of the raw page and the `proof` are left out: enough to show the document.
    """
    record = document.record
    derived = derived_fields(record)
    row: dict[str, Any] = {
        "id": derived["id"],
        "text": derived["text"],
        "url": record.url,
        "date": record.published_at,
        "date_precision": record.published_precision,
        "language": derived["language"],
        "language_script": derived["language_script"],
        "title": record.title,
        "lead": record.lead,
        "paragraphs": [{"kind": p.kind.value, "text": p.text} for p in record.paragraphs],
        "captions": list(record.captions),
        "authors": list(record.authors),
        "agency": record.agency,
        "section": record.section,
        "tags": list(record.tags),
        "source": record.source,
        "record_kind": record.record_kind,
        "kind": record.kind,
        "modified": record.modified_at,
        "fetched": record.fetched_at,
        "parser": derived["parser"],
        "added_in_version": document.version_id,
        "rev": document.rev,
        "leaf": document.leaf,
        "text_sha256": derived["text_sha256"],
    }
    if beside is not None:
        row["closeness"] = beside.closeness
        row["warc_file"] = beside.warc_file
        row["warc_offset"] = beside.warc_offset
        row["proof"] = {
            "op": document.op,
            "prev_leaf": beside.prev_leaf,
            "language": record.language,
            "parser": record.parser,
            "parser_version": record.parser_version,
            "payload_sha256": record.payload_sha256,
            "body_sha256": record.body_sha256,
        }
    return row


FIELDS = (
    "id", "text", "url", "date", "date_precision", "language", "language_script", "title", "lead",
    "paragraphs", "captions", "authors", "agency", "section", "tags", "source", "record_kind", "kind",
    "modified", "fetched", "parser", "added_in_version", "rev", "leaf", "text_sha256", "closeness",
    "warc_file", "warc_offset", "proof",
)  # fmt: skip
"""The fields of a row, in their order."""
PROOF = ("op", "prev_leaf", "language", "parser", "parser_version", "payload_sha256", "body_sha256")
"""The fields of `proof`: what a leaf covers and no other field says in the very same words."""


def derived_fields(record: Record) -> dict[str, str]:
    """The fields that say again, for the reader's sake, what other fields say; languages are in ISO 639-3."""
    return {
        "id": record.url,
        "text": record.text,
        "language": _ISO_639_3.get(record.language, record.language),
        "language_script": "Latn",
        "parser": f"{record.parser} {record.parser_version}",
        "text_sha256": hashlib.sha256(record.text.encode()).hexdigest(),
    }


def record_of_export(row: Mapping[str, Any]) -> Record:
    """The record behind an exported row. Raises KeyError, TypeError or ValueError if the row is no such
    row.
    """
    proof = row["proof"]
    return Record(
        url=_text(row["url"]),
        source=_text(row["source"]),
        record_kind=_text(row["record_kind"]),
        title=_text(row["title"]),
        lead=_text_or_none(row["lead"]),
        paragraphs=tuple(Paragraph(_text(p["text"]), ParagraphKind(p["kind"])) for p in row["paragraphs"]),
        captions=_texts(row["captions"]),
        authors=_texts(row["authors"]),
        agency=_text_or_none(row["agency"]),
        published_at=_time(row["date"]),
        published_precision=_text_or_none(row["date_precision"]),
        modified_at=_time(row["modified"]),
        section=_text_or_none(row["section"]),
        tags=_texts(row["tags"]),
        language=_text(proof["language"]),
        kind=_text(row["kind"]),
        parser=_text(proof["parser"]),
        parser_version=_text(proof["parser_version"]),
        fetched_at=_required_time(row["fetched"]),
        payload_sha256=_text_or_none(proof["payload_sha256"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.60} is no list")
    return tuple(_text(item) for item in value)


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    time = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    if time.tzinfo is None:
        raise ValueError(f"{value!r:.60} has no zone")
    return time


def _required_time(value: object) -> datetime:
    time = _time(value)
    if time is None:
        raise TypeError("a time is missing")
    return time


def read_rows(
    connection: Connection,
    version: VersionRow,
    since: VersionRow | None,
    left: Left,
    wanted: ExportFilter | None = None,
    model: StoredModel | None = None,
) -> Iterator[tuple[Document, Beside]]:
    """The corpus as of a version (what is new after `since`), with what stands beside each document.

    A document whose body was purged has nothing left to export: it is left out, and counted in `left`, as
    what is not `wanted` is. Scores of closeness are those by `model`.
    """
    documents = Reader(connection).documents(version, since.hi if since else 0)
    while batch := list(islice(documents, _BATCH)):
        places = _places(connection, {d.capture_id for d in batch if d.capture_id is not None})
        leaves = _leaves_before(connection, [d.revision_id for d in batch if d.rev > 1])
        scores = read_scores(connection, model.id, [d.revision_id for d in batch]) if model else {}
        for document in batch:
            if document.record.purged:
                left.purged += 1
                continue
            score = scores.get(document.revision_id)
            if wanted is not None and not wanted.takes(document.record, score):
                left.filtered += 1
                continue
            file, offset = places.get(document.capture_id, (None, None))
            yield document, Beside(leaves.get(document.revision_id), file, offset, score)


def _places(connection: Connection, ids: set[int]) -> dict[int | None, tuple[str, int]]:
    table = table_of(Capture)
    query = select(table.c.id, table.c.file, table.c.offset).where(table.c.id.in_(ids))
    return {row.id: (row.file, row.offset) for row in connection.execute(query)} if ids else {}


def _leaves_before(connection: Connection, ids: list[int]) -> dict[int, str]:
    table, before = table_of(Revision), table_of(Revision).alias()
    query = (
        select(table.c.id, before.c.leaf)
        .join(before, before.c.id == table.c.prev_id)
        .where(table.c.id.in_(ids))
    )
    return {row.id: row.leaf for row in connection.execute(query)} if ids else {}


def retracted_since(connection: Connection, version: VersionRow, since: VersionRow) -> list[str]:
    """URLs of documents that were there in `since` and are retracted in `version`: whoever follows by deltas
    must drop them."""
    table, before = table_of(Revision), table_of(Revision).alias()
    query = (
        select(table.c.url)
        .where(
            table.c.id > since.hi,
            table.c.id <= version.hi,
            table.c.op == "retract",
            select(before.c.id)
            .where(before.c.url_key == table.c.url_key, before.c.id <= since.hi, before.c.op != "retract")
            .exists(),
        )
        .order_by(table.c.id)
    )
    return list(connection.execute(query).scalars())
