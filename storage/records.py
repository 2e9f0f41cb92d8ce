"""A record: what the store holds of one document in one revision, and its form in a row."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
import zstandard

from parsers.article import Article, Paragraph, ParagraphKind, Precision
from parsers.compare import body_key, text_key
from parsers.errors import StoreDamaged
from storage.hashing import FieldValue, leaf_hash

CODEC = "zstd"


@dataclass(frozen=True)
class Record:
    """One document as it goes into the store and comes out of it.

    `record_kind` is `seed` or `article`; `payload_sha256` names the raw bytes it was read from.
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

    @cached_property
    def text(self) -> str:
        """Lead and paragraphs, separated by blank lines."""
        parts = [self.lead] if self.lead else []
        return "\n\n".join([*parts, *(p.text for p in self.paragraphs)])

    @cached_property
    def body(self) -> bytes:
        """Lead, paragraphs and captions as canonical JSON: the bytes that are hashed and stored."""
        return orjson.dumps(
            {
                "lead": self.lead,
                "paragraphs": [[p.kind.value, p.text] for p in self.paragraphs],
                "captions": self.captions,
            }
        )

    @cached_property
    def body_sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def content_sha256(self) -> str:
        """Hash of what makes a new revision when it changes: what a reader of the page would see.

        Fetching and parsing leave it alone: neither their times nor the parser's version are in it.
        """
        return leaf_hash(
            [
                ("title", self.title),
                ("authors", self.authors),
                ("agency", self.agency),
                ("section", self.section),
                ("tags", self.tags),
                ("language", self.language),
                ("kind", self.kind),
                ("published_at", self.published_at),
                ("published_precision", self.published_precision),
                ("body_sha256", self.body_sha256),
            ]
        )

    def leaf(self, rev: int, op: str, prev_leaf: str | None) -> str:
        """The leaf of this record as revision `rev`; see storage/hashing.py."""
        fields: list[tuple[str, FieldValue]] = [
            ("url", self.url),
            ("rev", rev),
            ("op", op),
            ("prev_leaf", prev_leaf),
            ("source", self.source),
            ("record_kind", self.record_kind),
            ("title", self.title),
            ("authors", self.authors),
            ("agency", self.agency),
            ("section", self.section),
            ("tags", self.tags),
            ("language", self.language),
            ("kind", self.kind),
            ("published_at", self.published_at),
            ("published_precision", self.published_precision),
            ("modified_at", self.modified_at),
            ("fetched_at", self.fetched_at),
            ("parser", self.parser),
            ("parser_version", self.parser_version),
            ("payload_sha256", self.payload_sha256),
            ("body_sha256", self.body_sha256),
        ]
        return leaf_hash(fields)

    def columns(self) -> dict[str, Any]:
        """The columns of `revision` that the record alone decides."""
        return {
            "url": self.url,
            "source": self.source,
            "record_kind": self.record_kind,
            "title": self.title,
            "authors": list(self.authors),
            "agency": self.agency,
            "section": self.section,
            "tags": list(self.tags),
            "language": self.language,
            "kind": self.kind,
            "published_at": self.published_at,
            "published_precision": self.published_precision,
            "modified_at": self.modified_at,
            "fetched_at": self.fetched_at,
            "parser": self.parser,
            "parser_version": self.parser_version,
            "payload_sha256": self.payload_sha256,
            "word_count": len(self.text.split()),
            "content_sha256": self.content_sha256,
            "text_sha256": hashlib.sha256(self.text.encode()).hexdigest(),
            "text_key": self.text_key,
            "body_key": self.body_key,
            "body_sha256": self.body_sha256,
            "codec": CODEC,
            "body": zstandard.compress(self.body, 3),
        }

    @cached_property
    def text_key(self) -> str:
        return text_key(self.text)

    @cached_property
    def body_key(self) -> str | None:
        return body_key(self.paragraphs)


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
        published_precision=_code(article.published_precision),
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


def _code(precision: Precision | None) -> str | None:
    return precision.value if precision else None


def record_of_row(row: Mapping[str, Any]) -> Record:
    """The record that a row of `revision` holds. Raises StoreDamaged if its body cannot be unpacked."""
    try:
        if row["codec"] != CODEC:
            raise ValueError(f"unknown codec {row['codec']!r}")
        body = orjson.loads(zstandard.decompress(row["body"]))
        paragraphs = tuple(Paragraph(text, ParagraphKind(kind)) for kind, text in body["paragraphs"])
        lead, captions = body["lead"], tuple(body["captions"])
    except (ValueError, KeyError, TypeError, zstandard.ZstdError) as error:
        raise StoreDamaged(
            f"the body of revision {row['id']} ({row['url']}) cannot be read: {error}",
            hint="restore the store from a backup",
        ) from error
    return Record(
        url=row["url"],
        source=row["source"],
        record_kind=row["record_kind"],
        title=row["title"],
        lead=lead,
        paragraphs=paragraphs,
        captions=captions,
        authors=tuple(row["authors"]),
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
    )
