"""Which URLs are fetched: decided by a pure function over what is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.pages import failure
from flows.selection import MAX_ATTEMPTS, Found, Selection, retry_delay, select
from storage import Ending, Met, PageState
from tests.conftest import START

URL = "http://a.example/1"
STORED = PageState(
    url=URL,
    found_in="feed",
    ending=Ending.STORED,
    reason="new-article",
    attempts=0,
    hint_at=START,
    retry_at=None,
    fetched_at=START,
    etag='"x"',
    last_modified=None,
    payload_sha256="00",
    record_url=URL,
)


def choose(*found: Found, known: PageState | None = None, room: int = 100, outside: str = "") -> Selection:
    return select(
        {item.url: item for item in found},
        {known.url: known} if known else {},
        outside=frozenset({outside}),
        now=START,
        room=room,
        room_reason="run-limit",
    )


def endings(selection: Selection) -> list[tuple[Ending, str, bool]]:
    return [(end.ending, end.reason, end.skipped) for end in selection.ends]


def test_unknown_url_is_fetched() -> None:
    assert [item.url for item in choose(Found(URL, "feed")).fetch] == [URL]


def test_known_url_without_news_is_left_as_it_is() -> None:
    selection = choose(Found(URL, "feed", START), known=STORED)
    assert selection.fetch == ()
    assert endings(selection) == [(Ending.UNCHANGED, "known", True)]


def test_known_url_that_its_site_changed_is_asked_for_with_its_validators() -> None:
    (item,) = choose(Found(URL, "feed", START + timedelta(hours=1)), known=STORED).fetch
    assert item.etag == '"x"'


def test_time_of_change_that_is_told_late_but_lies_before_the_reading_is_no_news() -> None:
    unhinted = replace(STORED, hint_at=None, fetched_at=START)
    assert choose(Found(URL, "map", START - timedelta(hours=1)), known=unhinted).fetch == ()
    assert len(choose(Found(URL, "map", START + timedelta(hours=1)), known=unhinted).fetch) == 1


def test_url_outside_the_pattern_is_rejected_once_and_then_left() -> None:
    assert endings(choose(Found(URL, "map"), outside=URL)) == [(Ending.REJECTED, "outside-pattern", False)]
    known = replace(STORED, ending=Ending.REJECTED, reason="outside-pattern", fetched_at=None)
    later = choose(Found(URL, "map", START + timedelta(days=9)), known=known, outside=URL)
    assert endings(later) == [(Ending.UNCHANGED, "outside-pattern", True)]


def test_beyond_the_room_the_oldest_are_put_off_with_the_reason() -> None:
    items = [Found(f"{URL}{n}", "feed", START + timedelta(hours=n)) for n in range(3)]
    selection = choose(*items, room=2)
    assert [item.url for item in selection.fetch] == [f"{URL}2", f"{URL}1"]
    assert endings(selection) == [(Ending.DEFERRED, "run-limit", False)]


def test_no_room_at_all_puts_everything_off() -> None:
    assert endings(choose(Found(URL, "feed"), room=-3)) == [(Ending.DEFERRED, "run-limit", False)]


def test_failed_url_waits_for_its_time_and_then_is_tried_with_its_count() -> None:
    failed = replace(
        STORED, ending=Ending.FAILED, attempts=2, retry_at=START + timedelta(minutes=1), fetched_at=None
    )
    assert endings(choose(Found(URL, "feed", START), known=failed)) == [
        (Ending.DEFERRED, "retry-later", True)
    ]
    (item,) = choose(Found(URL, "feed", START), known=replace(failed, retry_at=START)).fetch
    assert item.attempts == 2


def test_given_up_url_is_left_until_its_site_says_that_it_changed() -> None:
    given_up = replace(STORED, ending=Ending.FAILED, reason="http-404", retry_at=None)
    assert endings(choose(Found(URL, "feed", START), known=given_up)) == [
        (Ending.UNCHANGED, "given-up", True)
    ]
    assert len(choose(Found(URL, "feed", START + timedelta(hours=1)), known=given_up).fetch) == 1


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 15), (2, 60), (3, 240), (4, 960), (5, 1440), (50, 1440)]
)
def test_waits_grow_fourfold_to_a_day(attempts: int, minutes: int) -> None:
    assert retry_delay(attempts) == timedelta(minutes=minutes)


def test_transient_failure_is_tried_again_until_the_last_attempt() -> None:
    met = Met(URL, "feed")
    first = failure(met, "timeout", "", 0, START, transient=True)
    assert first.retry_at == START + timedelta(minutes=15)
    told = failure(met, "http-503", "", 0, START, timedelta(hours=2), transient=True)
    assert told.retry_at == START + timedelta(hours=2)
    assert failure(met, "timeout", "", MAX_ATTEMPTS - 1, START, transient=True).retry_at is None
    assert failure(met, "http-404", "", 0, START, transient=False).retry_at is None
