"""The schema of a store: made, and brought up to date, by the migrations in storage/migrations.

An empty database gets its tables by the same migrations that bring an old one up to date, so that there is
one way. All migrations that are due are one transaction under the write lock: when it is interrupted, the
old schema is whole. The append-only guards are dropped in it and made anew at its end.

Opening a store that is up to date costs one small query; Alembic is imported only when there is work for it.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, insert, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from parsers.errors import StoreError
from storage.database import connect_engine, drop_guards, make_guards, reading, writing
from storage.hashing import FORMATS
from storage.tables import SCHEMA, Meta, metadata, table_of

VERSION_TABLE = "schema_version"
"""Not Alembic's own name, which Prefect's tables use: both may live in one PostgreSQL database."""

_FACTS = text(f"SELECT key, value FROM meta UNION ALL SELECT 'schema', version_num FROM {VERSION_TABLE}")  # noqa: S608

# `alembic.op` is one for the whole process.
_ONE_AT_A_TIME = threading.Lock()


def render_item(kind: str, item: Any, _context: Any) -> str | bool:
    """How migrations write our column types: as what the database sees, so that they need no code of ours."""
    if kind == "type":
        plain = {"UtcTime": "BigInteger", "Digest": "LargeBinary", "TextList": "Text", "AutoString": "String"}
        name = plain.get(type(item).__name__)
        if name:
            return f"sa.{name}()"
    return False


CONTEXT_OPTIONS: dict[str, Any] = {
    "version_table": VERSION_TABLE,
    "render_item": render_item,
    "compare_type": True,
}


@dataclass(frozen=True, slots=True)
class Migrations:
    """A folder of migrations, and the newest of them."""

    folder: Path
    head: str


def shipped() -> Migrations:
    """The migrations that come with this khotin."""
    return Migrations(Path(__file__).parent / "migrations", SCHEMA)


def prepare_schema(
    engine: Engine,
    migrations: Migrations | None = None,
    *,
    before_founding: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Make the tables of a new store or bring those of an old one up to date; gives the facts in `meta`.

    `before_founding` is called under the write lock before a store is made where there is none; it raises an
    error to prevent that. Raises StoreError with reason `other-schema` if the store is newer than this
    khotin, or no store of it.
    """
    migrations = migrations or shipped()
    facts = read_facts(engine)
    if facts.get("schema") == migrations.head:
        return facts
    with writing_schema(engine.url) as connection:
        upgrade(connection, migrations)
        if "store_id" not in facts:
            _found(connection, before_founding)
    return read_facts(engine)


def read_facts(engine: Engine) -> dict[str, str]:
    """What `meta` says of the store, with its `schema`; empty if there is no store."""
    with reading(engine) as connection:
        try:
            return {row.key: row.value for row in connection.execute(_FACTS)}
        except DBAPIError as error:
            if not _is_missing_table(error):
                raise
    return {}


def _is_missing_table(error: DBAPIError) -> bool:
    return "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "42P01"


def _found(connection: Connection, before_founding: Callable[[], None]) -> None:
    """Give a new store its identity, unless another process was first."""
    meta = table_of(Meta)
    if connection.execute(meta.select().where(meta.c.key == "store_id")).first() is None:
        before_founding()
        facts = {"store_id": str(uuid.uuid4()), "formats": FORMATS}
        connection.execute(insert(meta), [{"key": key, "value": value} for key, value in facts.items()])


@contextmanager
def writing_schema(url: URL) -> Iterator[Connection]:
    """A write transaction that may change the tables: no guards in it, references are checked at its end."""
    engine = connect_engine(url)
    if engine.dialect.name == "sqlite":
        # A rebuilt table is dropped for a moment, which enforced references would forbid, and they cannot be
        # switched off within a transaction: hence connections of their own.
        event.listen(engine, "connect", _references_off)
    try:
        with writing(engine) as connection:
            drop_guards(connection)
            yield connection
            make_guards(connection)
            if engine.dialect.name == "sqlite":
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken is not None:
                    raise StoreError(
                        f"row {broken[1]} of {broken[0]} refers to a row of {broken[2]} that is not there",
                        reason="store-damaged",
                        hint="run `khotin verify`, and restore the store from a backup",
                    )
    finally:
        engine.dispose()


def _references_off(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=OFF").close()


def upgrade(connection: Connection, migrations: Migrations) -> None:
    """Run the migrations that are due inside the caller's transaction (`writing_schema`)."""
    # Imported here, because it takes a tenth of a second that a store which is up to date need not wait.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    _refuse_strangers(connection)
    script = ScriptDirectory(str(migrations.folder))
    options = {**CONTEXT_OPTIONS, "target_metadata": metadata}
    context = MigrationContext.configure(connection, opts=options)
    current = context.get_current_revision()
    if current is not None and current not in {step.revision for step in script.walk_revisions()}:
        raise StoreError(
            f"the store has schema {current}, this khotin knows those up to {migrations.head}",
            reason="other-schema",
            hint="use the khotin release that wrote to it last, or a newer one",
        )
    with _ONE_AT_A_TIME, Operations.context(context):
        for step in reversed(list(script.iterate_revisions("heads", current or "base"))):
            step.module.upgrade()
            context.stamp(script, step.revision)


def _refuse_strangers(connection: Connection) -> None:
    there = set(inspect(connection).get_table_names())
    ours = sorted(there & metadata.tables.keys())
    if ours and VERSION_TABLE not in there:
        raise StoreError(
            f"the database has tables that no release of khotin made: {', '.join(ours)}",
            reason="other-schema",
            hint="name a database, or on PostgreSQL a schema, of its own for the store",
        )
