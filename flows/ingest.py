"""The main job: for each due source discover, fetch, parse; then one commit for all of them.

Everything here is plain async code. A `Runner` may stand around its steps (flows/stages.py), as that of
Prefect does, without a change to what they do.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from flows.clock import Clock
from flows.discovery import Discovery
from flows.fetching import FetchConfig, Fetcher
from flows.gate import gates_of, known_documents, recorded
from flows.host_turns import host_turns
from flows.hosts import HostMemory
from flows.quarantine import judge
from flows.rhythm import from_text, silence_of, to_text, watched
from flows.schedule import ASKED_TO_WAIT, crash_turn, next_turn
from flows.selection import LONGEST_WAIT, select
from flows.settings import CODE_VERSION
from flows.sources import Source
from flows.stages import Directly, Outcome, PagesRead, Runner, Stages, read_pages
from flows.workbench import LEFT_OVER, Progress, Silent, Workbench, same_articles, turned_away
from parsers.errors import StoreError
from parsers.topics import Topic
from storage import (
    Claims,
    Counts,
    End,
    Ending,
    PageState,
    RunResult,
    SourcePart,
    SourcePoll,
    Store,
)

SOURCES_AT_ONCE = 8


@dataclass(frozen=True)
class Environment:
    """What an ingest runs in: everything that is not decided by the sources."""

    store: Store
    fetch_config: FetchConfig
    clock: Clock
    rng: random.Random
    routes: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    progress: Progress = field(default_factory=Silent)
    ssl_context: ssl.SSLContext | None = None
    """Whose certificates are trusted; None: the usual authorities."""
    topics: tuple[Topic, ...] = ()
    """What sources with `keep = "topic"` may keep."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest came to. `result` is None when no source was due; `next_due_at` says when one is.

    `sources` were run; `busy_sources` were due too, but another run was at them.
    """

    result: RunResult | None
    sources: tuple[str, ...]
    failed_sources: tuple[str, ...] = ()
    busy_sources: tuple[str, ...] = ()
    drifted_sources: tuple[str, ...] = ()
    next_due_at: datetime | None = None
    seconds: float = 0.0


def due_sources(
    sources: Sequence[Source], polls: Mapping[str, SourcePoll], now: datetime, *, force: bool
) -> tuple[tuple[Source, ...], datetime | None]:
    """The enabled sources whose time has come, and when the next of the others is due. Pure."""
    due: list[Source] = []
    later: list[datetime] = []
    for source in sources:
        if not source.enabled:
            continue
        poll = polls.get(source.name)
        at = poll.next_poll_at if poll else None
        # A poll in the future was noted by a clock that ran ahead: its plans are void.
        void = poll is not None and poll.polled_at is not None and poll.polled_at > now
        forced = force and poll is not None and poll.reason != ASKED_TO_WAIT
        if at is None or at <= now or void or forced:
            due.append(source)
        else:
            later.append(at)
    return tuple(due), min(later, default=None)


async def ingest(
    sources: Sequence[Source],
    environment: Environment,
    *,
    label: str = "",
    force: bool = False,
    stages: Stages | None = None,
    runner: Runner | None = None,
) -> IngestReport:
    """Run the due ones of the sources and commit what they brought as one version.

    A source that fails does not fail the others, and one that another run is at is left to that run: the
    same call in several processes shares the sources out among them. If the run itself fails or is
    cancelled, nothing of it is committed; the pages it had fetched stay in the archive and are taken up by
    the next run.
    """
    stages, runner = stages or Stages(), runner or Directly()
    store, clock = environment.store, environment.clock
    started = clock.monotonic()
    due, next_due_at = due_sources(sources, store.polls(), clock.now(), force=force)
    if not due:
        return IngestReport(None, (), next_due_at=next_due_at)
    gates = gates_of(due, environment.topics, store)
    run_id = new_run_id(clock.now(), environment.rng)
    store.begin_run(run_id, "ingest", label, clock.now())
    try:
        memory = await HostMemory.of(store, clock, due)
        with (
            store.archive_writer(run_id, clock.now(), CODE_VERSION) as archive,
            store.claims() as claims,
        ):
            async with (
                host_turns(store, claims, clock, environment.rng) as turns,
                Fetcher(
                    environment.fetch_config,
                    clock=clock,
                    rng=environment.rng,
                    routes=environment.routes,
                    ssl_context=environment.ssl_context,
                    recall=memory.recall,
                    tell_hold=memory.hold,
                    gate=turns,
                ) as fetcher,
            ):
                memory.spare(fetcher)
                bench = Workbench(
                    run_id=run_id,
                    store=store,
                    fetcher=fetcher,
                    archive=archive,
                    clock=clock,
                    progress=environment.progress,
                    force=force,
                    rng=environment.rng,
                    gates=gates,
                )
                outcomes, busy = await _run_sources(due, bench, claims, stages, runner)
                robots = await memory.keep(bench)
            parts = [
                replace(part, endpoints=(*part.endpoints, *robots.get(part.source, ())))
                for part, _ in outcomes
            ]
            failed = tuple(part.source for part, ok in outcomes if not ok)
            # The sources stay claimed until what they brought is committed.
            result = await runner.step("commit", "", lambda: stages.commit(bench, label or "ingest", parts))
    except BaseException as error:
        store.fail_run(run_id, f"{type(error).__name__}: {error}", clock.now())
        raise
    return IngestReport(
        result,
        tuple(part.source for part in parts),
        failed,
        busy,
        tuple(part.source for part in parts if any(row.drift for row in part.shapes)),
        next_due_at,
        clock.monotonic() - started,
    )


def new_run_id(now: datetime, rng: random.Random) -> str:
    """A name for a run: its start, and eight random hex digits against runs that start together."""
    suffix = uuid.UUID(int=rng.getrandbits(128), version=4).hex[:8]
    return f"{now.strftime('%Y%m%dT%H%M%SZ')}-{suffix}"


async def _run_sources(
    due: Sequence[Source], bench: Workbench, claims: Claims, stages: Stages, runner: Runner
) -> tuple[list[Outcome], tuple[str, ...]]:
    """What each source came to, and the names of those that another run is at."""
    gate = asyncio.Semaphore(SOURCES_AT_ONCE)
    busy: list[str] = []

    async def run(source: Source) -> Outcome | None:
        async with gate:
            if not await asyncio.to_thread(claims.take, f"source {source.name}"):
                busy.append(source.name)
                return None
            # Read again: since the run began, another one may have finished with the source.
            polls = await asyncio.to_thread(bench.store.polls, source.name)
            if not due_sources([source], polls, bench.clock.now(), force=bench.force)[0]:
                return None
            poll = polls.get(source.name) or SourcePoll(source.name)
            try:
                return await runner.source(
                    source.name, lambda: ingest_source(source, poll, bench, stages, runner)
                )
            except StoreError:
                raise  # without a store there is nothing that the others could do
            except Exception as error:  # the fault of one source is told in its row, the others go on
                return _crashed(source, poll, bench, error), False
            finally:
                bench.progress.source_done(source.name)

    results = await asyncio.gather(*(run(source) for source in due), return_exceptions=True)
    # All have come to their end before any fault is told, so that none goes on behind our back.
    for result in results:
        if isinstance(result, BaseException):
            raise result
    done = [result for result in results if result is not None and not isinstance(result, BaseException)]
    return done, tuple(sorted(busy))


async def ingest_source(
    source: Source, poll: SourcePoll, bench: Workbench, stages: Stages, runner: Runner
) -> Outcome:
    """All that happens to one source before the commit; False if none of what it was asked answered."""
    bench.progress.source_started(source.name)
    discovery = await runner.step("discover", source.name, lambda: stages.discover(source, bench))
    now = bench.clock.now()
    pages = await asyncio.to_thread(bench.store.pages, source.name, list(discovery.found))
    others = await asyncio.to_thread(same_articles, bench.store, source, discovery.found, pages)
    poll = _watched(source, poll, discovery, pages, now)
    gate = bench.gate(source)
    turned = await asyncio.to_thread(
        turned_away, bench.store, gate, discovery.found, discovery.outside, pages
    )
    room, room_reason = _room(source, poll, bench.requests(source), now)
    selection = select(
        discovery.found,
        pages,
        outside=frozenset(discovery.outside),
        now=now,
        room=room,
        room_reason=room_reason,
        others=others,
        off_topic=turned.ends,
    )
    bench.progress.source_selected(source.name, len(discovery.found), len(selection.fetch))
    left_over = await asyncio.to_thread(bench.store.left_over, source.name, now - LEFT_OVER)
    read = PagesRead((), (), {})
    if selection.fetch:
        read = await runner.step(
            "read",
            source.name,
            lambda: read_pages(source, selection.fetch, left_over, bench, stages),
        )
    shapes = read.shapes
    past = await asyncio.to_thread(bench.store.shapes, source.name) if shapes else []
    judged = judge(source.name, read.offers, shapes, past, bench.run_id, now)
    passed = await asyncio.to_thread(gate.after, judged.offers, known_documents(pages))
    ends = (*selection.ends, *read.ends, *judged.ends, *passed.ends)
    ok = discovery.answered > 0 or discovery.failed == 0
    quiet = silence_of(from_text(poll.rhythm))
    part = SourcePart(
        source=source.name,
        offers=passed.offers,
        ends=ends,
        endpoints=tuple(discovery.endpoints),
        poll=await _next_poll(source, poll, discovery, ends, bench, now, ok=ok),
        requests=bench.requests(source),
        not_modified=bench.not_modified[source.name],
        wire_bytes=bench.bytes_read[source.name],
        problems=(*discovery.problems, *([quiet] if quiet else []), *judged.problems),
        notes=(*discovery.notes, *gate.notes),
        shapes=judged.rows,
        left_out=(*recorded(turned.left_out, selection.ends), *passed.left_out),
    )
    _check_sum(part, discovery)
    return part, ok


def _room(source: Source, poll: SourcePoll, asked: int, now: datetime) -> tuple[int, str]:
    """How many pages may be fetched in this run, and the reason code for those beyond. Pure."""
    spent = asked + (poll.requests_today if poll.budget_day == _day(now) else 0)
    left = source.limits.requests_per_day - spent
    if left < source.limits.articles_per_run:
        return max(left, 0), "daily-budget"
    return source.limits.articles_per_run, "run-limit"


def _day(now: datetime) -> str:
    return now.date().isoformat()


def _watched(
    source: Source, poll: SourcePoll, discovery: Discovery, pages: Mapping[str, PageState], now: datetime
) -> SourcePoll:
    """The poll with the rhythm brought up to date. Pure.

    What has no time and stands in a sitemap is not counted: it may be years old.
    """
    if not discovery.answered:
        return poll
    told = {*source.feeds, *source.listings}
    new = [
        item.published_hint_at
        for item in discovery.found.values()
        if item.url not in pages
        and item.url not in discovery.outside
        and (item.published_hint_at is not None or item.found_in in told)
    ]
    return replace(poll, rhythm=to_text(watched(from_text(poll.rhythm), now, new)))


async def _next_poll(
    source: Source,
    poll: SourcePoll,
    discovery: Discovery,
    ends: Sequence[End],
    bench: Workbench,
    now: datetime,
    *,
    ok: bool,
) -> SourcePoll:
    """When the source is due again: when the first of its endpoints is, or a page that waits."""
    known = await asyncio.to_thread(bench.store.endpoints, source.name)
    known |= {state.url: state for state in discovery.endpoints}
    configured = (*source.feeds, *source.sitemaps, *source.listings)
    turn = next_turn(
        source,
        [known[url] for url in configured if url in known],
        ends,
        now,
        held_until=bench.hold_until.get(source.name),
        retry_at=await asyncio.to_thread(bench.store.next_retry, source.name, now, LONGEST_WAIT),
    )
    return replace(
        _charged(source, poll, bench, now),
        next_poll_at=turn.at,
        failures=0 if ok else poll.failures + 1,
        reason=turn.reason if ok or turn.reason == ASKED_TO_WAIT else "nothing-answered",
        why=turn.why,
    )


def _charged(source: Source, poll: SourcePoll, bench: Workbench, now: datetime) -> SourcePoll:
    """The poll with what this run asked put on the account of the day (UTC)."""
    spent = poll.requests_today if poll.budget_day == _day(now) else 0
    return replace(poll, polled_at=now, budget_day=_day(now), requests_today=spent + bench.requests(source))


def _check_sum(part: SourcePart, discovery: Discovery) -> None:
    """Every URL that was met must have exactly one end; anything else is a fault in this program."""
    met = [offer.met.url for offer in part.offers] + [end.met.url for end in part.ends]
    if len(met) != len(set(met)) or set(met) != set(discovery.found):
        raise AssertionError(
            f"{part.source}: {len(discovery.found)} URLs were met and {len(met)} ended: a bug in khotin"
        )


def _crashed(source: Source, poll: SourcePoll, bench: Workbench, error: Exception) -> SourcePart:
    """The part of a source whose run broke: no ends, no validators, a problem, and a later poll."""
    now = bench.clock.now()
    turn = crash_turn(source, poll.failures + 1, now, bench.hold_until.get(source.name), bench.rng)
    return SourcePart(
        source=source.name,
        poll=replace(
            _charged(source, poll, bench, now),
            next_poll_at=turn.at,
            failures=poll.failures + 1,
            reason=turn.reason,
            why=turn.why,
        ),
        requests=bench.requests(source),
        not_modified=bench.not_modified[source.name],
        wire_bytes=bench.bytes_read[source.name],
        problems=(f"source-crashed: {type(error).__name__}: {error}",),
    )


def totals(result: RunResult) -> Counts:
    """The sums of all sources of a run."""
    return Counts(
        **{
            ending.value: sum(getattr(tally.counts, ending.value) for tally in result.tallies)
            for ending in Ending
        }
    )


__all__ = ["Environment", "IngestReport", "due_sources", "ingest", "totals"]
