"""The health of all sources at one moment: who is silent, late or failing, what gaps and drifts are open.

`health_of` is pure; `look_at_health` reads what it needs from the store. Findings are values: who reports
them, and to whom, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from flows.quarantine import open_drifts
from flows.rhythm import from_text, silence_of
from flows.sources import Source
from parsers.dates import VIETNAM
from storage import DayOfReason, DayOfRuns, DayOfSource, EndpointState, SourcePoll, Store

DAYS = 30
"""So many days back are looked at, today among them."""

LATE = timedelta(hours=2)
"""A source that was due so long ago, and was not asked, is late: the scheduler or its worker stands still."""

FAILING = 3
"""Looks in a row that failed before a feed, a sitemap or a source is told of."""

NO_RUN = timedelta(hours=6)
"""After so long without a run that came to its end, the operation itself is told of."""

_ROBOTS = "robots"


class Ailment(StrEnum):
    """What can be wrong with a source; the codes are stable."""

    SILENT = "silent"
    """Quieter than its own rhythm allows."""
    LATE = "late"
    """Due for more than `LATE`, and not asked."""
    GAP = "gap"
    """A feed has run over, and nothing that could fill the gap has answered yet."""
    DRIFT = "drift"
    """Its pages changed sharply and are set aside."""
    FAILING = "failing"
    """One of its feeds, sitemaps or listings failed `FAILING` times in a row."""
    DOWN = "down"
    """Nothing of it answered, or its run broke, `FAILING` times in a row."""
    NEVER_POLLED = "never-polled"
    """Enabled, and never asked although others were."""
    NO_RUN = "no-run"
    """Of no source: no run at all came to its end for `NO_RUN`."""


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One thing that is wrong; `source` is empty for what concerns all. `detail` is in words."""

    source: str
    ailment: Ailment
    detail: str

    def __str__(self) -> str:
        return f"{f'{self.source}: ' if self.source else ''}{self.ailment}: {self.detail}"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source now. `usual` is its rhythm in articles a day, None while it is not known.

    `today` and `week` count new articles: of today so far, and of the seven days up to now.
    """

    name: str
    title: str
    enabled: bool
    polled_at: datetime | None
    next_poll_at: datetime | None
    why: str
    usual: float | None
    today: int
    week: int
    days: tuple[DayOfSource, ...]
    findings: tuple[HealthFinding, ...]

    @property
    def state(self) -> str:
        """The codes of what is wrong, `ok` or `disabled`."""
        if not self.enabled:
            return "disabled"
        return ", ".join(dict.fromkeys(finding.ailment.value for finding in self.findings)) or "ok"


@dataclass(frozen=True, slots=True)
class Health:
    """All sources at one moment, and what the runs of the last days brought."""

    at: datetime
    first_day: date
    last_day: date
    sources: tuple[SourceHealth, ...]
    reasons: tuple[DayOfReason, ...]
    runs: tuple[DayOfRuns, ...]
    last_success: datetime | None
    general: tuple[HealthFinding, ...] = ()

    @property
    def findings(self) -> tuple[HealthFinding, ...]:
        """All that is wrong, what concerns all first."""
        return (*self.general, *(finding for source in self.sources for finding in source.findings))


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows, as `health_of` needs it."""

    polls: Mapping[str, SourcePoll]
    endpoints: Sequence[EndpointState]
    drifts: Mapping[str, tuple[str, ...]]
    days: Sequence[DayOfSource]
    reasons: Sequence[DayOfReason]
    runs: Sequence[DayOfRuns]
    last_success: datetime | None


def look_at_health(store: Store, sources: Sequence[Source], now: datetime, *, days: int = DAYS) -> Health:
    """The health of these sources now, over so many days."""
    first = first_day(now, days)
    known = Known(
        polls=store.polls(),
        endpoints=store.all_endpoints(),
        drifts=open_drifts(store.shapes()),
        days=store.days(first),
        reasons=store.reasons_by_day(first),
        runs=store.run_days(first),
        last_success=store.last_success(),
    )
    return health_of(sources, known, now, days=days)


def first_day(now: datetime, days: int) -> date:
    """The first of the last so many days in Vietnam."""
    return now.astimezone(VIETNAM).date() - timedelta(days=days - 1)


