"""Addresses of the pages of a listing, and what is remembered of an answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.gaps import REMEMBERED, compare
from flows.listing_pages import (
    MOST_DAYS,
    day_address,
    days_to_read,
    is_dated,
    page_address,
)
from tests.conftest import START


@pytest.mark.parametrize(
    ("pattern", "listing", "address"),
    [
        ("{stem}/trang-{page}.htm", "https://a.example/tin.htm", "https://a.example/tin/trang-2.htm"),
        ("{stem}-p{page}", "https://a.example/tin", "https://a.example/tin-p2"),
        ("{stem}-p{page}", "https://a.example/tin/", "https://a.example/tin-p2"),
        ("{stem}/trang-{page}.htm", "https://a.example/", "https://a.example/trang-2.htm"),
        ("{listing}?page={page}", "https://a.example/tin", "https://a.example/tin?page=2"),
        ("{stem}?page={page}", "https://a.example/tin.html?x=1", "https://a.example/tin?page=2"),
        ("https://a.example/ajax/{page}", "https://a.example/tin", "https://a.example/ajax/2"),
    ],
)
def test_further_page_is_addressed_as_the_source_file_says(pattern: str, listing: str, address: str) -> None:
    assert page_address(pattern, listing, 2) == address


def test_day_of_a_listing_is_a_day_in_vietnam() -> None:
    day = date(2026, 3, 2)
    assert day_address("https://a.example/{yyyy}/{mm}/{dd}", day) == "https://a.example/2026/03/02"
    assert day_address("https://a.example/{d}-{m}", day) == "https://a.example/2-3"
    epochs = day_address("https://a.example/{from_epoch}/{to_epoch}", day)
    start, end = (datetime.fromtimestamp(int(part), UTC) for part in epochs.rsplit("/", 2)[1:])
    assert start == datetime(2026, 3, 1, 17, tzinfo=UTC)
    assert end - start == timedelta(days=1, seconds=-1)


def test_days_reach_back_to_the_last_answer_but_not_for_ever() -> None:
    assert [day.day for day in days_to_read(None, START)] == [2, 1]
    assert [day.day for day in days_to_read(START - timedelta(days=3), START)] == [2, 1, 28, 27]
    assert len(days_to_read(START - timedelta(days=400), START)) == MOST_DAYS + 1
    late = START.replace(hour=18)  # the next day in Vietnam
    assert days_to_read(late, late)[0] == date(2026, 3, 3)


def test_plain_listing_is_not_dated() -> None:
    assert is_dated("https://a.example/{yyyy}")
    assert not is_dated("https://a.example/2026")


def urls(*numbers: int) -> list[tuple[str, datetime | None]]:
    return [(f"https://a.example/{n}", None) for n in numbers]


def test_answer_without_any_known_item_is_a_gap() -> None:
    first = compare((), urls(1, 2, 3))
    assert (first.gap, first.new) == (False, True)
    assert compare(first.recent, urls(3, 4)).gap is False
    assert compare(first.recent, urls(4, 5)).gap is True
    again = compare(first.recent, urls(2, 1))
    assert (again.gap, again.new) == (False, False)


def test_empty_answer_forgets_nothing() -> None:
    first = compare((), urls(1, 2))
    again = compare(first.recent, [])
    assert (again.recent, again.new, again.gap) == (first.recent, False, False)


def test_newest_items_are_remembered_wherever_they_stand() -> None:
    dated = [(f"https://a.example/{n}", START + timedelta(minutes=n)) for n in range(500)]
    kept = compare((), dated).recent
    assert len(kept) == REMEMBERED
    assert compare(kept, dated[-10:]).gap is False
    assert compare(kept, dated[:10]).gap is True


@given(st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_gap_is_told_exactly_where_nothing_is_shared(before: list[int], after: list[int]) -> None:
    told = compare(compare((), urls(*before)).recent, urls(*after))
    assert told.gap == (bool(before) and bool(after) and not set(before) & set(after))
    assert told.new == bool(set(after) - set(before))
