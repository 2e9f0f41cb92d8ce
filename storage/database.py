"""Connections: SQLite made safe for several writers, PostgreSQL by URL, and one write lock for both.

SQLite: WAL with synchronous=FULL, so that a committed version survives a power cut; 32 KiB pages, which
append news text about twice as fast as 4 KiB ones, and leave less of each page empty than smaller ones;
BEGIN IMMEDIATE for writers, because a deferred transaction that turns into a writer fails at once with
"database is locked" instead of waiting.
PostgreSQL: an advisory lock held to the end of the transaction does the same.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from parsers.errors import UserError
from storage.faults import as_sqlalchemy, driver_errors, named, refused
from storage.tables import APPEND_ONLY, Revision, table_of

BUSY_TIMEOUT_SECONDS = 60.0
_CHECKPOINT_PATIENCE_MS = 5_000
# Any constant will do, so long as every khotin uses the same one.
ADVISORY_LOCK = 0x6B686F74696E

_SQLITE_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-65536",
    # Pages of indexes are written in every commit: in a longer log each is copied to the database less often.
    "PRAGMA wal_autocheckpoint=2000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # so that INSERT OR REPLACE meets the guards too
)


def database_url(text_url: str) -> URL:
    """Read a database URL; `postgresql://` means psycopg 3. Raises UserError for any other database."""
    try:
        # The old name of the scheme is still what many a hosting service hands out.
        url = make_url(re.sub(r"\Apostgres://", "postgresql://", text_url))
    except (ArgumentError, ValueError) as error:
        # The text is not repeated: there may be a password in it.
        raise UserError(
            "KHOTIN_DATABASE_URL is not a database URL",
            reason="bad-database-url",
            hint="write sqlite:///path/to/khotin.db or postgresql://user@host/database",
        ) from error
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise UserError(
                "the store needs a file, not an SQLite database in memory",
                reason="bad-database-url",
                hint="write sqlite:///path/to/khotin.db",
            )
        return url
    raise UserError(
        f"the store runs on SQLite and PostgreSQL, not on {backend!r}",
        reason="bad-database-url",
        hint="write sqlite:///path/to/khotin.db or postgresql://user@host/database",
    )


def database_exists(url: URL) -> bool:
    """Whether there may be a store behind the URL; of a server it is only known once it is asked."""
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def connect_engine(url: URL, busy_seconds: float = BUSY_TIMEOUT_SECONDS) -> Engine:
    """Make the engine for a URL given by `database_url`; an SQLite file's folder is made.

    A writer that has waited `busy_seconds` for its turn ends with StoreBusy.
    """
    options = {"khotin_busy_seconds": busy_seconds}
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the folder {path.parent}: {error.strerror}",
                reason="home-not-writable",
                hint="set KHOTIN_HOME to a folder that you may write to",
            ) from error
        engine = create_engine(
            url,
            connect_args={
                "timeout": busy_seconds,
                "isolation_level": None,
                "check_same_thread": False,
            },
            execution_options=options,
        )
        event.listen(engine, "connect", _set_up(busy_seconds))
        event.listen(engine, "begin", _begin)
        return engine
    return create_engine(url, pool_pre_ping=True, execution_options=options)


def _set_up(busy_seconds: float) -> Callable[[sqlite3.Connection, Any], None]:
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        _to_wal(connection, busy_seconds)
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(pragma).close()

    return set_up


def _to_wal(connection: sqlite3.Connection, busy_seconds: float) -> None:
    # The change to WAL does not wait for a lock as other statements do: of two processes that open a new
    # file at once, one would fail with "database is locked".
    give_up = time.monotonic() + busy_seconds
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                return
            # The page size has an effect on a new file only, and only before WAL.
            connection.execute("PRAGMA page_size=32768").close()
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("khotin_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads: one consistent state, and no wait for writers."""
    with naming_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """The one transaction that may write: it waits for its turn, then everything or nothing is stored."""
    with naming_errors(engine), engine.connect() as connection:
        connection = connection.execution_options(khotin_write=True)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                wait = int(_busy_seconds(engine) * 1000)
                connection.execute(text(f"SET LOCAL lock_timeout = {wait}"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            yield connection


def forget_deleted(engine: Engine) -> None:
    """After a purge: let the write-ahead log of SQLite not keep what the database has forgotten.

    A reader that holds an old state keeps the log for as long as it reads; later checkpoints empty it then.
    PostgreSQL frees the space of old rows by itself (autovacuum).
    """
    if engine.dialect.name != "sqlite":
        return
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_CHECKPOINT_PATIENCE_MS}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout={int(_busy_seconds(engine) * 1000)}")
        cursor.close()


@contextmanager
def storing(engine: Engine) -> Iterator[Connection]:
    """Like `writing`, but a statement that the database refuses is a StoreError too: for whole runs."""
    try:
        with writing(engine) as connection:
            yield connection
    except DBAPIError as error:
        raise refused(error, _where(engine)) from error


@contextmanager
def naming_errors(engine: Engine) -> Iterator[None]:
    """What goes wrong with the database inside is told as the error of ours that it means."""
    try:
        yield
    except driver_errors(DBAPIError) as error:
        told = error if isinstance(error, DBAPIError) else as_sqlalchemy(error, engine.dialect)
        ours = named(told, _where(engine), _busy_seconds(engine))
        if ours is not None:
            raise ours from error
        raise told from told.orig


def _where(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _busy_seconds(engine: Engine) -> float:
    return float(engine.get_execution_options()["khotin_busy_seconds"])


def make_guards(connection: Connection) -> None:
    """Make the append-only guards that are missing; asking again changes nothing."""
    there = set(inspect(connection).get_table_names())
    for table in APPEND_ONLY:
        if table not in there:  # a schema older than today's
            continue
        for statement in _guards(connection.dialect.name, table):
            connection.execute(text(statement))


def drop_guards(connection: Connection) -> None:
    """Drop all guards, whichever release made them: a migration must be able to change the tables."""
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal"
        )
    for name, table in connection.exec_driver_sql(query).all():
        if name.startswith("guard_"):
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"' + ("" if sqlite else f' ON "{table}"'))


def _guards(dialect: str, table: str) -> Iterator[str]:
    """Refuse every UPDATE, DELETE and TRUNCATE, save the one that purges a body."""
    if dialect == "sqlite":
        for action in ("UPDATE", "DELETE"):
            unless = f"WHEN NOT ({_sqlite_purge()}) " if (table, action) == ("revision", "UPDATE") else ""
            yield (
                f"CREATE TRIGGER IF NOT EXISTS guard_{table}_{action.lower()} BEFORE {action} ON {table} "
                f"{unless}BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    else:
        yield (
            "CREATE OR REPLACE FUNCTION khotin_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
        actions = "UPDATE OR DELETE OR TRUNCATE"
        if table == "revision":
            actions = "DELETE OR TRUNCATE"
            yield _POSTGRESQL_PURGE_ONLY
            yield (
                f"CREATE OR REPLACE TRIGGER guard_{table}_update BEFORE UPDATE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION khotin_purge_only()"
            )
        yield (
            f"CREATE OR REPLACE TRIGGER guard_{table} BEFORE {actions} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION khotin_append_only()"
        )


# A purge puts the hash of a body in its place, below a later tombstone, says so in `codec`, and changes
# nothing else. A tombstone itself keeps its body: it holds the reason.
_IS_PURGE = (
    "OLD.op <> 'retract' AND OLD.codec <> 'purged' AND EXISTS (SELECT 1 FROM revision AS tomb "
    "WHERE tomb.url_key = OLD.url_key AND tomb.rev > OLD.rev AND tomb.op = 'retract')"
)


def _sqlite_purge() -> str:
    columns = (column.name for column in table_of(Revision).columns if column.name not in ("codec", "body"))
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in columns)
    hashed = "typeof(NEW.body) = 'blob' AND length(NEW.body) = 32"
    return f"NEW.codec IS 'purged' AND {hashed} AND {same} AND {_IS_PURGE}"


_POSTGRESQL_PURGE_ONLY = f"""
CREATE OR REPLACE FUNCTION khotin_purge_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE purged RECORD;
BEGIN
    purged := OLD;
    purged.codec := 'purged';
    purged.body := NEW.body;
    IF octet_length(NEW.body) = 32 AND NEW IS NOT DISTINCT FROM purged AND {_IS_PURGE} THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$"""


def guard_statements(dialect: str) -> list[str]:
    """The statements that make the append-only guards: what `khotin verify` compares with what is there."""
    return [statement for table in APPEND_ONLY for statement in _guards(dialect, table)]
