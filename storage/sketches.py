"""Sketches of texts in the database: the source of truth from which the segments are made.

A sketch is written in the transaction that writes its revision. Tombstones have none, and a purge deletes
those of the texts that it erases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from parsers.shingles import ALGORITHM, NO_KEYS, Keys, from_bytes, to_bytes
from storage.bulk import insert_rows
from storage.tables import Sketch, table_of

_BATCH = 10_000
COLUMNS = ("revision_id", "algorithm", "data")


def write_sketches(connection: Connection, sketches: Sequence[tuple[int, Keys]]) -> None:
    """Write the sketches of new revisions."""
    rows = [(revision_id, ALGORITHM, to_bytes(keys)) for revision_id, keys in sketches]
    insert_rows(connection, table_of(Sketch), COLUMNS, rows)


def read_sketches(connection: Connection, after: int, last: int) -> Iterator[tuple[int, list[Keys]]]:
    """The sketches of the revisions beyond `after` up to `last`, in batches: the first id, one for each.

    A revision without a sketch of today's algorithm has an empty one.
    """
    table = table_of(Sketch)
    while after < last:
        end = min(after + _BATCH, last)
        query = select(table.c.revision_id, table.c.data).where(
            table.c.revision_id > after, table.c.revision_id <= end, table.c.algorithm == ALGORITHM
        )
        batch = [NO_KEYS] * (end - after)
        for revision_id, data in connection.execute(query):
            batch[revision_id - after - 1] = from_bytes(bytes(data))
        yield after + 1, batch
        after = end
