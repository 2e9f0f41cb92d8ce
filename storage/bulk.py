"""Many rows at once: tuples straight to the driver on SQLite, binary COPY on PostgreSQL.

Five times faster than the ORM session, and the reason why a commit of thousands of documents holds the write
lock for a moment only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, Table
from sqlalchemy.types import TypeEngine

from storage.tables import Digest, TextList, UtcTime, micros

Convert = Callable[[Any], Any]


def _converter(kind: TypeEngine[Any]) -> Convert | None:
    """How a value of this column type goes to the driver; None: as it is."""
    if isinstance(kind, UtcTime):
        return lambda value: None if value is None else micros(value)
    if isinstance(kind, Digest):
        return lambda value: bytes.fromhex(value) if isinstance(value, str) else value
    if isinstance(kind, TextList):
        return lambda value: orjson.dumps(value).decode()
    return None


def _copy_type(kind: TypeEngine[Any]) -> str:
    """PostgreSQL's name of a column type: binary COPY converts nothing by itself."""
    if isinstance(kind, UtcTime | BigInteger):
        return "int8"
    if isinstance(kind, Integer):
        return "int4"
    if isinstance(kind, Digest | LargeBinary):
        return "bytea"
    return "text"


@lru_cache(maxsize=64)
def _plan(table: Table, columns: tuple[str, ...]) -> tuple[list[tuple[int, Convert]], str, str, list[str]]:
    kinds = [table.c[name].type for name in columns]
    convert = [(i, c) for i, kind in enumerate(kinds) if (c := _converter(kind)) is not None]
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    insert = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - names of our own tables
    copy = f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)'
    return convert, insert, copy, [_copy_type(kind) for kind in kinds]


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows whose values stand in the order of `columns`, as Python has them."""
    if not rows:
        return
    convert, insert, copy, types = _plan(table, tuple(columns))
    ready = []
    for row in rows:
        values = list(row)
        for index, function in convert:
            values[index] = function(values[index])
        ready.append(tuple(values))
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(insert, ready)
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(copy) as stream:
        stream.set_types(types)
        for record in ready:
            stream.write_row(record)
