"""A source's rhythm, and when it is too quiet."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.rhythm import Rhythm, from_text, silence_of, to_text, watched
from parsers.dates import VIETNAM
from tests.conftest import START

POLL = timedelta(minutes=30)


def shares(hour: int) -> float:
    """How busy an hour of the day is: asleep by night."""
    return 0.1 if hour < 6 else 1.0


def poisson(mean: float, rng: random.Random) -> int:
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def live(
    rhythm: Rhythm | None, days: float, an_hour: float, rng: random.Random, start: datetime = START
) -> Rhythm:
    """Watch a source for some days, looking every half hour."""
    now = start if rhythm is None else rhythm.until
    rhythm = watched(rhythm, now, [])
    for _ in range(int(days * 48)):
        now += POLL
        hour = now.astimezone(VIETNAM).hour
        new: Sequence[datetime | None] = [now] * poisson(an_hour * shares(hour) / 2, rng)
        rhythm = watched(rhythm, now, new)
    return rhythm


def test_rhythm_is_learnt_hour_by_hour() -> None:
    rhythm = live(None, 28, 5, random.Random(1))
    assert rhythm.settled
    assert rhythm.mean == pytest.approx(5 * (18 + 0.6) / 24, rel=0.1)
    noon = START.astimezone(VIETNAM).replace(hour=12)
    assert rhythm.rate(noon) == pytest.approx(5, rel=0.25)
    assert rhythm.rate(noon.replace(hour=3)) < 1


def test_expectation_and_its_time_are_inverse() -> None:
    rhythm = live(None, 14, 3, random.Random(2))
    for articles in (0.3, 1, 7, 40):
        at = rhythm.time_of(articles, rhythm.until)
        assert rhythm.expected(rhythm.until, at) == pytest.approx(articles, rel=1e-3)


def test_time_of_a_source_that_brings_nothing_is_two_weeks_off() -> None:
    rhythm = Rhythm(START, START, hours=(9.0,) * 24)
    assert rhythm.time_of(1, START) == START + timedelta(days=14)


def test_first_look_starts_the_watch_and_counts_nothing() -> None:
    first = watched(None, START, [START - timedelta(hours=3), None])
    assert first == Rhythm(START, START)
    later = watched(first, START + POLL, [START - timedelta(days=1), START + POLL / 2, None])
    assert sum(later.articles) == pytest.approx(2)
    assert later.watched_hours == pytest.approx(0.5)


def test_time_in_which_nobody_looked_is_not_counted() -> None:
    rhythm = live(None, 10, 2, random.Random(3))
    back = watched(rhythm, rhythm.until + timedelta(days=5), [None] * 50)
    assert (back.articles, back.hours, back.silence) == (rhythm.articles, rhythm.hours, rhythm.silence)


def test_clock_that_was_put_back_starts_the_watch_anew() -> None:
    rhythm = live(None, 10, 2, random.Random(3))
    assert watched(rhythm, START, [None]) == Rhythm(START, START)


def looks_until_alarm(rhythm: Rhythm, an_hour: float, days: float, rng: random.Random) -> float | None:
    """Hours until the alarm while the source brings so many articles an hour; None if it is not raised."""
    for half_hours in range(int(days * 48)):
        rhythm = live(rhythm, 1 / 48, an_hour, rng)
        if rhythm.silent:
            return half_hours / 2
    return None


@pytest.mark.parametrize(("an_hour", "at_most"), [(5, 18), (0.5, 72)])
def test_source_that_falls_silent_is_told(an_hour: float, at_most: float) -> None:
    rhythm = live(None, 21, an_hour, random.Random(4))
    assert silence_of(rhythm) is None
    hours = looks_until_alarm(rhythm, 0, 10, random.Random(5))
    assert hours is not None
    assert 2 < hours < at_most


def test_source_at_a_quarter_of_its_rate_is_told() -> None:
    rhythm = live(None, 21, 5, random.Random(6))
    assert looks_until_alarm(rhythm, 5 / 4, 7, random.Random(7)) is not None


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_source_at_its_own_rate_or_half_of_it_raises_no_alarm(share: float) -> None:
    """A month each; the run is the same whenever the test runs."""
    rhythm = live(None, 21, 4, random.Random(8))
    assert looks_until_alarm(rhythm, 4 * share, 30, random.Random(9)) is None


def test_young_source_raises_no_alarm() -> None:
    rhythm = live(None, 4, 5, random.Random(10))
    assert rhythm.settled
    assert looks_until_alarm(rhythm, 0, 2, random.Random(11)) is None


def test_alarm_ends_soon_after_the_source_speaks_again_and_says_since_when() -> None:
    rhythm = live(None, 21, 5, random.Random(12))
    newest = rhythm.newest
    silent = live(rhythm, 9, 0, random.Random(13))
    told = silence_of(silent)
    assert told is not None
    assert newest is not None
    assert told.startswith("silent: ")
    assert f"{newest:%Y-%m-%d %H:%M}" in told
    assert silence_of(live(silent, 0.5, 5, random.Random(14))) is None


def test_source_that_stays_slow_is_believed_at_last() -> None:
    rhythm = live(None, 21, 5, random.Random(15))
    assert live(rhythm, 10, 5 / 6, random.Random(16)).silent
    assert not live(rhythm, 120, 5 / 6, random.Random(16)).silent


@given(st.integers(0, 10_000), st.floats(0, 3))
def test_stored_rhythm_is_read_back(seed: int, an_hour: float) -> None:
    rhythm = live(None, 0.5, an_hour, random.Random(seed))
    text = to_text(rhythm)
    assert len(text) < 1000
    back = from_text(text)
    assert back is not None
    assert to_text(back) == text
    assert back.articles == pytest.approx(rhythm.articles, abs=1e-3)
    for one in (back, rhythm):
        assert (one.since, one.until, one.newest) == (rhythm.since, rhythm.until, rhythm.newest)


@pytest.mark.parametrize("text", ["", "{}", "[]", "x", '{"since": 1}', to_text(Rhythm(START, START, (1.0,)))])
def test_rhythm_of_another_form_is_none(text: str) -> None:
    assert from_text(text) is None
