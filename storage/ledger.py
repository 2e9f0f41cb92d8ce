"""The ledger: how every URL of a run ended, and the sum that must hold.

Per source and run: discovered = stored + revised + duplicate + rejected + unchanged + deferred + failed.
A URL that was met again and not asked for only counts (`Page.times_seen`); every other end is a row of
`outcome`, for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from parsers.urls import url_key, url_key_bytes
from storage.bulk import Row, among, insert_stored
from storage.tables import Endpoint, Outcome, Page, SourceState, micros, table_of

# SQLite allows 32,766 bound values in a statement, PostgreSQL 65,535.
CHUNK = 500


class Ending(StrEnum):
    """How a URL ends in a run; the seven codes are stable and make up the sum."""

    STORED = "stored"
    REVISED = "revised"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"
    DEFERRED = "deferred"
    FAILED = "failed"


_ARTICLES = frozenset({Ending.STORED, Ending.REVISED, Ending.DUPLICATE, Ending.UNCHANGED})


@dataclass(frozen=True, slots=True)
class Met:
    """One URL met in a run: where it was found and, if it was fetched, what came back.

    `hint_at` and `published_hint_at` are the times of last change and of publication as feeds and sitemaps
    told them. `seen` is False where nobody looked at the site (a reparse of the archive): the ledger gets its
    row, but what is known of the page stays as it is. `look_at`: when the page is looked at again if it holds
    an article. `article_id`: the site's own number of the article, if its address shows one.
    """

    url: str
    found_in: str
    hint_at: datetime | None = None
    published_hint_at: datetime | None = None
    status: int | None = None
    capture_id: int | None = None
    fetched_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    payload_sha256: str | None = None
    seen: bool = True
    look_at: datetime | None = None
    article_id: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How one URL ended. `retry_at`: when it is looked at again although nobody says that it changed.

    `skipped`: it was known and nothing was asked, so that no row is written for it.
    """

    met: Met
    ending: Ending
    reason: str
    detail: str = ""
    retry_at: datetime | None = None
    record_url: str | None = None
    revision_id: int | None = None
    partner_url: str | None = None
    partner_revision_id: int | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """The sum of one source in one run."""

    stored: int = 0
    revised: int = 0
    duplicate: int = 0
    rejected: int = 0
    unchanged: int = 0
    deferred: int = 0
    failed: int = 0

    @property
    def discovered(self) -> int:
        return (
            self.stored
            + self.revised
            + self.duplicate
            + self.rejected
            + self.unchanged
            + self.deferred
            + self.failed
        )

    @staticmethod
    def of(ends: Iterable[End]) -> Counts:
        tally = dict.fromkeys(Ending, 0)
        for end in ends:
            tally[end.ending] += 1
        return Counts(**{ending.value: number for ending, number in tally.items()})

    def as_dict(self) -> dict[str, int]:
        return {"discovered": self.discovered, **{e.value: getattr(self, e.value) for e in Ending}}


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What is known of one feed, sitemap or listing page after a look at it."""

    url: str
    source: str
    kind: str
    checked_at: datetime
    answered_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    payload_sha256: str | None = None
    status: int | None = None
    reason: str = ""
    failures: int = 0
    links: int = 0
    changed_at: datetime | None = None
    next_check_at: datetime | None = None
    why: str = ""
    idle: int = 0
    ttl_minutes: int | None = None
    skip_hours: tuple[str, ...] = ()
    skip_days: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    gap_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourcePoll:
    """When a source was polled, when it is due again and why then (a code, and in words), and its rhythm."""

    name: str
    polled_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    reason: str = ""
    budget_day: str = ""
    requests_today: int = 0
    why: str = ""
    rhythm: str = ""


@dataclass(frozen=True, slots=True)
class PageState:
    """What is known of one URL from earlier runs."""

    url: str
    found_in: str
    ending: Ending
    reason: str
    attempts: int
    hint_at: datetime | None
    published_hint_at: datetime | None
    retry_at: datetime | None
    fetched_at: datetime | None
    etag: str | None
    last_modified: str | None
    payload_sha256: str | None
    record_url: str | None
    first_seen_at: datetime | None = None
    look_at: datetime | None = None
    article_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceTally:
    """What one source gave in one run, as the run's table shows it."""

    source: str
    counts: Counts
    requests: int = 0
    not_modified: int = 0
    wire_bytes: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, or overwrite those with the same primary key."""
    if not rows:
        return
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = make(table)
    primary = {column.name for column in table.primary_key}
    changes = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in primary
    }
    statement = statement.on_conflict_do_update(index_elements=sorted(primary), set_=changes)
    connection.execute(statement, [dict(row) for row in rows])


_OUTCOME_COLUMNS = (
    "run_id", "source", "url_key", "url", "found_in", "outcome", "reason", "detail", "status", "capture_id",
    "revision_id", "partner_url", "partner_revision_id", "at",
)  # fmt: skip
_PAGE_COLUMNS = (
    "url_key", "source", "url", "found_in", "outcome", "reason", "times_seen", "attempts", "etag",
    "last_modified", "payload_sha256", "capture_id", "record_url", "run_id", "first_seen_at", "last_seen_at",
    "hint_at", "published_hint_at", "fetched_at", "retry_at", "look_at", "article_id",
)  # fmt: skip
# A look that failed must not forget the validators of the last one that did not; to be put off is neither one
# more failure nor a success.
_PAGE_AGAIN = """ON CONFLICT (url_key, source) DO UPDATE SET
    url = excluded.url, found_in = excluded.found_in, outcome = excluded.outcome, reason = excluded.reason,
    times_seen = page.times_seen + 1,
    attempts = CASE WHEN excluded.outcome = 'deferred' THEN page.attempts
        WHEN excluded.attempts > 0 THEN page.attempts + 1 ELSE 0 END,
    etag = CASE WHEN excluded.fetched_at IS NOT NULL THEN excluded.etag ELSE page.etag END,
    last_modified = CASE WHEN excluded.fetched_at IS NOT NULL THEN excluded.last_modified
        ELSE page.last_modified END,
    payload_sha256 = CASE WHEN excluded.fetched_at IS NOT NULL THEN excluded.payload_sha256
        ELSE page.payload_sha256 END,
    capture_id = coalesce(excluded.capture_id, page.capture_id),
    record_url = coalesce(excluded.record_url, page.record_url),
    run_id = excluded.run_id, last_seen_at = excluded.last_seen_at,
    hint_at = coalesce(excluded.hint_at, page.hint_at),
    published_hint_at = coalesce(excluded.published_hint_at, page.published_hint_at),
    fetched_at = coalesce(excluded.fetched_at, page.fetched_at), retry_at = excluded.retry_at,
    look_at = excluded.look_at, article_id = coalesce(excluded.article_id, page.article_id)"""
_PAGE_SEEN = "UPDATE page SET times_seen = times_seen + 1, last_seen_at = ? WHERE source = ? AND url_key {}"


def write_ends(connection: Connection, run_id: str, ends: Mapping[str, Sequence[End]], now: datetime) -> None:
    """Write the ends of each source: ledger rows, and the state of each page."""
    outcomes: list[Row] = []
    pages: list[Row] = []
    at = micros(now)
    for source, told in ends.items():
        skipped = []
        for end in told:
            met = end.met
            key = url_key_bytes(met.url)
            if end.skipped:
                skipped.append(key)
                continue
            outcomes.append((
                run_id, source, key, met.url, met.found_in, end.ending.value, end.reason, end.detail,
                met.status, met.capture_id, end.revision_id, end.partner_url, end.partner_revision_id, at,
            ))  # fmt: skip
            if met.seen:
                pages.append(_page_row(run_id, source, key, end, at))
        for start in range(0, len(skipped), CHUNK):
            among(connection, _PAGE_SEEN, skipped[start : start + CHUNK], values=(at, source))
    insert_stored(connection, table_of(Outcome), _OUTCOME_COLUMNS, outcomes)
    insert_stored(connection, table_of(Page), _PAGE_COLUMNS, pages, _PAGE_AGAIN)


def _page_row(run_id: str, source: str, key: bytes, end: End, at: int) -> Row:
    met = end.met
    read = end.ending not in (Ending.FAILED, Ending.DEFERRED)
    attempts = int(end.ending is Ending.FAILED or end.retry_at is not None)
    payload = None if met.payload_sha256 is None else bytes.fromhex(met.payload_sha256)
    return (
        key, source, met.url, met.found_in, end.ending.value, end.reason, 1, attempts, met.etag,
        met.last_modified, payload, met.capture_id, end.record_url, run_id, at, at, _micros(met.hint_at),
        _micros(met.published_hint_at), _micros(met.fetched_at) if read else None, _micros(end.retry_at),
        _micros(met.look_at) if end.ending in _ARTICLES else None, met.article_id,
    )  # fmt: skip


def _micros(time: datetime | None) -> int | None:
    return None if time is None else micros(time)


def write_endpoints(connection: Connection, states: Sequence[EndpointState]) -> None:
    """Write what is known of feeds, sitemaps and listings: after the entries they vouch for."""
    rows = [{name: getattr(state, name) for name in EndpointState.__slots__} for state in states]
    upsert(connection, table_of(Endpoint), rows)


def write_polls(connection: Connection, polls: Sequence[SourcePoll]) -> None:
    """Write when sources were polled and when they are due again."""
    rows = [{name: getattr(poll, name) for name in SourcePoll.__slots__} for poll in polls]
    upsert(connection, table_of(SourceState), rows)


def read_pages(connection: Connection, source: str, urls: Sequence[str]) -> dict[str, PageState]:
    """What a source knows of those of the URLs that it met before, by URL."""
    table = table_of(Page)
    found: dict[str, PageState] = {}
    keys = [url_key(url) for url in urls]
    for start in range(0, len(keys), CHUNK):
        query = select(table).where(
            table.c.source == source, table.c.url_key.in_(keys[start : start + CHUNK])
        )
        for row in connection.execute(query).mappings():
            found[row["url"]] = _page_state(row)
    return found


def read_pending(
    connection: Connection, source: str, now: datetime, longest_wait: timedelta
) -> list[PageState]:
    """The URLs of a source that were put off, or wait for another look, and are due.

    They must be looked for here: a feed that answers 304, or has moved on, never names them again. A wait
    beyond `longest_wait` was set by a clock that ran ahead and is over.
    """
    table = table_of(Page)
    query = select(table).where(
        table.c.source == source,
        or_(
            table.c.retry_at <= now,
            table.c.retry_at > now + longest_wait,
            and_(table.c.outcome == Ending.DEFERRED.value, table.c.retry_at.is_(None)),
        ),
    )
    return [_page_state(row) for row in connection.execute(query).mappings()]


def read_looks(
    connection: Connection, source: str, now: datetime, longest_wait: timedelta, limit: int
) -> list[PageState]:
    """The articles of a source whose time for another look has come, longest due first, at most `limit`.

    Those of which their site told when they changed are left out: it will tell again.
    """
    table = table_of(Page)
    due = or_(table.c.look_at <= now, table.c.look_at > now + longest_wait)
    query = select(table).where(table.c.source == source, due, table.c.hint_at.is_(None))
    rows = connection.execute(query.order_by(table.c.look_at).limit(limit)).mappings()
    return [_page_state(row) for row in rows]


def read_next_retry(
    connection: Connection, source: str, now: datetime, longest_wait: timedelta
) -> datetime | None:
    """When the next page of a source is to be tried again after `now`; None if none waits."""
    table = table_of(Page)
    query = select(func.min(table.c.retry_at)).where(
        table.c.source == source, table.c.retry_at > now, table.c.retry_at <= now + longest_wait
    )
    found: datetime | None = connection.execute(query).scalar()
    return found


def read_by_article_id(
    connection: Connection, source: str, article_ids: Sequence[str]
) -> dict[str, list[PageState]]:
    """The pages of a source that gave a document, by the site's own number of the article."""
    table = table_of(Page)
    found: dict[str, list[PageState]] = {}
    for start in range(0, len(article_ids), CHUNK):
        query = select(table).where(
            table.c.source == source,
            table.c.article_id.in_(article_ids[start : start + CHUNK]),
            table.c.record_url.is_not(None),
        )
        for row in connection.execute(query.order_by(table.c.first_seen_at, table.c.url)).mappings():
            found.setdefault(row["article_id"], []).append(_page_state(row))
    return found


