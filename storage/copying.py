"""A store copied from one database to another: from SQLite to PostgreSQL, back, or to another of its kind.

Every row of every table goes over as it stands, with its id, in batches; nothing is read into documents. So
leaves, roots and chain are the same, and so is the store's id: it is the same store, and its HEAD.json and
raw archive go on serving it. The source is read in one state of it, the target written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, Text, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from parsers.errors import StoreDamaged, StoreError, UserError
from storage.bulk import insert_rows
from storage.checkpoint import FILE_NAME, Head, write_head
from storage.columns import Digest, TextList, UtcTime
from storage.database import database_url
from storage.faults import driver_errors
from storage.raw_files import RawCopy, copy_raw
from storage.reading import read_versions
from storage.schema import shipped, upgrade, writing_schema
from storage.store import Store
from storage.tables import metadata
from storage.versions import VersionRow, last_version

BATCH_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Copy:
    """What was copied: rows by table, the last version, and with `home` the raw archive's files."""

    rows: dict[str, int]
    version: VersionRow | None
    raw: RawCopy | None


def count_batches(store: Store) -> int:
    """How often `copy_store` will call `advance`, if nothing is written meanwhile."""
    with store.reading() as connection:
        counts = [_count(connection, table) for table in metadata.sorted_tables]
    return sum(-(-count // BATCH_ROWS) for count in counts)


def copy_store(
    store: Store,
    target_url: str,
    home: Path | None = None,
    *,
    advance: Callable[[], None] = lambda: None,
) -> Copy:
    """Copy all tables of a store into an empty database, and with `home` its files into that folder.

    `advance` is called after each batch of rows. Raises UserError (`target-not-empty`, `target-exists`),
    StoreError when the target refuses what is written, StoreDamaged when what it then holds is not what was
    read. Nothing is there then but raw files, which the next attempt keeps.
    """
    url = database_url(target_url)
    where = url.render_as_string(hide_password=True)
    if home is not None and (home / FILE_NAME).exists():
        raise UserError(
            f"{home} is the home of a store already",
            reason="target-exists",
            hint="name a new folder, or leave --home out to go on with the present one",
        )
    try:
        with store.reading() as source, writing_schema(url) as target:
            upgrade(target, shipped())
            _require_empty(target, where)
            rows = {}
            for table in metadata.sorted_tables:
                rows[table.name] = _copy_table(source, target, table, advance)
            _set_sequences(target)
            _compare(source, target)
            version = last_version(target)
            raw = None
            if home is not None:
                raw = copy_raw(
                    store.archive_folder, home / store.archive_folder.name, archive_extents(target)
                )
    except driver_errors(DBAPIError) as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise StoreError(
            f"the copy to {where} was refused: {said[0] if said else error}",
            reason="copy-not-written",
            hint="nothing was copied; check the space on the target's disk and your rights there",
        ) from error
    except OSError as error:
        raise StoreError(
            f"cannot copy the raw pages to {home}: {error.strerror or error}",
            reason="copy-not-written",
            hint="name a folder on a disk with room that you may write to",
        ) from error
    if home is not None and version is not None:
        write_head(home, Head(store.store_id, version.id, version.chain))
    return Copy(rows, version, raw)


def archive_extents(connection: Connection) -> dict[str, int]:
    """The files of the raw archive that capture rows name, each with the end of its last named record."""
    table = metadata.tables["capture"]
    query = select(table.c.file, func.max(table.c.offset + table.c.length)).group_by(table.c.file)
    return {file: int(end) for file, end in connection.execute(query.order_by(table.c.file))}


def _require_empty(target: Connection, where: str) -> None:
    for table in metadata.sorted_tables:
        if table.name != "meta" and _count(target, table):
            raise UserError(
                f"{where} is not empty: its table {table.name} has rows",
                reason="target-not-empty",
                hint="name a new database, or on PostgreSQL a new schema",
            )
    # A store that was opened but never used has an id; it gets the id of what is copied.
    target.execute(metadata.tables["meta"].delete())


def _copy_table(source: Connection, target: Connection, table: Table, advance: Callable[[], None]) -> int:
    plain = _plain(table)
    count = 0
    for batch in _batches(source, plain):
        insert_rows(target, plain, plain.columns.keys(), batch)
        count += len(batch)
        advance()
    return count


def _plain(table: Table) -> Table:
    """The table with the types of the database alone, so that values go over as they are stored."""
    return Table(table.name, MetaData(), *(Column(c.name, _plain_type(c.type)) for c in table.columns))


def _plain_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, UtcTime):
        return BigInteger()
    if isinstance(kind, Digest):
        return LargeBinary()
    return Text() if isinstance(kind, TextList) else kind


def _batches(source: Connection, plain: Table) -> Iterator[list[tuple[Any, ...]]]:
    # Revisions and versions refer to older ones of their own table: older ids go first.
    order = next(iter(plain.columns))
    result = source.execution_options(yield_per=BATCH_ROWS).execute(select(plain).order_by(order))
    for batch in result.partitions():
        yield [tuple(row) for row in batch]


def _set_sequences(target: Connection) -> None:
    """The next id that PostgreSQL gives must come after those that were copied."""
    if target.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        highest = target.execute(select(func.max(column))).scalar()
        if highest is not None:
            target.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"),
                {"table": table.name, "column": column.name, "highest": highest},
            )


def _compare(source: Connection, target: Connection) -> None:
    for table in metadata.sorted_tables:
        there, here = _count(source, table), _count(target, table)
        if there != here:
            raise StoreDamaged(f"of {there} rows of {table.name} {here} arrived")
    if read_versions(source) != read_versions(target):
        raise StoreDamaged("the versions that arrived are not those that were sent")


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


__all__ = ["BATCH_ROWS", "Copy", "archive_extents", "copy_store", "count_batches"]
