"""A record: what the store holds of one document in one revision, and its form in a row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

import orjson

from parsers.article import Article, Paragraph
from parsers.compare import TextFacts, read_text, with_title
from parsers.shingles import NO_KEYS, Keys, sketches_of_all
from parsers.urls import url_key_bytes
from storage.codec import ZSTD, Packer
from storage.hashing import leaf_hash
from storage.tables import from_micros, micros


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
            "paragraphs": [[p.kind, p.text] for p in self.paragraphs],
            "captions": self.captions,
        }
        if self.retraction is not None:
            written["retraction"] = {"reason": self.retraction.reason, "purge": self.retraction.purge}
        return orjson.dumps(written)

    @property
    def facts(self) -> TextFacts:
        """Word count and comparison keys of the text; whoever parses the page may work them out early."""
        return self._read[0]

    @cached_property
    def folded(self) -> bytes:
        """Title and text as they are compared with others."""
        return with_title(self.title, self._read[1])

    @cached_property
    def _read(self) -> tuple[TextFacts, bytes]:
        return read_text(self.lead, self.paragraphs)

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
        "agency",
        "section",
        "tags",
        "language",
        "kind",
        "published_at",
        "published_precision",
    )

    @staticmethod
    def stored(values: Sequence[Any], body: bytes) -> ContentOfRow:
        """From the COLUMNS of a row, in the form of the database, and its body unpacked."""
        agency, section, tags, language, kind, published_at, precision = values
        return ContentOfRow(
            hashlib.sha256(body).hexdigest(),
            agency,
            section,
            tuple(orjson.loads(tags)),
            language,
            kind,
            None if published_at is None else from_micros(published_at),
            precision,
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
    "codec",
    "zdict_id",
    "body",
)
"""The columns of `revision`, in the order in which rows are written."""


class Prepared(NamedTuple):
    """A record made ready outside the lock: encoded, hashed, packed, with its keys.

    `fixed` and `last` are the columns from `url_key` to `body_key` and from `codec` to `body`, in the
    form of the database; `sketch` is what of the text is compared with others.
    """

    record: Record
    url_key: bytes
    text_key: int
    body_key: int | None
    first_leaf: bytes
    """Its leaf if it turns out to be a new document, as most are."""
    fixed: tuple[Any, ...]
    sketch: Keys
    last: tuple[Any, ...]

    def row(
        self,
        revision_id: int,
        version_id: int,
        prev: tuple[int, int, str] | None,
        capture_id: int | None,
    ) -> tuple[tuple[Any, ...], bytes]:
        """The row in the order of ROW_COLUMNS, and its leaf; `prev`: id, rev and leaf of the head."""
        if prev is None:
            leaf = self.first_leaf
            start: tuple[Any, ...] = (revision_id, version_id, None, 1, "add")
        else:
            rev = prev[1] + 1
            leaf = self.record.leaf(rev, "revise", prev[2])
            start = (revision_id, version_id, prev[0], rev, "revise")
        return (*start, *self.fixed, capture_id, leaf, *self.last), leaf


PACKED_AT_ONCE = 100


def prepare(records: Sequence[Record], packer: Packer, *, sketches: bool = True) -> list[Prepared]:
    """Do all work on records that needs no lock; bodies are packed in a thread of their own meanwhile.

    Without `sketches` nothing of the texts can be compared with others.
    """
    worked: list[tuple[Any, ...]] = []

    def work_on(chunk: Sequence[Record]) -> None:
        if sketches:
            worked.extend(map(_work_on, chunk, sketches_of_all([record.folded for record in chunk])))
        else:
            worked.extend(map(_work_on, chunk, repeat(NO_KEYS)))

    if len(records) <= PACKED_AT_ONCE:  # to start a thread would take longer than the work
        packed = packer.pack_all([record.body for record in records])
        work_on(records)
    else:
        packing: list[Future[list[bytes]]] = []
        with ThreadPoolExecutor(1) as thread:
            for start in range(0, len(records), PACKED_AT_ONCE):
                chunk = records[start : start + PACKED_AT_ONCE]
                packing.append(thread.submit(packer.pack_all, [record.body for record in chunk]))
                work_on(chunk)
            packed = [body for future in packing for body in future.result()]
    zdict_id = packer.zdict_id
    return [
        Prepared._make((*facts, (ZSTD, zdict_id, body))) for facts, body in zip(worked, packed, strict=True)
    ]


def _work_on(r: Record, sketch: Keys) -> tuple[Any, ...]:
    """What `Prepared` holds before `last`."""
    words, text_key, body_key = r.facts
    key = url_key_bytes(r.url)
    tags = orjson.dumps(r.tags)
    published = None if r.published_at is None else micros(r.published_at)
    modified = None if r.modified_at is None else micros(r.modified_at)
    fetched = micros(r.fetched_at)
    leaf = leaf_hash((
        r.url, 1, "add", None, r.source, r.record_kind, r.agency, r.section, orjson.Fragment(tags),
        r.language, r.kind, published, r.published_precision, modified, fetched, r.parser, r.parser_version,
        r.payload_sha256, hashlib.sha256(r.body).hexdigest(),
    ))  # fmt: skip
    fixed = (
        key, r.url, r.source, r.record_kind, r.agency, r.section, tags.decode(), r.language, r.kind,
        published, r.published_precision, modified, fetched, r.parser, r.parser_version,
        None if r.payload_sha256 is None else bytes.fromhex(r.payload_sha256), words, text_key, body_key,
    )  # fmt: skip
    return r, key, text_key, body_key, leaf, fixed, sketch


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
