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

from sqlalchemy import Connection, RowMapping, Table, and_, case, func, insert, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from parsers.urls import url_key
from storage.tables import Endpoint, Outcome, Page, SourceState, table_of

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


@dataclass(frozen=True, slots=True)
class Met:
    """One URL met in a run: where it was found and, if it was fetched, what came back.

    `hint_at` and `published_hint_at` are the times of last change and of publication as feeds and sitemaps
    told them. `seen` is False where nobody looked at the site (a reparse of the archive): the ledger gets its
    row, but what is known of the page stays as it is.
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


@dataclass(frozen=True, slots=True)
class SourcePoll:
    """When a source was polled, when it is due again, and why then."""

    name: str
    polled_at: datetime | None = None
    next_poll_at: datetime | None = None
    failures: int = 0
    reason: str = ""
    budget_day: str = ""
    requests_today: int = 0


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


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], keep: Mapping[str, Any]
) -> None:
    """Insert rows, or overwrite those with the same primary key; `keep` gives other expressions by column.

    An expression in `keep` is a function of (old column, new column).
    """
    if not rows:
        return
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = make(table)
    primary = {column.name for column in table.primary_key}
    changes = {
        column.name: keep[column.name](column, statement.excluded[column.name])
        if column.name in keep
        else statement.excluded[column.name]
        for column in table.columns
        if column.name not in primary
    }
    statement = statement.on_conflict_do_update(index_elements=sorted(primary), set_=changes)
    connection.execute(statement, [dict(row) for row in rows])


def write_ends(connection: Connection, run_id: str, source: str, ends: Sequence[End], now: datetime) -> None:
    """Write the ends of one source: ledger rows, and the state of each page."""
    asked = [end for end in ends if not end.skipped]
    if asked:
        connection.execute(
            insert(table_of(Outcome)), [_outcome_row(run_id, source, end, now) for end in asked]
        )
        _write_pages(connection, run_id, source, [end for end in asked if end.met.seen], now)
    skipped = [url_key(end.met.url) for end in ends if end.skipped]
    page = table_of(Page)
    for start in range(0, len(skipped), CHUNK):
        connection.execute(
            page.update()
            .where(page.c.source == source, page.c.url_key.in_(skipped[start : start + CHUNK]))
            .values(times_seen=page.c.times_seen + 1, last_seen_at=now)
        )


def _outcome_row(run_id: str, source: str, end: End, now: datetime) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "source": source,
        "url_key": url_key(end.met.url),
        "url": end.met.url,
        "found_in": end.met.found_in,
        "outcome": end.ending.value,
        "reason": end.reason,
        "detail": end.detail,
        "status": end.met.status,
        "capture_id": end.met.capture_id,
        "revision_id": end.revision_id,
        "partner_url": end.partner_url,
        "partner_revision_id": end.partner_revision_id,
        "at": now,
    }


def _write_pages(
    connection: Connection, run_id: str, source: str, ends: Sequence[End], now: datetime
) -> None:
    rows = []
    for end in ends:
        met = end.met
        read = end.ending not in (Ending.FAILED, Ending.DEFERRED)
        rows.append(
            {
                "url_key": url_key(met.url),
                "url": met.url,
                "source": source,
                "found_in": met.found_in,
                "outcome": end.ending.value,
                "reason": end.reason,
                "times_seen": 1,
                "attempts": int(end.ending is Ending.FAILED or end.retry_at is not None),
                "etag": met.etag,
                "last_modified": met.last_modified,
                "payload_sha256": met.payload_sha256,
                "capture_id": met.capture_id,
                "record_url": end.record_url,
                "run_id": run_id,
                "first_seen_at": now,
                "last_seen_at": now,
                "hint_at": met.hint_at,
                "published_hint_at": met.published_hint_at,
                "fetched_at": met.fetched_at if read else None,
                "retry_at": end.retry_at,
            }
        )
    table = table_of(Page)

    def if_read(old: Any, new: Any) -> Any:
        # A look that failed must not forget the validators of the last one that did not.
        excluded = new.table
        return case((excluded.c.fetched_at.is_not(None), new), else_=old)

    def old_or_new(old: Any, new: Any) -> Any:
        return func.coalesce(new, old)

    upsert(
        connection,
        table,
        rows,
        {
            "first_seen_at": lambda old, _new: old,
            "times_seen": lambda old, _new: old + 1,
            # To be put off is neither one more failure nor a success.
            "attempts": lambda old, new: case(
                (new.table.c.outcome == Ending.DEFERRED.value, old), (new > 0, old + 1), else_=0
            ),
            "etag": if_read,
            "last_modified": if_read,
            "payload_sha256": if_read,
            "capture_id": old_or_new,
            "record_url": old_or_new,
            "hint_at": old_or_new,
            "published_hint_at": old_or_new,
            "fetched_at": old_or_new,
        },
    )


def write_endpoints(connection: Connection, states: Sequence[EndpointState]) -> None:
    """Write what is known of feeds, sitemaps and listings: after the entries they vouch for."""
    rows = [{name: getattr(state, name) for name in EndpointState.__slots__} for state in states]
    upsert(connection, table_of(Endpoint), rows, {})


def write_poll(connection: Connection, poll: SourcePoll) -> None:
    """Write when a source was polled and when it is due again."""
    row = {name: getattr(poll, name) for name in SourcePoll.__slots__}
    upsert(connection, table_of(SourceState), [row], {})


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


def _page_state(row: RowMapping) -> PageState:
    values = {name: row[name] for name in PageState.__slots__ if name != "ending"}
    return PageState(ending=Ending(row["outcome"]), **values)


def read_endpoints(connection: Connection, source: str) -> dict[str, EndpointState]:
    """What is known of the feeds, sitemaps and listings of a source, by URL."""
    table = table_of(Endpoint)
    rows = connection.execute(select(table).where(table.c.source == source)).mappings()
    return {row["url"]: EndpointState(**row) for row in rows}


def read_polls(connection: Connection) -> dict[str, SourcePoll]:
    """When each source was polled last, by name."""
    rows = connection.execute(select(table_of(SourceState))).mappings()
    return {row["name"]: SourcePoll(**row) for row in rows}
