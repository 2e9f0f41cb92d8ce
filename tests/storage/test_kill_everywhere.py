"""SIGKILL before every statement and file and around every COMMIT and COPY: nothing is half there."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from storage import open_store
from storage.resketch import rebuild
from storage.sketches import read_sketches
from storage.tables import metadata
from tests.conftest import START
from tests.storage.dying import Nursery
from tests.storage.editions import (
    Contents,
    article,
    check_captures,
    check_checkpoint,
    check_sound,
    next_run,
    run,
    settle,
)

Place = tuple[Path, str]
Copy = Callable[[], Place]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: SIGKILL takes nothing from what is not yet on the disk."""
    shared_memory = Path("/dev/shm")
    if not os.access(shared_memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared_memory, prefix="khotin-") as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, memory: Path) -> Iterator[tuple[str, Place, Copy]]:
    """Name, an empty home with its database, and a function that gives fresh copies of both as they stand."""
    name: str = request.param
    tmp_path = memory
    if name == "sqlite":
        home = tmp_path / "home"
        yield name, (home, _sqlite(home)), _sqlite_copies(home, tmp_path)
    else:
        with _postgres_copies(request.getfixturevalue("postgres_server"), tmp_path) as (first, copy):
            yield name, first, copy


def _sqlite(home: Path) -> str:
    return f"sqlite:///{home / 'khotin.db'}"


def _sqlite_copies(home: Path, folder: Path) -> Copy:
    def copy() -> Place:
        made = folder / "copy" / "home"
        shutil.rmtree(made, ignore_errors=True)
        if home.exists():
            shutil.copytree(home, made)
        return made, _sqlite(made)

    return copy


@contextmanager
def _postgres_copies(server: str, folder: Path) -> Iterator[tuple[Place, Copy]]:
    """Two schemas: the copy's rows are replaced by those of the first, faster than anything else."""
    names = [f"khotin_{kind}_{uuid.uuid4().hex}" for kind in ("first", "copy")]
    first, second = names
    # For the same reason the server need not wait for its disk.
    options = "options=-csynchronous_commit%3Doff%20-csearch_path%3D"
    places = [(folder / name / "home", f"{server}?{options}{name}") for name in names]
    with psycopg.connect(server, autocommit=True) as connection:

        def execute(*statements: str) -> None:
            for statement in statements:
                connection.execute(statement.encode())

        def is_empty(schema: str) -> bool:
            rows = connection.execute("SELECT FROM pg_tables WHERE schemaname = %s", (schema,))
            return rows.fetchone() is None

        def sequences(schema: str) -> list[str]:
            query = "SELECT sequencename FROM pg_sequences WHERE schemaname = %s AND last_value > 0"
            return [row[0] for row in connection.execute(query, (schema,))]

        def copy() -> Place:
            home, url = places[1]
            shutil.rmtree(home, ignore_errors=True)
            if is_empty(first):
                execute(f"DROP SCHEMA {second} CASCADE", f"CREATE SCHEMA {second}")
                return places[1]
            if is_empty(second):
                open_store(home, url).close()
                shutil.rmtree(home)
            tables = [table.name for table in metadata.sorted_tables]
            with connection.transaction():
                execute(*(f"ALTER TABLE {second}.{table} DISABLE TRIGGER USER" for table in tables))
                execute(f"TRUNCATE {', '.join(f'{second}.{table}' for table in tables)} RESTART IDENTITY")
                execute(*(f"INSERT INTO {second}.{table} SELECT * FROM {first}.{table}" for table in tables))
                execute(*(f"ALTER TABLE {second}.{table} ENABLE TRIGGER USER" for table in tables))
                for name in sequences(first):
                    execute(f"SELECT setval('{second}.{name}', (SELECT last_value FROM {first}.{name}))")
            shutil.copytree(places[0][0], home)
            return places[1]

        execute(*(f"CREATE SCHEMA {name}" for name in names))
        try:
            yield places[0], copy
        finally:
            execute(*(f"DROP SCHEMA {name} CASCADE" for name in names))


