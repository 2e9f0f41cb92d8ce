"""A document as it comes out of the store. What it says is unpacked and made into a record when asked for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import orjson

from parsers.article import Paragraph, ParagraphKind
from parsers.errors import StoreDamaged
from storage.codec import PURGED, ZSTD, Unpacker
from storage.records import Record, Retraction
from storage.tables import from_micros

_PURGED_BODY = orjson.dumps({"title": "", "authors": [], "lead": None, "paragraphs": [], "captions": []})


class RevisionRow(NamedTuple):
    """What is read of a row of `revision`, in the form of the database."""

    id: int
    version_id: int
    prev_id: int | None
    rev: int
    op: str
    url: str
    source: str
    record_kind: str
    agency: str | None
    section: str | None
    tags: str
    language: str
    kind: str
    published_at: int | None
    published_precision: str | None
    modified_at: int | None
    fetched_at: int
    parser: str
    parser_version: str
    payload_sha256: bytes | None
    capture_id: int | None
    leaf: bytes
    codec: str
    zdict_id: int | None
    body: bytes


_KINDS = {kind.value: kind for kind in ParagraphKind}

SELECT_REVISIONS = f"SELECT {', '.join(RevisionRow._fields)} FROM revision"  # noqa: S608 - our own columns


class Document:
    """One document in one revision, with its place in the store.

    `body`: the unpacked body, if it is known already. What needs the text raises StoreDamaged if it cannot be
    read.
    """

    def __init__(self, row: RevisionRow, unpacker: Unpacker, body: bytes | None = None) -> None:
        self.row = row
        self._unpacker = unpacker
        self._unpacked = body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and self.row == other.row

    def __hash__(self) -> int:
        return hash(self.row.leaf)

    @property
    def url(self) -> str:
        return self.row.url

    @property
    def revision_id(self) -> int:
        return self.row.id

    @property
    def rev(self) -> int:
        return self.row.rev

    @property
    def op(self) -> str:
        return self.row.op

    @property
    def version_id(self) -> int:
        return self.row.version_id

    @property
    def leaf(self) -> str:
        return bytes(self.row.leaf).hex()

    @property
    def capture_id(self) -> int | None:
        return self.row.capture_id

    @property
    def purged(self) -> bool:
        """Whether title, text and captions are gone for ever."""
        return self.row.codec == PURGED

    @property
    def body(self) -> bytes:
        """All that was written in the document, as canonical JSON (`Record.body`)."""
        if self._unpacked is None:
            row = self.row
            if self.purged:
                self._unpacked = _PURGED_BODY
            elif row.codec == ZSTD:
                try:
                    self._unpacked = self._unpacker.unpack(row.body, row.zdict_id)
                except StoreDamaged as error:
                    raise self._damaged(error) from error
            else:
                raise self._damaged(f"unknown codec {row.codec!r}")
        return self._unpacked

    @property
    def text(self) -> str:
        """Lead and paragraphs, separated by blank lines: `Record.text` without the rest of the record."""
        body = orjson.loads(self.body)
        lead = body["lead"]
        return "\n\n".join([*([lead] if lead else []), *[text for _, text in body["paragraphs"]]])

    @cached_property
    def record(self) -> Record:
        """What the document says and where it is from."""
        row = self.row
        try:
            body = orjson.loads(self.body)
            paragraphs = tuple([Paragraph(text, _KINDS[kind]) for kind, text in body["paragraphs"]])
            title, lead = str(body["title"]), body["lead"]
            authors, captions = tuple(body["authors"]), tuple(body["captions"])
            told = body.get("retraction")
            retraction = Retraction(str(told["reason"]), bool(told["purge"])) if told else None
            tags = tuple(orjson.loads(row.tags))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error
        record = Record(
            url=row.url,
            source=row.source,
            record_kind=row.record_kind,
            title=title,
            lead=lead,
            paragraphs=paragraphs,
            captions=captions,
            authors=authors,
            agency=row.agency,
            published_at=None if row.published_at is None else from_micros(row.published_at),
            published_precision=row.published_precision,
            modified_at=None if row.modified_at is None else from_micros(row.modified_at),
            section=row.section,
            tags=tags,
            language=row.language,
            kind=row.kind,
            parser=row.parser,
            parser_version=row.parser_version,
            fetched_at=from_micros(row.fetched_at),
            payload_sha256=None if row.payload_sha256 is None else bytes(row.payload_sha256).hex(),
            purged=self.purged,
            retraction=retraction,
        )
        if not self.purged:
            record.__dict__["body"] = self.body  # what it would be written as again
        return record

    def _damaged(self, why: object) -> StoreDamaged:
        return StoreDamaged(
            f"revision {self.row.id} ({self.row.url}) cannot be read: {why}",
            hint="run `khotin verify`, and restore the store from a backup",
        )

    def followed_by(self, record: Record, version_id: int) -> Document:
        """The next revision of the document as it would be if `record` were committed."""
        rev = self.rev + 1
        leaf = record.leaf(rev, "revise", self.leaf)
        row = self.row._replace(rev=rev, op="revise", version_id=version_id, leaf=leaf)
        document = Document(row, self._unpacker, record.body)
        document.__dict__["record"] = record
        return document


@dataclass(frozen=True, slots=True)
class Difference:
    """What happened to one document between two versions, told by revision ids; None: it was not there."""

    kind: str  # added, revised, retracted
    url: str
    old_id: int | None
    new_id: int | None


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
