"""What the tables are made of: their base, and columns that hold the same on SQLite and PostgreSQL.

Times are zone-aware in UTC, hashes lower-case hex; `UtcTime` and `Digest` say how they are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

import orjson
from sqlalchemy import BigInteger, Column, Dialect, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(time: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z of a zone-aware time: how the store writes times."""
    if time.tzinfo is None:
        raise ValueError("the store takes zone-aware times only")
    since = time - _EPOCH  # to divide it by a microsecond would take three times as long
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(value: int) -> datetime:
    """The time, in UTC, that `micros` wrote."""
    return _EPOCH + timedelta(microseconds=value)


class UtcTime(TypeDecorator[datetime]):
    """A zone-aware time, stored as microseconds since 1970: short, ordered, the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Digest(TypeDecorator[str]):
    """A hash: hex in Python, half as many bytes in the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> bytes | None:
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> str | None:
        return None if value is None else bytes(value).hex()


class TextList(TypeDecorator[list[str]]):
    """A list of text as a JSON array, written the same on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, _dialect: Dialect) -> str:
        return orjson.dumps(list(value or ())).decode()

    def process_result_value(self, value: str | None, _dialect: Dialect) -> list[str]:
        return list(orjson.loads(value)) if value else []


# SQLite gives an integer primary key its row id only when the type is spelled INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(naming_convention=NAMING)


class StoreTable(SQLModel, registry=registry(metadata=metadata)):
    """Base of all tables: an own registry, so that no other SQLModel in the process is mixed in."""

    metadata: ClassVar[MetaData] = metadata


def time_column(*, nullable: bool = False, index: bool = False) -> Any:
    """A column of zone-aware times."""
    return Field(default=None, sa_column=Column(UtcTime, nullable=nullable, index=index))


def digest_column(*, nullable: bool = False, primary_key: bool = False, index: bool = False) -> Any:
    """A column of hashes."""
    return Field(
        default=None, sa_column=Column(Digest, nullable=nullable, primary_key=primary_key, index=index)
    )


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model: bulk rows go through Core, five times faster than the session."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
