"""Which URLs are fetched: decided by a pure function over what is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from flows.pages import end_of_failure
from flows.selection import MAX_ATTEMPTS, Found, Selection, retry_delay, select
from parsers.errors import FetchError, PermanentFetchError, RefusedFetchError, TransientFetchError
from storage import End, Ending, PageState
from tests.conftest import START

URL = "http://a.example/1"
STORED = PageState(
    url=URL,
    found_in="feed",
    ending=Ending.STORED,
    reason="new-article",
    attempts=0,
    hint_at=START,
    published_hint_at=None,
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


def test_time_that_is_told_for_the_first_time_is_news_only_if_it_lies_after_the_reading() -> None:
    """The feed was read first; hours later the sitemap tells a `lastmod` a little after the publication."""
    read = replace(STORED, hint_at=None, published_hint_at=START, fetched_at=START + timedelta(minutes=10))
    feed = START
    lastmod = START + timedelta(minutes=2)
    assert choose(Found(URL, "map", lastmod, feed), known=read).fetch == ()
    assert len(choose(Found(URL, "map", START + timedelta(hours=1), feed), known=read).fetch) == 1


def test_new_date_of_publication_is_news() -> None:
    known = replace(STORED, hint_at=None, published_hint_at=START)
    assert choose(Found(URL, "feed", None, START), known=known).fetch == ()
    assert len(choose(Found(URL, "feed", None, START + timedelta(hours=1)), known=known).fetch) == 1


def test_url_of_a_retracted_document_is_never_asked_for_whatever_its_site_says() -> None:
    known = replace(STORED, ending=Ending.REJECTED, reason="retracted")
    selection = choose(Found(URL, "map", START + timedelta(days=9)), known=known)
    assert selection.fetch == ()
    assert endings(selection) == [(Ending.REJECTED, "retracted", True)]


def test_url_outside_the_pattern_is_rejected_once_and_then_left() -> None:
    assert endings(choose(Found(URL, "map"), outside=URL)) == [(Ending.REJECTED, "outside-pattern", False)]
    known = replace(STORED, ending=Ending.REJECTED, reason="outside-pattern", fetched_at=None)
    later = choose(Found(URL, "map", START + timedelta(days=9)), known=known, outside=URL)
    assert endings(later) == [(Ending.UNCHANGED, "outside-pattern", True)]


def test_url_that_a_corrected_pattern_lets_in_is_fetched() -> None:
    known = replace(STORED, ending=Ending.REJECTED, reason="outside-pattern", fetched_at=None)
    assert [item.url for item in choose(Found(URL, "map"), known=known).fetch] == [URL]


def test_beyond_the_room_the_oldest_are_put_off_with_the_reason() -> None:
    items = [Found(f"{URL}{n}", "feed", START + timedelta(hours=n)) for n in range(3)]
    selection = choose(*items, room=2)
    assert [item.url for item in selection.fetch] == [f"{URL}2", f"{URL}1"]
    assert endings(selection) == [(Ending.DEFERRED, "run-limit", False)]


def test_backlog_gets_a_quarter_of_the_room_however_much_is_new() -> None:
    new = [Found(f"{URL}-new-{n}", "feed", START + timedelta(hours=n)) for n in range(9)]
    old = Found(f"{URL}-old", "feed", START - timedelta(days=9))
    waiting = replace(STORED, url=old.url, ending=Ending.DEFERRED, reason="run-limit", fetched_at=None)
    selection = choose(*new, old, known=waiting, room=4)
    assert len(selection.fetch) == 4
    assert old.url in {item.url for item in selection.fetch}


def test_url_that_is_put_off_again_for_the_same_reason_gets_no_row_more() -> None:
    waiting = replace(STORED, ending=Ending.DEFERRED, reason="run-limit", fetched_at=None)
    assert endings(choose(Found(URL, "feed"), known=waiting, room=0)) == [
        (Ending.DEFERRED, "run-limit", True)
    ]


def test_wait_that_a_clock_running_ahead_has_set_is_over() -> None:
    ahead = replace(STORED, ending=Ending.FAILED, retry_at=START + timedelta(days=3650), attempts=1)
    assert len(choose(Found(URL, "feed"), known=ahead).fetch) == 1


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


def end_of(error: FetchError, attempts: int = 0) -> End:
    return end_of_failure(Found(URL, "feed", attempts=attempts), error, START)


def test_transient_failure_is_tried_again_until_the_last_attempt() -> None:
    busy = TransientFetchError("busy", reason="http-503", status=503)
    assert end_of(busy).retry_at == START + timedelta(minutes=15)
    told = TransientFetchError("busy", reason="http-503", status=503, retry_after=7200)
    assert end_of(told).retry_at == START + timedelta(hours=2)
    assert end_of(busy, MAX_ATTEMPTS - 1).retry_at is None


@pytest.mark.parametrize(
    ("reason", "looks"),
    [("http-404", 2), ("http-410", 1), ("http-403", MAX_ATTEMPTS), ("tls-failed", MAX_ATTEMPTS),
     ("redirect-to-home", MAX_ATTEMPTS), ("not-html", 1), ("too-large", 1)],
)  # fmt: skip
def test_what_a_server_calls_permanent_is_looked_at_again_a_day_later(reason: str, looks: int) -> None:
    ends = [end_of(PermanentFetchError("no", reason=reason), attempts) for attempts in range(looks)]
    assert [end.retry_at for end in ends] == [START + timedelta(days=1)] * (looks - 1) + [None]
    assert {end.ending for end in ends} == {Ending.FAILED}


@pytest.mark.parametrize("reason", ["dns-failed", "connect-failed", "host-backoff", "robots-unavailable"])
def test_host_out_of_reach_costs_a_url_no_attempt(reason: str) -> None:
    end = end_of(TransientFetchError("no line", reason=reason), MAX_ATTEMPTS + 3)
    assert end.ending is Ending.DEFERRED
    assert end.retry_at == START + timedelta(hours=1)


def test_refusal_that_may_be_taken_back_is_asked_about_again() -> None:
    refused = end_of(RefusedFetchError("robots.txt forbids it", reason="robots-disallowed"))
    assert (refused.ending, refused.retry_at) == (Ending.REJECTED, START + timedelta(days=1))
    assert end_of(RefusedFetchError("port 22", reason="bad-port")).retry_at is None
