"""What the rhythm is worth: polls a day, and how long a new article waits, against even and fixed polling.

    python -m tests.benchmarks.rhythm

The hours at which articles appear are those of real feeds and of article addresses that hold their time of
publication, in the folder of real documents beside the checkout. From them sources of several sizes are
drawn (Poisson, seeded) for twelve weeks; the last eight count. The three ways of polling have the same bounds
(a look every ten minutes to twelve hours): `fixed` asks every 30 minutes, `even` knows the mean rate only,
`by hour` is what khotin does.
"""

from __future__ import annotations

import gzip
import random
import re
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import fmean, quantiles

from flows.polling import Situation, next_poll
from flows.rhythm import Rhythm, watched
from parsers.dates import VIETNAM
from tests.conftest import SHARED, START

DAYS = 84
COUNTED = 56
_IDS = re.compile(r"-20\d{6}(\d\d)\d{4}\d{3}\.htm|-(?:185|102|188)\d{6}(\d\d)\d{4}\d*\.(?:htm|chn)")
_DATES = re.compile(r"<pubDate>\w+, \d+ \w+ \d+ (\d\d):\d\d:\d\d \+0700")
BOUNDS = Situation(timedelta(minutes=10), timedelta(hours=12))


@dataclass(frozen=True, slots=True)
class Worth:
    """Polls a day, and minutes that an article waits for the next poll (mean, and for the slowest 5 %)."""

    polls: float
    mean: float
    slowest: float


def real_hours() -> list[int]:
    """The hour of the day in Vietnam of each real article; each address counts once."""
    found: set[tuple[str, str]] = set()
    for path in sorted((SHARED / "pages").glob("*.html.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        found |= {(match.group(), match[1] or match[2]) for match in _IDS.finditer(text)}
    for path in sorted((SHARED / "feeds").glob("*.rss")):
        text = path.read_text("utf-8", "replace")
        found |= {(match.group(), match[1]) for match in _DATES.finditer(text)}
    return [int(hour) for _, hour in sorted(found) if int(hour) < 24]


def arrivals(hours: list[int], a_day: float, rng: random.Random) -> list[datetime]:
    """The articles of a source over all days, in order."""
    midnight = START.astimezone(VIETNAM).replace(hour=0, minute=0)
    times = []
    moment = rng.expovariate(a_day)
    while moment < DAYS:
        minute = timedelta(hours=rng.choice(hours), minutes=rng.random() * 60)
        times.append(midnight + timedelta(days=int(moment)) + minute)
        moment += rng.expovariate(a_day)
    return sorted(times)


def flat(rhythm: Rhythm) -> Rhythm:
    """The same without any hour: its mean at each."""
    return replace(rhythm, articles=(sum(rhythm.articles) / 24,) * 24, hours=(sum(rhythm.hours) / 24,) * 24)


def worth(way: str, times: list[datetime], rng: random.Random) -> Worth:
    rhythm: Rhythm | None = None
    now = START
    last = START + timedelta(days=DAYS - 1)
    counts_from = last - timedelta(days=COUNTED)
    position = polls = idle = 0
    waits: list[float] = []
    while now < last:
        new = []
        while position < len(times) and times[position] <= now:
            new.append(times[position])
            position += 1
        rhythm = watched(rhythm, now, [time for time in new if time > START])
        idle = 0 if new else idle + 1
        if now >= counts_from:
            polls += 1
            waits.extend((now - time) / timedelta(minutes=1) for time in new if time >= counts_from)
        if way == "fixed":
            now += timedelta(minutes=30)
        else:
            known = replace(BOUNDS, rhythm=flat(rhythm) if way == "even" else rhythm, idle=idle)
            now = next_poll(known, now, rng).at
    return Worth(polls / COUNTED, fmean(waits), quantiles(waits, n=20)[-1])


def main() -> int:
    if not SHARED.is_dir():
        print("the folder of real documents, ../shared, is not here")
        return 1
    hours = real_hours()
    night = sum(hour < 7 for hour in hours) / len(hours)
    print(f"{len(hours)} real times of publication, {night:.0%} of them between midnight and seven")
    print(f"{'articles a day':>14}  {'polling':8}{'polls a day':>12}{'mean wait':>11}{'slowest 5 %':>13}")
    for a_day in (200, 60, 20, 5):
        times = arrivals(hours, a_day, random.Random(a_day))
        for way in ("fixed", "even", "by hour"):
            found = worth(way, times, random.Random(1))
            print(f"{a_day:>14}  {way:8}{found.polls:>12.1f}{found.mean:>7.1f} min{found.slowest:>9.0f} min")
    return 0


if __name__ == "__main__":
    sys.exit(main())
