"""Migrations: tables and migrations agree, old stores are brought up to date or left as they were."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from parsers.errors import StoreError
from storage import Store, open_store
from storage.database import connect_engine, database_url
from storage.schema import CONTEXT_OPTIONS, Migrations, prepare_schema, shipped, upgrade, writing_schema
from storage.tables import APPEND_ONLY, SCHEMA, metadata
from tests.conftest import ROOT, START
from tests.storage.schemas.make import FOLDER as SCHEMAS
from tests.storage.test_commit import commit, record

PAST = sorted(path.stem for path in SCHEMAS.glob("*.sql"))

NEXT = """
import os, signal
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{before}", None, None


def upgrade():
    op.add_column("revision", sa.Column("later", sa.String(), nullable=True))
    op.execute("UPDATE revision SET later = 'filled'")
    with op.batch_alter_table("version") as batch:
        batch.alter_column("message", existing_type=sa.String(), nullable=True)
    {then}
"""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = connect_engine(database_url(url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def next_migrations(folder: Path, then: str = "pass") -> Migrations:
    """The shipped migrations and one more, which rebuilds a table on SQLite."""
    ours = shipped()
    shutil.copytree(ours.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_next.py").write_text(NEXT.format(before=ours.head, then=then))
    return Migrations(folder, "9999")


def migrate(url: str, migrations: Migrations) -> dict[str, str]:
    engine = connect_engine(database_url(url))
    try:
        return prepare_schema(engine, migrations)
    finally:
        engine.dispose()


def child(url: str, migrations: Migrations, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.storage.migrated", url, str(migrations.folder), migrations.head]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, *more], cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def catalogue(connection: Connection) -> set[tuple[Any, ...]]:
    """All that the database says of its tables, columns, constraints and indexes, in its own words."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        lines = {
            (table, line.strip().rstrip(",").replace('"', ""))
            for table, text in rows
            for line in text.splitlines()
        }
    else:
        lines = set()
        for query in (
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema = current_schema()",
            "SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c "
            "WHERE c.connamespace = current_schema()::regnamespace",
        ):
            lines |= {tuple(row) for row in connection.exec_driver_sql(query)}
    return {line for line in lines if line[0] in metadata.tables and "TRIGGER" not in line[1]}


def guards(connection: Connection) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = current_schema()::regnamespace AND NOT tgisinternal"
    )
    return set(connection.exec_driver_sql(query).scalars())


def test_newest_migration_is_the_schema_that_the_tables_name() -> None:
    script = ScriptDirectory(str(shipped().folder))
    assert script.get_heads() == [SCHEMA]
    assert PAST[-1] == SCHEMA, "python -m tests.storage.schemas.make"
    assert sorted(step.revision for step in script.walk_revisions()) == PAST


