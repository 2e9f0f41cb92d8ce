"""A record: what the store holds of one document in one revision, and its form in a row."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from parsers.article import Article, Paragraph, ParagraphKind
from parsers.compare import comparison_keys
from parsers.errors import StoreDamaged
from parsers.urls import url_key
from storage.codec import PURGED, ZSTD, Packer, Unpacker
from storage.hashing import leaf_hash
from storage.tables import micros


@dataclass(frozen=True, slots=True)
class Retraction:
    """Why a document was taken out, and whether the bodies and raw pages of all its revisions went too."""

    reason: str
    purge: bool


@dataclass(frozen=True)
class Record:
    """One document as it goes into the store and comes out of it.

    `record_kind` is `seed` or `article`; `payload_sha256` names the raw bytes it was read from. A purged
    record has lost its title, authors, lead, paragraphs and captions for ever. `retraction` stands in a
    tombstone only (storage/retraction.py), which has none of these.
    """

    url: str
    source: str
    record_kind: str
    title: str
    lead: str | None
    paragraphs: tuple[Paragraph, ...]
    captions: tuple[str, ...]
    authors: tuple[str, ...]
    agency: str | None
    published_at: datetime | None
    published_precision: str | None
    modified_at: datetime | None
    section: str | None
    tags: tuple[str, ...]
    language: str
    kind: str
    parser: str
    parser_version: str
    fetched_at: datetime
    payload_sha256: str | None
    purged: bool = False
    retraction: Retraction | None = None

    @cached_property
    def text(self) -> str:
        """Lead and paragraphs, separated by blank lines."""
        parts = [self.lead] if self.lead else []
        return "\n\n".join([*parts, *(p.text for p in self.paragraphs)])

    @cached_property
    def body(self) -> bytes:
        """All that was written in the document, as canonical JSON: what is hashed, packed and purged."""
        written: dict[str, Any] = {
            "title": self.title,
            "authors": self.authors,
            "lead": self.lead,
            "paragraphs": [[p.kind.value, p.text] for p in self.paragraphs],
            "captions": self.captions,
        }
        if self.retraction is not None:
            written["retraction"] = {"reason": self.retraction.reason, "purge": self.retraction.purge}
        return orjson.dumps(written)

    @cached_property
    def body_sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def same_content(self, other: ContentOfRow) -> bool:
        """Whether a reader of the page would see the same: neither when nor how it was read counts."""
        return other == ContentOfRow.of(self)

    def leaf(self, rev: int, op: str, prev_leaf: str | None) -> bytes:
        """The leaf of this record as revision `rev`; see storage/hashing.py."""
        return leaf_hash(leaf_fields(self, rev, op, prev_leaf, self.body_sha256))


@dataclass(frozen=True, slots=True)
class ContentOfRow:
    """What makes a new revision when it changes, as far as a row tells it without its body."""

    body_sha256: str
    agency: str | None
    section: str | None
    tags: tuple[str, ...]
    language: str
    kind: str
    published_at: datetime | None
    published_precision: str | None

    COLUMNS = (
        "body_sha256",
        "agency",
        "section",
        "tags",
        "language",
        "kind",
        "published_at",
        "published_precision",
    )

    @staticmethod
    def of(record: Record) -> ContentOfRow:
        return ContentOfRow(
            record.body_sha256,
            record.agency,
            record.section,
            record.tags,
            record.language,
            record.kind,
            record.published_at,
            record.published_precision,
        )


def leaf_fields(record: Record, rev: int, op: str, prev_leaf: str | None, body_sha256: str) -> list[Any]:
    """The fields that a leaf covers, in their frozen order."""
    return [
        record.url,
        rev,
        op,
        prev_leaf,
        record.source,
        record.record_kind,
        record.agency,
        record.section,
        record.tags,
        record.language,
        record.kind,
        None if record.published_at is None else micros(record.published_at),
        record.published_precision,
        None if record.modified_at is None else micros(record.modified_at),
        micros(record.fetched_at),
        record.parser,
        record.parser_version,
        record.payload_sha256,
        body_sha256,
    ]


ROW_COLUMNS = (
    "id",
    "version_id",
    "prev_id",
    "rev",
    "op",
    "url_key",
    "url",
    "source",
    "record_kind",
    "agency",
    "section",
    "tags",
    "language",
    "kind",
    "published_at",
    "published_precision",
    "modified_at",
    "fetched_at",
    "parser",
    "parser_version",
    "payload_sha256",
    "word_count",
    "text_key",
    "body_key",
    "capture_id",
    "leaf",
    "body_sha256",
    "codec",
    "zdict_id",
    "body",
)
"""The columns of `revision`, in the order in which rows are written."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record made ready outside the lock: encoded, hashed, packed, with its keys."""

    record: Record
    url_key: str
    text_key: int
    body_key: int | None
    word_count: int
    first_leaf: bytes
    """Its leaf if it turns out to be a new document, as most are."""
    zdict_id: int | None
    packed: bytes

    def row(
        self,
        revision_id: int,
        version_id: int,
        prev: tuple[int, int, str] | None,
        capture_id: int | None,
    ) -> tuple[tuple[Any, ...], bytes]:
        """The row in the order of ROW_COLUMNS, and its leaf; `prev`: id, rev and leaf of the head."""
        r = self.record
        if prev is None:
            prev_id, rev, op, leaf = None, 1, "add", self.first_leaf
        else:
            prev_id, rev, op = prev[0], prev[1] + 1, "revise"
            leaf = r.leaf(rev, op, prev[2])
        row = (
            revision_id, version_id, prev_id, rev, op, self.url_key, r.url, r.source, r.record_kind, r.agency,
            r.section, r.tags, r.language, r.kind, r.published_at, r.published_precision, r.modified_at,
            r.fetched_at, r.parser, r.parser_version, r.payload_sha256, self.word_count, self.text_key,
            self.body_key, capture_id, leaf, r.body_sha256, ZSTD, self.zdict_id, self.packed,
        )  # fmt: skip
        return row, leaf


