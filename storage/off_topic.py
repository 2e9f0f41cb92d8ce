"""The pages that sources left out because they match none of their topics: what was judged, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from parsers.closeness import STEPS
from parsers.topics import OFF_TOPIC
from parsers.urls import url_key
from storage.bulk import insert_rows
from storage.ledger_rows import CHUNK
from storage.tables import OffTopic, Page, table_of

TOLD, READ = "told", "read"
"""The two stages: title and lead as they were told of a page, and the page itself."""

_COLUMNS = (
    "run_id", "source", "url_key", "url", "topics", "stage", "title", "lead", "score", "model_id", "at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A page that was off-topic. `topics`: names and versions of the topics that said so.

    `score` is the closeness (0 to 1) of what was judged, None where no model was there.
    """

    url: str
    source: str
    topics: str
    stage: str
    title: str | None = None
    lead: str | None = None
    score: float | None = None
    model_id: int | None = None


def write_left_out(connection: Connection, run_id: str, rows: Sequence[LeftOut], now: datetime) -> None:
    """Record what a run left out."""
    values = [
        (
            run_id, row.source, url_key(row.url), row.url, row.topics, row.stage, row.title, row.lead,
            None if row.score is None else round(row.score * STEPS), row.model_id, now,
        )
        for row in rows
    ]  # fmt: skip
    insert_rows(connection, table_of(OffTopic), _COLUMNS, values)


def read_left_out(connection: Connection, source: str, urls: Sequence[str]) -> dict[str, LeftOut]:
    """What a source last said of those of the URLs that it left out, by URL."""
    table = table_of(OffTopic)
    found: dict[str, LeftOut] = {}
    keys = [url_key(url) for url in urls]
    for start in range(0, len(keys), CHUNK):
        newest = (
            select(func.max(table.c.id))
            .where(table.c.source == source, table.c.url_key.in_(keys[start : start + CHUNK]))
            .group_by(table.c.url_key)
        )
        for row in connection.execute(select(table).where(table.c.id.in_(newest))):
            found[row.url] = _row(row)
    return found


def all_left_out(connection: Connection, url: str) -> tuple[LeftOut, ...]:
    """Each time that any source left a page out, the oldest first."""
    table = table_of(OffTopic)
    query = select(table).where(table.c.url_key == url_key(url)).order_by(table.c.id)
    return tuple(_row(row) for row in connection.execute(query))


def _row(row: Any) -> LeftOut:
    score = None if row.score is None else row.score / STEPS
    return LeftOut(row.url, row.source, row.topics, row.stage, row.title, row.lead, score, row.model_id)


def look_again(connection: Connection, source: str, urls: Sequence[str], now: datetime) -> int:
    """Let the next run fetch pages that are off-topic, whatever was told of them; gives how many."""
    page = table_of(Page)
    keys = [url_key(url) for url in urls]
    changed = 0
    for start in range(0, len(keys), CHUNK):
        # Without its validators: a page that has not changed must come whole.
        statement = (
            update(page)
            .where(
                page.c.source == source,
                page.c.reason == OFF_TOPIC,
                page.c.url_key.in_(keys[start : start + CHUNK]),
            )
            .values(retry_at=now, etag=None, last_modified=None)
        )
        changed += connection.execute(statement).rowcount
    return changed
