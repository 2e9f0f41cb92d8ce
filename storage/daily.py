"""What runs brought by day and source: the sums behind the pictures and the tables of health.

A day is one in Vietnam, and a run belongs to the day on which it began. Sums are made by the database: what
is read is one row a day and source, however many runs there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Text, case, func, select, type_coerce

from storage.ledger import Counts, Ending
from storage.tables import IngestRun, Outcome, RunSource, table_of
from storage.tags import HOME_ZONE

LIVE_RUNS = ("ingest",)
"""The kinds of run that ask sites for what is new: imports and reparses say nothing of a source's health."""

_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)
# Microseconds that Vietnam is ahead of UTC, the same since 1975.
_OFFSET = 7 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class DayOfSource:
    """What one source brought on one day. `troubled`: runs in which something was wrong with it."""

    day: date
    source: str
    runs: int
    troubled: int
    counts: Counts
    requests: int
    not_modified: int
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class DayOfReason:
    """How many URLs of a source ended so on one day."""

    day: date
    source: str
    ending: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class DayOfRuns:
    """How the runs of one day ended, by their state."""

    day: date
    committed: int
    nothing: int
    failed: int
    running: int


def home_day(moment: datetime) -> date:
    """The day in Vietnam."""
    return moment.astimezone(HOME_ZONE).date()


def start_of(day: date) -> datetime:
    """The first moment of a day in Vietnam, in UTC."""
    return datetime.combine(day, time(), HOME_ZONE).astimezone(UTC)


def _day(column: ColumnElement[Any]) -> ColumnElement[int]:
    return (type_coerce(column, BigInteger) + _OFFSET) // _DAY


def _date(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def read_days(
    connection: Connection, since: date, *, source: str | None = None, kinds: Sequence[str] = LIVE_RUNS
) -> list[DayOfSource]:
    """What each source brought on each day from `since` on, by day and source; no row without a run."""
    run, part = table_of(IngestRun), table_of(RunSource)
    day = _day(run.c.started_at).label("day")
    troubled = func.sum(case((type_coerce(part.c.problems, Text) != "[]", 1), else_=0))
    endings = [func.sum(part.c[ending.value]) for ending in Ending]
    asked = [func.sum(part.c[name]) for name in ("requests", "not_modified", "wire_bytes")]
    query = (
        select(day, part.c.source, func.count(), troubled, *endings, *asked)
        .select_from(run.join(part, part.c.run_id == run.c.run_id))
        .where(run.c.started_at >= start_of(since), run.c.kind.in_(kinds))
        .group_by(day, part.c.source)
        .order_by(day, part.c.source)
    )
    if source is not None:
        query = query.where(part.c.source == source)
    found = []
    for number, name, runs, wrong, *sums in connection.execute(query):
        *ended, requests, not_modified, wire_bytes = map(int, sums)
        counts = Counts(**{ending.value: count for ending, count in zip(Ending, ended, strict=True)})
        row = DayOfSource(_date(number), name, runs, int(wrong), counts, requests, not_modified, wire_bytes)
        found.append(row)
    return found


def read_reasons(
    connection: Connection,
    since: date,
    *,
    endings: Sequence[Ending] = (Ending.REJECTED, Ending.FAILED),
    source: str | None = None,
    kinds: Sequence[str] = LIVE_RUNS,
) -> list[DayOfReason]:
    """Why URLs were rejected or failed, by day, source and reason, from `since` on."""
    run, outcome = table_of(IngestRun), table_of(Outcome)
    day = _day(run.c.started_at).label("day")
    columns = (day, outcome.c.source, outcome.c.outcome, outcome.c.reason)
    query = (
        select(*columns, func.count())
        # The name is written so that SQLite goes from the runs to their rows, and does not read the whole
        # ledger to look up the run of each.
        .select_from(run.join(outcome, outcome.c.run_id == run.c.run_id + ""))
        .where(
            run.c.started_at >= start_of(since),
            run.c.kind.in_(kinds),
            outcome.c.outcome.in_([ending.value for ending in endings]),
        )
        .group_by(*columns)
        .order_by(*columns)
    )
    if source is not None:
        query = query.where(outcome.c.source == source)
    return [DayOfReason(_date(number), *rest) for number, *rest in connection.execute(query)]


def read_run_days(
    connection: Connection, since: date, *, kinds: Sequence[str] = LIVE_RUNS
) -> list[DayOfRuns]:
    """How the runs of each day ended, from `since` on; days without runs are left out."""
    run = table_of(IngestRun)
    day = _day(run.c.started_at).label("day")
    states = [func.sum(case((run.c.state == state, 1), else_=0)) for state in DayOfRuns.__slots__[1:]]
    query = (
        select(day, *states)
        .where(run.c.started_at >= start_of(since), run.c.kind.in_(kinds))
        .group_by(day)
        .order_by(day)
    )
    return [DayOfRuns(_date(number), *map(int, counts)) for number, *counts in connection.execute(query)]


def read_last_success(connection: Connection, *, kinds: Sequence[str] = LIVE_RUNS) -> datetime | None:
    """When a run last came to its end, with or without a new version; None if none ever did."""
    run = table_of(IngestRun)
    query = select(func.max(run.c.finished_at)).where(
        run.c.kind.in_(kinds), run.c.state.in_(("committed", "nothing"))
    )
    found: datetime | None = connection.execute(query).scalar()
    return found
