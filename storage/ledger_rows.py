"""Rows of the ledger and of the memory of the flows: written at the end of a run, read by the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from parsers.urls import url_key, url_key_bytes
from storage.bulk import Row, among, insert_stored
from storage.ledger import End, Ending, EndpointState, PageState, SourcePoll
from storage.tables import Endpoint, Outcome, Page, SourceState, micros, table_of

# SQLite allows 32,766 bound values in a statement, PostgreSQL 65,535.
CHUNK = 500

_ARTICLES = frozenset({Ending.STORED, Ending.REVISED, Ending.DUPLICATE, Ending.UNCHANGED})


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
