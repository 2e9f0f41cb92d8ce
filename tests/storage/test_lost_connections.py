"""A PostgreSQL server that ends our connections: the next call works, and a broken one has a name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, make_url
from sqlalchemy.engine import Engine

from parsers.errors import StoreError
from storage import Store, open_store
from storage.bulk import insert_rows
from storage.records import ROW_COLUMNS
from storage.tables import Revision, table_of
from tests.conftest import START
from tests.storage.editions import Contents, article, check_checkpoint, check_sound, next_run, run, settle


@pytest.fixture
def store(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "home", postgres_url + "%20-capplication_name%3Dkhotin-lost") as opened:
        yield opened


def end_connections(server: str) -> int:
    with psycopg.connect(server, autocommit=True) as connection:
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'khotin-lost'"
        )
        return len(connection.execute(query.encode()).fetchall())


@contextmanager
def ended_before(server: str, start: str) -> Iterator[None]:
    """The server ends our connections just before the first statement that starts so."""
    left = [1]

    def end(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if left and statement.startswith(start):
            left.clear()
            assert end_connections(server) > 0

    event.listen(Engine, "before_cursor_execute", end)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", end)
        assert not left, f"no statement started with {start}"


def test_idle_connection_that_was_ended_is_replaced(store: Store, postgres_server: str) -> None:
    settle(store)
    assert end_connections(postgres_server) > 0
    assert len(store.versions()) == 3
    assert end_connections(postgres_server) > 0
    assert next_run(store, "next").version is not None


@pytest.mark.parametrize(
    "start",
    [
        "SELECT pg_advisory",
        "SELECT url",
        "INSERT INTO version",
        "INSERT INTO run_source",
        "UPDATE ingest_run",
    ],
)
def test_connection_that_ends_in_a_commit_is_named_and_the_run_can_be_repeated(
    store: Store, postgres_server: str, start: str
) -> None:
    settle(store)
    with (
        pytest.raises(StoreError) as caught,
        ended_before(postgres_server, start),
    ):
        next_run(store, "broken")
    assert caught.value.reason == "store-unreachable"
    assert len(store.versions()) == 3
    next_run(store, "again")
    check_sound(store)
    check_checkpoint(store)
    assert len(Contents.of(store).documents) == store.version().documents


def test_connection_that_ends_while_reading_is_named(store: Store, postgres_server: str) -> None:
    settle(store)

    def read() -> None:
        with store.documents(store.version()) as documents:
            end_connections(postgres_server)
            list(documents)

    with pytest.raises(StoreError) as caught:
        read()
    assert caught.value.reason == "store-unreachable"
    assert len(store.versions()) == 3


def test_connection_that_ends_in_a_copy_is_named(store: Store, postgres_server: str) -> None:
    settle(store)

    def copy() -> None:
        with store.writing() as connection:
            end_connections(postgres_server)
            insert_rows(connection, table_of(Revision), ROW_COLUMNS, [(None,) * len(ROW_COLUMNS)])

    with pytest.raises(StoreError) as caught:
        copy()
    assert caught.value.reason == "store-unreachable"
    assert len(store.versions()) == 3


def test_server_that_is_not_there_is_named(tmp_path: Path, postgres_server: str) -> None:
    url = make_url(postgres_server).set(port=1).render_as_string(hide_password=False)
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path, url)
    assert caught.value.reason == "store-unreachable"


def test_copy_that_the_database_refuses_is_named_as_any_statement(store: Store) -> None:
    run(store, "first", [article("a", 1)], START)
    with store.writing() as connection:
        # A row in the way of the next revision, as only a fault or a hand at the database puts it there.
        connection.exec_driver_sql("ALTER TABLE revision DISABLE TRIGGER USER")
        connection.exec_driver_sql("ALTER TABLE revision ADD CONSTRAINT injected CHECK (rev < 2) NOT VALID")
        connection.exec_driver_sql("ALTER TABLE revision ENABLE TRIGGER USER")
    with pytest.raises(StoreError, match="injected") as caught:
        run(store, "second", [article("a", 1, 2)], START)
    assert caught.value.reason == "store-failed"
    assert len(store.versions()) == 1
