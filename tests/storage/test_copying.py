"""A store copied between databases is the same store: rows, ids, leaves, roots, chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as sql

from parsers.article import Paragraph
from parsers.closeness import fit
from parsers.errors import StoreDamaged, StoreError, UserError
from storage import Captured, LeftOut, Met, Offer, SourcePart, Store, open_store
from storage.archive import Payload
from storage.codec import train
from storage.copying import BATCH_ROWS, copy_store, count_batches
from storage.scoring import add_model
from storage.tables import Tag, Zdict, metadata, table_of
from tests.conftest import START
from tests.storage.test_commit import commit, record

PAGE = b"<p>trang</p>"


def fill(store: Store) -> None:
    """Versions with additions and revisions, a raw page, a tag, a dictionary: a row in every table."""
    url = "http://a.example/1"
    store.begin_run("r0", "ingest", "test", START)
    with store.archive_writer("r0", START, "khotin test") as archive:
        payload = Payload(url, START, PAGE, 200)
        (capture,) = store.capture("r0", archive, [Captured("a", "page", url, payload)])
    met = Met(url, "feed", fetched_at=START, capture_id=capture)
    told = LeftOut("http://a.example/off", "a", "thi-dua 0a1b2c3d", "told", "Tin khác", None, 0.25, 1)
    parts = [SourcePart("a", offers=(Offer(met, record()),), left_out=(told,))]
    store.commit_run("r0", "ingest", "test", parts, START, "0")
    commit(store, "r1", *(short(n) for n in range(30)))
    commit(store, "r2", record(title="Tựa mới"), short(99))
    dictionary = train([f"một bài về việc số {n} {n * n}".encode() * 9 for n in range(999)], 1)
    assert dictionary is not None
    values = {"id": 1, "sha256": dictionary.sha256, "data": dictionary.data}
    with store.writing() as connection:
        connection.execute(table_of(Zdict).insert(), [values])
        tag = {"name": "release-1", "version_id": 1, "message": "đầu tiên", "created_at": START}
        connection.execute(table_of(Tag).insert(), [tag])
    add_model(store, fit([b"cum thi dua"], [b"tin khac han"]), 1, START, "0")
    commit(store, "r3", short(100))


def short(number: int) -> Any:
    return record(f"http://a.example/s{number}", lead=None, paragraphs=(Paragraph(f"Bài {number}."),))


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that stands in the tables, as the database has it."""
    with store.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(table.select())), key=lambda row: str(row[:2])
            )
            for table in metadata.sorted_tables
        }


@pytest.fixture
def urls(tmp_path: Path, postgres_url: str) -> Callable[[str], str]:
    """URLs of empty databases by name; `postgresql` is one."""
    return lambda name: postgres_url if name == "postgresql" else f"sqlite:///{tmp_path / name / 'khotin.db'}"


@pytest.fixture(params=[("one", "postgresql"), ("postgresql", "one"), ("one", "two")])
def both(
    request: pytest.FixtureRequest, urls: Callable[[str], str], tmp_path: Path
) -> Iterator[tuple[Store, str]]:
    """A filled store and the URL of an empty database of the other kind, or of the same."""
    source, target = request.param
    with open_store(tmp_path / "home", urls(source)) as store:
        fill(store)
        yield store, urls(target)


def test_copy_holds_every_row_of_every_table_under_the_same_ids(both: tuple[Store, str]) -> None:
    store, target = both
    before = rows(store)
    empty = {"endpoint", "host", "page_shape", "source_state", "kin", "ruling"}
    assert {name for name, found in before.items() if not found} <= empty
    calls: list[None] = []
    expected = count_batches(store)
    done = copy_store(store, target, advance=lambda: calls.append(None))
    assert len(calls) == expected > 0
    assert done.rows == {name: len(found) for name, found in before.items()}
    assert done.version == store.version()
    assert done.raw is None
    with open_store(store.home, target) as copy:  # HEAD.json in the home still fits
        assert copy.store_id == store.store_id
        assert rows(copy) == before
        assert copy.versions() == store.versions()
        assert copy.history("http://a.example/1") == store.history("http://a.example/1")
        capture = copy.history("http://a.example/1")[0].capture_id
        assert capture is not None
        assert copy.raw(capture) == PAGE


