"""Tables of the working memory of the flows: runs, and what was seen, asked and decided last."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text
from sqlalchemy import text as sql_text
from sqlmodel import Field

from storage.columns import StoreTable, TextList, digest_column, time_column


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
    problems: list[str] = Field(default_factory=list, sa_type=TextList)
    notes: list[str] = Field(default_factory=list, sa_type=TextList)


class Page(StoreTable, table=True):
    """What one source knows of one URL: the working memory that decides whether it is fetched again.

    The same URL may be an article of one source and only be mentioned by another. `hint_at` and
    `published_hint_at` are what feeds and sitemaps told of its last change and its publication. `retry_at`
    follows a failure; `look_at` is when an article that was read is looked at again. `article_id` is the
    site's own number of the article, which stays when its address changes.
    """

    __tablename__ = "page"
    __table_args__ = (
        Index("ix_page_source_outcome", "source", "outcome"),
        Index(
            "ix_page_source_retry_at",
            "source",
            "retry_at",
            sqlite_where=sql_text("retry_at IS NOT NULL"),
            postgresql_where=sql_text("retry_at IS NOT NULL"),
        ),
        Index(
            "ix_page_source_look_at",
            "source",
            "look_at",
            sqlite_where=sql_text("look_at IS NOT NULL"),
            postgresql_where=sql_text("look_at IS NOT NULL"),
        ),
        Index(
            "ix_page_source_article_id",
            "source",
            "article_id",
            sqlite_where=sql_text("article_id IS NOT NULL"),
            postgresql_where=sql_text("article_id IS NOT NULL"),
        ),
    )
    # The URL first: `khotin why` asks for it in all sources.
    url_key: str = digest_column(primary_key=True)
    source: str = Field(primary_key=True)
    url: str = Field(sa_type=Text)
    found_in: str = Field(default="", sa_type=Text)
    outcome: str
    reason: str
    times_seen: int = 1
    attempts: int = 0
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = None
    payload_sha256: str | None = digest_column(nullable=True)
    capture_id: int | None = Field(default=None, sa_type=BigInteger)
    record_url: str | None = Field(default=None, sa_type=Text)
    article_id: str | None = Field(default=None, sa_type=Text)
    run_id: str
    first_seen_at: datetime = time_column()
    last_seen_at: datetime = time_column()
    hint_at: datetime | None = time_column(nullable=True)
    published_hint_at: datetime | None = time_column(nullable=True)
    fetched_at: datetime | None = time_column(nullable=True)
    retry_at: datetime | None = time_column(nullable=True)
    look_at: datetime | None = time_column(nullable=True)


class Endpoint(StoreTable, table=True):
    """One feed, sitemap, listing page or robots.txt: its validators, when it is asked next and why then.

    `recent` are keys of the items of the last answer, at most some dozens; `idle` counts the answers in a row
    that brought nothing new; `gap_since` is the last answer before a gap that was not looked into yet.
    `ttl_minutes`, `skip_hours` (0 to 23, UTC) and `skip_days` (English, lower-case) are what a feed asks for.
    """

    __tablename__ = "endpoint"
    url: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(index=True)
    kind: str
    etag: str | None = Field(default=None, sa_type=Text)
    last_modified: str | None = None
    payload_sha256: str | None = digest_column(nullable=True)
    status: int | None = None
    reason: str = ""
    failures: int = 0
    links: int = 0
    checked_at: datetime = time_column()
    answered_at: datetime | None = time_column(nullable=True)
    changed_at: datetime | None = time_column(nullable=True)
    next_check_at: datetime | None = time_column(nullable=True)
    why: str = Field(default="", sa_type=Text)
    idle: int = 0
    ttl_minutes: int | None = None
    skip_hours: list[str] = Field(default_factory=list, sa_type=TextList)
    skip_days: list[str] = Field(default_factory=list, sa_type=TextList)
    recent: list[str] = Field(default_factory=list, sa_type=TextList)
    gap_since: datetime | None = time_column(nullable=True)


class Host(StoreTable, table=True):
    """How every process must spare a host: not asked before `free_at`, left alone until `held_until`."""

    __tablename__ = "host"
    name: str = Field(primary_key=True)
    free_at: datetime | None = time_column(nullable=True)
    held_until: datetime | None = time_column(nullable=True)


class SourceState(StoreTable, table=True):
    """When a source was polled last, when it is due again and why then, and its rhythm (flows/rhythm.py)."""

    __tablename__ = "source_state"
    name: str = Field(primary_key=True)
    failures: int = 0
    reason: str = ""
    why: str = Field(default="", sa_type=Text)
    rhythm: str = Field(default="", sa_type=Text)
    budget_day: str = ""
    requests_today: int = 0
    polled_at: datetime | None = time_column(nullable=True)
    next_poll_at: datetime | None = time_column(nullable=True)


class PageShape(StoreTable, table=True):
    """What the pages of one run were like to one parser: counts (flows/shapes.py), and any drift in them."""

    __tablename__ = "page_shape"
    source: str = Field(primary_key=True)
    parser: str = Field(primary_key=True)
    parser_version: str = Field(primary_key=True)
    run_id: str = Field(primary_key=True)
    at: datetime = time_column()
    pages: int
    counts: str = Field(sa_type=Text)
    drift: str = Field(default="", sa_type=Text)