def summary(what: str, points: list[str]) -> str:
    kinds = Counter(point.split()[0] if point[0].islower() else "statement" for point in points)
    parts = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    return f"{what}: {len(points)} kills ({parts})"


def undisturbed(copy: Copy) -> Contents:
    home, url = copy()
    with open_store(home, url) as store:
        next_run(store, "undisturbed")
        return Contents.of(store)


def test_run_killed_at_any_point_is_all_there_or_not_at_all_and_is_made_good(
    place: tuple[str, Place, Copy], told: Callable[[str], None]
) -> None:
    name, (home, url), copy = place
    with open_store(home, url) as store:
        settle(store)
        old = store.versions()
    wanted = undisturbed(copy)
    points: list[str] = []
    committed = 0
    with Nursery() as nursery:
        while True:
            home, url = copy()
            point = nursery.kill_at("run", home, url, len(points) + 1)
            if point is None:
                break
            points.append(point)
            with open_store(home, url) as store:
                versions = store.versions()
                assert versions[: len(old)] == old, point
                assert len(versions) - len(old) in (0, 1), point
                check_sound(store)
                check_captures(store)
                assert all(store.raw(row.id) for row in store.left_over("a", START).values())
                done = len(versions) > len(old)
                committed += done
                result = next_run(store, "again")
                assert (result.version is None) == done, point
                assert Contents.of(store) == wanted, point
                check_sound(store)
                check_captures(store)
                check_checkpoint(store)
    assert len(points) > 30
    assert {"before COMMIT", "after COMMIT", "os.rename .tmp"} <= set(points)
    assert ("in COPY" in points) == (name == "postgresql")
    assert 0 < committed < len(points)
    told(summary(f"{name}, one run", points))


def test_index_killed_at_any_point_finds_what_a_rebuilt_one_finds(
    place: tuple[str, Place, Copy], told: Callable[[str], None]
) -> None:
    name, (home, url), _ = place
    with open_store(home, url) as store:
        settle(store)
        hi = store.version().hi
        with store.reading() as connection:
            ((_, sketches),) = read_sketches(connection, 0, hi)
        rebuild(store)
        with store.reading() as connection:
            wanted = store.likeness.view(connection, hi).candidates(sketches)
        folder = store.likeness.folder
    points: list[str] = []
    with Nursery() as nursery:
        while True:
            shutil.rmtree(folder, ignore_errors=True)
            # Every third point: one segment is written like the other.
            point = nursery.kill_at("index", home, url, 3 * len(points) + 1)
            if point is None:
                break
            points.append(point)
            with open_store(home, url) as store, store.reading() as connection:
                view = store.likeness.view(connection, hi)
                assert view.candidates(sketches) == wanted, point
                store.likeness.catch_up(connection, hi, smallest=1)
                assert store.likeness.covered(connection, hi) == hi, point
                assert store.likeness.view(connection, hi).candidates(sketches) == wanted, point
                rebuild(store)
                assert len(list(folder.iterdir())) == 1, point
    assert sum(map(len, wanted)) > 0
    assert {"open .part", "os.rename .part", "os.remove .postings"} <= set(points)
    told(summary(f"{name}, index", points))


def test_first_opening_killed_at_any_point_is_made_good(
    place: tuple[str, Place, Copy], told: Callable[[str], None]
) -> None:
    name, (home, url), copy = place
    reference = open_and_commit(*copy())
    points: list[str] = []
    with Nursery() as nursery:
        while True:
            home, url = copy()
            # Every fourth point: most of them are the makings of one table or trigger after another.
            point = nursery.kill_at("open", home, url, 4 * len(points) + 1)
            if point is None:
                break
            points.append(point)
            assert open_and_commit(home, url) == reference, point
    assert len(points) > 5
    told(summary(f"{name}, first opening", points))


def open_and_commit(home: Path, url: str) -> Contents:
    with open_store(home, url) as store:
        run(store, "first", [article("a", 1)], START)
        check_checkpoint(store)
        return Contents.of(store)
