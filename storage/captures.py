"""The index of the raw archive: rows that say where each fetched page stands.

Captures are committed batch by batch while a run is under way, after their bytes were synced. So a run that
is killed leaves pages that the next run takes up instead of asking the site again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from parsers.urls import url_key
from storage.archive import Location, Payload
from storage.tables import Capture, IngestRun, table_of


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


def write_captures(
    connection: Connection, run_id: str, captured: Sequence[tuple[Captured, Location]]
) -> list[int]:
    """Write index rows and give their ids, in order."""
    table = table_of(Capture)
    ids: list[int] = []
    for item, place in captured:
        result = connection.execute(
            insert(table).values(
                run_id=run_id,
                source=item.source,
                kind=item.kind,
                url=item.url,
                url_key=url_key(item.url),
                final_url=item.payload.url,
                status=item.payload.status,
                content_type=item.payload.content_type,
                etag=item.etag,
                last_modified=item.last_modified,
                robots_rule=item.robots_rule,
                fetched_at=item.payload.fetched_at,
                file=place.file,
                offset=place.offset,
                length=place.length,
                payload_sha256=place.payload_sha256,
                payload_length=place.payload_length,
            )
        )
        primary = result.inserted_primary_key
        ids.append(int(primary[0]) if primary else 0)
    return ids


def read_captures(connection: Connection, ids: Sequence[int]) -> dict[int, CaptureRow]:
    """Rows of the index, by id."""
    table = table_of(Capture)
    names = CaptureRow.__slots__
    query = select(*(table.c[name] for name in names)).where(table.c.id.in_(ids))
    return {row.id: CaptureRow(*row) for row in connection.execute(query)}


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
