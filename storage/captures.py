"""The index of the raw archive: rows that say where each fetched page stands.

Captures are committed batch by batch while a run is under way, after their bytes were synced. So a run that
is killed leaves pages that the next run takes up instead of asking the site again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from parsers.urls import url_key
from storage.archive import Location, Payload
from storage.bulk import insert_rows
from storage.hashing import capture_hash
from storage.tables import Capture, IngestRun, micros, table_of


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """One row of the index; `url` is the address that was asked for, `final_url` the one that answered."""

    id: int
    source: str
    kind: str
    url: str
    final_url: str
    status: int
    content_type: str | None
    etag: str | None
    last_modified: str | None
    payload_sha256: str
    payload_length: int
    file: str
    offset: int
    length: int
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Captured:
    """What goes into the index together with a payload's location."""

    source: str
    kind: str
    url: str
    payload: Payload
    etag: str | None = None
    last_modified: str | None = None
    robots_rule: str | None = None


HASHED_COLUMNS = (
    "run_id",
    "source",
    "kind",
    "url",
    "final_url",
    "status",
    "content_type",
    "etag",
    "last_modified",
    "payload_sha256",
    "payload_length",
    "file",
    "offset",
    "length",
    "robots_rule",
    "fetched_at",
)
"""What `row_sha256` covers, in its frozen order; `url_key` follows from `url`."""

_COLUMNS = ("id", *HASHED_COLUMNS, "url_key", "row_sha256")


def write_captures(
    connection: Connection, run_id: str, captured: Sequence[tuple[Captured, Location]]
) -> list[int]:
    """Write index rows inside the caller's write transaction and give their ids, in order."""
    table = table_of(Capture)
    # The write lock is held, so the next ids are ours; a sequence of the database would leave gaps.
    first = (connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
    rows = [_row(first + n, run_id, item, place) for n, (item, place) in enumerate(captured)]
    insert_rows(connection, table, _COLUMNS, rows)
    return [row[0] for row in rows]


def _row(capture_id: int, run_id: str, item: Captured, place: Location) -> tuple[Any, ...]:
    payload = item.payload
    before = (
        run_id,
        item.source,
        item.kind,
        item.url,
        payload.url,
        payload.status,
        payload.content_type,
        item.etag,
        item.last_modified,
        place.payload_sha256,
        place.payload_length,
        place.file,
        place.offset,
        place.length,
        item.robots_rule,
    )
    row_sha256 = capture_hash((*before, micros(payload.fetched_at)))
    return capture_id, *before, payload.fetched_at, url_key(item.url), row_sha256


def read_captures(connection: Connection, ids: Sequence[int]) -> dict[int, CaptureRow]:
    """Rows of the index, by id."""
    table = table_of(Capture)
    names = CaptureRow.__slots__
    query = select(*(table.c[name] for name in names)).where(table.c.id.in_(ids))
    return {row.id: CaptureRow(*row) for row in connection.execute(query)}


def read_kept(connection: Connection, url: str, payload_sha256: str) -> int | None:
    """The newest capture of an address with such a body, if there is one."""
    table = table_of(Capture)
    query = select(func.max(table.c.id)).where(
        table.c.url_key == url_key(url), table.c.url == url, table.c.payload_sha256 == payload_sha256
    )
    found: int | None = connection.execute(query).scalar()
    return found


def read_left_over(connection: Connection, source: str, since: datetime) -> dict[str, CaptureRow]:
    """Pages that runs which did not come to their end had fetched for a source, by URL; the newest of each.

    A run that is still under way counts too: if it is alive, both runs offer the page and the commit of the
    second finds it unchanged.
    """
    capture, run = table_of(Capture), table_of(IngestRun)
    names = CaptureRow.__slots__
    open_runs = select(run.c.run_id).where(run.c.started_at >= since, run.c.state.in_(("running", "failed")))
    # The few run ids first: by them the captures are found through their index.
    run_ids = list(connection.execute(open_runs).scalars())
    query = (
        select(*(capture.c[name] for name in names))
        .where(capture.c.run_id.in_(run_ids), capture.c.source == source, capture.c.kind == "page")
        .order_by(capture.c.id)
    )
    return {row.url: CaptureRow(*row) for row in connection.execute(query)}
