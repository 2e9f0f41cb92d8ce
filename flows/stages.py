"""The steps of a run, and what may stand around them.

`Stages` are the steps themselves; a test puts its own in their place. A `Runner` stands around the work: it
is told what begins and has it done. The one here does nothing more; that of Prefect makes runs of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from flows.discovery import Discovery, discover
from flows.pages import BATCH, FetchedBatch, FetchedPage, ParsedBatch, fetch_batch, parse_batch
from flows.selection import Found
from flows.settings import CODE_VERSION
from flows.sources import Source
from flows.workbench import Workbench
from parsers.shape import Shape
from storage import CaptureRow, End, Offer, RunResult, SourcePart

T = TypeVar("T")
Outcome = tuple[SourcePart, bool]
"""The part that a source has in the commit, and whether it could be read at all."""


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
    """The steps of a run."""

    discover: Callable[[Source, Workbench], Awaitable[Discovery]] = discover
    fetch: Callable[
        [Source, tuple[Found, ...], Mapping[str, CaptureRow], Workbench], Awaitable[FetchedBatch]
    ] = fetch_batch
    parse: Callable[[Source, tuple[FetchedPage, ...], datetime], Awaitable[ParsedBatch]] = parse_in_thread
    commit: Callable[[Workbench, str, Sequence[SourcePart]], Awaitable[RunResult]] = commit


@dataclass(frozen=True, slots=True)
class PagesRead:
    """What the pages of a source came to: offers, ends, and their shapes by URL."""

    offers: tuple[Offer, ...]
    ends: tuple[End, ...]
    shapes: Mapping[str, Shape]


async def read_pages(
    source: Source,
    chosen: Sequence[Found],
    left_over: Mapping[str, CaptureRow],
    bench: Workbench,
    stages: Stages,
) -> PagesRead:
    """Fetch and parse pages, batch by batch, so that never more than one batch is held in memory."""
    offers: list[Offer] = []
    ends: list[End] = []
    shapes: dict[str, Shape] = {}
    for start in range(0, len(chosen), BATCH):
        fetched = await stages.fetch(source, tuple(chosen[start : start + BATCH]), left_over, bench)
        parsed = await stages.parse(source, fetched.pages, bench.clock.now())
        offers.extend(parsed.offers)
        ends.extend((*fetched.ends, *parsed.ends))
        shapes.update(parsed.shapes)
    return PagesRead(tuple(offers), tuple(ends), shapes)


class Runner(Protocol):
    """What stands around the work of a run."""

    async def source(self, source: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Have all the work on a source done."""
        ...

    async def step(self, stage: str, source: str, work: Callable[[], Awaitable[T]]) -> T:
        """Have one step done; `source` is empty for what concerns them all."""
        ...


class Directly:
    """Does the work, and nothing around it."""

    async def source(self, source: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:  # noqa: ARG002
        """Do all the work on a source."""
        return await work()

    async def step(self, stage: str, source: str, work: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002
        """Do one step."""
        return await work()