def test_tables_and_migrations_agree_to_the_last_index(store_url: str, tmp_path: Path) -> None:
    open_store(tmp_path / "home", store_url).close()
    with connected(store_url) as connection:
        context = MigrationContext.configure(connection, opts=CONTEXT_OPTIONS)
        assert compare_metadata(context, metadata) == []
        migrated = catalogue(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert catalogue(connection) == migrated
    assert len(migrated) > 100
    assert any(line[0] == "revision" and "WHERE" in line[1] for line in migrated), "the partial index is seen"


def load(path: Path, url: str) -> None:
    """Make a database hold what a dump holds: on PostgreSQL by the migrations up to then, row by row."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True)
        old = sqlite3.connect(file)
        old.executescript(path.read_text("utf-8"))
        old.close()
        return
    old = sqlite3.connect(":memory:")
    old.executescript(path.read_text("utf-8"))
    with writing_schema(database_url(url)) as connection:
        upgrade(connection, Migrations(shipped().folder, path.stem))
        there = MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            if table.name == "schema_version":
                continue
            names = ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118
            rows = old.execute(f"SELECT {names} FROM {table.name}").fetchall()
            if rows:
                values = [dict(zip(table.columns.keys(), row, strict=True)) for row in rows]
                connection.execute(table.insert(), values)
    old.close()


@pytest.mark.parametrize("schema", PAST)
def test_old_store_of_every_schema_is_upgraded_and_reads(store_url: str, tmp_path: Path, schema: str) -> None:
    load(SCHEMAS / f"{schema}.sql", store_url)
    with open_store(tmp_path / "home", store_url) as store:
        assert [(v.id, v.added, v.revised) for v in store.versions()] == [(1, 2, 0), (2, 0, 1)]
        first, second = store.history("http://a.example/1")
        assert (first.record.title, second.record.title) == ("Cầu mới qua sông", "Tựa mới")
        assert first.record.tags == ("cầu", "sông \"Cái\" 'x'")
        assert first.record.published_at == START
        assert second.record.leaf(2, "revise", first.leaf).hex() == second.leaf
        assert store.story("http://a.example/3")
        with store.reading() as connection:
            assert migrated_to(connection) == SCHEMA
            assert guarded(connection) == set(APPEND_ONLY)


def guarded(connection: Connection) -> set[str]:
    """The tables that have guards."""
    return {re.sub(r"^guard_|_(?:update|delete)$", "", name) for name in guards(connection)}


def migrated_to(connection: Connection) -> str:
    return str(connection.execute(sql("SELECT version_num FROM schema_version")).scalar_one())


def filled(connection: Connection) -> list[str]:
    return list(connection.execute(sql("SELECT later FROM revision")).scalars())


def test_upgrade_keeps_rows_and_references_and_remakes_the_guards(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    commit(store, "r1", record())
    commit(store, "r2", record(title="Tựa mới"))
    before = store.versions()
    with store.reading() as connection:
        guarded = guards(connection)
    facts = migrate(store_url, next_migrations(tmp_path / "m"))
    assert (facts["schema"], facts["store_id"]) == ("9999", store.store_id)
    with store.reading() as connection:
        assert filled(connection) == ["filled", "filled"]
        assert guards(connection) == guarded
    assert store.versions() == before
    for statement in ("UPDATE revision SET later = 'x'", "DELETE FROM version"):
        with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
            connection.execute(sql(statement))
    with pytest.raises((DBAPIError, StoreError)), store.writing() as connection:
        connection.execute(sql("INSERT INTO tag VALUES ('t', 77, '', 0)"))  # no such version


@pytest.mark.parametrize("point", ["in the migration", "at the commit"])
def test_killed_migration_leaves_the_old_store_whole(
    store: Store, store_url: str, tmp_path: Path, point: str
) -> None:
    commit(store, "r1", record())
    with store.reading() as connection:
        before = catalogue(connection), guards(connection), store.versions()
    dying = "os.kill(os.getpid(), signal.SIGKILL)"
    if point == "in the migration":
        killed = child(store_url, next_migrations(tmp_path / "dying", then=dying))
    else:
        killed = child(store_url, next_migrations(tmp_path / "dying"), "die")
    assert killed.wait(60) == -signal.SIGKILL, killed.communicate()[1]
    killed.communicate()
    with open_store(store.home, store_url) as again:
        with again.reading() as connection:
            assert migrated_to(connection) == SCHEMA
            assert (catalogue(connection), guards(connection), again.versions()) == before
        commit(again, "r2", record(title="Tựa mới"))
    assert migrate(store_url, next_migrations(tmp_path / "m"))["schema"] == "9999"


def test_failed_migration_leaves_the_old_store_whole(store: Store, store_url: str, tmp_path: Path) -> None:
    commit(store, "r1", record())
    with pytest.raises(ZeroDivisionError):
        migrate(store_url, next_migrations(tmp_path / "failing", then="1 / 0"))
    with store.reading() as connection:
        assert migrated_to(connection) == SCHEMA
        assert guarded(connection) == set(APPEND_ONLY)
    assert migrate(store_url, next_migrations(tmp_path / "m"))["schema"] == "9999"


def test_two_processes_that_upgrade_at_once_both_succeed(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    commit(store, "r1", record())
    migrations = next_migrations(tmp_path / "m", then="import time; time.sleep(0.3)")
    both = [child(store_url, migrations) for _ in range(2)]
    told = [process.communicate(timeout=60) for process in both]
    assert [out.strip() for out, _ in told] == ["9999", "9999"], told
    with store.reading() as connection:
        assert filled(connection) == ["filled"]


def test_store_of_a_newer_khotin_is_refused_and_left_alone(store_url: str, tmp_path: Path) -> None:
    migrate(store_url, next_migrations(tmp_path / "m"))
    with connected(store_url) as connection:
        before = catalogue(connection)
    with pytest.raises(StoreError, match="9999") as caught:
        open_store(tmp_path / "home", store_url)
    assert caught.value.reason == "other-schema"
    assert caught.value.hint
    with connected(store_url) as connection:
        assert catalogue(connection) == before


def test_tables_that_are_not_ours_are_refused_and_left_alone(store_url: str, tmp_path: Path) -> None:
    with connected(store_url) as connection:
        connection.execute(sql("CREATE TABLE tag (x INTEGER)"))
        connection.commit()
    with pytest.raises(StoreError, match="tag") as caught:
        open_store(tmp_path / "home", store_url)
    assert caught.value.reason == "other-schema"
    with connected(store_url) as connection:
        assert {line[0] for line in catalogue(connection)} == {"tag"}


def test_lost_guards_stay_lost_at_opening_so_that_verify_can_tell_and_come_back_with_a_migration(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    with store.writing() as connection:
        whole = guards(connection)
        name = sorted(whole)[0]
        on = "" if connection.dialect.name == "sqlite" else f" ON {name.split('_')[1]}"
        connection.execute(sql(f"DROP TRIGGER {name}{on}"))
    with open_store(store.home, store_url) as again, again.reading() as connection:
        assert guards(connection) == whole - {name}
    migrate(store_url, next_migrations(tmp_path / "m"))
    with store.reading() as connection:
        assert guards(connection) == whole


def test_opening_a_store_that_is_up_to_date_asks_once_for_its_schema(store: Store, store_url: str) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        open_store(store.home, store_url).close()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    ours = [statement for statement in asked if re.search(r"\b(FROM|TABLE|INSERT|UPDATE)\b", statement)]
    assert [("schema_version" in statement, "FROM version" in statement) for statement in ours] == [
        (True, False),
        (False, True),
    ]


def test_opening_a_store_that_is_up_to_date_does_not_import_alembic(store: Store, store_url: str) -> None:
    code = (
        "import sys; from pathlib import Path; from storage import open_store; "
        "open_store(Path(sys.argv[1]), sys.argv[2]).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(store.home), store_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