def test_copied_store_takes_the_next_run_like_the_first(both: tuple[Store, str], tmp_path: Path) -> None:
    store, target = both
    copy_store(store, target, tmp_path / "new")
    results: list[Any] = []
    with open_store(tmp_path / "new", target) as copy:
        for one in (copy, store):
            one.begin_run("next", "ingest", "test", START)
            with one.archive_writer(f"next-{len(results)}", START, "khotin test") as archive:
                payload = Payload("http://a.example/feed", START, b"<rss/>", 200)
                ids = one.capture("next", archive, [Captured("a", "feed", payload.url, payload)])
            part = SourcePart("a", offers=(Offer(Met("http://a.example/s200", "feed"), short(200)),))
            result = one.commit_run("next", "ingest", "test", [part], START, "0")
            results.append((ids, result.version))
        for statement in ("UPDATE revision SET url = 'x'", "DELETE FROM capture"):
            with pytest.raises(Exception, match="append-only"), copy.writing() as connection:
                connection.execute(sql(statement))
    assert results[0] == results[1]
    assert results[0][1] is not None


def test_old_database_is_not_written_to_once_its_copy_went_on(both: tuple[Store, str]) -> None:
    store, target = both
    copy_store(store, target)
    with open_store(store.home, target) as copy:
        commit(copy, "next", short(200))
    with pytest.raises(StoreDamaged) as caught:
        commit(store, "other", short(201))
    assert caught.value.reason == "behind-checkpoint"


def test_round_trip_gives_the_first_database_again(urls: Callable[[str], str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_store(home, urls("one")) as first:
        fill(first)
        copy_store(first, urls("postgresql"))
        with open_store(home, urls("postgresql")) as second:
            copy_store(second, urls("two"))
        with open_store(home, urls("two")) as third:
            assert rows(third) == rows(first)
            assert [v.chain for v in third.versions()] == [v.chain for v in first.versions()]


def test_more_rows_than_a_batch_arrive_whole(urls: Callable[[str], str], tmp_path: Path) -> None:
    with open_store(tmp_path / "home", urls("postgresql")) as store:
        commit(store, "r1", *(short(n) for n in range(2 * BATCH_ROWS + 1)))
        done = copy_store(store, urls("one"))
        assert done.rows["revision"] == 2 * BATCH_ROWS + 1
        with open_store(tmp_path / "home", urls("one")) as copy:
            assert rows(copy) == rows(store)


def test_target_that_is_not_empty_is_refused_and_left_alone(both: tuple[Store, str], tmp_path: Path) -> None:
    store, target = both
    with open_store(tmp_path / "other", target) as other:
        commit(other, "x", short(1))
        before = rows(other)
        with pytest.raises(UserError) as caught:
            copy_store(store, target)
        assert caught.value.reason == "target-not-empty"
        assert rows(other) == before


def test_store_is_not_copied_onto_itself(store: Store, store_url: str) -> None:
    commit(store, "r1", record())
    before = rows(store)
    with pytest.raises(UserError) as caught:
        copy_store(store, store_url)
    assert caught.value.reason == "target-not-empty"
    assert rows(store) == before


def test_store_that_was_opened_and_never_used_counts_as_empty(
    both: tuple[Store, str], tmp_path: Path
) -> None:
    store, target = both
    open_store(tmp_path / "other", target).close()
    copy_store(store, target)
    with open_store(store.home, target) as copy:
        assert copy.store_id == store.store_id


def test_text_that_the_target_refuses_is_told_and_leaves_nothing(
    urls: Callable[[str], str], tmp_path: Path
) -> None:
    with open_store(tmp_path / "home", urls("one")) as store:
        commit(store, "r1", record(section="\0"))  # PostgreSQL has no such character
        with pytest.raises(StoreError) as caught:
            copy_store(store, urls("postgresql"))
        assert caught.value.reason == "copy-not-written"
    with open_store(tmp_path / "other", urls("postgresql")) as target:
        assert target.versions() == []


def test_copy_with_a_home_of_its_own_is_whole_there(both: tuple[Store, str], tmp_path: Path) -> None:
    store, target = both
    home = tmp_path / "new"
    done = copy_store(store, target, home)
    assert done.raw is not None
    assert (done.raw.files, done.raw.damaged) == (1, ())
    assert (home / "HEAD.json").read_bytes() == (store.home / "HEAD.json").read_bytes()
    with open_store(home, target) as copy:
        capture = copy.history("http://a.example/1")[0].capture_id
        assert capture is not None
        assert copy.raw(capture) == PAGE


def test_home_of_another_store_is_refused(both: tuple[Store, str]) -> None:
    store, target = both
    with pytest.raises(UserError) as caught:
        copy_store(store, target, store.home)
    assert caught.value.reason == "target-exists"
