"""Rows straight from the driver, in batches by id: the fastest way through a table, and one that goes on.

A batch that the database cannot give out (a broken page, text that is not UTF-8) is read again row by row;
the rows that fail are told, the others are given. No types of SQLAlchemy take part: times are microseconds,
hashes bytes, lists JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from parsers.errors import StoreError
from storage.faults import driver_errors
from storage.findings import Findings

BATCH = 1_000
SQLITE_BATCH = 100
"""Rows that are worked on while they still lie in the processor's cache."""
GIVE_UP_AFTER = 50
"""So many batches in a row without one readable row, and the rest of the table is told as unreadable."""

Row = tuple[Any, ...]
_LOWEST = -(2**63)


class Rows:
    """Reads through the driver's own cursor inside the caller's transaction."""

    def __init__(self, connection: Connection, findings: Findings) -> None:
        self.dialect = connection.dialect.name
        self._dbapi = connection.dialect.loaded_dbapi
        self._driver: Any = connection.connection.driver_connection
        self._findings = findings
        self.unreadable: dict[str, set[int]] = {}

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows of a small query, written with `?`. Raises errors of the driver; later queries still work."""
        if self.dialect == "sqlite":
            rows: list[Row] = self._driver.execute(statement, values).fetchall()
            return rows
        # On PostgreSQL a failed statement would take the whole transaction along.
        try:
            with self._driver.transaction(), self._driver.cursor(binary=True) as cursor:
                return list(cursor.execute(statement.replace("?", "%s"), values).fetchall())
        except self._dbapi.OperationalError as error:
            if self._driver.closed:
                raise StoreError(
                    f"the database went away: {error}",
                    reason="store-unreachable",
                    hint="check that the server runs, then verify again",
                ) from error
            raise

    def attempt(self, table: str, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Like `query`, but an error is a finding and gives no rows."""
        try:
            return self.query(statement, values)
        except driver_errors() as error:
            self._findings.add(table, "", "unreadable", first_line(error))
            return []

    def scan(self, table: str, select: str, key: str, progress: Callable[[int], None]) -> Iterator[list[Row]]:
        """All rows that `select` (without WHERE) gives, in batches by the integer `key`, its first column."""
        unreadable = self.unreadable.setdefault(table, set())
        row_query = f"{select} WHERE {key} = ?"
        position, failed = _LOWEST, 0
        while failed < GIVE_UP_AFTER:
            try:
                for rows in self._batches(f"{select} WHERE {key} > ? ORDER BY {key}", position):
                    position, failed = rows[-1][0], 0
                    yield rows
                    progress(len(rows))
                return
            except driver_errors() as error:
                start = max(position, 0)
                position = start + BATCH
                rows, lost = self._one_by_one(row_query, range(start + 1, position + 1))
                for row_id, reason in lost.items():
                    self._findings.add(table, row_id, "unreadable", reason)
                unreadable.update(lost)
                if not lost:  # no row is to blame, so it is the way to them: an index or an inner page
                    self._findings.add(table, f"{start + 1}-{position}", "unreadable", first_line(error))
                failed = 0 if rows else failed + 1
            if rows:
                yield rows
                progress(len(rows))
        self._findings.add(table, f"{position + 1}-", "unreadable", "the rest of the table")

    def _batches(self, statement: str, position: int) -> Iterator[list[Row]]:
        if self.dialect == "sqlite":
            cursor = self._driver.execute(statement, (position,))
            while rows := cursor.fetchmany(SQLITE_BATCH):
                yield rows
            return
        while rows := self.query(f"{statement} LIMIT {BATCH}", (position,)):
            yield rows
            position = rows[-1][0]

    def _one_by_one(self, statement: str, ids: range) -> tuple[list[Row], dict[int, str]]:
        rows: list[Row] = []
        lost: dict[int, str] = {}
        for row_id in ids:
            try:
                rows += self.query(statement, (row_id,))
            except driver_errors() as error:
                lost[row_id] = first_line(error)
        return rows, lost


def first_line(error: BaseException) -> str:
    """What a driver says, without its second thoughts."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
