"""What server and worker of `khotin up` are told, as a pure function of settings and environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from deployments.operation.server import WAIT_SECONDS, wait_less
from deployments.operation.surroundings import Addresses, common, of_server, of_worker, prefect_database
from flows.scheduled.start import LISTENS
from flows.settings import Settings

WHERE = Addresses("127.0.0.1", 4300)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://khotin@db/prefect",
        "postgres://khotin@db/prefect",
        "postgresql+psycopg://khotin@db/prefect",
        "postgresql+asyncpg://khotin@db/prefect",
    ],
)
def test_postgresql_is_reached_by_the_driver_that_prefect_takes(url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prefect_database_url=url)
    assert prefect_database(settings, tmp_path) == "postgresql+asyncpg://khotin@db/prefect"
    base = {"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////elsewhere.db"}
    env = of_server(base, settings, WHERE, tmp_path)
    assert env["PREFECT_API_DATABASE_CONNECTION_URL"] == "postgresql+asyncpg://khotin@db/prefect"


def test_server_has_a_database_of_its_own_unless_it_is_told_of_another(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    env = of_server({}, settings, WHERE, tmp_path / "prefect")
    assert env["PREFECT_API_DATABASE_CONNECTION_URL"] == f"sqlite+aiosqlite:///{tmp_path}/prefect/prefect.db"
    assert env["PREFECT_SERVER_UI_API_URL"] == "http://127.0.0.1:4300/api"


def test_what_the_user_has_set_holds_save_where_the_server_is(tmp_path: Path) -> None:
    base = {
        "PATH": "/bin",
        "PREFECT_API_URL": "http://elsewhere:4200/api",
        "PREFECT_PROFILE": "cloud",
        "PREFECT_WORKER_QUERY_SECONDS": "30",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "false",
    }
    env = common(base, Settings(home=tmp_path / "data"), WHERE, tmp_path, "", None)
    assert (env["PATH"], env["PREFECT_API_URL"]) == ("/bin", "http://127.0.0.1:4300/api")
    assert env["KHOTIN_HOME"] == str(tmp_path / "data")
    assert "PREFECT_PROFILE" not in env
    assert "KHOTIN_SAMPLE_NEWSROOM" not in env
    assert of_worker(env)["PREFECT_WORKER_QUERY_SECONDS"] == "30"
    assert LISTENS not in of_worker(env)
    assert of_worker(env, tmp_path / "socket")[LISTENS] == str(tmp_path / "socket")
    guarded = of_worker({**env, "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true"})
    assert guarded["PREFECT_CLIENT_CSRF_SUPPORT_ENABLED"] == "true", "what the server asks for"
    server = of_server(env, Settings(home=tmp_path), WHERE, tmp_path)
    assert server["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "false"
    assert "PREFECT_API_URL" not in server, "it is the server"


def test_runs_of_the_sample_are_told_where_it_is_served(tmp_path: Path) -> None:
    env = common({}, Settings(home=tmp_path), WHERE, tmp_path, "127.0.0.1:8000", tmp_path / "sources")
    assert env["KHOTIN_SAMPLE_NEWSROOM"] == "127.0.0.1:8000"
    assert env["KHOTIN_SOURCES"] == str(tmp_path / "sources")


def test_connections_of_the_server_wait_less_for_locks_whenever_they_are_taken(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'prefect.db'}")
    event.listen(engine.pool, "checkout", wait_less)
    for _ in range(2):
        with engine.connect() as connection:
            waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
            assert waits == WAIT_SECONDS * 1000
            connection.exec_driver_sql("PRAGMA busy_timeout = 60000").close()
    engine.dispose()