def prepare(records: Sequence[Record], packer: Packer) -> list[Prepared]:
    """Do all work on records that needs no lock."""
    prepared = []
    for record in records:
        text_key, body_key = comparison_keys(record.lead, record.paragraphs)
        prepared.append(
            Prepared(
                record,
                url_key(record.url),
                text_key,
                body_key,
                len(record.text.split()),
                record.leaf(1, "add", None),
                packer.zdict_id,
                packer.pack(record.body),
            )
        )
    return prepared


def record_of(article: Article, *, source: str, fetched_at: datetime, payload_sha256: str | None) -> Record:
    """The record of a parsed article; its identity is the article's canonical URL."""
    return Record(
        url=article.canonical_url,
        source=source,
        record_kind="article",
        title=article.title,
        lead=article.lead,
        paragraphs=article.paragraphs,
        captions=article.captions,
        authors=article.authors,
        agency=article.agency,
        published_at=article.published_at,
        published_precision=article.published_precision.value if article.published_precision else None,
        modified_at=article.modified_at,
        section=article.section,
        tags=article.tags,
        language=article.language,
        kind=article.kind,
        parser=article.parser,
        parser_version=article.parser_version,
        fetched_at=fetched_at,
        payload_sha256=payload_sha256,
    )


_PURGED_BODY: dict[str, Any] = {"title": "", "authors": [], "lead": None, "paragraphs": [], "captions": []}


def record_of_row(row: Mapping[str, Any], unpacker: Unpacker) -> Record:
    """The record that a row of `revision` holds. Raises StoreDamaged if its body cannot be read."""
    purged = row["codec"] == PURGED
    try:
        if not purged and row["codec"] != ZSTD:
            raise StoreDamaged(f"unknown codec {row['codec']!r}")
        body = _PURGED_BODY if purged else orjson.loads(unpacker.unpack(row["body"], row["zdict_id"]))
        paragraphs = tuple(Paragraph(text, ParagraphKind(kind)) for kind, text in body["paragraphs"])
        title, lead = str(body["title"]), body["lead"]
        authors, captions = tuple(body["authors"]), tuple(body["captions"])
        told = body.get("retraction")
        retraction = Retraction(str(told["reason"]), bool(told["purge"])) if told else None
    except (ValueError, KeyError, TypeError, StoreDamaged) as error:
        raise StoreDamaged(
            f"revision {row['id']} ({row['url']}) cannot be read: {error}",
            hint="run `khotin verify`, and restore the store from a backup",
        ) from error
    return Record(
        url=row["url"],
        source=row["source"],
        record_kind=row["record_kind"],
        title=title,
        lead=lead,
        paragraphs=paragraphs,
        captions=captions,
        authors=authors,
        agency=row["agency"],
        published_at=row["published_at"],
        published_precision=row["published_precision"],
        modified_at=row["modified_at"],
        section=row["section"],
        tags=tuple(row["tags"]),
        language=row["language"],
        kind=row["kind"],
        parser=row["parser"],
        parser_version=row["parser_version"],
        fetched_at=row["fetched_at"],
        payload_sha256=row["payload_sha256"],
        purged=purged,
        retraction=retraction,
    )
