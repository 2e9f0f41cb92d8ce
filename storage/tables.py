"""The tables of the store, the same on SQLite and PostgreSQL.

Two kinds of table stand here. `version`, `revision`, `capture` and `outcome` are the record: rows are only
ever inserted, and triggers reject UPDATE and DELETE. `ingest_run`, `run_source`, `page`, `endpoint` and
`source_state` are the working memory of the flows: what was seen, asked and decided last.

Times are stored in UTC and come back zone-aware. Hashes are lower-case hex.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

SCHEMA_VERSION = 1

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A zone-aware time, stored in UTC. SQLite has no zones: there the zone is put back when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the store takes zone-aware times only")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite gives an integer primary key its row id only when the type is spelled INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(naming_convention=NAMING)


class StoreTable(SQLModel, registry=registry(metadata=metadata)):
    """Base of all tables: an own registry, so that no other SQLModel in the process is mixed in."""

    metadata: ClassVar[MetaData] = metadata


def time_column(*, nullable: bool = False, index: bool = False) -> Any:
    """A column of zone-aware times."""
    return Field(default=None, sa_column=Column(UtcDateTime, nullable=nullable, index=index))


class Meta(StoreTable, table=True):
    """Facts of the store itself: its id, its schema, the names of the hash formats."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True)
    value: str


class IngestRun(StoreTable, table=True):
    """One run of the main job: an import of seeds or an ingest."""

    __tablename__ = "ingest_run"
    run_id: str = Field(primary_key=True)
    kind: str
    label: str = ""
    state: str  # running, committed, nothing, failed
    version_id: int | None = Field(default=None, sa_type=BigInteger)
    detail: str = ""
    started_at: datetime = time_column()
    finished_at: datetime | None = time_column(nullable=True)


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
    delta_root: str
    chain: str
    formats: str
    code_version: str
    created_at: datetime = time_column()


class Revision(StoreTable, table=True):
    """One state of one document. The body stands last, so that scans of the other columns stay short."""

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("url_key", "rev"),)
    id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    version_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("version.id"), index=True, nullable=False)
    )
    prev_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("revision.id"), unique=True, nullable=True)
    )
    url_key: str
    rev: int
    op: str  # add, revise, retract
    url: str = Field(sa_type=Text)
    source: str = Field(index=True)
    record_kind: str  # seed or article
    title: str = Field(sa_type=Text)
    authors: list[str] = Field(default_factory=list, sa_type=JSON)
    agency: str | None = None
    section: str | None = None
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    language: str
    kind: str
    published_precision: str | None = None
    parser: str
    parser_version: str
    payload_sha256: str | None = None
    word_count: int
    content_sha256: str
    text_sha256: str
    text_key: str = Field(index=True)
    body_key: str | None = Field(default=None, index=True)
    capture_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("capture.id"), nullable=True)
    )
    leaf: str
    body_sha256: str
    codec: str
    published_at: datetime | None = time_column(nullable=True, index=True)
    modified_at: datetime | None = time_column(nullable=True)
    fetched_at: datetime = time_column()
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Capture(StoreTable, table=True):
    """Where the raw bytes of one answer stand in the archive."""

    __tablename__ = "capture"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))
    url_key: str = Field(index=True)
    run_id: str = Field(index=True)
    source: str
    kind: str  # page, feed, sitemap, listing, robots, seed
    url: str = Field(sa_type=Text)
    final_url: str = Field(sa_type=Text)
    status: int
    content_type: str | None = None
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = None
    payload_sha256: str
    payload_length: int = Field(sa_type=BigInteger)
    file: str
    offset: int = Field(sa_type=BigInteger)
    length: int = Field(sa_type=BigInteger)
    robots_rule: str | None = Field(default=None, sa_type=Text)
    fetched_at: datetime = time_column()


class Outcome(StoreTable, table=True):
    """The ledger: how one URL ended in one run. What was met again and skipped only counts in `page`."""

    __tablename__ = "outcome"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))
    run_id: str = Field(index=True)
    source: str
    url_key: str = Field(index=True)
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


class RunSource(StoreTable, table=True):
    """What one source gave in one run. The sum is a constraint: a run that does not add up is refused."""

    __tablename__ = "run_source"
    __table_args__ = (
        CheckConstraint(
            "discovered = stored + revised + duplicate + rejected + unchanged + deferred + failed",
            name="sum_holds",
        ),
    )
    run_id: str = Field(primary_key=True, foreign_key="ingest_run.run_id")
    source: str = Field(primary_key=True)
    discovered: int
    stored: int
    revised: int
    duplicate: int
    rejected: int
    unchanged: int
    deferred: int
    failed: int
    requests: int
    not_modified: int
    wire_bytes: int = Field(sa_type=BigInteger)
    problems: list[str] = Field(default_factory=list, sa_type=JSON)


class Page(StoreTable, table=True):
    """What is known of one URL: the working memory that decides whether it is fetched again."""

    __tablename__ = "page"
    __table_args__ = (Index("ix_page_source_outcome", "source", "outcome"),)
    url_key: str = Field(primary_key=True)
    url: str = Field(sa_type=Text)
    source: str
    found_in: str = Field(default="", sa_type=Text)
    outcome: str
    reason: str
    times_seen: int = 1
    attempts: int = 0
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = None
    payload_sha256: str | None = None
    capture_id: int | None = Field(default=None, sa_type=BigInteger)
    record_url: str | None = Field(default=None, sa_type=Text)
    run_id: str
    first_seen_at: datetime = time_column()
    last_seen_at: datetime = time_column()
    hint_at: datetime | None = time_column(nullable=True)
    fetched_at: datetime | None = time_column(nullable=True)
    retry_at: datetime | None = time_column(nullable=True)


class Endpoint(StoreTable, table=True):
    """One feed, sitemap or listing page: its validators, and when it is asked next."""

    __tablename__ = "endpoint"
    url: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(index=True)
    kind: str
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = None
    payload_sha256: str | None = None
    status: int | None = None
    reason: str = ""
    failures: int = 0
    links: int = 0
    checked_at: datetime = time_column()
    changed_at: datetime | None = time_column(nullable=True)
    next_check_at: datetime | None = time_column(nullable=True)


class SourceState(StoreTable, table=True):
    """When a source was polled last, when it is due again, and why then."""

    __tablename__ = "source_state"
    name: str = Field(primary_key=True)
    failures: int = 0
    reason: str = ""
    budget_day: str = ""
    requests_today: int = 0
    polled_at: datetime | None = time_column(nullable=True)
    next_poll_at: datetime | None = time_column(nullable=True)
    new_at: datetime | None = time_column(nullable=True)


APPEND_ONLY = ("version", "revision", "capture", "outcome")


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model: bulk rows go through Core, five times faster than the session."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]


__all__ = [
    "APPEND_ONLY",
    "SCHEMA_VERSION",
    "Capture",
    "Endpoint",
    "IngestRun",
    "Meta",
    "Outcome",
    "Page",
    "Revision",
    "RunSource",
    "SourceState",
    "Version",
    "metadata",
    "table_of",
]
