"""What goes back over the past as flows: backfill of a source, and today's parsers over the archive."""

from __future__ import annotations

import asyncio
import random
from datetime import date
from typing import Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.backfill import BackfillReport
from flows.backfill import backfill as walk_back
from flows.clock import SystemClock
from flows.configured import (
    chosen_sources,
    claim_store,
    configured_environment,
    configured_sources,
    open_configured_store,
)
from flows.reparse import reparse as read_again
from flows.scheduled.naming import run_name
from flows.scheduled.runner import task_of
from flows.scheduled.states import DRY_RUN, IN_PART, NO_NEW_ARTICLES, NOTHING_CHANGED, error_state
from flows.settings import load_settings
from flows.sitemap_walk import Span
from parsers.dates import VIETNAM
from parsers.errors import KhotinError, UserError
from storage.tags import read_moment


@flow(name="backfill", flow_run_name=run_name, persist_result=False)
async def backfill(
    source: str, since: date, until: date | None = None, every: int | None = None
) -> State[Any]:
    """Fetch what a source published before, from its sitemaps, the newest day first.

    Args:
        source: The source, by the name of its file.
        since: The first day of publication that is wanted.
        until: The last day that is wanted. None: today.
        every: Make a version of so many articles. None: one of each day.
    """
    log = get_run_logger()
    try:
        span = _span(since, until)
        if every is not None and every < 1:
            raise UserError("every must be 1 or more", hint="leave it empty for a version of each day")
        settings = load_settings()
        (chosen,) = chosen_sources(configured_sources(settings), [source])
        with await asyncio.to_thread(open_configured_store, settings) as store:
            sample = settings.sample_address is not None
            await asyncio.to_thread(claim_store, store, settings, sample=sample)
            environment = configured_environment(settings, store, [chosen])
            report: BackfillReport = await task_of("walk")(
                f"walk {source}", lambda: walk_back(chosen, environment, span, every=every)
            )
    except KhotinError as error:
        log.error("%s", error)
        return error_state(error)
    for line in (*report.problems, *report.notes):
        log.info("%s: %s", source, line)
    return backfill_state(report)


def _span(since: date, until: date | None) -> Span:
    last = until or SystemClock().now().astimezone(VIETNAM).date()
    if since > last:
        raise UserError(f"since {since} is after until {last}", reason="bad-date", hint="swap them")
    return Span(since, last)


def backfill_state(report: BackfillReport) -> State[Any]:
    """How a backfill ends: failed if nothing answered, `InPart` if it has to go on another day."""
    versions = [result.version.id for result in report.results if result.version is not None]
    if not report.answered and report.problems:
        return Failed(message=f"nothing answered: {report.problems[0]}")
    told = f"{len(versions)} versions, {report.counts().stored} new articles"
    if report.stopped is not None:
        where = f"; go on with until {report.next_until}" if report.next_until else ""
        return Completed(name=IN_PART, message=f"{told}; stopped ({report.stopped}){where}")
    return Completed(message=told) if versions else Completed(name=NO_NEW_ARTICLES, message="nothing new")


@flow(name="reparse", flow_run_name=run_name, persist_result=False)
async def reparse(source: str | None = None, since: date | None = None, dry_run: bool = True) -> State[Any]:
    """Read the archived pages again with today's parsers; nothing is fetched.

    Args:
        source: Only documents of this source. None: of all.
        since: Only pages that were fetched on this day or later. None: all.
        dry_run: Write nothing, only tell what would change.
    """
    log = get_run_logger()
    try:
        settings = load_settings()
        by_name = {item.name: item for item in configured_sources(settings)}
        moment = read_moment(since.isoformat()) if since is not None else None
        with await asyncio.to_thread(open_configured_store, settings, create=False) as store:
            report = await task_of("reparse")(
                "reparse",
                lambda: asyncio.to_thread(
                    read_again,
                    store,
                    by_name,
                    clock=SystemClock(),
                    rng=random.Random(),
                    only_source=source,
                    since=moment,
                    dry_run=dry_run,
                ),
            )
    except KhotinError as error:
        log.error("%s", error)
        return error_state(error)
    for name, count in report.fields().items():
        log.info("%s changed in %d documents", name, count)
    told = (
        f"{report.looked_at} documents: {len(report.changes)} changed, {report.unchanged} unchanged, "
        f"{len(report.not_reparsed)} not reparsed"
    )
    if dry_run:
        return Completed(name=DRY_RUN, message=told)
    if report.result is None or report.result.version is None:
        return Completed(name=NOTHING_CHANGED, message=told)
    return Completed(message=f"version {report.result.version.id}; {told}")
