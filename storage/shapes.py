"""What pages were like, by run: one small row for each source, parser and version of a run.

Only the newest rows are kept, and those of runs with a drift apart from the others: however long a drift
stays open, what came before it is there to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from storage.tables import PageShape, table_of

KEPT_ROWS = 200
"""Rows that are kept of one parser and version on a source: of those with a drift, and of the others."""


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """The counts of one run, as flows/shapes.py writes them; `drift` says what was wrong, if anything."""

    source: str
    parser: str
    parser_version: str
    run_id: str
    at: datetime
    pages: int
    counts: str
    drift: str = ""


def write_shapes(connection: Connection, rows: Sequence[ShapeRow]) -> None:
    """Add the rows of a run, and drop the oldest beyond `KEPT_ROWS`. To be called under the write lock."""
    table = table_of(PageShape)
    if not rows:
        return
    connection.execute(
        insert(table), [{name: getattr(row, name) for name in ShapeRow.__slots__} for row in rows]
    )
    for row in rows:
        same = (
            table.c.source == row.source,
            table.c.parser == row.parser,
            table.c.parser_version == row.parser_version,
            table.c.drift != "" if row.drift else table.c.drift == "",
        )
        newest_first = select(table.c.run_id).where(*same).order_by(table.c.at.desc(), table.c.run_id.desc())
        old = list(connection.execute(newest_first.offset(KEPT_ROWS)).scalars())
        if old:
            connection.execute(delete(table).where(*same, table.c.run_id.in_(old)))


def forget_shapes(connection: Connection, source: str, *, drifted_only: bool) -> None:
    """Drop the rows of a source: all, or those with a drift. To be called under the write lock."""
    table = table_of(PageShape)
    statement = delete(table).where(table.c.source == source)
    connection.execute(statement.where(table.c.drift != "") if drifted_only else statement)


def read_shapes(connection: Connection, source: str | None = None) -> list[ShapeRow]:
    """The rows of a source, or of all, newest first."""
    table = table_of(PageShape)
    query = select(table).order_by(table.c.at.desc(), table.c.run_id.desc(), table.c.parser)
    if source is not None:
        query = query.where(table.c.source == source)
    return [ShapeRow(**row) for row in connection.execute(query).mappings()]