def _page_state(row: RowMapping) -> PageState:
    values = {name: row[name] for name in PageState.__slots__ if name != "ending"}
    return PageState(ending=Ending(row["outcome"]), **values)


def read_endpoints(connection: Connection, source: str) -> dict[str, EndpointState]:
    """What is known of the feeds, sitemaps and listings of a source, by URL."""
    table = table_of(Endpoint)
    rows = connection.execute(select(table).where(table.c.source == source)).mappings()
    return {row["url"]: _endpoint_state(row) for row in rows}


def read_all_endpoints(connection: Connection) -> list[EndpointState]:
    """What is known of the feeds, sitemaps and listings of all sources, by source and URL."""
    table = table_of(Endpoint)
    rows = connection.execute(select(table).order_by(table.c.source, table.c.url)).mappings()
    return [_endpoint_state(row) for row in rows]


def _endpoint_state(row: RowMapping) -> EndpointState:
    lists = {name: tuple(row[name]) for name in ("skip_hours", "skip_days", "recent")}
    return EndpointState(**{**row, **lists})


def read_polls(connection: Connection, source: str | None = None) -> dict[str, SourcePoll]:
    """When a source, or each of all, was polled last, by name."""
    table = table_of(SourceState)
    query = select(table) if source is None else select(table).where(table.c.name == source)
    rows = connection.execute(query).mappings()
    return {row["name"]: SourcePoll(**row) for row in rows}
