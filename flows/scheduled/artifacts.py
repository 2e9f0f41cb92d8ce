"""Reports as Prefect artifacts: what a person sees on the page of a flow run.

A key stands for a series: the newest artifact of `run-report` is the last run's, older ones are behind it.
No report is worth a run: what goes wrong while one is made is logged, and the run ends as it would have.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from uuid import UUID

from prefect.artifacts import (
    acreate_image_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)

from flows.checking import Check
from flows.health import Health, SourceHealth, look_at_health
from flows.publishing import Publication
from flows.reports.check_report import check_markdown, publication_markdown
from flows.reports.health_report import (
    articles_picture,
    health_markdown,
    reasons_picture,
    source_markdown,
    source_rows,
)
from flows.reports.run_report import run_markdown, sum_rows
from flows.sources import Source
from storage import Store

RUN_REPORT = "run-report"
RUN_SUMS = "run-sums"
HEALTH = "health"
HEALTH_TABLE = "health-table"
ARTICLES_PICTURE = "articles-by-day"
REASONS_PICTURE = "rejects-by-reason"
PUBLICATION = "publication"
CHECK = "verify"
PROGRESS = "progress"

FIRST_SECONDS = 10.0
"""Work that ends sooner shows no progress."""

EVERY_SECONDS = 5.0
MOST_SOURCES = 50
"""Sources that get a page of their own in one report: those with findings first."""

_log = logging.getLogger(__name__)


async def publish_run_report(store: Store, run_id: str) -> None:
    """The report of a run, as a page, and its sums as a table."""
    with _told("the report of a run"):
        facts = await asyncio.to_thread(store.run_facts, run_id)
        name = facts.run.label or facts.run.kind
        await acreate_markdown_artifact(run_markdown(facts), RUN_REPORT, f"What {name} {run_id} came to")
        rows = sum_rows(facts)
        if rows:
            await acreate_table_artifact(rows, RUN_SUMS, "URLs met by each source, and how they ended")


async def publish_health(store: Store, sources: Sequence[Source], now: datetime) -> Health:
    """Look at the health of the sources and show it: a page, a table, pictures, a page for each source."""
    health = await asyncio.to_thread(look_at_health, store, sources, now)
    await show_health(health)
    return health


async def show_health(health: Health) -> None:
    """The health of the sources as artifacts."""
    with _told("the health of the sources"):
        await acreate_markdown_artifact(health_markdown(health), HEALTH, "Health of the sources")
        if health.sources:
            await acreate_table_artifact(source_rows(health), HEALTH_TABLE, "The sources now")
        pictures = ((ARTICLES_PICTURE, articles_picture, "New articles by day and source"),
                    (REASONS_PICTURE, reasons_picture, "Rejected and failed pages by reason"))  # fmt: skip
        for key, draw, told in pictures:
            await acreate_image_artifact(as_address(draw(health)), key, told)
        for source in shown_sources(health):
            await acreate_markdown_artifact(
                source_markdown(source), source_key(source.name), f"{source.title}: its last days"
            )


def shown_sources(health: Health) -> list[SourceHealth]:
    """The sources that get a page of their own: at most `MOST_SOURCES`, those with findings first."""
    enabled = [source for source in health.sources if source.enabled]
    return sorted(enabled, key=lambda source: (not source.findings, source.name))[:MOST_SOURCES]


async def publish_publication(publication: Publication | None) -> None:
    """What was published, and where it stands."""
    with _told("a publication"):
        await acreate_markdown_artifact(
            publication_markdown(publication), PUBLICATION, "The version that was published"
        )


async def publish_check(check: Check) -> None:
    """What a verification found."""
    with _told("a verification"):
        told = "sound" if check.sound else f"{len(check.findings)} findings"
        await acreate_markdown_artifact(check_markdown(check), CHECK, f"Verification: {told}")


def source_key(name: str) -> str:
    """The key of a source's page: like the names of sources, keys are of a to z, digits and hyphens."""
    return f"source-{name}"


def as_address(svg: str) -> str:
    """A picture as an address that holds it, so that nothing is to be served beside Prefect."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


class Steps:
    """How far a piece of work is. It is told from any thread, and shown by `shown_progress`."""

    def __init__(self) -> None:
        self._done = 0
        self._total = 0

    def __call__(self, done: int, total: int) -> None:
        """So much of all is done."""
        self._done, self._total = done, total

    @property
    def percent(self) -> float:
        """From 0 to 100; 0 while it is not known how much there is."""
        return min(100.0, 100.0 * self._done / self._total) if self._total else 0.0

    # -- as the progress of an ingest (flows.workbench.Progress) --

    def source_started(self, source: str) -> None:
        """Nothing is known yet of how much there is to do."""

    def source_selected(self, source: str, discovered: int, to_fetch: int) -> None:  # noqa: ARG002
        """So many pages more will be fetched."""
        self._total += to_fetch

    def page_done(self, source: str) -> None:  # noqa: ARG002
        """One of them was."""
        self._done += 1

    def source_done(self, source: str) -> None:
        """Its pages were counted one by one."""


@asynccontextmanager
async def shown_progress(
    description: str,
    *,
    total: int = 0,
    key: str = PROGRESS,
    first: float = FIRST_SECONDS,
    every: float = EVERY_SECONDS,
) -> AsyncIterator[Steps]:
    """Show how far the work inside is, from its first `first` seconds on, anew every `every` seconds."""
    steps = Steps()
    steps(0, total)
    showing = asyncio.create_task(_show(steps, description, key, first, every))
    try:
        yield steps
    finally:
        showing.cancel()
        artifact: UUID | None = None
        with suppress(asyncio.CancelledError):
            artifact = await showing
        if artifact is not None:
            with _told("progress"):
                await aupdate_progress_artifact(artifact, steps.percent)


async def _show(steps: Steps, description: str, key: str, first: float, every: float) -> UUID | None:
    """Show until cancelled; gives the artifact, if there is one by then."""
    artifact: UUID | None = None
    told = -1.0
    try:
        await asyncio.sleep(first)
        while True:
            percent = steps.percent
            if percent != told:
                with _told("progress"):
                    if artifact is None:
                        artifact = await acreate_progress_artifact(percent, key, description)
                    else:
                        await aupdate_progress_artifact(artifact, percent)
                    told = percent
            await asyncio.sleep(every)
    except asyncio.CancelledError:
        return artifact


class _told:  # noqa: N801 - used as a function
    """Log what goes wrong inside, and go on."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception):
            return False
        _log.warning("%s could not be shown: %s: %s", self._what, type(error).__name__, error)
        return True
