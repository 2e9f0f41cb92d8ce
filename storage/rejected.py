"""The pages that were rejected and still are: what `khotin rejects` lists and reads again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from parsers.urls import url_key
from storage.ledger import Ending
from storage.ledger_rows import CHUNK
from storage.tables import Outcome, Page, table_of

TAKEN_OUT = "retracted"
"""The reason of pages that a person took out of the corpus: never read again."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A page whose last end was a rejection. `capture_id`: its raw page, None if it was never fetched.

    `record_url` is the document that an earlier look at the page gave.
    """

    url: str
    source: str
    reason: str
    detail: str
    found_in: str
    status: int | None
    capture_id: int | None
    at: datetime
    record_url: str | None


def read_rejected(
    connection: Connection,
    *,
    source: str | None = None,
    reason: str | None = None,
    since: datetime | None = None,
    urls: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Rejected]:
    """The rejected pages that fit all that is asked, newest first; `urls` None: whatever their address."""
    if urls is None:
        return _read(connection, source, reason, since, None, limit)
    found: list[Rejected] = []
    keys = [url_key(url) for url in dict.fromkeys(urls)]
    for start in range(0, len(keys), CHUNK):
        found.extend(_read(connection, source, reason, since, keys[start : start + CHUNK], None))
    return found[:limit]


def _read(
    connection: Connection,
    source: str | None,
    reason: str | None,
    since: datetime | None,
    keys: Sequence[str] | None,
    limit: int | None,
) -> list[Rejected]:
    page, outcome = table_of(Page), table_of(Outcome)
    # The last row with the page's own reason: a later one may be of its document, which was read again.
    last = (
        select(func.max(outcome.c.id))
        .where(
            outcome.c.url_key == page.c.url_key,
            outcome.c.source == page.c.source,
            outcome.c.outcome == page.c.outcome,
            outcome.c.reason == page.c.reason,
        )
        .correlate(page)
        .scalar_subquery()
    )
    columns = (
        page.c.url, page.c.source, page.c.reason, outcome.c.detail, page.c.found_in, outcome.c.status,
        outcome.c.capture_id, outcome.c.at, page.c.record_url,
    )  # fmt: skip
    query = select(*columns).select_from(page.join(outcome, and_(outcome.c.id == last)))
    query = query.where(page.c.outcome == Ending.REJECTED.value)
    if source is not None:
        query = query.where(page.c.source == source)
    if reason is not None:
        query = query.where(page.c.reason == reason)
    if since is not None:
        query = query.where(outcome.c.at >= since)
    if keys is not None:
        query = query.where(page.c.url_key.in_(keys))
    rows = connection.execute(query.order_by(outcome.c.at.desc(), outcome.c.id.desc()).limit(limit))
    return [Rejected(*row) for row in rows]


def count_rejected(connection: Connection) -> dict[tuple[str, str], int]:
    """How many pages are rejected, by source and reason."""
    page = table_of(Page)
    query = select(page.c.source, page.c.reason, func.count()).where(page.c.outcome == Ending.REJECTED.value)
    rows = connection.execute(query.group_by(page.c.source, page.c.reason))
    return {(source, reason): count for source, reason, count in rows}