def health_of(sources: Sequence[Source], known: Known, now: datetime, *, days: int = DAYS) -> Health:
    """Judge each source by what is known of it. Pure."""
    names = {source.name for source in sources}
    endpoints: dict[str, list[EndpointState]] = {}
    for state in known.endpoints:
        endpoints.setdefault(state.source, []).append(state)
    by_source: dict[str, list[DayOfSource]] = {}
    for row in known.days:
        by_source.setdefault(row.source, []).append(row)
    return Health(
        at=now,
        first_day=first_day(now, days),
        last_day=now.astimezone(VIETNAM).date(),
        sources=tuple(
            _source(source, known, endpoints.get(source.name, []), by_source.get(source.name, []), now)
            for source in sources
        ),
        reasons=tuple(row for row in known.reasons if row.source in names),
        runs=tuple(known.runs),
        last_success=known.last_success,
        general=_general(known, now),
    )


def _general(known: Known, now: datetime) -> tuple[HealthFinding, ...]:
    asked = any(poll.polled_at is not None for poll in known.polls.values())
    if known.last_success is None:
        if not asked and not known.runs:
            return ()
        return (HealthFinding("", Ailment.NO_RUN, "no run has ever come to its end"),)
    if now - known.last_success <= NO_RUN:
        return ()
    told = f"the last run that came to its end did so {_ago(known.last_success, now)} ago"
    return (HealthFinding("", Ailment.NO_RUN, told),)


def _source(
    source: Source,
    known: Known,
    endpoints: Sequence[EndpointState],
    days: Sequence[DayOfSource],
    now: datetime,
) -> SourceHealth:
    poll = known.polls.get(source.name) or SourcePoll(source.name)
    rhythm = from_text(poll.rhythm)
    today = now.astimezone(VIETNAM).date()
    week = today - timedelta(days=6)
    found = _findings(source, poll, endpoints, known, now) if source.enabled else []
    return SourceHealth(
        name=source.name,
        title=source.title,
        enabled=source.enabled,
        polled_at=poll.polled_at,
        next_poll_at=poll.next_poll_at if source.enabled else None,
        why=f"{poll.reason}: {poll.why}" if poll.why else poll.reason,
        usual=rhythm.mean * 24 if rhythm is not None and rhythm.settled else None,
        today=sum(row.counts.stored for row in days if row.day == today),
        week=sum(row.counts.stored for row in days if row.day >= week),
        days=tuple(days),
        findings=tuple(HealthFinding(source.name, ailment, detail) for ailment, detail in found),
    )


def _findings(
    source: Source,
    poll: SourcePoll,
    endpoints: Sequence[EndpointState],
    known: Known,
    now: datetime,
) -> list[tuple[Ailment, str]]:
    found: list[tuple[Ailment, str]] = []
    if poll.polled_at is None:
        others = [other.polled_at for other in known.polls.values() if other.polled_at is not None]
        if others and now - min(others) > LATE:
            found.append((Ailment.NEVER_POLLED, "enabled, but no run has asked it"))
    elif poll.next_poll_at is not None and now - poll.next_poll_at > LATE:
        found.append((Ailment.LATE, f"was due {_ago(poll.next_poll_at, now)} ago ({poll.reason})"))
    if poll.failures >= FAILING:
        found.append((Ailment.DOWN, f"{poll.reason} {poll.failures} times in a row: {poll.why}"))
    quiet = silence_of(from_text(poll.rhythm))
    if quiet is not None:
        found.append((Ailment.SILENT, quiet.removeprefix("silent: ")))
    found.extend((Ailment.DRIFT, told) for told in known.drifts.get(source.name, ()))
    configured = {*source.feeds, *source.sitemaps, *source.listings}
    for state in endpoints:
        if state.url not in configured and state.kind != _ROBOTS:
            continue
        if state.gap_since is not None and state.kind == "feed":
            since = f"{state.gap_since.astimezone(VIETNAM):%Y-%m-%d %H:%M}"
            found.append((Ailment.GAP, f"{state.url} has run over since {since}; not looked into yet"))
        if state.failures >= FAILING:
            last = "never" if state.answered_at is None else f"{_ago(state.answered_at, now)} ago"
            told = f"{state.kind} {state.url}: {state.reason} {state.failures} times in a row"
            found.append((Ailment.FAILING, f"{told}, answered last {last}"))
    return found


def _ago(moment: datetime, now: datetime) -> str:
    hours = (now - moment).total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


__all__ = ["Ailment", "Health", "HealthFinding", "Known", "SourceHealth", "health_of", "look_at_health"]
