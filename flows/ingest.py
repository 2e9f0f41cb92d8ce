"""The main job: for each due source discover, fetch, parse; then one commit for all of them.

Everything here is plain async code. `Stages` names the five steps, so that a runner can put its own
decorators on them (flows/prefect_runner.py does) without a change to what they do.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from flows.clock import Clock
from flows.discovery import Discovery, discover
from flows.fetching import FetchConfig, Fetcher
from flows.gate import gates_of, known_documents, recorded
from flows.hosts import HostMemory
from flows.pages import BATCH, FetchedBatch, FetchedPage, ParsedBatch, fetch_batch, parse_batch
from flows.quarantine import judge
from flows.rhythm import from_text, silence_of, to_text, watched
from flows.schedule import ASKED_TO_WAIT, crash_turn, next_turn
from flows.selection import LONGEST_WAIT, Found, select
from flows.settings import CODE_VERSION
from flows.sources import Source
from flows.workbench import LEFT_OVER, Progress, Silent, Workbench, same_articles, turned_away
from parsers.errors import StoreError
from parsers.shape import Shape
from parsers.topics import Topic
from storage import (
    CaptureRow,
    Counts,
    End,
    Ending,
    Offer,
    PageState,
    RunResult,
    SourcePart,
    SourcePoll,
    Store,
)

SOURCES_AT_ONCE = 8


async def parse_in_thread(source: Source, pages: tuple[FetchedPage, ...], now: datetime) -> ParsedBatch:
    """`parse_batch` beside the event loop, so that fetching goes on while pages are read."""
    return await asyncio.to_thread(parse_batch, source, pages, now)


async def commit(bench: Workbench, message: str, parts: Sequence[SourcePart]) -> RunResult:
    """Write all that the run found as at most one version."""
    return await asyncio.to_thread(
        bench.store.commit_run,
        bench.run_id,
        "ingest",
        message,
        parts,
        bench.clock.now(),
        CODE_VERSION,
    )


@dataclass(frozen=True, slots=True)
class Stages:
    """The steps of a run; each may be replaced by the same function under a decorator."""

    discover: Callable[[Source, Workbench], Awaitable[Discovery]] = discover
    fetch: Callable[
        [Source, tuple[Found, ...], Mapping[str, CaptureRow], Workbench], Awaitable[FetchedBatch]
    ] = fetch_batch
    parse: Callable[[Source, tuple[FetchedPage, ...], datetime], Awaitable[ParsedBatch]] = parse_in_thread
    commit: Callable[[Workbench, str, Sequence[SourcePart]], Awaitable[RunResult]] = commit


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
    """What an ingest came to. `result` is None when no source was due; `next_due_at` says when one is."""

    result: RunResult | None
    sources: tuple[str, ...]
    failed_sources: tuple[str, ...] = ()
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
) -> IngestReport:
    """Run the due ones of the sources and commit what they brought as one version.

    A source that fails does not fail the others. If the run itself fails or is cancelled, nothing of it is
    committed; the pages it had fetched stay in the archive and are taken up by the next run.
    """
    stages = stages or Stages()
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
        with store.archive_writer(run_id, clock.now(), CODE_VERSION) as archive:
            async with Fetcher(
                environment.fetch_config,
                clock=clock,
                rng=environment.rng,
                routes=environment.routes,
                ssl_context=environment.ssl_context,
                recall=memory.recall,
                tell_hold=memory.hold,
            ) as fetcher:
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
                outcomes = await _run_sources(due, bench, stages)
                robots = await memory.keep(bench)
        parts = [
            replace(part, endpoints=(*part.endpoints, *robots.get(part.source, ()))) for part, _ in outcomes
        ]
        failed = tuple(part.source for part, ok in outcomes if not ok)
        result = await stages.commit(bench, label or "ingest", parts)
    except BaseException as error:
        store.fail_run(run_id, f"{type(error).__name__}: {error}", clock.now())
        raise
    return IngestReport(
        result,
        tuple(source.name for source in due),
        failed,
        tuple(part.source for part in parts if any(row.drift for row in part.shapes)),
        next_due_at,
        clock.monotonic() - started,
    )


def new_run_id(now: datetime, rng: random.Random) -> str:
    """A name for a run: its start, and eight random hex digits against runs that start together."""
    suffix = uuid.UUID(int=rng.getrandbits(128), version=4).hex[:8]
    return f"{now.strftime('%Y%m%dT%H%M%SZ')}-{suffix}"


async def _run_sources(
    due: Sequence[Source], bench: Workbench, stages: Stages
) -> list[tuple[SourcePart, bool]]:
    """Each source's part of the commit, and whether the source could be read at all."""
    gate = asyncio.Semaphore(SOURCES_AT_ONCE)
    polls = bench.store.polls()

    async def run(source: Source) -> tuple[SourcePart, bool]:
        async with gate:
            poll = polls.get(source.name) or SourcePoll(source.name)
            try:
                return await ingest_source(source, poll, bench, stages)
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
    return [result for result in results if not isinstance(result, BaseException)]


async def ingest_source(
    source: Source, poll: SourcePoll, bench: Workbench, stages: Stages
) -> tuple[SourcePart, bool]:
    """All that happens to one source before the commit; False if none of what it was asked answered."""
    bench.progress.source_started(source.name)
    discovery = await stages.discover(source, bench)
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
    offers: list[Offer] = []
    ends: list[End] = list(selection.ends)
    shapes: dict[str, Shape] = {}
    for start in range(0, len(selection.fetch), BATCH):
        batch = selection.fetch[start : start + BATCH]
        fetched = await stages.fetch(source, batch, left_over, bench)
        parsed = await stages.parse(source, fetched.pages, bench.clock.now())
        offers.extend(parsed.offers)
        ends.extend((*fetched.ends, *parsed.ends))
        shapes.update(parsed.shapes)
    past = await asyncio.to_thread(bench.store.shapes, source.name) if shapes else []
    judged = judge(source.name, offers, shapes, past, bench.run_id, now)
    passed = await asyncio.to_thread(gate.after, judged.offers, known_documents(pages))
    ends.extend((*judged.ends, *passed.ends))
    ok = discovery.answered > 0 or discovery.failed == 0
    quiet = silence_of(from_text(poll.rhythm))
    part = SourcePart(
        source=source.name,
        offers=passed.offers,
        ends=tuple(ends),
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


__all__ = ["Environment", "IngestReport", "Stages", "due_sources", "ingest", "totals"]
