"""A source's rhythm: how many new articles an hour it brings, by hour of the day, and when it is too quiet.

Pure. What is kept is small and bounded: for each hour of the day in Vietnam the number of new articles and
the hours for which the source was watched, both fading with a half-life of four weeks. Newspapers sleep: of
191 real times of publication 5 % lie between midnight and seven, where an even rate would have 29 %, and with
the hours articles wait about a tenth less for as many polls (tests/benchmarks/rhythm.py). Weekdays are left
out, since nothing at hand shows that they help.

**The silence alarm** is a cumulative sum for counts (Page 1954; Lucas 1985): each expected article adds
`1 - QUIET` to it, each article that came takes `ln(1 / QUIET)` away, and it never falls below 0. This is the
log likelihood ratio of a source at an eighth of its rate against one at its own, and the alarm is raised
above `ln(10^6)`: after some 16 articles that were due and did not come, or some 40 at a quarter of the rate.
At half of the rate (a holiday) the sum falls, so there is no alarm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from parsers.dates import VIETNAM

HALF_LIFE: Final = timedelta(days=28)
LONGEST_STEP: Final = timedelta(days=2)
"""A longer time between two looks was not watched: a feed does not reach back so far."""

SETTLED_HOURS: Final = 72.0
SETTLED_ARTICLES: Final = 10.0
"""A rhythm is believed from so many hours and articles on (faded ones count for less)."""

ALARM_HOURS: Final = 168.0
"""No silence alarm before a source was watched for a week."""

QUIET: Final = 1 / 8
_ALARM: Final = math.log(1e6)
# The sum stops here, so that the first articles after a long silence end the alarm.
_HIGHEST: Final = 1.5 * _ALARM

# How many hours of the mean rate each hour of the day is given beforehand, so that few days make no gaps.
_PRIOR_HOURS: Final = 2.0
_HOUR: Final = timedelta(hours=1)
_FARTHEST: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What was seen of a source.

    `since` and `until` bound the time for which it was watched; `articles` and `hours` are for each hour of
    the day (Vietnamese time) the articles met and the hours watched, faded; `silence` is the cumulative sum,
    `newest` when something new was met last.
    """

    since: datetime
    until: datetime
    articles: tuple[float, ...] = (0.0,) * 24
    hours: tuple[float, ...] = (0.0,) * 24
    silence: float = 0.0
    newest: datetime | None = None

    @property
    def watched_hours(self) -> float:
        """How many hours the source was watched; faded ones count for less."""
        return sum(self.hours)

    @property
    def mean(self) -> float:
        """Articles an hour, over the whole day."""
        return sum(self.articles) / max(self.watched_hours, 1e-9)

    @property
    def settled(self) -> bool:
        """Whether enough was seen to believe it."""
        return self.watched_hours >= SETTLED_HOURS and sum(self.articles) >= SETTLED_ARTICLES

    @property
    def silent(self) -> bool:
        """Whether the source is quieter than its own rhythm allows."""
        return self.silence > _ALARM

    def rate(self, time: datetime) -> float:
        """Articles an hour that are expected at this time."""
        hour = time.astimezone(VIETNAM).hour
        return (self.articles[hour] + _PRIOR_HOURS * self.mean) / (self.hours[hour] + _PRIOR_HOURS)

    def expected(self, start: datetime, end: datetime) -> float:
        """How many articles are expected from `start` to `end`."""
        return sum(self.rate(hour) * (upto - hour) / _HOUR for hour, upto in _hours(start, end))

    def time_of(self, articles: float, start: datetime) -> datetime:
        """When so many articles will have come since `start`; two weeks later at the latest."""
        left = articles
        last = start + _FARTHEST
        for hour, upto in _hours(start, last):
            rate = self.rate(hour)
            here = rate * ((upto - hour) / _HOUR)
            if here >= left:
                return hour + _HOUR * (left / rate) if rate > 0 else hour
            left -= here
        return last


def watched(rhythm: Rhythm | None, now: datetime, new: Iterable[datetime | None]) -> Rhythm:
    """The rhythm after a look at `now` that met these new articles (their time of publication, if told).

    The first look only starts the watch: what it meets came at a time that nobody knows. Of what is met
    later, articles from before the watch are not counted. A clock that was put back starts the watch anew.
    """
    if rhythm is None or now < rhythm.until - _HOUR:
        return Rhythm(now, now)
    if now - rhythm.until > LONGEST_STEP:
        return replace(rhythm, until=now)
    met = [time for time in new if time is None or time >= rhythm.since]
    fade = 0.5 ** ((now - rhythm.until) / HALF_LIFE)
    articles = [count * fade for count in rhythm.articles]
    hours = [count * fade for count in rhythm.hours]
    for hour, upto in _hours(rhythm.until, now):
        hours[hour.astimezone(VIETNAM).hour] += (upto - hour) / _HOUR
    for time in met:
        told = time if time is not None and time <= now else now
        articles[told.astimezone(VIETNAM).hour] += 1.0
    silence = 0.0
    if rhythm.settled and rhythm.watched_hours >= ALARM_HOURS:
        due = rhythm.expected(rhythm.until, now)
        silence = rhythm.silence + (1 - QUIET) * due - len(met) * math.log(1 / QUIET)
    return replace(
        rhythm,
        until=max(now, rhythm.until),
        articles=tuple(articles),
        hours=tuple(hours),
        silence=min(max(silence, 0.0), _HIGHEST),
        newest=now if met else rhythm.newest,
    )


def silence_of(rhythm: Rhythm | None) -> str | None:
    """The alarm in words: `silent: ...`; None if there is none."""
    if rhythm is None or not rhythm.silent:
        return None
    last = (
        "since it was first watched" if rhythm.newest is None else f"since {rhythm.newest:%Y-%m-%d %H:%M} UTC"
    )
    missing = rhythm.expected(rhythm.newest or rhythm.since, rhythm.until)
    return (
        f"silent: quieter than its own rhythm of {rhythm.mean * 24:.0f} articles a day allows; "
        f"nothing new {last}, where {min(missing, 9999):.0f} were due"
    )


def _hours(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time from `start` to `end`, cut at full hours."""
    while start < end:
        upto = min(start.replace(minute=0, second=0, microsecond=0) + _HOUR, end)
        yield start, upto
        start = upto


def to_text(rhythm: Rhythm | None) -> str:
    """How a rhythm is stored."""
    if rhythm is None:
        return ""
    rounded = {
        "articles": [round(count, 3) for count in rhythm.articles],
        "hours": [round(count, 3) for count in rhythm.hours],
        "silence": round(rhythm.silence, 3),
    }
    return orjson.dumps({**asdict(rhythm), **rounded}).decode()


def from_text(text: str) -> Rhythm | None:
    """The rhythm that `to_text` wrote; None for an empty text or one of another form."""
    try:
        found = orjson.loads(text) if text else {}
        values = {field.name: found[field.name] for field in fields(Rhythm)}
        times = {
            name: datetime.fromisoformat(values[name]).astimezone(UTC)
            for name in ("since", "until", "newest")
            if values[name] is not None
        }
        lists = {name: tuple(float(count) for count in values[name]) for name in ("articles", "hours")}
        rhythm = Rhythm(**{**values, **times, **lists})
    except (KeyError, TypeError, ValueError):
        return None
    return rhythm if len(rhythm.articles) == len(rhythm.hours) == 24 else None
