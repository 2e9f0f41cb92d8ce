"""Tables of the record: versions, the states of documents, raw pages, and how every URL ended.

Rows are only ever inserted: triggers reject UPDATE and DELETE (storage/database.py).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy import text as sql_text
from sqlmodel import Field

from storage.columns import BigId, StoreTable, TextList, digest_column, time_column


class Meta(StoreTable, table=True):
    """Facts of the store itself: its id, its schema, the names of the hash formats."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True)
    value: str


class Zdict(StoreTable, table=True):
    """A dictionary that bodies are compressed with. Immutable; versions name its hash in their header."""

    __tablename__ = "zdict"
    id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    sha256: str = digest_column()
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Version(StoreTable, table=True):
    """One immutable state of the corpus: a commit. Its revisions have the ids `lo` to `hi`."""

    __tablename__ = "version"
    id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    parent_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("version.id"), unique=True, nullable=True)
    )
    run_id: str = Field(unique=True)
    kind: str
    message: str = ""
    added: int
    revised: int
    retracted: int
    documents: int
    lo: int = Field(sa_type=BigInteger)
    hi: int = Field(sa_type=BigInteger)
    delta_root: str = digest_column()
    chain: str = digest_column()
    zdict_sha256: str | None = digest_column(nullable=True)
    formats: str
    code_version: str
    created_at: datetime = time_column()


class Tag(StoreTable, table=True):
    """A name that a user gave to a version, once and for ever."""

    __tablename__ = "tag"
    name: str = Field(primary_key=True)
    version_id: int = Field(sa_column=Column(BigInteger, ForeignKey("version.id"), nullable=False))
    message: str = ""
    created_at: datetime = time_column()


class Revision(StoreTable, table=True):
    """One state of one document.

    Title, authors, lead, paragraphs and captions are the body: compressed, hashed as one, and all of it gone
    when it is purged: then `body` is its SHA-256, which the leaf covers. `text_key` and `body_key` find equal
    texts (parsers/compare.py). The body stands last, so that scans of the other columns stay short.
    """

    __tablename__ = "revision"
    __table_args__ = (
        UniqueConstraint("url_key", "rev"),
        # A revision has one successor at most; new documents have none before them and need no entry.
        Index(
            "uq_revision_prev_id",
            "prev_id",
            unique=True,
            sqlite_where=sql_text("prev_id IS NOT NULL"),
            postgresql_where=sql_text("prev_id IS NOT NULL"),
        ),
    )
    id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    version_id: int = Field(sa_column=Column(BigInteger, ForeignKey("version.id"), nullable=False))
    prev_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("revision.id"), nullable=True)
    )
    rev: int
    op: str  # add, revise, retract
    url_key: str = digest_column()
    url: str = Field(sa_type=Text)
    source: str
    record_kind: str  # seed or article
    agency: str | None = None
    section: str | None = None
    tags: list[str] = Field(default_factory=list, sa_type=TextList)
    language: str
    kind: str
    published_at: datetime | None = time_column(nullable=True)
    published_precision: str | None = None
    modified_at: datetime | None = time_column(nullable=True)
    fetched_at: datetime = time_column()
    parser: str
    parser_version: str
    payload_sha256: str | None = digest_column(nullable=True)
    word_count: int
    text_key: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    body_key: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True, index=True))
    capture_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("capture.id"), nullable=True)
    )
    leaf: str = digest_column()
    codec: str  # zstd, or purged
    zdict_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("zdict.id"), nullable=True)
    )
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Capture(StoreTable, table=True):
    """Where the raw bytes of one answer stand in the archive.

    Ids have no gaps, and `row_sha256` covers the fields (storage/captures.py): a row that was lost or changed
    is found.
    """

    __tablename__ = "capture"
    id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    url_key: str = digest_column(index=True)
    run_id: str = Field(index=True)
    source: str
    kind: str  # page, feed, sitemap, listing, robots, seed
    url: str = Field(sa_type=Text)
    final_url: str = Field(sa_type=Text)
    status: int
    content_type: str | None = None
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = None
    payload_sha256: str = digest_column()
    payload_length: int = Field(sa_type=BigInteger)
    file: str
    offset: int = Field(sa_type=BigInteger)
    length: int = Field(sa_type=BigInteger)
    robots_rule: str | None = Field(default=None, sa_type=Text)
    fetched_at: datetime = time_column()
    row_sha256: str = digest_column()


class Outcome(StoreTable, table=True):
    """The ledger: how one URL ended in one run. What was met again and skipped only counts in `page`."""

    __tablename__ = "outcome"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))
    run_id: str = Field(index=True)
    source: str
    url_key: str = digest_column(index=True)
    url: str = Field(sa_type=Text)
    found_in: str = Field(default="", sa_type=Text)
    outcome: str
    reason: str
    detail: str = Field(default="", sa_type=Text)
    status: int | None = None
    capture_id: int | None = Field(default=None, sa_type=BigInteger)
    revision_id: int | None = Field(default=None, sa_type=BigInteger)
    partner_url: str | None = Field(default=None, sa_type=Text)
    partner_revision_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime = time_column()
