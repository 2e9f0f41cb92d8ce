"""When a feed, sitemap or listing is asked next, and why then: one pure function, `next_poll`.

What is weighed, in this order: a host that asked us to wait; failures; how soon the source's rhythm lets
something new be expected; how soon a feed could run over; how long its host says that an answer stays fresh
(Cache-Control, Expires), and what the feed asks for (`ttl`, `skipHours`, `skipDays`). The result never lies
below the floor nor above the ceiling of the source file; a share is added at random, so that not all sources
are asked in one moment.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from flows.rhythm import Rhythm

JITTER: Final = 0.05
"""The largest share of the wait that is added at random."""

FIRST_RETRY: Final = timedelta(minutes=15)
LONGEST_RETRY: Final = timedelta(days=1)
"""After the nth failure in a row: 15 minutes, doubled each time, a day at most."""

WORTH_ASKING: Final = 1.0
"""So many new articles should be expected before it is worth to ask again."""

# An endpoint that brought nothing new so often in a row has little of what its source publishes: from then on
# each further look waits for more. Fewer say nothing, since with one article expected a third bring none.
_PATIENCE: Final = 3
_IDLE_GROWTH: Final = 1.5
_MOST_GROWTH: Final = 6  # 1.5 ** 6 = 11
# A feed is read again before half of its items can have been pushed out.
_SHARE_OF_FEED: Final = 0.5
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})")
_NOT_KEPT: Final = re.compile(r"(?:^|[,\s])no-(?:cache|store)\b")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when the next poll of one endpoint is decided.

    `floor` and `ceiling` bound the wait after a success; with a floor of 0 it is due in every run. `items`
    are those of the last answer (0: not known, or no feed), `idle` the answers in a row with nothing new,
    `retry_after` and `fresh_for` seconds, `ttl_minutes`, `skip_hours` and `skip_days` what the feed asks for.
    """

    floor: timedelta
    ceiling: timedelta
    rhythm: Rhythm | None = None
    failures: int = 0
    failure: str = ""
    idle: int = 0
    items: int = 0
    retry_after: float | None = None
    fresh_for: float | None = None
    ttl_minutes: int | None = None
    skip_hours: Sequence[int] = ()
    skip_days: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NextPoll:
    """When to ask next; `reason` is a short code, `why` says it in words."""

    at: datetime
    reason: str
    why: str


def next_poll(known: Situation, now: datetime, rng: random.Random) -> NextPoll:
    """Decide when an endpoint is asked next, and say why. Pure but for `rng`."""
    if known.failures:
        return _after_failure(known, now, rng)
    if not known.floor:
        return NextPoll(now, "always", "due in every run")
    if known.floor >= known.ceiling:
        return _bounded(known.ceiling, "ceiling", "the longest wait of the source file", known, now, rng)
    wait, reason, why = _by_rhythm(known, now)
    if wait < known.floor:
        wait, reason = known.floor, "floor"
        why = f"{why}; the source file allows one look in {_told(known.floor)}"
    for asked, code, words in _wishes(known):
        if asked > wait:
            wait, reason, why = asked, code, f"{words} {_told(asked)}"
    awake = _not_skipped(now + wait, known)
    if awake > now + wait:
        wait, reason, why = awake - now, "feed-skips", "the feed asks not to be read before then"
    if wait > known.ceiling:
        wait, reason, why = known.ceiling, "ceiling", f"{why}; the longest wait is {_told(known.ceiling)}"
    return _bounded(wait, reason, why, known, now, rng)


def _after_failure(known: Situation, now: datetime, rng: random.Random) -> NextPoll:
    doubled: int = 2 ** min(known.failures - 1, 10)
    wait = min(FIRST_RETRY * doubled, LONGEST_RETRY)
    wait += wait * JITTER * rng.random()
    if known.retry_after and timedelta(seconds=known.retry_after) >= wait:
        wait = timedelta(seconds=known.retry_after)
        return NextPoll(now + wait, "retry-after", f"its host asked to wait {_told(wait)}")
    times = "" if known.failures == 1 else f" {known.failures} times in a row"
    return NextPoll(now + wait, "failed", f"{known.failure or 'failed'}{times}")


def _by_rhythm(known: Situation, now: datetime) -> tuple[timedelta, str, str]:
    """The wait that the rhythm and the last answers give, before any bound."""
    growth = _IDLE_GROWTH ** min(max(known.idle - _PATIENCE, 0), _MOST_GROWTH)
    idle = f", and {known.idle} answers in a row had nothing new" if known.idle > _PATIENCE else ""
    if known.rhythm is None or not known.rhythm.settled:
        return known.floor * growth, "start-value", f"its rhythm is not known yet{idle}"
    wanted = WORTH_ASKING * growth
    rate = f"{known.rhythm.rate(now):.1f} articles an hour at this time of day"
    reason, why = "rhythm", f"{rate}{idle}"
    if known.items and known.items * _SHARE_OF_FEED < wanted:
        wanted = known.items * _SHARE_OF_FEED
        reason, why = "short-feed", f"{rate}, and the feed holds only {known.items} items"
    return known.rhythm.time_of(wanted, now) - now, reason, why


def _wishes(known: Situation) -> list[tuple[timedelta, str, str]]:
    """What the host and the feed ask for, as (wait, code, words)."""
    wishes = []
    if known.fresh_for:
        wishes.append((timedelta(seconds=known.fresh_for), "cache-headers", "its host says: fresh for"))
    if known.ttl_minutes:
        wishes.append((timedelta(minutes=known.ttl_minutes), "feed-ttl", "the feed asks for a look every"))
    return wishes


def _not_skipped(at: datetime, known: Situation) -> datetime:
    """The first time from `at` on that lies in no hour or day that the feed skips; `at` if it skips all."""
    moment = at
    for _ in range(8 * 24):
        utc = moment.astimezone(UTC)
        if utc.hour not in known.skip_hours and _DAYS[utc.weekday()] not in known.skip_days:
            return moment
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return at


def _bounded(
    wait: timedelta, reason: str, why: str, known: Situation, now: datetime, rng: random.Random
) -> NextPoll:
    # Room for the random share is made below the ceiling, or the quietest sources would all wait alike.
    wait = max(min(wait, known.ceiling / (1 + JITTER)), min(known.floor, known.ceiling))
    wait = min(wait * (1 + JITTER * rng.random()), known.ceiling)
    return NextPoll(now + wait, reason, why)


def fresh_for(headers: Sequence[tuple[str, str]], now: datetime) -> float | None:
    """Seconds for which an answer says that it stays fresh (RFC 9111, 4.2.1); None if it does not say.

    `max-age` goes before `Expires`; what passed in caches on the way (`Age`) is taken off. Of two `max-age`
    and `s-maxage` the shorter one counts.
    """
    values: Mapping[str, str] = {name.lower(): value for name, value in reversed(headers)}
    control = values.get("cache-control", "").lower()
    if _NOT_KEPT.search(control):
        return None
    ages = [int(found) for found in _MAX_AGE.findall(control)]
    if ages:
        passed = values.get("age", "0").strip()
        age = int(passed) if passed.isascii() and passed.isdigit() and len(passed) < 10 else 0
        return max(min(ages) - age, 0) or None
    expires = _http_date(values.get("expires"))
    if expires is None:
        return None
    sent = _http_date(values.get("date")) or now
    return max((expires - sent).total_seconds(), 0.0) or None


def _http_date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _told(wait: timedelta) -> str:
    minutes = wait.total_seconds() / 60
    if minutes < 1:
        return f"{wait.total_seconds():.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
