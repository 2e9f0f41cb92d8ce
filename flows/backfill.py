"""Backfill: what a source published before, day by day backwards, each day as one version.

It can be stopped and killed at any moment: the same call goes on where it was, since the ledger knows the
pages that are there, and the archive those that were fetched and not committed. Endpoints and their
validators are left alone, save robots.txt: they belong to the polls.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from flows.fetching import Fetched, Fetcher
from flows.gate import Gate, gates_of, known_documents, recorded
from flows.host_turns import host_turns
from flows.hosts import HostMemory
from flows.ingest import Environment, new_run_id
from flows.selection import Found, Selection, select
from flows.settings import CODE_VERSION
from flows.sitemap_walk import Days, OutOfBudget, Span, Walk
from flows.sources import Source
from flows.stages import Stages, read_pages
from flows.workbench import LEFT_OVER, Workbench, captured, policy_of, same_articles, turned_away
from storage import Captured, Counts, End, Ending, LeftOut, Offer, RunResult, SourcePart, SourcePoll

BUDGET = "daily-budget"
ASKED_TO_WAIT = "host-backoff"


@dataclass(slots=True)
class BackfillReport:
    """What a backfill came to.

    `stopped` is the reason why it did not come to its end (`daily-budget`, `host-backoff`), and `next_until`
    then the day from which to go on backwards. `answered` says whether any sitemap or listing could be read.
    """

    source: str
    results: list[RunResult] = field(default_factory=list)
    requests: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answered: bool = False
    stopped: str | None = None
    next_until: date | None = None
    seconds: float = 0.0

    def counts(self) -> Counts:
        """The sums of all its runs."""
        told = [tally.counts for result in self.results for tally in result.tallies]
        sums = {ending.value: sum(getattr(one, ending.value) for one in told) for ending in Ending}
        return Counts(**sums)


async def backfill(
    source: Source,
    environment: Environment,
    span: Span,
    *,
    every: int | None = None,
    stages: Stages | None = None,
) -> BackfillReport:
    """Fetch what the source published in the span and is not known, the newest day first.

    Each day of publication becomes a version, or with `every` each so many articles. It keeps to the
    politeness of the source, and stops when the budget of the day is used up or the host asks us to wait.
    """
    started = environment.clock.monotonic()
    memory = await HostMemory.of(environment.store, environment.clock, [source])
    store, clock, rng = environment.store, environment.clock, environment.rng
    with store.claims() as claims:
        async with (
            host_turns(store, claims, clock, rng) as turns,
            Fetcher(
                environment.fetch_config,
                clock=clock,
                rng=rng,
                routes=environment.routes,
                ssl_context=environment.ssl_context,
                recall=memory.recall,
                tell_hold=memory.hold,
                gate=turns,
            ) as fetcher,
        ):
            memory.spare(fetcher)
            work = _Backfill(source, environment, span, fetcher, memory, stages or Stages())
            environment.progress.source_started(source.name)
            walk = Walk(
                source,
                fetcher,
                work.policy,
                span,
                environment.clock.now(),
                work.room,
                work.keep_later,
            )
            report = work.report
            try:
                async for day, found in _groups(walk.days(), every):
                    report.next_until = day
                    if not await work.take(day, found):
                        break
                else:
                    report.next_until = None
            except OutOfBudget:
                report.stopped = BUDGET
                report.next_until = report.next_until or span.until
            await work.settle()
            environment.progress.source_done(source.name)
    report.answered = walk.answered > 0
    report.problems = [*walk.problems, *report.problems]
    report.notes = walk.notes
    report.seconds = environment.clock.monotonic() - started
    if report.stopped is None:
        report.next_until = None
    return report


async def _groups(
    days: AsyncIterator[Days], every: int | None
) -> AsyncIterator[tuple[date, dict[str, Found]]]:
    """What is found as the groups that become versions: by day, or `every` so many.

    The oldest day that was met so far is kept back, since the next sitemap may hold more of it.
    """
    waiting: dict[date, dict[str, Found]] = {}
    async for more in days:
        for day, found in more.items():
            waiting.setdefault(day, {}).update(found)
        ready = sorted(waiting, reverse=True)[:-1] if more else []
        if every is None:
            for day in ready:
                yield day, waiting.pop(day)
        else:
            async for group in _chunks(waiting, every, whole=False):
                yield group
    if every is None:
        for day in sorted(waiting, reverse=True):
            yield day, waiting[day]
    else:
        async for group in _chunks(waiting, every, whole=True):
            yield group


async def _chunks(
    waiting: dict[date, dict[str, Found]], every: int, *, whole: bool
) -> AsyncIterator[tuple[date, dict[str, Found]]]:
    """Take groups of `every` articles out of what waits, the newest first; with `whole` the rest too."""
    while waiting and (whole or sum(map(len, waiting.values())) >= every):
        group: dict[str, Found] = {}
        day = max(waiting)
        for day in sorted(waiting, reverse=True):
            while waiting[day] and len(group) < every:
                url, item = waiting[day].popitem()
                group[url] = item
            if not waiting[day]:
                del waiting[day]
            if len(group) >= every:
                break
        yield day, group


class _Backfill:
    """The runs of one backfill, which share a Fetcher and so its politeness."""

    def __init__(
        self,
        source: Source,
        environment: Environment,
        span: Span,
        fetcher: Fetcher,
        memory: HostMemory,
        stages: Stages,
    ) -> None:
        self.report = BackfillReport(source.name)
        self._source = source
        self._environment = environment
        self._store = environment.store
        self._clock = environment.clock
        self._span = span
        self._fetcher = fetcher
        self._memory = memory
        self._stages = stages
        self._captured: list[Captured] = []
        self._charged = 0
        self._met = self._to_fetch = 0
        self.policy = policy_of(source)
        gates = gates_of([source], environment.topics, environment.store)
        self._gate = gates.get(source.name) or Gate(source.name)

    def room(self) -> int:
        """How many requests are left of the day's budget (UTC), with what other runs have used."""
        poll = self._poll()
        spent = poll.requests_today if poll.budget_day == self._today() else 0
        return self._source.limits.requests_per_day - spent - (self._sent() - self._charged)

    def keep_later(self, kind: str, url: str, fetched: Fetched) -> None:
        """A sitemap goes into the archive with the next run, for a capture belongs to a run."""
        self._captured.append(captured(self._source, kind, url, fetched))

    async def take(self, day: date, found: Mapping[str, Found]) -> bool:
        """Fetch, parse and commit one group; False when the backfill has to stop behind it."""
        pages = await asyncio.to_thread(self._store.pages, self._source.name, list(found))
        others = await asyncio.to_thread(same_articles, self._store, self._source, found, pages)
        turned = await asyncio.to_thread(turned_away, self._store, self._gate, found, set(), pages)
        selection = select(
            found,
            pages,
            outside=frozenset(),
            now=self._clock.now(),
            room=max(self.room(), 0),
            room_reason=BUDGET,
            others=others,
            off_topic=turned.ends,
        )
        self.report.known += sum(end.skipped for end in selection.ends)
        self._met += len(found)
        self._to_fetch += len(selection.fetch)
        self._environment.progress.source_selected(self._source.name, self._met, self._to_fetch)
        # What was turned away is written down with what was fetched, or by itself: it is not known yet.
        told = recorded(turned.left_out, selection.ends)
        if not selection.fetch and not told:
            if any(end.reason == BUDGET for end in selection.ends):
                self.report.stopped = BUDGET
            return self.report.stopped is None
        held = await self._run(f"backfill {self._source.name} {day}", selection, known_documents(pages), told)
        if held:
            self.report.stopped = ASKED_TO_WAIT
        elif any(end.reason == BUDGET for end in selection.ends):
            self.report.stopped = BUDGET
        return self.report.stopped is None

    async def settle(self) -> None:
        """Charge the day with what was asked since the last run, and keep the sitemaps that it brought."""
        if self._sent() > self._charged:
            await self._run(f"backfill {self._source.name}: sitemaps", Selection((), ()))
            self.report.results.pop()
        self.report.requests = self._sent()

    async def _run(
        self,
        message: str,
        selection: Selection,
        known: frozenset[str] = frozenset(),
        told: tuple[LeftOut, ...] = (),
    ) -> bool:
        """One run with its commit; True if the host asked to be left alone."""
        now = self._clock.now()
        run_id = new_run_id(now, self._environment.rng)
        self._store.begin_run(run_id, "ingest", message, now)
        try:
            with self._store.archive_writer(run_id, now, CODE_VERSION) as archive:
                bench = Workbench(
                    run_id=run_id,
                    store=self._store,
                    fetcher=self._fetcher,
                    archive=archive,
                    clock=self._clock,
                    progress=self._environment.progress,
                )
                await bench.keep(self._captured)
                self._captured = []
                offers, ends = await self._pages(selection, bench)
                passed = await asyncio.to_thread(self._gate.after, offers, known)
                robots = await self._memory.keep(bench)
            part = SourcePart(
                source=self._source.name,
                offers=passed.offers,
                # What is known has no row in the ledger; to be counted again and again would tell nothing.
                ends=tuple(end for end in (*ends, *passed.ends) if not end.skipped),
                endpoints=tuple(robots.get(self._source.name, ())),
                poll=self._charge(),
                requests=self._sent() - self._charged,
                not_modified=bench.not_modified[self._source.name],
                wire_bytes=bench.bytes_read[self._source.name],
                left_out=(*told, *passed.left_out),
            )
            result = await asyncio.to_thread(
                self._store.commit_run, run_id, "ingest", message, [part], self._clock.now(), CODE_VERSION
            )
        except BaseException as error:
            self._store.fail_run(run_id, f"{type(error).__name__}: {error}", self._clock.now())
            raise
        self._charged = self._sent()
        self.report.results.append(result)
        return self._source.name in bench.hold_until

    async def _pages(self, selection: Selection, bench: Workbench) -> tuple[list[Offer], list[End]]:
        since = self._clock.now() - LEFT_OVER
        left_over = await asyncio.to_thread(self._store.left_over, self._source.name, since)
        read = await read_pages(self._source, selection.fetch, left_over, bench, self._stages)
        return list(read.offers), [*selection.ends, *read.ends]

    def _sent(self) -> int:
        sent = self._fetcher.sent.items()
        return sum(count for host, count in sent if self._source.owns(f"http://{host}/"))

    def _poll(self) -> SourcePoll:
        return self._store.polls().get(self._source.name) or SourcePoll(self._source.name)

    def _charge(self) -> SourcePoll:
        """The source's poll with our requests on the account of the day; when it is due stays as it was."""
        poll = self._poll()
        spent = poll.requests_today if poll.budget_day == self._today() else 0
        return replace(poll, budget_day=self._today(), requests_today=spent + self._sent() - self._charged)

    def _today(self) -> str:
        return self._clock.now().date().isoformat()
