"""Versions by number, tag, date and time; tags stay."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from parsers.article import Paragraph
from parsers.errors import NotFound, UserError
from storage import Store
from storage.tags import names_a_version, read_moment, read_tags, resolve, write_tag
from tests.conftest import START
from tests.storage.test_commit import commit, record

# In Vietnam: 2 March 08:00, 2 March 23:59:59, 3 March 00:00, 5 March 12:00.
TIMES = (
    START,
    datetime(2026, 3, 2, 16, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 2, 17, 0, tzinfo=UTC),
    datetime(2026, 3, 5, 5, 0, tzinfo=UTC),
)


@pytest.fixture
def grown(store: Store) -> Store:
    """A store with a version at each of TIMES."""
    for number, time in enumerate(TIMES, 1):
        one = record(f"http://a.example/{number}", lead=None, paragraphs=(Paragraph(f"Bài số {number}."),))
        commit(store, f"r{number}", one, now=time)
    return store


def named(store: Store, text: str) -> int:
    with store.reading() as connection:
        return resolve(connection, text).id


def tag(store: Store, name: str, at: str, message: str = "") -> None:
    with store.writing() as connection:
        write_tag(connection, name, resolve(connection, at), message, START)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3", 3),
        ("latest", 4),
        ("2026-03-02", 2),
        ("2026-03-03", 3),
        ("2026-03-04", 3),
        ("2026-03-05", 4),
        ("2099-01-01", 4),
        ("2026-03-02T08:00:00+07:00", 1),
        ("2026-03-02T08:00", 1),
        ("2026-03-02 23:59", 1),
        ("2026-03-02T16:59:59Z", 2),
        ("2026-03-05T11:59:59", 3),
    ],
)
def test_version_is_found_by_number_date_and_time_as_in_vietnam(
    grown: Store, text: str, version: int
) -> None:
    assert named(grown, text) == version
    assert grown.version(text).id == version


def test_corpus_as_of_a_date_holds_what_was_committed_until_then(grown: Store) -> None:
    with grown.documents(grown.version("2026-03-04")) as documents:
        assert [d.record.url[-1] for d in documents] == ["1", "2", "3"]
    added = {change.new.record.url[-1] for change in grown.changes("2026-03-02", "latest") if change.new}
    assert added == {"3", "4"}
    assert len(grown.changes("0", "2026-03-02")) == 2


def test_tag_names_its_version_for_ever(grown: Store) -> None:
    tag(grown, "release-1", "2026-03-02", "first")
    tag(grown, "v1.0_b", "latest")
    assert (named(grown, "release-1"), named(grown, "v1.0_b")) == (2, 4)
    tag(grown, "release-1", "2", "said again")
    with pytest.raises(UserError) as caught:
        tag(grown, "release-1", "3")
    assert caught.value.reason == "tag-taken"
    with grown.reading() as connection:
        told = {row.name: (row.version_id, row.message) for row in read_tags(connection)}
    assert told == {"release-1": (2, "first"), "v1.0_b": (4, "")}
    for statement in ("UPDATE tag SET version_id = 1", "DELETE FROM tag"):
        with pytest.raises(DBAPIError, match="append-only"), grown.writing() as connection:
            connection.execute(sql(statement))


@pytest.mark.parametrize(
    "name",
    ["", "7", "007", "2026-03-02", "2026-02-30", "2026-03-02x", "latest", "-x", "a b", "a/b", "đầu", "x" * 65,
     "a\n", "http://a.example/1"],
)  # fmt: skip
def test_name_that_means_something_else_or_nothing_is_refused(grown: Store, name: str) -> None:
    with pytest.raises(UserError) as caught:
        tag(grown, name, "1")
    assert caught.value.reason == "bad-tag"
    with grown.reading() as connection:
        assert read_tags(connection) == []


@pytest.mark.parametrize(
    ("text", "reason", "says"),
    [
        ("5", "no-such-version", "versions 1 to 4 are there"),
        ("0", "no-such-version", "versions 1 to 4 are there"),
        ("9" * 30, "no-such-version", "versions 1 to 4 are there"),
        ("release-2", "no-such-tag", "release-1"),
        ("-1", "no-such-tag", "release-1"),
        ("2026-03-01", "no-such-version", "2026-03-02 08:00:00+07:00"),
        ("2026-02-30", "bad-date", "YYYY-MM-DD"),
        ("2026-03-02T25:00", "bad-date", "YYYY-MM-DD"),
    ],
)
def test_version_that_is_not_there_is_told_with_those_that_are(
    grown: Store, text: str, reason: str, says: str
) -> None:
    tag(grown, "release-1", "1")
    with pytest.raises(UserError) as caught:
        grown.version(text)
    assert caught.value.reason == reason
    assert says in (caught.value.hint or "")


def test_empty_store_is_told_as_such(store: Store) -> None:
    for text in ("latest", "2026-03-02"):
        with pytest.raises(NotFound) as caught:
            store.version(text)
        assert caught.value.reason == "empty-store"
    with pytest.raises(NotFound, match="no tag 'x'"):
        store.version("x")


def test_words_that_name_versions_are_told_from_addresses() -> None:
    assert all(map(names_a_version, ["3", "release-1", "latest", "2026-03-02", "2026-03-02T08:00:00+07:00"]))
    assert not any(map(names_a_version, ["http://a.example/1", "seed:00ff", "seed-file:x.txt"]))


def test_day_begins_and_ends_in_vietnam() -> None:
    start, end = read_moment("2026-03-02"), read_moment("2026-03-02", end_of_day=True)
    assert start == datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
    assert end == datetime(2026, 3, 2, 16, 59, 59, 999999, tzinfo=UTC)
    assert read_moment("release-1") is None
