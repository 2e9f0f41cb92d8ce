"""When an endpoint is asked next, and why: decided by a pure function."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.polling import JITTER, LONGEST_RETRY, NextPoll, Situation, fresh_for, next_poll
from flows.rhythm import Rhythm
from tests.conftest import START

HALF_HOUR, HALF_DAY = timedelta(minutes=30), timedelta(hours=12)
PLAIN = Situation(HALF_HOUR, HALF_DAY)


class NoJitter(random.Random):
    def random(self) -> float:
        return 0.0


def even(a_day: float) -> Rhythm:
    """The rhythm of a source that was watched for ten days and brings so many articles, day and night."""
    return Rhythm(
        START - timedelta(days=10), START, articles=(a_day * 10 / 24,) * 24, hours=(10.0,) * 24, newest=START
    )


def plan(known: Situation, now: datetime = START) -> NextPoll:
    return next_poll(known, now, NoJitter())


def minutes(known: Situation, now: datetime = START) -> float:
    return round((plan(known, now).at - now) / timedelta(minutes=1), 3)


@pytest.mark.parametrize(
    ("known", "wait", "reason"),
    [
        (PLAIN, 30, "start-value"),
        (replace(PLAIN, idle=3), 30, "start-value"),
        (replace(PLAIN, idle=5), 67.5, "start-value"),
        (replace(PLAIN, floor=timedelta(0)), 0, "always"),
        (replace(PLAIN, rhythm=even(240)), 30, "floor"),
        (replace(PLAIN, rhythm=even(24)), 60, "rhythm"),
        (replace(PLAIN, rhythm=even(24), idle=4), 90, "rhythm"),
        (replace(PLAIN, rhythm=even(24), idle=7, items=4), 120, "short-feed"),
        (replace(PLAIN, rhythm=even(24), fresh_for=90 * 60), 90, "cache-headers"),
        (replace(PLAIN, rhythm=even(24), fresh_for=60), 60, "rhythm"),
        (replace(PLAIN, rhythm=even(24), ttl_minutes=180), 180, "feed-ttl"),
        (replace(PLAIN, rhythm=even(24), skip_hours=(2, 3)), 180, "feed-skips"),
        (replace(PLAIN, skip_hours=tuple(range(24))), 30, "start-value"),
        (replace(PLAIN, failures=1, failure="http-503"), 15, "failed"),
        (replace(PLAIN, failures=3, failure="http-503"), 60, "failed"),
        (replace(PLAIN, failures=99), 24 * 60, "failed"),
        (replace(PLAIN, failures=1, retry_after=7200.0), 120, "retry-after"),
        (replace(PLAIN, failures=3, retry_after=60.0), 60, "failed"),
    ],
)
def test_wait_has_a_length_and_a_reason(known: Situation, wait: float, reason: str) -> None:
    assert (minutes(known), plan(known).reason) == (wait, reason)
    assert plan(known).why


@pytest.mark.parametrize(
    "known",
    [
        replace(PLAIN, rhythm=even(1.5)),
        replace(PLAIN, fresh_for=1e9),
        replace(PLAIN, ttl_minutes=10_000),
        replace(PLAIN, skip_days=("monday", "tuesday")),
    ],
)
def test_no_wish_goes_beyond_the_ceiling(known: Situation) -> None:
    assert plan(known).reason == "ceiling"
    assert HALF_DAY / (1 + JITTER) <= plan(known).at - START <= HALF_DAY


def test_quiet_night_is_slept_through_until_the_morning() -> None:
    """Nothing between midnight and six in Vietnam, ten articles an hour by day."""
    by_day = tuple(0.0 if hour < 6 else 100.0 for hour in range(24))
    rhythm = Rhythm(START - timedelta(days=10), START, by_day, (10.0,) * 24, newest=START)
    evening = datetime(2026, 3, 2, 23, 50, tzinfo=UTC) - timedelta(hours=7)
    asked = plan(replace(PLAIN, rhythm=rhythm), evening).at + timedelta(hours=7)
    assert (asked.day, asked.hour) == (3, 0)  # one in the last ten minutes may still come
    night = evening + timedelta(minutes=40)
    woken = plan(replace(PLAIN, rhythm=rhythm, idle=1), night).at + timedelta(hours=7)
    assert woken.hour >= 1


_SITUATIONS = st.builds(
    Situation,
    floor=st.integers(1, 720).map(lambda n: timedelta(minutes=n)),
    ceiling=st.integers(1, 10_080).map(lambda n: timedelta(minutes=n)),
    rhythm=st.none() | st.floats(0, 1e5).map(even),
    idle=st.integers(0, 1000),
    items=st.integers(0, 50_000),
    fresh_for=st.none() | st.floats(0, 1e9),
    ttl_minutes=st.none() | st.integers(0, 10_080),
    skip_hours=st.lists(st.integers(0, 23)),
    skip_days=st.lists(st.sampled_from(["monday", "sunday", "friday"])),
)


@given(_SITUATIONS, st.integers())
def test_wait_after_a_success_lies_between_floor_and_ceiling(known: Situation, seed: int) -> None:
    wait = next_poll(known, START, random.Random(seed)).at - START
    assert min(known.floor, known.ceiling) <= wait <= known.ceiling


@given(st.integers(1, 10_000), st.none() | st.floats(0, 86_400), st.integers())
def test_wait_after_a_failure_is_at_least_what_the_host_asks(
    failures: int, retry_after: float | None, seed: int
) -> None:
    known = replace(PLAIN, failures=failures, retry_after=retry_after)
    wait = next_poll(known, START, random.Random(seed)).at - START
    assert wait >= timedelta(minutes=15)
    assert wait >= timedelta(seconds=retry_after or 0)
    assert wait <= LONGEST_RETRY * (1 + JITTER)


def test_sources_in_the_same_situation_are_not_asked_in_one_moment() -> None:
    rng = random.Random(1)
    waits = {next_poll(replace(PLAIN, ttl_minutes=10_000), START, rng).at for _ in range(20)}
    assert len(waits) == 20


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Cache-Control", "max-age=600")], 600),
        ([("cache-control", "public, MAX-AGE = 600, s-maxage=60")], 60),
        ([("Cache-Control", 'max-age="600"'), ("Age", "540")], 60),
        ([("Cache-Control", "max-age=600"), ("Age", "9999")], None),
        ([("Cache-Control", "max-age=600"), ("Age", "x")], 600),
        ([("Cache-Control", "no-cache, max-age=600")], None),
        ([("Cache-Control", "no-store")], None),
        ([("Cache-Control", "max-age=-5")], None),
        ([("Cache-Control", "max-age=99999999999999999999")], 999_999_999),
        ([("Expires", "Mon, 02 Mar 2026 01:10:00 GMT")], 600),
        ([("Expires", "Mon, 02 Mar 2026 01:10:00 GMT"), ("Date", "Mon, 02 Mar 2026 01:09:00 GMT")], 60),
        ([("Expires", "Mon, 02 Mar 2026 01:10:00 GMT"), ("Cache-Control", "max-age=5")], 5),
        ([("Expires", "0")], None),
        ([("Expires", "Mon, 02 Mar 1026")], None),
        ([], None),
    ],
)
def test_how_long_an_answer_stays_fresh(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert fresh_for(headers, START) == seconds
